"""MCP captures and PASTE's traces: pairing, two kinds of failure, hints, retries; results in the next request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miner.events import EventKind, Status, TimeSource
from miner.readers import recognise
from tests.readers.reading import Read, arguments, lines, read

MS = 1_777_629_600_000


def call(identity: Any, name: str = "find", **params: Any) -> dict[str, Any]:
    """A request for a call."""
    asked = {"name": name, "arguments": {"q": 1}, **params}
    return {"jsonrpc": "2.0", "id": identity, "method": "tools/call", "params": asked}


def answer(identity: Any, **result: Any) -> dict[str, Any]:
    """A response."""
    return {"jsonrpc": "2.0", "id": identity, "result": {"content": [{"type": "text", "text": "ok"}], **result}}


def wire(folder: Path, *messages: dict[str, Any], **about: Any) -> Read:
    """A capture with a second between messages, read."""
    values = [{"timestamp": MS + 1000 * n, "message": message, **about} for n, message in enumerate(messages)]
    path = lines(folder, values)
    assert recognise(path) == "mcp"
    return read("mcp", path)


def test_requests_and_responses_are_paired_by_id(tmp_path: Path) -> None:
    """Requests that overlap were asked for together; ids may be numbers or texts, and are used again later."""
    found = wire(tmp_path, call(1), call("1", "pay"), answer("1", isError=True), answer(1), call(1), answer(1))
    assert [(c.step, c.status) for c in found.calls] == [(0, Status.OK), (0, Status.ERROR), (1, Status.OK)]
    first = found.calls[0]
    assert (first.start_us, first.end_us) == (MS * 1000, (MS + 3000) * 1000)
    assert first.time_source is TimeSource.NATIVE


def test_a_protocols_error_is_not_a_tools(tmp_path: Path) -> None:
    """Both are errors; the text says which. A cancelled request ends as cancelled."""
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "Unknown tool"}}
    first, second = wire(tmp_path, call(1), error, call(2), cancelled).calls
    assert (first.status, first.text) == (Status.ERROR, "Unknown tool")
    assert second.status is Status.CANCELLED


def test_hints_of_the_tool_list_are_kept_and_unknown_is_not_false(tmp_path: Path) -> None:
    """Only a stated hint says whether a tool changes anything."""
    tools = [{"name": "find", "annotations": {"readOnlyHint": True}}, {"name": "pay"}]
    listed = {"jsonrpc": "2.0", "id": 9, "result": {"tools": tools}}
    first, second = wire(tmp_path, listed, call(1), answer(1), call(2, "pay"), answer(2)).calls
    assert (first.read_only, second.read_only) == (True, None)


def test_a_request_that_goes_on_with_a_call_is_the_same_call(tmp_path: Path) -> None:
    """The server asked for input first: the retry has a new id, and the call ends with its answer."""
    retry = call(2, inputResponses={"a": 1})
    found = wire(
        tmp_path, call(1), answer(1, resultType="input_required"), retry, answer(2, structuredContent={"n": 1})
    )
    [made] = found.calls
    assert (made.status, made.result, made.end_us) == (Status.OK, '{"n":1}', (MS + 3000) * 1000)


def test_an_error_of_what_is_no_call_is_told(tmp_path: Path) -> None:
    """A list of tools that could not be had belongs to no event: counted as passed over."""
    asked = {"jsonrpc": "2.0", "id": 9, "method": "tools/list"}
    failed = {"jsonrpc": "2.0", "id": 9, "error": {"code": -32603, "message": "gone"}}
    found = wire(tmp_path, asked, failed, call(1), answer(1))
    assert (len(found.calls), found.source.account.unknown, found.reasons) == (1, 1, [])
    odd = answer(9)
    assert wire(tmp_path, asked, odd, call(1), answer(1)).source.account.unknown == 1


def test_a_method_of_no_known_family_is_told(tmp_path: Path) -> None:
    """It may have been a call."""
    known, odd = ({"jsonrpc": "2.0", "id": n, "method": m} for n, m in ((7, "resources/list"), (8, "tool_s/call")))
    found = wire(tmp_path, known, odd, call(1), answer(1))
    assert (len(found.calls), found.source.account.unknown) == (1, 1)


def test_a_servers_own_requests_do_not_answer_calls(tmp_path: Path) -> None:
    """Server and client number their requests apart."""
    question = {"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}}
    reply = {"jsonrpc": "2.0", "id": 1, "result": {"action": "accept"}}
    [made] = wire(tmp_path, call(1), question, reply, answer(1)).calls
    assert (made.text, made.status) == ("ok", Status.OK)


def test_servers_and_connections_are_sessions(tmp_path: Path) -> None:
    """A proxy in front of several servers names them; two servers may have tools of one name."""
    values = [{"server": s, "session_id": "c", "payload": m} for s in ("a", "b") for m in (call(1), answer(1))]
    found = read("mcp", lines(tmp_path, values))
    assert sorted(c.tool or "" for c in found.calls) == ["a/find", "b/find"]
    assert len(found.sessions) == 2


def thought(second: float, *messages: dict[str, Any], **about: Any) -> dict[str, Any]:
    """A model call of PASTE's traces."""
    stamp = MS / 1000 + second
    return {"event_type": "llm_call", "timestamp": stamp, "messages": messages, "total_time_ms": 1000.0, **about}


