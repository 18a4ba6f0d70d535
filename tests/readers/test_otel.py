"""Traces: every container gives the same calls, each once, in the sessions they belong to."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller, EventKind, Status, TimeSource
from miner.readers import otel, recognise
from tests.readers.otlp import START_NS, USER, asks, chat, gives, pairs, request, span, tool
from tests.readers.reading import document, lines, read, totals
from tests.real_logs import needs_real_logs, real_files


def conversation() -> list[dict[str, Any]]:
    """Three model spans that each repeat all before, with their tools; children first."""
    said = [[USER], [asks("c1")], [gives("c1", "a")], [asks("c2", "put")], [gives("c2", "b")], [asks("c3", "del")]]
    flat = [[turn for turns in said[:count] for turn in turns] for count in range(7)]
    return [
        tool("5", 200, "put", "c2"),
        tool("3", 100, "get", "c1"),
        chat("2", 0, flat[1], said[1]),
        chat("4", 150, flat[3], said[3]),
        chat("6", 250, flat[5], said[5]),
        span("1", "", "invoke_agent baker", 0, 400, {"gen_ai.operation.name": "invoke_agent"}),
    ]


def check_conversation(*paths: Path) -> None:
    """The three calls are there once, in order, the last without a result."""
    found = read("otel", *paths)
    assert [(c.tool, c.text, c.status) for c in found.calls] == [
        ("get", "a", Status.OK),
        ("put", "b", Status.OK),
        ("del", None, Status.MISSING),
    ]
    assert found.kinds == ["user_message", *["model_step", "tool_call"] * 3]
    assert len(found.sessions) == 1
    assert found.reasons == []


def test_history_that_every_span_repeats_counts_once(tmp_path: Path) -> None:
    """Children before parents on lines of their own; results not recorded in spans come from the next request."""
    check_conversation(lines(tmp_path, [request(one) for one in conversation()]))


def test_a_trace_spread_over_files_is_one_session(tmp_path: Path) -> None:
    """The files of a folder are read together."""
    spans = conversation()
    paths = [lines(tmp_path, [request(*spans[n::2])], f"part-{n}.jsonl") for n in (0, 1)]
    assert otel.groups(paths) == [tuple(paths)]
    check_conversation(*paths)


def containers(spans: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The same spans as other exporters write them."""
    whole = request(*spans)
    yield "one object", json.dumps(whole, indent=1)
    yield "objects one after another", "\n".join(json.dumps(request(one), indent=1) for one in spans)
    yield "a list of requests", json.dumps([whole])
    numbers = [
        {**s, "startTimeUnixNano": int(s["startTimeUnixNano"]), "endTimeUnixNano": int(s["endTimeUnixNano"])}
        for s in spans
    ]
    yield "numbers for times", json.dumps(request(*numbers))
    snake = {"traceId": "trace_id", "spanId": "span_id", "parentSpanId": "parent_span_id"}
    snake |= {"startTimeUnixNano": "start_time_unix_nano", "endTimeUnixNano": "end_time_unix_nano"}
    renamed = [{snake.get(key, key): value for key, value in s.items()} for s in spans]
    yield "snake case", json.dumps({"resource_spans": [{"scope_spans": [{"spans": renamed}]}]})
    coded = [
        {
            **s,
            **{key: base64.b64encode(bytes.fromhex(s[key])).decode() for key in ("traceId", "spanId", "parentSpanId")},
        }
        for s in spans
    ]
    yield "ids in base64", json.dumps(request(*coded))
    yield "retried export", json.dumps(whole) + "\n" + json.dumps(whole) + "\n"


@pytest.mark.parametrize("container", dict(containers(conversation())))
def test_every_container_gives_the_same_session(tmp_path: Path, container: str) -> None:
    """Pretty or compact, one object or many, strings or numbers, hex or base64."""
    path = tmp_path / "trace.json"
    path.write_text(dict(containers(conversation()))[container])
    assert recognise(path) == "otel"
    check_conversation(path)


