"""Message lists: pairing, arguments, roles, status, and the real router logs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller, Status
from miner.readers import recognise
from tests.readers.chat import USER, chat_call, chat_result
from tests.readers.reading import arguments, document, lines, read, totals
from tests.real_logs import needs_real_logs, real_files


def test_an_answer_that_is_nobodys_answer_is_told(tmp_path: Path) -> None:
    """A response in the user's role is no step: counted as passed over."""
    said = {"role": "user", "content": "Paid."}
    value = {"request": {"messages": [USER]}, "response": {"choices": [{"message": said}]}}
    found = read("messages", lines(tmp_path, [value, value]))
    assert (set(found.kinds), found.source.account.unknown) == ({"user_message"}, 2)


def test_parallel_calls_find_their_results_by_id_in_any_order(tmp_path: Path) -> None:
    """One message's calls are one batch; ids that return in a later step, as local servers count, are other calls."""
    both = chat_call("call_0")
    both["tool_calls"] += chat_call("call_1", "put")["tool_calls"]
    again = [chat_call("call_0", "del"), chat_result("call_0", "gone")]
    path = document(tmp_path, [USER, both, chat_result("call_1", "b"), chat_result("call_0", "a"), *again])
    found = read("messages", path).calls
    assert [(c.tool, c.text, c.step, c.call_index) for c in found] == [
        ("get", "a", 0, 0),
        ("put", "b", 0, 1),
        ("del", "gone", 1, 0),
    ]


@pytest.mark.parametrize(
    ("written", "kept", "ok"),
    [
        ('{"n": 12345678901234567890123, "x": 1.10}', '{"n": 12345678901234567890123, "x": 1.10}', True),
        ("not json", '{"input":"not json"}', False),
        ('["a"]', '{"input":"[\\"a\\"]"}', False),
        ('{"a": NaN}', '{"input":"{\\"a\\": NaN}"}', False),
        ('"{\\"a\\": 1}"', '{"a": 1}', True),
        ("", "{}", True),
        (None, "{}", True),
        ({"a": 1}, '{"a":1}', True),
    ],
)
def test_arguments_are_kept_as_written_or_marked(tmp_path: Path, written: Any, kept: str, ok: bool) -> None:
    """Numbers keep their digits; what is no JSON object becomes an ``input``, and says so."""
    [asked] = read("messages", document(tmp_path, [USER, chat_call(text=written)])).calls
    assert (asked.arguments, asked.arguments_ok, asked.status) == (kept, ok, Status.MISSING)


def test_custom_tools_take_free_text(tmp_path: Path) -> None:
    """A call of a custom tool has text as its input."""
    custom = {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    [asked] = read("messages", document(tmp_path, [USER, {"role": "assistant", "tool_calls": [custom]}])).calls
    assert (asked.tool, arguments(asked), asked.arguments_ok) == ("sql", {"input": "select 1"}, False)


def test_developer_and_system_prompts_and_reminders_are_the_hosts(tmp_path: Path) -> None:
    """What the host says is no human turn, even in a message of the user's role."""
    reminder = {"role": "user", "content": "<system-reminder>\nmind\n</system-reminder>"}
    path = document(tmp_path, {"system": "policy", "messages": [{"role": "developer", "content": "d"}, USER, reminder]})
    found = read("messages", path)
    assert found.kinds == ["harness_message", "harness_message", "user_message", "harness_message"]
    assert [event.text for event in found.events][:2] == ["policy", "d"]


def test_calls_shown_as_examples_in_the_prompt_are_no_calls(tmp_path: Path) -> None:
    """Pairs of call and result before the first word of a person are text of the prompt."""
    shown = [{"role": "system", "content": "s"}, chat_call("x"), chat_result("x"), USER, chat_call(), chat_result()]
    found = read("messages", document(tmp_path, shown))
    assert [c.call_id for c in found.calls] == ["c1"]
    assert found.kinds[:4] == ["harness_message"] * 3 + ["user_message"]


@pytest.mark.parametrize(
    ("block", "status"),
    [
        ({"is_error": True}, Status.ERROR),
        ({"is_error": False}, Status.OK),
        ({"is_error": None}, Status.OK),
        ({}, Status.OK),
    ],
)
def test_an_error_flag_that_is_absent_null_or_false_says_the_same(
    tmp_path: Path, block: dict[str, Any], status: Status
) -> None:
    """Anthropic's flag, with words of the user after the results of the batch."""
    asked = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "get", "input": {}}]}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "x", **block}
    path = document(tmp_path, [USER, asked, {"role": "user", "content": [result, {"type": "text", "text": "go on"}]}])
    found = read("messages", path)
    assert found.calls[0].status is status
    assert found.events[-1].text == "go on"
    assert found.events[-1].turn == 1


