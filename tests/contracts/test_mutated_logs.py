"""Mutated logs and containers: a few hundred of each format always, a million of each in a long campaign."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from miner.events import Event, Session
from miner.readers import load_reader, reader_names
from miner.readers.source import Source
from tests.readers.campaign import WHOLE, Campaign, campaigns, go_on
from tests.readers.carriers import carrier_of
from tests.readers.memory import memory
from tests.readers.mutations import Mutator
from tests.readers.progress import Progress

MUTATIONS = 200
CONTAINERS = [name for name in campaigns() if "." in name]
ROOT = Path(__file__).resolve().parents[2]


def kept_in() -> list[str]:
    """Every container of its own kind; of the two compressions one for each format, the other in long campaigns."""
    plain = [name for name in CONTAINERS if name.endswith((".gz", ".zst"))]
    return [*plain[::4], *plain[3::4], *(name for name in CONTAINERS if name not in plain)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory, where there is one; pytest's own lies elsewhere, and outlives it."""
    tmp_path_factory.getbasetemp()
    with memory() as path:
        yield path


@pytest.mark.parametrize("name", reader_names())
def test_mutations_of_the_example_are_borne(name: str, folder: Path) -> None:
    """No exception, no hang, every byte accounted for, rows that can be stored, and no loss that is not told."""
    campaign = Campaign(name, folder)
    assert len(campaign.marks) >= 2, "without marks no loss would be found"
    assert [str(finding) for finding in campaign.run(range(MUTATIONS))] == []


@pytest.mark.parametrize("name", kept_in())
def test_damage_to_what_a_log_is_kept_in_is_borne(name: str, folder: Path) -> None:
    """Bits, cuts, swapped blocks and members, wrong sizes: the same, and a container that lost something is told."""
    campaign = Campaign(name, folder)
    assert len(campaign.marks) >= 2, "without marks no loss would be found"
    # A process is begun for each DuckDB file.
    number = MUTATIONS // 10 if name.endswith(".duckdb") else MUTATIONS
    assert [str(finding) for finding in campaign.run(range(number))] == []


def test_a_seed_damages_a_log_in_one_way(folder: Path) -> None:
    """What a finding names can be made again."""
    first, second = Campaign("atif", folder), Campaign("atif", folder)
    assert [first.mutated(seed) for seed in range(50)] == [second.mutated(seed) for seed in range(50)]
    assert len({first.mutated(seed).data for seed in range(50)}) > 40


@pytest.mark.parametrize("name", ["claude_code", "goose", "react"])
def test_a_damaged_log_shares_with_the_whole_one_and_leaves_it(name: str) -> None:
    """What is written from memory is what JSON would be, and no damage is left for the next seed."""
    carrier = carrier_of(load_reader(name).EXAMPLE)
    tree = carrier.tree(load_reader(name).EXAMPLE)
    before, mutator = json.dumps(tree), Mutator(carrier, tree)
    fast = [mutator.mutated(mutator.drawn(str(seed))).data for seed in range(200)]
    mutator.written = json.dumps
    assert [mutator.mutated(mutator.drawn(str(seed))).data for seed in range(200)] == fast
    assert json.dumps(tree) == before


@pytest.mark.parametrize("fault", ["raises", "forgets", "miscounts"])
def test_a_reader_that_does_wrong_is_found(fault: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that raises on damage, that drops a message of unknown role, or that loses count of bytes."""
    campaign, reader = Campaign("autogen", folder), load_reader("autogen")
    read = reader.read

    def wrong(source: Source) -> Iterator[Session | Event]:
        found = list(read(source))
        damaged = bool(source.problems) or bool(source.account.unknown)
        if fault == "raises" and damaged:
            raise KeyError("role")
        if fault == "forgets":
            source.account.unknown = 0
        if fault == "miscounts" and damaged:
            source.account.accepted -= 1
        yield from found

    monkeypatch.setattr(reader, "read", wrong)
    found = {finding.how for finding in campaign.run(range(MUTATIONS))}
    sign = {"raises": "KeyError at", "forgets": "lost in silence", "miscounts": "AssertionError at"}[fault]
    assert any(sign in how for how in found)


def test_a_campaign_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The kept count is the next seed; nothing is read twice."""
    kept = tmp_path / "kept.json"
    go_on(Progress(kept), ["react"], whole=30, stride=20)
    assert Progress(kept).done == {"react": 30}
    go_on(Progress(kept), ["react", "atif"], whole=40, stride=20)
    assert Progress(kept).done == {"atif": 40, "react": 40}
    assert Progress(kept).found == []


@pytest.mark.soak
@pytest.mark.skipif("SOAK" not in os.environ, reason="a long campaign: set SOAK=1")
def test_a_million_mutations_of_each_format_are_borne() -> None:
    """The same over a million each, going on from what earlier runs did (data/runs/mutations.json)."""
    progress = Progress(ROOT / "data" / "runs" / "mutations.json")
    go_on(progress, campaigns(), whole=WHOLE)
    assert progress.found == []