def used(second: float, name: str = "visit", **given: Any) -> dict[str, Any]:
    """A tool call of PASTE's traces."""
    return {"event_type": "tool_call", "timestamp": MS / 1000 + second, "tool_name": name, "tool_args": given}


ASKED = {"role": "user", "content": "What?"}


def test_results_stand_in_the_next_request(tmp_path: Path) -> None:
    """A call ends when the model call that shows its result begins; the question is told once."""
    shown = {"role": "user", "content": "<tool_response>\na page\n</tool_response>"}
    path = lines(
        tmp_path, [thought(2, ASKED, response="x"), used(2, url=["u"]), thought(5, ASKED, shown, response="y")]
    )
    assert recognise(path) == "paste"
    found = read("paste", path)
    [made] = found.calls
    assert (made.text, arguments(made)) == ("a page", {"url": ["u"]})
    assert (made.start_us, made.end_us) == ((MS + 2000) * 1000, (MS + 4000) * 1000)
    assert found.kinds == ["user_message", "model_step", "tool_call", "model_step"]
    step = found.of(EventKind.MODEL_STEP)[0]
    assert (step.end_us or 0) - (step.start_us or 0) == 1_000_000


def test_several_calls_share_their_step_and_divide_the_responses(tmp_path: Path) -> None:
    """As many responses as calls are one each; otherwise each call has them all. Thoughts are not said."""
    two = {"role": "user", "content": "<tool_response>\na\n</tool_response>\n<tool_response>\nb\n</tool_response>"}
    first = thought(1, ASKED, response="<think>hm</think>Go.<tool_call>{}</tool_call>")
    found = read("paste", lines(tmp_path, [first, used(1), used(1, "search"), thought(3, ASKED, two)]))
    assert [(c.text, c.step) for c in found.calls] == [("a", 0), ("b", 0)]
    assert found.of(EventKind.MODEL_STEP)[0].text == "Go."
    three = [first, used(1), used(1), used(1), thought(3, ASKED, two), {"event_type": "summary"}]
    again = read("paste", lines(tmp_path, three))
    assert {c.text for c in again.calls} == {"a\nb"}
    assert again.source.account.unknown == 1


def test_the_last_call_of_a_cut_trace_has_no_result(tmp_path: Path) -> None:
    """Nothing shows what it brought."""
    [made] = read("paste", lines(tmp_path, [thought(1, ASKED), used(1)])).calls
    assert (made.status, made.time_source) == (Status.MISSING, TimeSource.NONE)