@pytest.mark.parametrize("code", [2, "STATUS_CODE_ERROR"])
def test_a_failed_span_is_an_error_with_its_message(tmp_path: Path, code: Any) -> None:
    """Status by number or name; the message stands for a result that is not there."""
    ran = tool("3", 100, "get", "c1", status={"code": code, "message": "no such order"})
    [asked] = read("otel", document(tmp_path, request(ran, chat("2", 0, [USER], [asks("c1")])))).calls
    assert (asked.status, asked.native_error, asked.text) == (Status.ERROR, True, "no such order")


def test_an_exception_event_is_an_error(tmp_path: Path) -> None:
    """A span that recorded an exception failed, whatever its status."""
    event = {"name": "exception", "attributes": pairs({"exception.type": "E", "exception.message": "boom"})}
    [asked] = read("otel", document(tmp_path, request(tool("3", 0, "get", "c1", events=[event])))).calls
    assert (asked.status, asked.text) == (Status.ERROR, "boom")


def test_a_servers_span_inside_a_tools_span_is_the_same_call(tmp_path: Path) -> None:
    """MCP client and server spans nest in the tool span; another tool inside a tool is a call of the program."""
    inner = span("4", "3", "tools/call get", 105, 110, {"mcp.method.name": "tools/call", "gen_ai.tool.name": "get"})
    other = tool("5", 112, "fetch", "x", parent="3")
    found = read(
        "otel", document(tmp_path, request(inner, other, tool("3", 100, "get", "c1"), chat("2", 0, [USER], None)))
    )
    assert [(c.tool, c.caller) for c in found.calls] == [("get", Caller.MODEL), ("fetch", Caller.PROGRAM)]


def test_traces_of_one_conversation_are_one_session_in_order_of_time(tmp_path: Path) -> None:
    """One trace for each turn of a person; the conversation id joins them."""
    about = {"gen_ai.conversation.id": "talk"}
    more = [
        USER,
        asks("c1"),
        gives("c1", "a"),
        {"role": "assistant", "content": "ok"},
        {"role": "user", "content": "And o2?"},
    ]
    late = chat("2", 5000, more, [asks("c2")], trace="b" * 32, about=about, parent="")
    early = chat("4", 0, [USER], [asks("c1")], trace="c" * 32, about=about, parent="")
    middle = chat("5", 100, more[:3], [more[3]], trace="c" * 32, parent="")
    found = read("otel", lines(tmp_path, [request(late), request(early), request(middle)]))
    assert found.session.native_id == "talk"
    assert [(c.call_id, c.turn) for c in found.calls] == [("c1", 0), ("c2", 1)]
    assert len(found.of(EventKind.USER_MESSAGE)) == 2


def test_content_switched_off_leaves_tools_and_times(tmp_path: Path) -> None:
    """Names, order and parallel calls are known without any content."""
    spans = [
        chat("2", 0, None, None),
        tool("3", 100, "get", "c1"),
        tool("4", 110, "put", "c2"),
        chat("5", 200, None, None),
    ]
    found = read("otel", document(tmp_path, request(*spans)))
    assert [(c.tool, c.arguments, c.step, c.call_index, c.text) for c in found.calls] == [
        ("get", "{}", 0, 0, None),
        ("put", "{}", 0, 1, None),
    ]
    assert found.kinds == ["model_step", "tool_call", "tool_call", "model_step"]


def test_tools_alone_are_parallel_when_they_overlap(tmp_path: Path) -> None:
    """A trace without model spans tells steps by the clock."""
    spans = [tool("3", 100, "a", "1"), tool("4", 110, "b", "2"), tool("5", 200, "c", "3")]
    assert [(c.tool, c.step) for c in read("otel", document(tmp_path, request(*spans))).calls] == [
        ("a", 0),
        ("b", 0),
        ("c", 1),
    ]