def test_server_tools_answer_inside_the_models_message(tmp_path: Path) -> None:
    """A server tool's result stands in the message that asked; an error code is an error; code may be the caller."""
    content = [
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": {"type": "web_search_tool_result_error", "error_code": "x"},
        },
        {
            "type": "tool_use",
            "id": "p1",
            "name": "get",
            "input": {},
            "caller": {"type": "code_execution_20250825", "tool_id": "s"},
        },
    ]
    found = read("messages", document(tmp_path, [USER, {"role": "assistant", "content": content}])).calls
    assert [(c.status, c.caller) for c in found] == [(Status.ERROR, Caller.MODEL), (Status.MISSING, Caller.PROGRAM)]


def test_pictures_become_their_size(tmp_path: Path) -> None:
    """A base64 picture in a result is replaced by its kind, size and a hash."""
    data = base64.b64encode(bytes(3000)).decode()
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    path = document(tmp_path, [USER, chat_call(), chat_result(content=[{"type": "text", "text": "see"}, picture])])
    [asked] = read("messages", path).calls
    assert (asked.text or "").startswith("see\n[image/png 3000 bytes ")


def test_a_result_without_a_call_is_counted_and_still_seen(tmp_path: Path) -> None:
    """The model saw it, so its text stays as a message of the host; the lost call is a problem."""
    found = read("messages", document(tmp_path, [USER, chat_result("lost", "kept text")]))
    assert found.reasons == ["result_without_call"]
    assert found.events[-1].text == "kept text"
    assert found.calls == []


def test_one_damaged_first_line_costs_one_line(tmp_path: Path) -> None:
    """A file of lines is known by its other lines."""
    path = lines(tmp_path, [{"messages": [USER, chat_call(f"c{n}")]} for n in (1, 2, 3)])
    path.write_text(path.read_text()[20:])
    found = read("messages", path)
    assert len(found.calls) == 2
    assert found.reasons == ["not_json"]


@pytest.mark.parametrize("content", ["[1, 2]", '{"a": 1}\n{"b": 2}\n', '{"name": "x", "version": "1"}', "hello"])
def test_other_json_is_not_claimed(tmp_path: Path, content: str) -> None:
    """JSON without messages is nobody's conversation."""
    path = tmp_path / "log.json"
    path.write_text(content)
    assert recognise(path) is None


def test_task_and_application_are_taken_where_known(tmp_path: Path) -> None:
    """A record's task, domain and reward are the session's."""
    path = document(tmp_path, [{"task_id": "t7", "domain": "shop", "reward": 1, "messages": [USER, chat_call()]}])
    session = read("messages", path).session
    assert (session.task, session.application, session.reward) == ("t7", "shop", 1.0)


@pytest.mark.parametrize(("part", "sessions", "calls"), [("train", 33, 357), ("test", 27, 241)])
@needs_real_logs("livemcpbench")
def test_the_real_router_logs_hold_what_was_counted(part: str, sessions: int, calls: int) -> None:
    """Sessions and calls equal those counted by other means, and no router is left."""
    paths = real_files("livemcpbench", f"{part}/*.json.gz") or real_files(f"livemcpbench/{part}", "*.json.gz")
    assert totals("messages", paths) == {"sessions": sessions, "calls": calls}
    tools = {call.tool for call in read("messages", *paths).calls}
    assert "route" in tools
    assert not any(json.dumps(tool).startswith('"execute') for tool in tools)


def test_calls_before_a_last_word_that_nobody_answers_are_real(tmp_path: Path) -> None:
    """Nested chats swap the roles: the task comes as the assistant's, and the user's word is the final report."""
    task = {"role": "assistant", "content": "look it up"}
    path = document(tmp_path, [task, chat_call(), chat_result(), {"role": "user", "content": "it is paid"}])
    assert [c.call_id for c in read("messages", path).calls] == ["c1"]


@pytest.mark.parametrize("kind", [["request"], {"request": 1}, 5, None])
def test_a_message_whose_kind_is_no_word_is_told(tmp_path: Path, kind: Any) -> None:
    """It is none of the kinds that are known, and the messages beside it are read."""
    path = lines(
        tmp_path, [{"messages": [USER, {"kind": kind, "text": "lost"}, {"role": "assistant", "content": "ok"}]}]
    )
    found = read("messages", path)
    assert [event.text for event in found.events] == [USER["content"], "ok"]
    assert found.source.account.unknown
