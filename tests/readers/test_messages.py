"""Message lists: every dialect gives the same calls, and repeated history gives them once."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller, EventKind, Status, TimeSource
from miner.readers import recognise
from tests.readers.reading import arguments, document, lines, read, totals
from tests.real_logs import needs_real_logs, real_files

USER = {"role": "user", "content": "refund o1"}
ARGS = {"id": "o1"}


def chat_call(identity: str | None = "c1", name: str = "get", text: Any = '{"id":"o1"}') -> dict[str, Any]:
    """An OpenAI chat message with one call."""
    asked = {"id": identity, "type": "function", "function": {"name": name, "arguments": text}}
    return {"role": "assistant", "content": None, "tool_calls": [asked]}


def chat_result(identity: str | None = "c1", content: Any = "paid") -> dict[str, Any]:
    """An OpenAI chat result."""
    return {"role": "tool", "tool_call_id": identity, "content": content}


DIALECTS: dict[str, tuple[list[Any], Status]] = {
    "chat": ([USER, chat_call(), chat_result()], Status.UNKNOWN),
    "chat, single function_call": (
        [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "get", "arguments": '{"id":"o1"}'}},
            {"role": "function", "name": "get", "content": "paid"},
        ],
        Status.UNKNOWN,
    ),
    "responses": (
        [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "refund o1"}]},
            {"type": "reasoning", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "get", "arguments": '{"id":"o1"}'},
            {"type": "function_call_output", "id": "fo_1", "call_id": "c1", "output": "paid"},
        ],
        Status.UNKNOWN,
    ),
    "responses, call and result in one item": (
        [
            USER,
            {
                "type": "mcp_call",
                "id": "c1",
                "server_label": "s",
                "name": "get",
                "arguments": '{"id":"o1"}',
                "output": "paid",
            },
        ],
        Status.UNKNOWN,
    ),
    "anthropic": (
        [
            USER,
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "tool_use", "id": "c1", "name": "get", "input": ARGS},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "paid"}]}
                ],
            },
        ],
        Status.OK,
    ),
    "bedrock": (
        [
            {"role": "user", "content": [{"text": "refund o1"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "get", "input": ARGS}}]},
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "paid"}], "status": "success"}}],
            },
        ],
        Status.OK,
    ),
    "gemini, no ids": (
        [
            {"role": "user", "parts": [{"text": "refund o1"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "get", "args": ARGS}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "get", "response": {"result": "paid"}}}]},
        ],
        Status.UNKNOWN,
    ),
    "vercel": (
        [
            USER,
            {
                "role": "assistant",
                "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "get", "input": ARGS}],
            },
            {
                "role": "tool",
                "content": [
                    {
                        "type": "tool-result",
                        "toolCallId": "c1",
                        "toolName": "get",
                        "output": {"type": "text", "value": "paid"},
                    }
                ],
            },
        ],
        Status.UNKNOWN,
    ),
    "vercel ui": (
        [
            USER,
            {
                "role": "assistant",
                "parts": [
                    {
                        "type": "tool-get",
                        "toolCallId": "c1",
                        "state": "output-available",
                        "input": ARGS,
                        "output": "paid",
                    }
                ],
            },
        ],
        Status.UNKNOWN,
    ),
    "langchain": (
        [
            {"type": "human", "content": "refund o1"},
            {
                "type": "ai",
                "content": "",
                "tool_calls": [{"name": "get", "args": ARGS, "id": "c1", "type": "tool_call"}],
            },
            {"type": "tool", "content": "paid", "tool_call_id": "c1", "status": "success"},
        ],
        Status.OK,
    ),
    "langchain, serialised": (
        [
            {
                "lc": 1,
                "type": "constructor",
                "id": ["langchain", "schema", "HumanMessage"],
                "kwargs": {"content": "refund o1"},
            },
            {
                "lc": 1,
                "type": "constructor",
                "id": ["x", "AIMessage"],
                "kwargs": {"content": "", "tool_calls": [{"name": "get", "args": ARGS, "id": "c1"}]},
            },
            {
                "lc": 1,
                "type": "constructor",
                "id": ["x", "ToolMessage"],
                "kwargs": {"content": "paid", "tool_call_id": "c1", "status": "success"},
            },
        ],
        Status.OK,
    ),
    "pydantic-ai": (
        [
            {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "refund o1"}]},
            {
                "kind": "response",
                "parts": [{"part_kind": "tool-call", "tool_name": "get", "args": '{"id":"o1"}', "tool_call_id": "c1"}],
            },
            {
                "kind": "request",
                "parts": [
                    {
                        "part_kind": "tool-return",
                        "tool_name": "get",
                        "content": "paid",
                        "tool_call_id": "c1",
                        "outcome": "success",
                    }
                ],
            },
        ],
        Status.OK,
    ),
    "autogen": (
        [
            {"type": "TextMessage", "source": "user", "content": "refund o1"},
            {"type": "ToolCallRequestEvent", "content": [{"id": "c1", "name": "get", "arguments": '{"id":"o1"}'}]},
            {
                "type": "ToolCallExecutionEvent",
                "content": [{"call_id": "c1", "name": "get", "content": "paid", "is_error": False}],
            },
            {"type": "ToolCallSummaryMessage", "content": "paid"},
        ],
        Status.OK,
    ),
    "sharegpt": (
        [
            {"from": "human", "value": "refund o1"},
            {"from": "function_call", "value": '{"name": "get", "arguments": {"id": "o1"}}'},
            {"from": "observation", "value": "paid"},
        ],
        Status.UNKNOWN,
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("container", ["list", "messages", "lines of messages", "lines of conversations"])
def test_every_dialect_gives_the_same_call(tmp_path: Path, dialect: str, container: str) -> None:
    """One person, one step, one call with its result, in every dialect and every way to keep a conversation."""
    said, status = DIALECTS[dialect]
    other = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    key = "conversations" if dialect == "sharegpt" else "messages"
    path = {
        "list": lambda: document(tmp_path, said),
        "messages": lambda: document(tmp_path, {key: said}),
        "lines of messages": lambda: lines(tmp_path, said),
        "lines of conversations": lambda: lines(tmp_path, [{key: said}, {"messages": other}]),
    }[container]()
    assert recognise(path) == "messages"
    found = read("messages", path)
    assert found.reasons == []
    [asked] = found.calls
    assert (asked.tool, arguments(asked), asked.status, asked.caller) == ("get", ARGS, status, Caller.MODEL)
    assert "paid" in (asked.text or "")
    mine = [event for event in found.events if event.session == asked.session]
    assert [str(event.kind) for event in mine] == ["user_message", "model_step", "tool_call"]
    assert (asked.turn, asked.step, asked.arguments_ok) == (0, 0, True)
    assert (asked.time_source, asked.start_us) == (TimeSource.NONE, None)


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


def test_cached_tokens_count_as_input_whoever_the_provider_is(tmp_path: Path) -> None:
    """Anthropic leaves cached tokens out of its input, OpenAI keeps them in: both end up inclusive."""
    request = {"messages": [USER]}
    usages = {"input_tokens": 9, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 50, "output_tokens": 8}
    one = {"role": "assistant", "content": [{"type": "text", "text": "a"}], "usage": usages}
    two = {
        "choices": [{"message": {"role": "assistant", "content": "b"}}],
        "usage": {"prompt_tokens": 759, "completion_tokens": 8},
    }
    path = lines(
        tmp_path, [{"request": request, "response": answer, "session_id": str(id(answer))} for answer in (one, two)]
    )
    steps = read("messages", path).of(EventKind.MODEL_STEP)
    assert [(s.tokens_in, s.tokens_out) for s in steps] == [(759, 8), (759, 8)]


def exchange(shown: list[Any], answer: dict[str, Any], **about: Any) -> dict[str, Any]:
    """A gateway line."""
    return {"request": {"model": "m", "messages": shown}, "response": {"choices": [{"message": answer}]}, **about}


def test_a_gateways_repeated_history_counts_once(tmp_path: Path) -> None:
    """Each line repeats all before it; two interleaved conversations without ids stay apart."""
    done = {"role": "assistant", "content": "done"}
    other = {"role": "user", "content": "another"}
    path = lines(
        tmp_path,
        [
            exchange([USER], chat_call("call_0")),
            exchange([other], chat_call("call_0", "put")),
            exchange([USER, chat_call("call_0"), chat_result("call_0", "a")], done),
            exchange([other, chat_call("call_0", "put"), chat_result("call_0", "b")], done),
        ],
    )
    found = read("messages", path)
    assert len(found.sessions) == 2
    assert [(c.tool, c.text) for c in found.calls] == [("get", "a"), ("put", "b")]
    assert found.kinds == ["user_message", "model_step", "tool_call", "model_step"] * 2


def test_two_runs_that_open_alike_are_two_sessions(tmp_path: Path) -> None:
    """The same first words and another answer is another run, not the same one asked again."""
    path = lines(tmp_path, [exchange([USER], chat_call("a")), exchange([USER], chat_call("b", "put"))])
    assert len(read("messages", path).sessions) == 2


def test_an_old_result_replaced_by_a_placeholder_keeps_its_first_sight(tmp_path: Path) -> None:
    """Context editing may empty old results in later requests: the first text counts."""
    first = [USER, chat_call(), chat_result(content="long text")]
    later = [USER, chat_call(), chat_result(content="[cleared]"), {"role": "assistant", "content": "ok"}, USER]
    path = lines(tmp_path, [exchange(first, {"role": "assistant", "content": "ok"}), exchange(later, chat_call("c2"))])
    found = read("messages", path)
    assert [c.text for c in found.calls] == ["long text", None]


def test_history_replaced_by_a_summary_is_a_compaction(tmp_path: Path) -> None:
    """Early messages gone, late ones kept: the summary is new, nothing else is told twice."""
    summary = {"role": "user", "content": "summary so far"}
    path = lines(
        tmp_path,
        [
            exchange([USER], chat_call("c1"), session_id="s"),
            exchange([USER, chat_call("c1"), chat_result("c1")], chat_call("c2"), session_id="s"),
            exchange([summary, chat_call("c2"), chat_result("c2")], chat_call("c3"), session_id="s"),
        ],
    )
    found = read("messages", path)
    assert [c.call_id for c in found.calls] == ["c1", "c2", "c3"]
    assert found.kinds.count("compaction") == 1
    assert [e.text for e in found.of(EventKind.USER_MESSAGE)] == ["refund o1", "summary so far"]


def test_an_answer_asked_for_again_leaves_the_first_off_the_path(tmp_path: Path) -> None:
    """The same request twice means that the first answer was thrown away."""
    shown = [USER, chat_call("c1"), chat_result("c1")]
    path = lines(
        tmp_path,
        [
            exchange(shown, chat_call("c2", "bad"), session_id="s"),
            exchange(shown, chat_call("c3", "good"), session_id="s"),
        ],
    )
    found = read("messages", path)
    off = {c.tool for c in found.calls if c.seq in found.session.off_path}
    assert off == {"bad"}
    assert [c.tool for c in found.calls] == ["get", "bad", "good"]


def test_stored_responses_are_joined_by_their_chain_of_ids(tmp_path: Path) -> None:
    """A stored response holds only what is new; ``previous_response_id`` says what it continues."""
    items = [{"type": "function_call", "call_id": f"c{n}", "name": "get", "arguments": "{}"} for n in (1, 2)]
    first = {"id": "r1", "object": "response", "model": "m", "created_at": 1777629600, "output": items}
    back = [{"type": "function_call_output", "call_id": f"c{n}", "output": str(n)} for n in (2, 1)]
    second = {"id": "r2", "previous_response_id": "r1", "created_at": 1777629605, "input": back, "output": []}
    found = read("messages", lines(tmp_path, [first, second]))
    assert [(c.text, c.step, c.call_index) for c in found.calls] == [("1", 0, 0), ("2", 0, 1)]
    assert len(found.sessions) == 1


def test_a_gateways_clock_times_steps_and_bounds_calls(tmp_path: Path) -> None:
    """A step ran from request to response; a call took at most from that response to the next request."""
    stamps = ("2026-05-01T10:00:00Z", "2026-05-01T10:00:02Z", "2026-05-01T10:00:03Z", "2026-05-01T10:00:04Z")
    path = lines(
        tmp_path,
        [
            exchange([USER], chat_call(), start_time=stamps[0], end_time=stamps[1]),
            exchange(
                [USER, chat_call(), chat_result()],
                {"role": "assistant", "content": "x"},
                start_time=stamps[2],
                end_time=stamps[3],
            ),
        ],
    )
    found = read("messages", path)
    [asked] = found.calls
    assert ((asked.end_us or 0) - (asked.start_us or 0), asked.time_source) == (1_000_000, TimeSource.LOG_DELTA)
    steps = found.of(EventKind.MODEL_STEP)
    assert [(s.end_us or 0) - (s.start_us or 0) for s in steps] == [2_000_000, 1_000_000]


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