def test_calls_without_ids_find_their_spans_by_arguments(tmp_path: Path) -> None:
    """Parallel calls of one tool go to the spans with the same arguments, whichever began first."""
    calls = [{"type": "tool_call", "name": "get", "arguments": {"n": n}} for n in (1, 2)]
    spans = [
        chat("2", 0, [USER], [{"role": "assistant", "parts": calls}]),
        *(
            span(str(5 - n), "1", "t", 90 + 10 * (3 - n), 150, about)
            for n in (1, 2)
            for about in [
                {
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "get",
                    "gen_ai.tool.call.arguments": {"n": n},
                    "gen_ai.tool.call.result": f"r{n}",
                }
            ]
        ),
    ]
    assert [c.text for c in read("otel", document(tmp_path, request(*spans))).calls] == ["r1", "r2"]


def test_a_summary_in_place_of_history_is_a_compaction(tmp_path: Path) -> None:
    """The summary is told once, what stayed is not told again."""
    spans = conversation()[:4]
    summary = {"role": "user", "content": "summary"}
    spans.append(chat("6", 250, [summary, asks("c2", "put"), gives("c2", "b")], [asks("c3")]))
    found = read("otel", document(tmp_path, request(*spans)))
    assert [c.call_id for c in found.calls] == ["c1", "c2", "c3"]
    assert [e.text for e in found.of(EventKind.USER_MESSAGE)] == ["Is o1 paid?", "summary"]


def test_a_failed_request_that_was_tried_again_is_no_step(tmp_path: Path) -> None:
    """A sibling span with the same input that failed without an answer decided nothing."""
    failed = chat("3", 0, [USER], None, status={"code": 2})
    found = read("otel", document(tmp_path, request(failed, chat("2", 60, [USER], [asks("c1")]))))
    assert found.kinds == ["user_message", "model_step", "tool_call"]


def test_two_instrumentations_of_one_request_are_one_step(tmp_path: Path) -> None:
    """A library's span inside a framework's is the same request."""
    inner = chat("3", 10, [USER], [asks("c1")], parent="2")
    found = read("otel", document(tmp_path, request(inner, chat("2", 0, [USER], [asks("c1")]))))
    assert found.kinds == ["user_message", "model_step", "tool_call"]


def test_an_agent_inside_a_tool_is_a_session_of_its_own(tmp_path: Path) -> None:
    """Interleaved agents keep their own steps; the sub-agent names its parent and the call that started it."""
    agent = {"gen_ai.operation.name": "invoke_agent"}
    spans = [
        span("1", "", "invoke_agent boss", 0, 900, agent | {"gen_ai.agent.name": "boss"}),
        chat("2", 10, [USER], [asks("c1", "delegate", {})]),
        tool("3", 100, "delegate", "c1"),
        span("4", "3", "invoke_agent worker", 105, 800, agent | {"gen_ai.agent.name": "worker"}),
        chat("5", 110, [{"role": "user", "content": "do it"}], [asks("w1")], parent="4"),
        tool("6", 200, "get", "w1", parent="4"),
        chat(
            "7", 850, [USER, asks("c1", "delegate", {}), gives("c1", "done")], [{"role": "assistant", "content": "ok"}]
        ),
    ]
    found = read("otel", document(tmp_path, request(*spans)))
    boss, worker = found.sessions.values()
    assert (boss.agent, boss.relation, worker.agent, worker.relation) == ("boss", "root", "worker", "subagent")
    assert (worker.parent, worker.spawned_by) == (boss.key, "c1")
    assert [(c.tool, c.session) for c in found.calls] == [("delegate", boss.key), ("get", worker.key)]


def test_content_in_log_records_joins_its_span(tmp_path: Path) -> None:
    """Newer exporters write messages to a log event with the span's id."""
    said = {"gen_ai.input.messages": [USER], "gen_ai.output.messages": [asks("c1")]}
    record = {"traceId": "a" * 32, "spanId": "2" * 16, "attributes": pairs(said)}
    record["eventName"] = "gen_ai.client.inference.operation.details"
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    found = read("otel", lines(tmp_path, [logs, request(chat("2", 0, None, None))]))
    assert [c.call_id for c in found.calls] == ["c1"]
    assert found.kinds == ["user_message", "model_step", "tool_call"]


