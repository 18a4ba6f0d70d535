"""Logs drawn from fitted numbers: one seed gives the same bytes, and what is read back resembles what was fitted."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from miner.store import Store

ROOT = Path(__file__).parent.parent
CALLS = 16_000
FAMILIES = {"coding": "claude_code", "service": "messages"}


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    """``data/generate_logs.py``, which is a script."""
    sys.path.insert(0, str(ROOT / "data"))
    import generate_logs

    yield generate_logs
    sys.path.remove(str(ROOT / "data"))


@pytest.fixture(scope="module")
def fitted_again(generator: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The numbers that fitting gives on drawn logs, by family; their sizes are checked on the way."""
    from fitted.fit import profile

    base = tmp_path_factory.mktemp("drawn")
    sessions, size = generator.generate(base / "logs", CALLS, "1")
    with Store.open(base / "events.duckdb") as store:
        report = store.ingest([base / "logs"])
        assert (report.sessions, report.calls, report.bytes, report.problems) == (sessions, CALLS, size, 0)
        assert set(report.by_reader) == set(FAMILIES.values())
        logs = list(store.session_logs())
    return {
        family: profile([log for log in logs if log.session.reader == reader]) for family, reader in FAMILIES.items()
    }


def digest(folder: Path) -> str:
    """One digest over names and bytes of all files."""
    state = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        state.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return state.hexdigest()


def wanted(family: str) -> dict[str, Any]:
    """The committed numbers of a family."""
    found: dict[str, Any] = json.loads((ROOT / "data" / "fitted" / "numbers.json").read_text(encoding="utf-8"))[family]
    return found


def test_the_same_seed_gives_the_same_bytes(generator: ModuleType, tmp_path: Path) -> None:
    """On one process or two; another seed gives other logs."""
    for name, seed, processes in (("one", "1", 1), ("two", "1", 2), ("other", "2", 1)):
        generator.generate(tmp_path / name, 600, seed, processes)
    assert digest(tmp_path / "one") == digest(tmp_path / "two") != digest(tmp_path / "other")


def test_more_calls_keep_the_sessions_that_were_there(generator: ModuleType, tmp_path: Path) -> None:
    """A larger log begins with the smaller one's sessions, so that sizes can be compared; only its last one was cut."""
    for name, calls in (("small", 400), ("large", 800)):
        generator.generate(tmp_path / name, calls, "1")
    small = sorted((tmp_path / "small" / "coding").rglob("*.jsonl"), key=lambda path: path.name)
    assert len(small) > 2
    kept = [(tmp_path / "large" / path.relative_to(tmp_path / "small")).read_bytes() for path in small[:-1]]
    assert [path.read_bytes() for path in small[:-1]] == kept


def test_logs_numbered_from_elsewhere_share_no_session(generator: ModuleType, tmp_path: Path) -> None:
    """Logs that are to be added to others: read together, no session is told twice."""
    for first in (0, 1 << 28):
        generator.generate(tmp_path / str(first), 300, "1", first=first)
    with Store.open(tmp_path / "events.duckdb") as store:
        report = store.ingest([str(tmp_path / "0"), str(tmp_path / str(1 << 28))])
        assert report.calls == 600
        assert not report.problems


@pytest.mark.parametrize("family", FAMILIES)
def test_lengths_of_sessions_are_the_fitted_ones(family: str, fitted_again: dict[str, dict[str, Any]]) -> None:
    """Quartiles of calls in a session lie within a third of the real ones."""
    for place in (5, 10, 15):
        drawn, real = fitted_again[family]["calls"][place], wanted(family)["calls"][place]
        assert drawn == pytest.approx(real, rel=1 / 3, abs=2)


@pytest.mark.parametrize("family", FAMILIES)
def test_calls_are_as_parallel_as_the_fitted_ones(family: str, fitted_again: dict[str, dict[str, Any]]) -> None:
    """The share of steps with one call, and with two, is within three points of the real one."""
    for drawn, real in zip(fitted_again[family]["parallel"][:2], wanted(family)["parallel"], strict=False):
        assert drawn == pytest.approx(real, abs=0.03)


def test_the_commonest_tool_resembles_the_real_one(fitted_again: dict[str, dict[str, Any]]) -> None:
    """What follows it, how often it fails, what comes back, how long it takes and where its argument comes from."""
    drawn, real = fitted_again["coding"]["tools"][0], wanted("coding")["tools"][0]
    assert drawn["next"][0] == pytest.approx(real["next"][0], abs=0.06)
    assert drawn["error"] == pytest.approx(real["error"], abs=0.02)
    for quantity in ("letters", "ms"):
        assert drawn[quantity][10] == pytest.approx(real[quantity][10], rel=0.3)
    for place in (0, 3):  # values that recur over sessions, and values from results
        assert drawn["arguments"][0]["from"][place] == pytest.approx(real["arguments"][0]["from"][place], abs=0.15)


def test_results_hold_as_many_tokens_as_real_ones(fitted_again: dict[str, dict[str, Any]]) -> None:
    """Paths, numbers and codes in a thousand letters: what looking for values costs depends on them."""
    for kind in ("path", "number", "code"):
        drawn, real = fitted_again["coding"]["tokens_per_kb"][kind], wanted("coding")["tokens_per_kb"][kind]
        assert drawn == pytest.approx(real, rel=0.4)


def test_fitted_numbers_hold_no_text() -> None:
    """Of real logs only numbers are kept: no string but the keys of the tables."""

    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for item in value.values():
                yield from strings(item)
        elif isinstance(value, list):
            for item in value:
                yield from strings(item)
        elif isinstance(value, str):
            yield value

    assert list(strings({family: wanted(family) for family in FAMILIES})) == []
