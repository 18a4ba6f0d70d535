"""Drift: sessions that a published bundle has not seen, held to what it promises."""

from __future__ import annotations

import json
import shutil
from typing import Any

from pipelines import drift
from pipelines.home import read_json
from tests.pipelines.conftest import SESSIONS, Night, Site


def otherwise(line: str) -> str:
    """The same session under another name, in which every call asks for something else."""
    session: dict[str, Any] = json.loads(line)
    session["id"] = "other-" + session["id"]
    for message in session["messages"]:
        for call in message.get("tool_calls", ()):
            arguments = json.loads(call["function"]["arguments"])
            changed = {name: f"another {value}" for name, value in arguments.items()}
            call["function"]["arguments"] = json.dumps(changed)
    return json.dumps(session)


def test_sessions_of_the_same_kind_keep_the_promise(site: Site, run_pipeline: Night) -> None:
    """New sessions are counted pattern by pattern, the ones that trained are not looked at."""
    site.arrive()
    code, found, _ = run_pipeline(drift.main, "--settings", site.settings)
    assert (code, found["status"], found["sessions"]) == (0, "kept", 10)
    assert found["predicted"] == sum(row["predicted"] for row in found["patterns"]) > 0
    assert found["asked"] <= found["predicted"]
    assert read_json(site.home / "drift.json") == found


def test_changed_habits_break_the_promise(site: Site, run_pipeline: Night) -> None:
    """Where the arguments are never what was foreseen, the alarm is raised, with the patterns that failed."""
    (site.logs / "other.jsonl").write_text("\n".join(otherwise(line) for line in SESSIONS) + "\n", encoding="utf-8")
    code, found, said = run_pipeline(drift.main, "--settings", site.settings)
    assert (code, found["status"], found["exit_code"]) == (3, "drifted", 3)
    assert "the promise is broken at decision" in said
    assert min(row["precision"] for row in found["patterns"]) == 0
    assert site.current() == "runs/000001\n"


def test_nothing_new_is_nothing_to_judge(site: Site, run_pipeline: Night) -> None:
    """Without a new session there is no verdict, and no working folder stays behind."""
    code, found, _ = run_pipeline(drift.main, "--settings", site.settings)
    assert (code, found["status"], found["decisions"]) == (0, "nothing_new", 0)
    assert not (site.home / "drift").exists()


def test_nothing_published_is_said(site: Site, run_pipeline: Night) -> None:
    """A home without a published run fails with what to do first."""
    shutil.rmtree(site.home)
    code, found, _ = run_pipeline(drift.main, "--settings", site.settings)
    assert (code, found["reasons"]) == (1, ["nothing is published yet"])
