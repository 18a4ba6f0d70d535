"""Message lists: every dialect gives the same call, however the conversation is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller, Status, TimeSource
from miner.readers import recognise
from tests.readers.altered import altered
from tests.readers.chat import ARGS, USER, chat_call, chat_result
from tests.readers.reading import arguments, document, lines, read

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


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_that_a_message_may_hold_ends_a_reading(tmp_path: Path, dialect: str) -> None:
    """Whatever stands where a dialect has something else: nothing is raised, and the next conversation is read."""
    said, _ = DIALECTS[dialect]
    key = "conversations" if dialect == "sharegpt" else "messages"
    other = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    for odd in altered(said):
        path = lines(tmp_path, [{key: odd}, {"messages": other}])
        found = read("messages", path)
        assert found.source.account.total == path.stat().st_size, odd
        assert found.events[-1].text == "hello", odd
