"""Copilot CLI events: parallel calls, permission waits, sub-agents, compaction, rewinds, outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from miner.events import EventKind, Status, TimeSource
from miner.readers import session_key
from tests.readers.reading import Read, arguments, lines, read

MS = 1_777_629_600_000


def event(kind: str, second: float = 0, identity: str = "e", agent: str | None = None, **data: Any) -> dict[str, Any]:
    """An event in its envelope."""
    stamp = f"2026-05-01T10:00:{second:06.3f}Z"
    found = {"id": identity, "parentId": None, "timestamp": stamp, "type": kind, "data": data}
    return {**found, "agentId": agent} if agent else found


START = event("session.start", identity="e0", sessionId="s1", selectedModel="m", context={"cwd": "/w/shop"})


def asked(*identities: str, second: float = 1, message: str = "m1") -> dict[str, Any]:
    """A message of the model that asks for calls."""
    requests = [{"toolCallId": i, "name": "bash", "arguments": {"n": i}} for i in identities]
    return event("assistant.message", second, messageId=message, content="", toolRequests=requests)


def ended(identity: str, second: float = 3, **about: Any) -> dict[str, Any]:
    """The end of a call."""
    data = {"toolCallId": identity, "success": True, "result": {"content": "ok"}, **about}
    return event("tool.execution_complete", second, **data)


def log(folder: Path, *values: dict[str, Any]) -> Read:
    """A journal, read."""
    return read("copilot", lines(folder, [START, *values], "events.jsonl"))


def test_an_event_of_unknown_type_that_says_something_is_told(tmp_path: Path) -> None:
    """Types of known families hold nothing for us, unless they have what only a message or a result has."""
    quiet = event("tool.execution_progress", 2, toolCallId="t1", progressMessage="half")
    odd = [{**ended("t1"), "type": "tool.execution_ended"}, {**asked("t2"), "type": "assistant.letter"}]
    found = log(tmp_path, asked("t1"), quiet, *odd)
    assert (len(found.calls), found.source.account.unknown) == (1, 2)


def test_start_and_end_are_the_tools_own_and_the_wait_is_told_apart(tmp_path: Path) -> None:
    """A call is timed by its own events, and the time until a person allowed it stands beside that."""
    values = [
        asked("t1"),
        event("tool.execution_start", 1.5, toolCallId="t1", toolName="bash", arguments={}),
        event("permission.requested", 1.6, requestId="p", permissionRequest={"toolCallId": "t1"}),
        event("permission.completed", 2.6, requestId="p", result={"kind": "approved"}),
        ended("t1", 3),
    ]
    [call] = log(tmp_path, *values).calls
    assert (call.start_us, call.end_us) == ((MS + 1500) * 1000, (MS + 3000) * 1000)
    assert (call.time_source, call.wait_us) == (TimeSource.NATIVE, 1_000_000)


@pytest.mark.parametrize(
    ("about", "status", "code"),
    [
        ({"shellExecution": {"exitCode": 2}}, Status.OK, 2),
        ({"success": False, "error": {"message": "x", "code": "failure"}}, Status.ERROR, None),
        ({"success": False, "error": {"message": "x", "code": "denied"}}, Status.DENIED, None),
        ({"success": False, "error": {"message": "x", "code": "timeout"}}, Status.TIMEOUT, None),
        ({"success": False, "error": "exit 1", "result": None}, Status.ERROR, None),
        ({"success": None}, Status.UNKNOWN, None),
    ],
)
def test_outcomes(tmp_path: Path, about: dict[str, Any], status: Status, code: int | None) -> None:
    """Success says how a call ended, the error's code how it failed, and the exit code stands apart."""
    [call] = log(tmp_path, asked("t1"), ended("t1", **about)).calls
    assert (call.status, call.exit_code) == (status, code)


