"""Routers, batches and printed results are told by their shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from miner.readers.unwrap import printed_result, unwrap


@pytest.mark.parametrize(
    ("name", "arguments", "tool", "inner", "server"),
    [
        ("execute-tool", {"server_name": "s", "tool_name": "t", "params": {"a": 1}}, "s/t", {"a": 1}, "s"),
        ("anything", {"server": "s", "tool": "t", "arguments": '{"a": 1}'}, "s/t", {"a": 1}, "s"),
        ("use", {"tool_name": "t", "parameters": {}}, "t", {}, None),
        ("call_tool", {"name": "t", "arguments": {"a": 1}}, "t", {"a": 1}, None),
        ("functions.get", {"a": 1}, "get", {"a": 1}, None),
    ],
)
def test_a_routers_call_is_a_call_of_the_inner_tool(
    name: str, arguments: Any, tool: str, inner: Any, server: str | None
) -> None:
    """Whatever the router is called, its tool, server and parameters are taken out and its name is kept."""
    [meant] = unwrap(name, arguments)
    assert (meant.tool, json.loads(meant.arguments), meant.server, meant.raw_tool) == (tool, inner, server, name)


@pytest.mark.parametrize(
    "arguments",
    [
        {"server_name": "s", "tool_name": "t"},
        {"server_name": "s", "tool_name": "t", "params": {}, "timeout": 3},
        {"server_name": "s", "tool_name": "not a name", "params": {}},
        {"server_name": "s", "tool_name": "t", "params": "words"},
        {"name": "Bob", "input": {"age": 3}},
        {"tool": "hammer", "args": {}},
        {"query": "x"},
    ],
)
def test_what_only_resembles_a_router_stays_as_it_is(arguments: dict[str, Any]) -> None:
    """Arguments that hold more or less than server, tool and parameters are the tool's own."""
    [meant] = unwrap("execute-tool", arguments)
    assert (meant.tool, json.loads(meant.arguments), meant.raw_tool) == ("execute-tool", arguments, None)


def test_a_parallel_batch_is_expanded() -> None:
    """Each call inside ``multi_tool_use.parallel`` is a call, with the name it would have had alone."""
    uses = [{"recipient_name": "functions.get", "parameters": {"n": n}} for n in (1, 2)]
    found = unwrap("multi_tool_use.parallel", json.dumps({"tool_uses": uses}))
    assert [(c.tool, c.arguments, c.raw_tool) for c in found] == [
        ("get", '{"n":1}', "multi_tool_use.parallel"),
        ("get", '{"n":2}', "multi_tool_use.parallel"),
    ]


@pytest.mark.parametrize(
    ("text", "said", "error"),
    [
        (
            "meta=None content=[TextContent(type='text', text='a\\n\"b\"', annotations=None)] isError=False",
            'a\n"b"',
            False,
        ),
        ("content=[TextContent(type='text', text=\"it's\")] structuredContent=None isError=True", "it's", True),
        (
            "content=[TextContent(type='text', text='a'), TextContent(type='text', text='b')] isError=False",
            "a\nb",
            False,
        ),
        ("meta=None content=[] isError=False", "", False),
        ("content=[TextContent(type='text', text='x] isError=True')] isError=False", "x] isError=True", False),
        ("meta=None content=[TextContent(type='text', text='cut he\\", "cut he", None),
        (
            "meta=None content=[TextContent(type='text', text='__import__(\"os\")')] isError=False",
            '__import__("os")',
            False,
        ),
    ],
)
def test_a_printed_result_is_read_and_never_run(text: str, said: str, error: bool | None) -> None:
    """Text and error flag come out of the Python text of an MCP result, even where the harness cut it."""
    found = printed_result(text)
    assert found is not None
    assert (found.text, found.is_error) == (said, error)


@pytest.mark.parametrize("text", ["", "content=[", "content=['a'] isError=False", "meta=None", "Tool call timed out."])
def test_other_text_is_no_printed_result(text: str) -> None:
    """Text that is not the print of an MCP result stays text."""
    assert printed_result(text) is None
