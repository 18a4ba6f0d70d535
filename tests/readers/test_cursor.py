"""Cursor's stream-json: steps, shapes of calls and results, pieces of text, times; and real output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from miner.events import EventKind, Status, TimeSource
from miner.readers import recognise
from tests.readers.reading import arguments, lines, read, totals
from tests.real_logs import needs_real_logs, real_files

INIT = {"type": "system", "subtype": "init", "cwd": "/w/shop", "session_id": "s", "model": "M", "permissionMode": "x"}


def call(
    identity: str, end: bool = False, result: Any = None, tool: str = "readToolCall", **about: Any
) -> dict[str, Any]:
    """A line that says a call started or completed."""
    body = {"args": {"path": identity}} | ({"result": result or {"success": {"content": "ok"}}} if end else {})
    kind = "completed" if end else "started"
    line = {"type": "tool_call", "subtype": kind, "call_id": identity, "tool_call": {tool: body}, "session_id": "s"}
    return {**line, **about}


def said(text: str, **about: Any) -> dict[str, Any]:
    """A line of the model's text."""
    return {"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}, "session_id": "s", **about}


def test_calls_of_one_model_call_are_one_step(tmp_path: Path) -> None:
    """A stated model call groups its calls even when one of them completes before the next starts."""
    one, two = {"model_call_id": "m1"}, {"model_call_id": "m2"}
    values = [INIT, said("a", **one), call("1", **one), call("1", end=True, **one), call("2", **one), call("3", **two)]
    found = read("cursor", lines(tmp_path, values))
    assert [c.step for c in found.calls] == [0, 0, 1]
    assert [c.status for c in found.calls] == [Status.OK, Status.MISSING, Status.MISSING]


def test_without_model_calls_a_completion_ends_the_step(tmp_path: Path) -> None:
    """Calls that start before any completes were asked for together."""
    values = [INIT, call("1"), call("2"), call("2", end=True), call("1", end=True), said("b"), call("3")]
    assert [c.step for c in read("cursor", lines(tmp_path, values)).calls] == [0, 0, 1]


def test_a_completion_alone_is_a_call(tmp_path: Path) -> None:
    """Some outputs hold no started lines."""
    [found] = read("cursor", lines(tmp_path, [INIT, call("1", end=True)])).calls
    assert (found.tool, found.status, found.text) == ("read", Status.OK, "ok")


@pytest.mark.parametrize(
    ("result", "status", "text", "code"),
    [
        ({"success": {"stdout": "out", "stderr": "err", "exitCode": 0}}, Status.OK, "out\nerr", 0),
        ({"failure": {"stdout": "", "stderr": "bad", "exitCode": 2}}, Status.ERROR, "bad", 2),
        ({"error": {"errorMessage": "no file"}}, Status.ERROR, "no file", None),
        ({"rejected": {"reason": "not now"}}, Status.DENIED, "not now", None),
        ({"timeout": {}}, Status.TIMEOUT, "{}", None),
        ({"success": {"content": [{"text": {"text": "x"}}], "isError": True}}, Status.ERROR, "x", None),
        ("file created", Status.UNKNOWN, "file created", None),
    ],
)
def test_a_result_says_by_its_key_how_it_ended(
    tmp_path: Path, result: Any, status: Status, text: str, code: int | None
) -> None:
    """Success, failure, error and rejection are keys; the text is what the tool wrote."""
    [found] = read("cursor", lines(tmp_path, [INIT, call("1", end=True, result=result)])).calls
    assert (found.status, found.exit_code) == (status, code)
    assert (found.text or "{}") == text


def test_text_that_came_in_pieces_counts_once(tmp_path: Path) -> None:
    """With partial output, the whole text follows its pieces."""
    values = [INIT, said("Hel", timestamp_ms=1777629600000), said("lo", timestamp_ms=1777629600001), said("Hello")]
    found = read("cursor", lines(tmp_path, [*values, said("Only pieces", timestamp_ms=1777629600002)]))
    assert [e.text for e in found.of(EventKind.MODEL_STEP)] == ["Hello\nOnly pieces"]


def test_other_ways_to_name_a_tool(tmp_path: Path) -> None:
    """A plain key, a function with a name and JSON text, and the host's id left out of the arguments."""
    function = {"function": {"name": "grep", "arguments": '{"q":1}'}}
    values = [INIT, call("1", tool="write_file"), call("2") | {"tool_call": function}]
    values.append(call("3") | {"tool_call": {"shellToolCall": {"args": {"command": "ls", "toolCallId": "3"}}}})
    first, second, third = read("cursor", lines(tmp_path, values)).calls
    assert (first.tool, second.tool, third.tool) == ("write_file", "grep", "shell")
    assert (arguments(second), arguments(third)) == ({"q": 1}, {"command": "ls"})


def test_an_output_without_calls_is_recognised(tmp_path: Path) -> None:
    """The first line's permission mode tells it from Claude Code's output."""
    path = lines(tmp_path, [INIT, said("PONG")])
    assert recognise(path) == "cursor"
    assert read("cursor", path).session.application == "shop"


@needs_real_logs("cursor")
def test_real_output_is_read() -> None:
    """Four samples: from the documentation, two live runs, and shapes that a harness met."""
    paths = real_files("cursor", "*.jsonl.gz")
    assert totals("cursor", paths) == {"sessions": 4, "calls": 6}
    calls = [call for path in paths for call in read("cursor", path).calls]
    assert {call.status for call in calls} == {Status.OK, Status.UNKNOWN}
    assert "m0-ping/m0_ping" in {call.tool for call in calls}
    assert sum(call.time_source is TimeSource.NATIVE for call in calls) == 2