def test_a_refused_permission_is_a_denial(tmp_path: Path) -> None:
    """The decision says why the call failed."""
    decision = event("permission.completed", requestId="p", toolCallId="t1", result={"kind": "denied-by-rules"})
    [call] = log(tmp_path, asked("t1"), decision, ended("t1", success=False)).calls
    assert call.status is Status.DENIED


def test_arguments_may_be_text_and_requests_may_be_missing(tmp_path: Path) -> None:
    """JSON text is decoded; a call that no message asked for is made where it starts."""
    values = [event("assistant.message", 1, messageId="m", content="x", toolRequests=[])]
    values += [event("tool.execution_start", 2, toolCallId="t", toolName="view", arguments='{"path":"/a"}'), ended("t")]
    [call] = log(tmp_path, *values).calls
    assert (call.tool, arguments(call), call.status) == ("view", {"path": "/a"}, Status.OK)


def test_sub_agents_are_sessions_of_their_own(tmp_path: Path) -> None:
    """Events that name an agent or a parent call belong to the agent that the call started."""
    values = [
        asked("t1"),
        event("subagent.started", 1.1, toolCallId="t1", agentName="explore"),
        event("assistant.message", 1.2, messageId="k1", content="", agent="a1", parentToolCallId="t1", toolRequests=[
            {"toolCallId": "t2", "name": "view", "arguments": {}},
        ]),
        event("tool.execution_complete", 1.4, agent="a1", toolCallId="t2", success=True, result={"content": "x"}),
        ended("t1"),
    ]  # fmt: skip
    found = log(tmp_path, *values)
    root, kid = session_key("copilot", "s1"), session_key("copilot", "s1", "t1")
    assert {call.tool: call.session for call in found.calls} == {"bash": root, "view": kid}
    session = found.sessions[kid]
    assert (session.relation, session.parent, session.spawned_by, session.agent) == ("subagent", root, "t1", "explore")


def test_compaction_and_truncation_are_compactions(tmp_path: Path) -> None:
    """A compaction that failed is none."""
    values = [
        asked(),
        event("session.compaction_complete", 2, success=True, summaryContent="Summary."),
        event("session.compaction_complete", 3, success=False),
        event("session.truncation", 4, messagesRemovedDuringTruncation=3),
    ]
    assert log(tmp_path, *values).kinds == ["model_step", "compaction", "harness_message", "compaction"]


def test_a_rewind_takes_what_came_after_off_the_path(tmp_path: Path) -> None:
    """The event that was gone back to stays."""
    values = [
        event("user.message", 1, "e1", content="one"),
        event("user.message", 2, "e2", content="two"),
        event("session.snapshot_rewind", 3, "e3", upToEventId="e1"),
        event("user.message", 4, "e4", content="three"),
    ]
    found = log(tmp_path, *values)
    assert [found.events[seq].text for seq in found.session.off_path] == ["two"]


def test_known_types_that_say_nothing_are_not_unknown(tmp_path: Path) -> None:
    """Hooks, usage and progress are passed over without being counted as new."""
    values = [event("hook.start"), event("assistant.usage"), event("tool.execution_progress"), event("orbit.reached")]
    found = log(tmp_path, *values, event("user.message", content="hi"))
    assert found.source.account.unknown == 1
    assert found.of(EventKind.USER_MESSAGE)


def test_ids_that_begin_anew_are_told_apart(tmp_path: Path) -> None:
    """Two calls of one id keep their own times and outcomes."""
    values = [
        asked("call_0"),
        event("tool.execution_start", 1, toolCallId="call_0", toolName="bash"),
        ended("call_0", 2),
    ]
    values += [asked("call_0", second=5, message="m2")]
    values += [event("tool.execution_start", 5, toolCallId="call_0", toolName="bash")]
    values += [ended("call_0", 8, success=False, error={"code": "failure", "message": "x"})]
    told = [(c.status, (c.end_us or 0) - (c.start_us or 0)) for c in log(tmp_path, *values).calls]
    assert told == [(Status.OK, 1_000_000), (Status.ERROR, 3_000_000)]
