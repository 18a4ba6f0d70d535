"""What an audience may see: secrets stay at home, and others get only what many sessions and projects share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from miner.errors import UsageError
from miner.events import SessionLog
from miner.export.bundle import export_bundle
from miner.mining.mine import mine
from miner.runtime.bundle import load_bundle
from miner.settings import ExportSettings
from tests.evaluation.sessions import session_of

LIST, KEY = ("list", {"folder": "docs"}), "ghp_" + "a1B2c3D4e5F6g7H8i9J0"


def _logs(sessions: int, projects: int) -> list[SessionLog]:
    logs = []
    for n in range(sessions):
        use = ("login", {"key": KEY, "zone": "alpha"})
        step = ("open", {"path": "docs/a.txt", "mode": "text" if n < 19 else "page"})
        logs.append(session_of(f"s{n}", f"please task {n}", [LIST], [use], [step], [], application=f"p{n % projects}"))
    return logs


@pytest.fixture(scope="module")
def many() -> list[SessionLog]:
    """Thirty sessions of six projects."""
    return _logs(30, 6)


def _exported(logs: list[SessionLog], audience: str) -> tuple[bytes, str, dict[str, int]]:
    def again() -> Iterator[SessionLog]:
        return iter(logs)

    settings = ExportSettings(audience="shared" if audience == "shared" else "private")
    found = export_bundle(mine(again), settings, created_from={}, logs=again)
    return found.data, found.twin, found.held_back


def test_private_bundle_keeps_values_but_no_secret(many: list[SessionLog]) -> None:
    """The owner's constants stay, a key does not get into the bundle or its twin, and what was held back is counted."""
    data, twin, held_back = _exported(many, "private")
    assert b"docs/a.txt" in data
    assert b"alpha" in data
    assert KEY.encode() not in data
    assert KEY not in twin
    assert held_back["value: known_key"] == 1


def test_shared_bundle_keeps_what_many_share(many: list[SessionLog]) -> None:
    """A value of twenty sessions in five projects stays; one of eleven does not, and a key never does."""
    data, twin, held_back = _exported(many, "shared")
    assert load_bundle(data).audience == "shared"
    assert b"docs/a.txt" in data
    for text in (KEY, '"=page"', "p0", "p5"):
        assert text.encode() not in data
        assert text not in twin
    assert held_back


def test_shared_bundle_of_few_projects_holds_no_value() -> None:
    """However often a value occurs, one project alone makes nothing shared."""
    data, _, _ = _exported(_logs(30, 1), "shared")
    assert all(text not in data for text in (b"docs/a.txt", b"alpha", b"please", b"login", b"p0"))


def test_shared_export_needs_the_logs(many: list[SessionLog]) -> None:
    """Without logs nobody can tell how many sessions share a value, so nothing is exported."""
    with pytest.raises(UsageError, match="needs the logs"):
        export_bundle(mine(lambda: iter(many)), ExportSettings(audience="shared"), created_from={})
