"""Deletion requests on a schedule: what is forgotten is in no run any more, and no later night brings it back."""

from __future__ import annotations

import json

from miner.store.database import Store
from pipelines import forget, nightly
from tests.pipelines.conftest import FIRST, SESSIONS, Night, Site


def test_a_forgotten_session_leaves_every_run_for_good(site: Site, run_pipeline: Night) -> None:
    """The new run is published without it, older runs go, and a night that reads its log again passes it over."""
    with Store.open(site.home / "runs" / "000001" / "events.duckdb", read_only=True) as store:
        key = store.sessions()[3].key
    code, summary, _ = run_pipeline(forget.main, "--settings", site.settings, key)
    assert (code, summary["status"], summary["current"]) == (0, "published", "000002")
    assert summary["retired"] == ["000001"]
    assert [run.name for run in (site.home / "runs").iterdir()] == ["000002"]
    held = b"".join(file.read_bytes() for file in (site.home / "runs" / "000002").glob("*.*") if file.suffix != ".lock")
    assert key.encode() in (site.home / "runs" / "000002" / "request.json").read_bytes()
    assert held.count(key.encode()) == 1
    (site.logs / "first.jsonl").write_text("\n".join(SESSIONS[: FIRST + 2]) + "\n", encoding="utf-8")
    code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    with Store.open(site.home / "runs" / summary["current"] / "events.duckdb", read_only=True) as store:
        keys = [session.key for session in store.sessions()]
    assert (code, len(keys), key in keys) == (0, FIRST + 1, False)


def test_an_unknown_session_is_refused(site: Site, run_pipeline: Night) -> None:
    """Nothing is published or deleted for a key that no run knows."""
    code, summary, _ = run_pipeline(forget.main, "--settings", site.settings, "nobody")
    assert (code, summary["status"]) == (1, "failed")
    assert "no session" in json.dumps(summary["reasons"])
    assert site.current() == "runs/000001\n"


def test_nothing_can_be_forgotten_before_the_first_night(site: Site, run_pipeline: Night) -> None:
    """A home without runs says so."""
    for run in (site.home / "runs").iterdir():
        for file in run.iterdir():
            file.unlink()
        run.rmdir()
    code, summary, _ = run_pipeline(forget.main, "--settings", site.settings, "anybody")
    assert (code, summary["status"]) == (1, "failed")
