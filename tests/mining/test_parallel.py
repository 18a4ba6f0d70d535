"""Mining in parts: wherever a run of sessions is cut, and whoever works on which, the bytes are the same."""

from __future__ import annotations

import itertools
import pickle
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest

from miner.engines import Kernel, Logs, in_any_order, load_engine
from miner.engines.duckdb import EVENTS_GIVEN, portions
from miner.events import SessionLog
from miner.export.pattern_file import pattern_bytes
from miner.mining.choice import Choices
from miner.mining.mine import Recipe, mine
from miner.store.database import Store
from miner.store.stored import StoredLogs
from tests.mining import sessions
from tests.mining.sessions import RECIPE, again

Part = TypeVar("Part")
LOGS = [
    script(number)
    for number in range(8)
    for script in (sessions.order_desk, sessions.row_of_two, sessions.file_search, sessions.optional_argument)
]
SAMPLE = Path(__file__).parents[2] / "data" / "sample"


class Cut:
    """An engine that cuts the sessions at random places, and passes everything through the pipe that is none."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def parts(self, kernel: Kernel[Part], logs: Logs) -> Iterator[Part]:
        """A part for each stretch between two cuts, some of them empty."""
        held = list(logs())
        cuts = sorted(self._random.choices(range(len(held) + 1), k=self._random.randint(0, 9)))
        for start, end in itertools.pairwise([0, *cuts, len(held)]):
            yield self._piped(kernel)(self._piped(held[start:end]))

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Each result."""
        return (self._piped(self._piped(function)(item)) for item in items)

    def _piped(self, value: Any) -> Any:
        return pickle.loads(pickle.dumps(value))


def test_random_cuts_change_no_byte() -> None:
    """Four random ways to cut the sessions, empty stretches among them, give the patterns of no cut at all."""
    whole = pattern_bytes(mine(again(*LOGS), RECIPE, engine=Cut(-1)))
    found = {pattern_bytes(mine(again(*LOGS), RECIPE, engine=Cut(seed))) for seed in range(4)}
    assert found == {whole}
    assert whole == pattern_bytes(mine(again(*LOGS), replace(RECIPE, workers=1)))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds some of the sample sessions."""
    path = tmp_path_factory.mktemp("parallel") / "events.duckdb"
    with Store.open(path) as store:
        store.ingest([SAMPLE / "claude_code"])
    return path


def test_the_number_of_processes_changes_no_byte(stored: Path) -> None:
    """One, two and three processes that read a store themselves mine the same patterns."""
    found = set()
    with Store.open(stored, read_only=True) as store:
        for workers in (1, 2, 3):
            recipe = Recipe(hole_priors=(1.0,), tool_priors=(2.0,), call_priors=(0.7,), workers=workers)
            found.add(pattern_bytes(mine(StoredLogs(store), recipe)))
        assert len(StoredLogs(store).shards(16)) > 1
    assert len(found) == 1


def test_sessions_that_only_this_process_can_read_are_handed_over(stored: Path) -> None:
    """A store that is open for writing is mined with several processes all the same, to the same bytes."""
    found = set()
    for read_only in (True, False):
        with Store.open(stored, read_only=read_only) as store:
            recipe = Recipe(hole_priors=(1.0,), tool_priors=(2.0,), call_priors=(0.7,), workers=2)
            found.add(pattern_bytes(mine(StoredLogs(store), recipe)))
            assert bool(StoredLogs(store).shards(16)) is read_only
    assert len(found) == 1


def test_shards_are_consecutive_and_complete(stored: Path) -> None:
    """Read one after the other, shards are the sessions in their order; keys that are left out stay out."""
    with Store.open(stored, read_only=True) as store:
        every = StoredLogs(store)
        keys = [log.session.key for log in every()]
        some = every.only(frozenset(keys[::2]))
        assert [log for shard in every.shards(7) for log in shard()] == list(every()) == list(store.session_logs())
        assert [log.session.key for shard in some.shards(7) for log in shard()] == keys[::2]
        assert 1 < len(every.shards(3)) <= 4


def test_sessions_as_they_lie_are_the_same_sessions(stored: Path) -> None:
    """Source by source, chosen ones too; their shards follow that order, and what is chosen from them keeps it."""
    with Store.open(stored, read_only=True) as store:
        every = StoredLogs(store)
        by_key = {log.session.key: log for log in every()}
        lying = store.query("select key from sessions order by source, key")
        keys = [key for (key,) in lying]
        assert [log for shard in every.as_they_lie().shards(7) for log in shard()] == [by_key[key] for key in keys]
        few = frozenset(keys[1::3])
        expected = [by_key[key] for key in keys if key in few]
        assert list(in_any_order(every.only(few))()) == list(every.as_they_lie().only(few)()) == expected


def test_portions_hold_all_sessions_in_order() -> None:
    """What is handed over comes in portions of bounded size; no session at all is one empty portion."""
    many: list[SessionLog] = LOGS * 40
    found = [list(portion()) for portion in portions(iter(many))]
    assert [log for portion in found for log in portion] == many
    assert len(found) > 1
    assert all(sum(len(log.events) for log in portion[:-1]) < EVENTS_GIVEN for portion in found)
    assert [list(portion()) for portion in portions(iter([]))] == [[]]


def test_one_process_alone_works_in_portions_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a second process no kernel is given all sessions at once: what it makes of them is held in memory."""
    monkeypatch.setattr("miner.engines.duckdb.EVENTS_HERE", 10)
    with load_engine(workers=1) as engine:
        parts = list(engine.parts(list[SessionLog], lambda: iter(LOGS)))
    assert len(parts) > 1
    assert [log for part in parts for log in part] == LOGS


def test_choices_put_together_are_choices_made_in_one_go() -> None:
    """Situations gathered apart and joined have the features, their numbers and the fit of those gathered at once."""
    situations = [([["a", f"b{n % 3}"], ["c"], []], (n % 2,), n % 3) for n in range(12)]
    whole, first, second = Choices(), Choices(), Choices()
    for place, (options, chosen, fold) in enumerate(situations):
        whole.add(options, chosen, fold)
        (first if place < 5 else second).add(options, chosen, fold)
    joined = Choices()
    for part in (Choices(), first, Choices(), second):
        joined.extend(part)
    assert list(joined.features) == list(whole.features)
    assert joined.fit(1.0, 1) == whole.fit(1.0, 1)
    assert pickle.dumps(joined.__dict__) == pickle.dumps(whole.__dict__)
