"""Qwen Code chats: parts, thoughts, telemetry without ids, branches, compression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miner.events import EventKind, Status, TimeSource
from miner.readers import qwen, recognise, scores, session_key
from tests.readers.reading import document, lines, read


def line(uuid: str, parent: str | None, kind: str, *parts: dict[str, Any], **about: Any) -> dict[str, Any]:
    """A chained line."""
    stamp = f"2026-05-01T10:00:0{len(uuid)}.000Z"
    common = {"uuid": uuid, "parentUuid": parent, "sessionId": "s", "timestamp": stamp, "type": kind, "cwd": "/w/shop"}
    return {**common, "message": {"role": kind, "parts": list(parts)}, **about}


def call(identity: str, **arguments: Any) -> dict[str, Any]:
    """A part that asks for a call."""
    return {"functionCall": {"id": identity, "name": "ls", "args": arguments}}


def result(identity: str, parent: str, status: str = "success", **answer: Any) -> dict[str, Any]:
    """A result line."""
    part = {"functionResponse": {"id": identity, "name": "ls", "response": answer or {"output": "ok"}}}
    return line(f"r{identity}", parent, "tool_result", part, toolCallResult={"callId": identity, "status": status})


def telemetry(uuid: str, parent: str, ms: int, **arguments: Any) -> dict[str, Any]:
    """What the host measured."""
    event = {"event.name": "qwen-code.tool_call", "function_name": "ls", "function_args": arguments, "duration_ms": ms}
    return line(uuid, parent, "system", subtype="ui_telemetry", systemPayload={"uiEvent": event})


def test_telemetry_without_ids_is_joined_by_tool_and_arguments(tmp_path: Path) -> None:
    """The duration of each parallel call comes from the telemetry of its own arguments, in whichever order."""
    ask = line("b", "a", "assistant", call("1", p="x", q=1), call("2", p="y"))
    values = [line("a", None, "user", {"text": "hi"}), ask, telemetry("c", "b", 200, p="y")]
    values += [telemetry("d", "c", 100, q=1, p="x"), result("1", "d"), result("2", "r1")]
    first, second = read("qwen", lines(tmp_path, values)).calls
    assert [(c.end_us or 0) - (c.start_us or 0) for c in (first, second)] == [100_000, 200_000]
    assert {first.time_source, second.time_source} == {TimeSource.NATIVE}


def test_thoughts_are_not_said(tmp_path: Path) -> None:
    """A part that is a thought is no text of the step."""
    answer = line("b", "a", "assistant", {"text": "Hm.", "thought": True}, {"text": "Yes."})
    found = read("qwen", lines(tmp_path, [line("a", None, "user", {"text": "hi"}), answer]))
    assert [e.text for e in found.events] == ["hi", "Yes."]


def test_a_result_says_how_it_ended(tmp_path: Path) -> None:
    """The line's status counts; without one, an error in the response does."""
    ask = line("b", None, "assistant", call("1"), call("2"), call("3"))
    values = [ask, result("1", "b", "error"), result("2", "r1", "", error="gone"), result("3", "r2", "cancelled")]
    found = read("qwen", lines(tmp_path, values)).calls
    assert [c.status for c in found] == [Status.ERROR, Status.ERROR, Status.CANCELLED]
    assert found[1].text == "gone"


def test_a_result_in_a_message_of_the_users_is_a_result(tmp_path: Path) -> None:
    """The API's own form has results in the user's role, beside words."""
    answer = result("1", "b")
    answer["type"] = "user"
    answer["message"]["parts"].append({"text": "And now?"})
    found = read("qwen", lines(tmp_path, [line("b", None, "assistant", call("1")), answer]))
    assert [(c.text, c.status) for c in found.calls] == [("ok", Status.OK)]
    assert [e.text for e in found.of(EventKind.USER_MESSAGE)] == ["And now?"]


def test_parts_that_do_not_fit_their_line_are_told(tmp_path: Path) -> None:
    """A result in the model's own line, a call in a person's, anything in the host's."""
    back = result("1", "b")["message"]["parts"][0]
    odd = [
        line("c", "b", "assistant", back),
        line("d", "c", "user", call("2")),
        line("e", "d", "system", {"text": "x"}),
    ]
    found = read("qwen", lines(tmp_path, [line("b", None, "assistant", call("1")), *odd]))
    assert (len(found.calls), found.source.account.unknown) == (1, 3)


def test_a_branch_left_behind_is_off_the_path(tmp_path: Path) -> None:
    """Lines that the last one does not descend from are kept, off the path; a line written twice counts once."""
    values = [line("a", None, "user", {"text": "one"}), line("b", "a", "assistant", {"text": "x"})]
    values += [values[1], line("c", "a", "assistant", {"text": "y"})]
    found = read("qwen", lines(tmp_path, values))
    assert [found.events[seq].text for seq in found.session.off_path] == ["x"]


def test_a_sub_agent_is_a_session_of_its_own(tmp_path: Path) -> None:
    """Its lines carry its parent's session id; the file beside them names the call that started it."""
    side = {"agentId": "explore-7", "agentName": "explore", "isSidechain": True}
    values = [line("a", None, "user", {"text": "Look."}, **side), line("b", "a", "assistant", {"text": "So."}, **side)]
    values += [line("c", "b", "assistant", call("1"), **side), line("d", "c", "assistant", call("2"), **side)]
    values += [{**result("1", "d"), **side}, {**result("2", "r1"), **side}]
    path = lines(tmp_path, values, "agent-explore-7.jsonl")
    about = {"agentId": "explore-7", "agentType": "explore", "parentSessionId": "s", "toolUseId": "t9", "model": "m"}
    meta = document(tmp_path, {**about, "parentAgentId": None}, "agent-explore-7.meta.json")
    main = lines(tmp_path, [line("a", None, "user", {"text": "hi"})], "s.jsonl")
    assert {recognise(file) for file in (path, meta, main)} == {"qwen"}
    assert qwen.groups([path, meta, main]) == [(path, meta), (main,)]
    found = read("qwen", path, meta)
    assert (found.session.relation, found.session.agent) == ("subagent", "explore")
    assert (found.session.parent, found.session.spawned_by) == (session_key("qwen", "s"), "t9")
    assert found.session.key != read("qwen", main).session.key == found.session.parent
    assert [(c.step, c.call_index, c.text) for c in found.calls] == [(0, 0, "ok"), (0, 1, "ok")]
    inner = document(tmp_path, {**about, "parentAgentId": "lead"}, "agent-explore-7.meta.json")
    assert read("qwen", path, inner).session.parent == session_key("qwen", "s", "lead")


def test_compression_is_a_compaction(tmp_path: Path) -> None:
    """The host says when it compressed the chat."""
    values = [line("a", None, "user", {"text": "hi"}), line("b", "a", "system", subtype="chat_compression")]
    assert read("qwen", lines(tmp_path, values)).of(EventKind.COMPACTION)


def test_it_is_not_taken_for_claude_code(tmp_path: Path) -> None:
    """The chain is Claude Code's, the message is not."""
    path = lines(tmp_path, [line("a", None, "user", {"text": "hi"})])
    assert recognise(path) == "qwen"
    assert "claude_code" not in scores(path)
