"""A deletion request, end to end: the run without a session is the run that never had it, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner.cli import main
from miner.store.database import Store
from miner.store.forgetting import forget, mark_of
from miner.store.verification import checked

LINES = (
    (Path(__file__).parents[1] / "data" / "sample" / "messages" / "service-desk.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
)[:24]
MADE = ("patterns.json", "bundle.json", "bundle.txt")


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout may be edited while tests run."""
    monkeypatch.setattr("miner.journey.steps.code_version", lambda: "pinned")
    monkeypatch.setattr("miner.mining.counts_schema.version_of", lambda folds: f"pinned {folds}")


def logs(folder: Path, lines: list[str]) -> Path:
    """A folder with a file for each session."""
    folder.mkdir()
    for line in lines:
        (folder / f"{LINES.index(line):03d}.jsonl").write_text(line + "\n", encoding="utf-8")
    return folder


def keys(run: Path) -> list[str]:
    """The sessions of a run."""
    with Store.open(run / "events.duckdb", read_only=True) as store:
        return [session.key for session in store.sessions()]


def test_a_run_that_forgot_is_the_run_that_never_knew(tmp_path: Path) -> None:
    """Patterns and bundle equal those of reading the other logs only; no file of the run holds the session."""
    settings = tmp_path / "settings.toml"
    settings.write_text("[evaluation]\nresamples = 0\n")
    run, other = tmp_path / "run", tmp_path / "other"
    words = ["--settings", str(settings)]
    assert main(["run", str(logs(tmp_path / "all", LINES)), "--out", str(run), *words]) == 0
    with Store.open(run / "events.duckdb", read_only=True) as store:
        [(gone,)] = store.query("select key from sessions where path like '%005.jsonl'")
    assert main(["forget", str(run), gone, "--json"]) == 0
    assert main(["run", str(logs(tmp_path / "rest", [*LINES[:5], *LINES[6:]])), "--out", str(other), *words]) == 0
    assert [(run / name).read_bytes() == (other / name).read_bytes() for name in MADE] == [True] * len(MADE)
    assert [file.name for file in run.iterdir() if gone.encode() in file.read_bytes()] == []
    assert json.loads((run / "run.json").read_text())["forgotten"] == [mark_of(gone)]
    # The log is still there, and has grown: what was forgotten stays out.
    (tmp_path / "all" / "005.jsonl").write_text(LINES[5] + "\n\n", encoding="utf-8")
    assert main(["run", str(tmp_path / "all"), "--out", str(run), *words]) == 0
    assert gone not in keys(run)
    assert (run / "bundle.json").read_bytes() == (other / "bundle.json").read_bytes()


def test_a_store_that_forgot_is_sound(tmp_path: Path) -> None:
    """Digests and counts of the sources fit what is left, and the bytes of the session are not in the file."""
    path = tmp_path / "events.duckdb"
    with Store.open(path) as store:
        store.ingest([logs(tmp_path / "logs", LINES[:6])])
        gone = store.sessions()[2].key
        events = len(next(log for log in store.session_logs() if log.session.key == gone).events)
    told = forget(path, [gone, "nobody"])
    assert (told.sessions, told.events, told.linked) == (1, events, ())
    assert gone.encode() not in path.read_bytes()
    with Store.open(path) as store:
        assert checked(store.connection, everything=True).damaged == []
        assert store.query("select sum(sessions), sum(events) from sources") == [
            (5, sum(len(log.events) for log in store.session_logs()))
        ]
        assert store.ingest([tmp_path / "logs"]).events_added == 0
    assert forget(path, [gone]).sessions == 0


def test_forgetting_what_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that the run does not know ends with 2 and changes nothing."""
    run = tmp_path / "run"
    run.mkdir()
    with Store.open(run / "events.duckdb") as store:
        store.ingest([logs(tmp_path / "logs", LINES[:3])])
    before = (run / "events.duckdb").read_bytes()
    assert main(["forget", str(run), "nobody"]) == 2
    assert "no session 'nobody'" in capsys.readouterr().err
    assert (run / "events.duckdb").read_bytes() == before