def test_messages_in_span_events_are_read(tmp_path: Path) -> None:
    """Conventions before messages were attributes wrote an event for each."""
    message = {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "get", "arguments": "{}"}}]}
    events = [
        {"name": "gen_ai.user.message", "attributes": pairs({"content": "hi"})},
        {"name": "gen_ai.choice", "attributes": pairs({"message": json.dumps(message)})},
    ]
    found = read("otel", document(tmp_path, request(chat("2", 0, None, None, events=events))))
    assert found.kinds == ["user_message", "model_step", "tool_call"]


def rows() -> list[dict[str, Any]]:
    """A flat span table as Phoenix exports it."""
    base = {"context.trace_id": "t1", "status_code": "OK", "events": []}
    model = {
        "attributes.openinference.span.kind": "LLM",
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": "hi"}],
        "attributes.llm.output_messages": [
            {
                "message.role": "assistant",
                "message.tool_calls": [
                    {"tool_call.id": "c1", "tool_call.function.name": "get", "tool_call.function.arguments": "{}"}
                ],
            }
        ],
        "start_time": "2026-05-01T10:00:00Z",
        "end_time": "2026-05-01T10:00:01Z",
    }
    ran = {
        "attributes.openinference.span.kind": "TOOL",
        "attributes.tool.name": "get",
        "attributes.output.value": "paid",
        "start_time": "2026-05-01T10:00:01.500Z",
        "end_time": "2026-05-01T10:00:02Z",
    }
    return [
        {**base, "name": "get", "context.span_id": "s2", "parent_id": "s0", **ran},
        {**base, "name": "llm", "context.span_id": "s1", "parent_id": "s0", **model},
        {**base, "name": "llm", "context.span_id": "s9", "parent_id": "s0", **model, "kind": "pending_span"},
    ]


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_a_flat_span_table_is_read(tmp_path: Path, container: str) -> None:
    """Dotted columns and dotted keys are the nested attributes; the announcement of a span is not the span."""
    if container == "jsonl":
        path = lines(tmp_path, rows(), "spans.jsonl")
    else:
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        path = tmp_path / "spans.parquet"
        parquet.write_table(arrow.Table.from_pylist(rows()), path)
    assert recognise(path) == "otel"
    found = read("otel", path)
    [asked] = found.calls
    assert (asked.tool, asked.text, (asked.end_us or 0) - (asked.start_us or 0)) == ("get", "paid", 500_000)
    assert found.source.account.total == path.stat().st_size


def test_a_table_of_exactly_the_default_limit_is_suspicious(tmp_path: Path) -> None:
    """A thousand rows are what an export keeps when it silently drops the rest."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    row = {"trace_id": "t", "name": "get", "start_time": START_NS, "attributes": '{"openinference.span.kind": "TOOL"}'}
    path = tmp_path / "spans.parquet"
    parquet.write_table(arrow.Table.from_pylist([{**row, "span_id": f"s{n}"} for n in range(1000)]), path)
    assert read("otel", path).reasons == ["maybe_cut"]


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    """Damaged parents cannot keep the reader busy for ever."""
    spans = [tool("3", 0, "a", "1", parent="4"), tool("4", 0, "b", "2", parent="3")]
    assert len(read("otel", document(tmp_path, request(*spans))).calls) == 2


@needs_real_logs("deer_flow")
def test_the_real_traces_hold_a_call_for_each_tool_span() -> None:
    """Parallel calls that the model span does not list are there too."""
    paths = real_files("deer_flow/otel-monocle", "*.json.gz")
    assert totals("otel", paths) == {"sessions": 2, "calls": 7}
    for call in read("otel", *paths).calls:
        assert call.time_source is TimeSource.SPAN
        assert call.arguments_ok
