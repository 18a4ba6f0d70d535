"""ATIF in every version and back: continuations, sub-agents, copies, trials, and a round trip of every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.cli import main
from miner.events import Event, EventKind, SessionLog, Status, TimeSource
from miner.readers import load_reader, reader_names, recognise, session_key
from miner.readers.atif_writer import SCHEMA, children_of, trajectory_of
from tests.readers.reading import Read, document, read

KEPT = ("tool", "text", "status", "start_us", "end_us", "time_source", "exit_code", "native_error", "caller", "result")
CALL = {"tool_call_id": "c", "function_name": "go", "arguments": {"x": 1}}


def agent(number: int = 2, **about: Any) -> dict[str, Any]:
    """A step of the agent."""
    return {"step_id": number, "source": "agent", "message": "", "timestamp": "2026-05-01T10:00:03Z", **about}


def trajectory(*steps: dict[str, Any], version: str = "1.8", **about: Any) -> dict[str, Any]:
    """A trajectory."""
    return {
        "schema_version": f"ATIF-v{version}",
        "session_id": "s",
        "agent": {"name": "a", "version": "1"},
        "steps": [{"step_id": 1, "source": "user", "message": "hi"}, *steps],
        **about,
    }


def results(*found: dict[str, Any]) -> dict[str, Any]:
    """An observation."""
    return {"results": list(found)}


@pytest.mark.parametrize("minor", range(9))
def test_every_version_is_read(tmp_path: Path, minor: int) -> None:
    """Versions differ in fields that may be there; the calls are the same. No version says how a call ended."""
    step = agent(tool_calls=[CALL], observation=results({"source_call_id": "c", "content": "ok"}))
    path = document(tmp_path, trajectory(step, version=f"1.{minor}"))
    assert recognise(path) == "atif"
    [call] = read("atif", path).calls
    assert (call.tool, call.text, call.status, call.time_source) == ("go", "ok", Status.UNKNOWN, TimeSource.NONE)


def test_an_observation_without_call_is_the_harness(tmp_path: Path) -> None:
    """A result that no tool made is a message of the harness; so is a step of the system."""
    step = agent(observation=results({"source_call_id": None, "content": "Try again."}))
    system = {"step_id": 3, "source": "system", "message": "Note."}
    found = read("atif", document(tmp_path, trajectory(step, system)))
    assert found.kinds == ["user_message", "model_step", "harness_message", "harness_message"]


def test_a_continuation_goes_on_without_its_copies(tmp_path: Path) -> None:
    """Copied context is not told again; both files are one session, in order."""
    first = document(tmp_path, trajectory(agent(tool_calls=[CALL])), "trajectory.json")
    copied = agent(2, tool_calls=[CALL], is_copied_context=True)
    value = trajectory(copied, agent(3, message="on"))
    value["steps"][0]["is_copied_context"] = True
    second = document(tmp_path, value, "trajectory.cont-1.json")
    assert load_reader("atif").groups([second, first]) == [(first, second)]  # type: ignore[attr-defined]
    found = read("atif", first, second)
    assert found.kinds == ["user_message", "model_step", "tool_call", "model_step"]
    assert found.session.native_id == "s"


def test_sub_agents_embedded_or_beside_are_linked(tmp_path: Path) -> None:
    """A result names the trajectory that its call started, whether embedded or in a file of its own."""
    reference = {"trajectory_id": "kid"}
    told = results({"source_call_id": "c", "content": "ok", "subagent_trajectory_ref": [reference]})
    child = trajectory(agent(message="x"), trajectory_id="kid")
    embedded = trajectory(agent(tool_calls=[CALL], observation=told), subagent_trajectories=[child])
    for found in (
        read("atif", document(tmp_path, embedded, "e.json")),
        read(
            "atif",
            document(tmp_path, trajectory(agent(tool_calls=[CALL], observation=told)), "t.json"),
            document(tmp_path, child, "u.json"),
        ),
    ):
        kid = found.sessions[session_key("atif", "kid")]
        assert (kid.relation, kid.parent, kid.spawned_by) == ("subagent", session_key("atif", "s"), "c")


def test_a_trials_result_gives_task_and_reward(tmp_path: Path) -> None:
    """The trial's result lies beside the agent's folder."""
    folder = tmp_path / "trial" / "agent"
    folder.mkdir(parents=True)
    outcome = {"task_name": "fix-17", "verifier_result": {"rewards": {"reward": 1}}}
    document(folder.parent, {**outcome, "exception_info": {"exception_type": "AgentTimeout"}}, "result.json")
    session = read("atif", document(folder, trajectory(agent()), "trajectory.json")).session
    assert (session.task, session.reward, session.outcome) == ("fix-17", 1.0, "AgentTimeout")


def essence(events: list[Event]) -> list[tuple[object, ...]]:
    """What a round trip keeps of each call."""
    return [
        (json.loads(e.arguments or ""), *(getattr(e, name) for name in KEPT))
        for e in events
        if e.kind is EventKind.TOOL_CALL
    ]


def logs_of(found: Read) -> list[SessionLog]:
    """Each session with its events."""
    return [
        SessionLog(session, tuple(sorted((e for e in found.events if e.session == key), key=lambda e: e.seq)))
        for key, session in found.sessions.items()
    ]


@pytest.mark.parametrize("name", reader_names())
def test_every_format_survives_a_round_trip(tmp_path: Path, name: str) -> None:
    """Written as ATIF and read again, calls keep tool, arguments, result, status, times and exit code."""
    reader = load_reader(name)
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(reader.EXAMPLE)
    before = read(name, path)
    children = children_of((s.key, s.parent, s.spawned_by) for s in before.sessions.values())
    out = tmp_path / "out"
    out.mkdir()
    for log in logs_of(before):
        off_path = {e.seq for e in log.events} & set(log.session.off_path)
        others = {e.seq for e in log.events if e.caller is not None and e.caller not in ("model", "program")}
        kept = [e for e in log.events if e.seq not in off_path | others]
        value = trajectory_of(log, children.get(log.session.key))
        back = read("atif", document(out, value, f"{log.session.key}.json"))
        assert essence(back.events) == essence(kept)
        assert [s["step_id"] for s in value["steps"]] == list(range(1, len(value["steps"]) + 1))
        assert back.session.model == log.session.model


def test_the_command_writes_a_store_and_its_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each session becomes a file that the reader takes back; a spawning call names its child's file."""
    from miner.store import Store

    claude = load_reader("claude_code")
    log = tmp_path / claude.EXAMPLE_NAME
    log.write_bytes(claude.EXAMPLE)
    with Store.open(tmp_path / "events.duckdb") as store:
        store.ingest([log])
        sessions = store.sessions()
    out = tmp_path / "out"
    assert main(["export-atif", str(tmp_path / "events.duckdb"), "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["sessions"], said["calls"]) == (len(sessions), len(claude.EXAMPLE_CALLS))
    files = sorted(out.iterdir())
    assert {recognise(file) for file in files} == {"atif"}
    assert all(json.loads(file.read_bytes())["schema_version"] == SCHEMA for file in files)
    assert main(["export-atif", str(tmp_path), "--out", str(out), "--reader", "nobody"]) == 1
