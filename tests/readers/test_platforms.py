"""Platform exports by column maps: each platform's traps, a user's own table, and a proposed map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.events import EventKind, Status, TimeSource
from miner.readers import platforms, recognise
from tests.readers.reading import Read, arguments, document, lines, read

CALL = {"id": "c1", "type": "function", "function": {"name": "get", "arguments": '{"id": "o1"}'}}
ANSWER = {"role": "assistant", "content": None, "tool_calls": [CALL]}
PROMPT = [{"role": "user", "content": "Is it paid?"}]


def table(folder: Path, *rows: dict[str, Any]) -> Read:
    """An export as JSON Lines, read."""
    path = lines(folder, rows)
    assert recognise(path) == "platforms"
    return read("platforms", path)


def check(found: Read) -> None:
    """One call with its arguments, result and span times, asked for by the step before it."""
    [call] = found.calls
    assert (call.tool, arguments(call), call.text) == ("get", {"id": "o1"}, "paid")
    assert (call.time_source, (call.end_us or 0) - (call.start_us or 0)) == (TimeSource.SPAN, 700_000)
    assert call.step == 0
    step = found.of(EventKind.MODEL_STEP)[0]
    assert (step.model, step.tokens_in, step.tokens_out) == ("m", 9, 5)
    assert found.of(EventKind.USER_MESSAGE)[0].text == "Is it paid?"


def langfuse(**about: Any) -> dict[str, Any]:
    """An observation."""
    base = {"trace_id": "t", "parent_observation_id": "", "session_id": "s9", "level": "DEFAULT"}
    return {**base, **about}


def test_langfuse_exports_and_api_rows(tmp_path: Path) -> None:
    """Input and output are texts that hold JSON; the API writes the same in another case."""
    times = {"start_time": "2026-05-01 10:00:01.200000", "end_time": "2026-05-01 10:00:01.900000"}
    model = langfuse(
        id="g",
        type="GENERATION",
        name="chat",
        start_time="2026-05-01 10:00:00.100000",
        end_time="2026-05-01 10:00:01.000000",
        input=json.dumps(PROMPT),
        output=json.dumps(ANSWER),
        provided_model_name="m",
        usage_details={"input": 9, "output": 5},
    )
    tool = langfuse(id="o", type="TOOL", name="get", input='{"id":"o1"}', output="paid", **times)
    found = table(tmp_path, tool, model)
    check(found)
    assert found.session.native_id == "s9"
    names = {"start_time": "startTime", "end_time": "endTime", "trace_id": "traceId", "session_id": "sessionId"}
    names |= {"parent_observation_id": "parentObservationId", "provided_model_name": "providedModelName"}
    names |= {"usage_details": "usageDetails"}
    check(table(tmp_path, *({names.get(k, k): v for k, v in row.items()} for row in (tool, model))))


def test_a_level_of_error_is_a_failure_and_others_are_not(tmp_path: Path) -> None:
    """Levels say how important an observation is; only one says that it failed."""
    times = {"start_time": "2026-05-01 10:00:01", "end_time": "2026-05-01 10:00:02", "type": "TOOL", "name": "get"}
    rows = [langfuse(id=level, level=level, input="{}", output="x", **times) for level in ("ERROR", "WARNING", "DEBUG")]
    assert sorted(c.status for c in table(tmp_path, *rows).calls) == [Status.ERROR, Status.OK, Status.OK]


def test_langsmith_sessions_are_threads_and_messages_are_unwrapped(tmp_path: Path) -> None:
    """The column called session is the project; serialised messages, printed inputs and tool messages are unwrapped."""
    path = tmp_path / platforms.EXAMPLE_NAME
    path.write_bytes(platforms.EXAMPLE)
    found = read("platforms", path)
    assert found.session.native_id == "th9"
    assert [(c.call_id, c.step, c.call_index, c.text) for c in found.calls] == [
        ("c1", 0, 0, "paid"),
        ("c2", 0, 1, "ValueError('no shop')"),
    ]
    assert found.of(EventKind.USER_MESSAGE)[0].text == "Is o1 paid?"


def braintrust(identity: str, kind: str, **about: Any) -> dict[str, Any]:
    """A row of Braintrust."""
    parent = [] if kind == "task" else ["b1"]
    name = {"tool": "get"}.get(kind, kind)
    base = {"id": identity, "span_id": identity, "root_span_id": "b1", "span_parents": parent, "is_root": not parent}
    return {**base, "span_attributes": {"name": name, "type": kind}, "error": None, **about}


@pytest.mark.parametrize("loose", [0, 2, 4096])
def test_braintrust_rows_have_seconds_and_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loose: int
) -> None:
    """Times are seconds in the metrics; rows of one span add to each other, packed or not."""
    monkeypatch.setattr(platforms, "LOOSE_ROWS", loose)
    start, end = {"metrics": {"start": 1777629601.2, "end": 1777629601.9}}, {"output": "paid", "_is_merge": True}
    found = table(
        tmp_path,
        braintrust("b1", "task", metrics={"start": 1777629600.0}),
        braintrust(
            "b2",
            "llm",
            input=PROMPT,
            output=[{"message": ANSWER}],
            metadata={"model": "m"},
            metrics={"start": 1777629600.1, "end": 1777629601.0, "prompt_tokens": 9, "completion_tokens": 5},
        ),
        braintrust("b3", "tool", input={"id": "o1"}, **start),
        braintrust("b3", "tool", **end),
    )
    [call] = found.calls
    assert (call.text, (call.end_us or 0) - (call.start_us or 0)) == ("paid", 700_000)


def test_numbers_keep_their_digits_where_rows_are_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that packing would change is held as it is."""
    given = {"id": 123456789012345678901234567890}
    row = braintrust("b3", "tool", input=given, metrics={"start": 1777629601.2, "end": 1777629601.9})
    loose = table(tmp_path, row).calls
    monkeypatch.setattr(platforms, "LOOSE_ROWS", 0)
    assert table(tmp_path, row).calls == loose


def test_an_export_of_root_rows_or_of_a_round_number_is_told(tmp_path: Path) -> None:
    """An export that left spans out looks like a log without calls: say so."""
    assert table(tmp_path, braintrust("b1", "task"), braintrust("b9", "task")).reasons == ["maybe_cut"]
    rows = [langfuse(id=str(n), type="SPAN", name="x", start_time="2026-05-01 10:00:00") for n in range(100)]
    assert table(tmp_path, *rows).reasons == ["maybe_cut"]


def test_weave_operations_are_named_by_reference(tmp_path: Path) -> None:
    """The operation's name is inside a reference; a call that counted tokens is a model's; a lost end is no end."""
    base = {"trace_id": "t", "thread_id": "th", "parent_id": "p", "exception": None}
    op = {"op_name": "weave:///e/p/op/get:abc", "attributes": {"kind": "tool"}}
    tool = {**base, **op, "id": "1", "inputs": {"id": "o1"}, "output": "paid", "started_at": "2026-05-01T10:00:01.2Z"}
    found = table(tmp_path, {**tool, "ended_at": "2026-05-01T10:00:01.9Z"}, {**tool, "id": "2", "ended_at": None})
    first, second = found.calls
    assert (first.tool, first.status, first.time_source) == ("get", Status.OK, TimeSource.SPAN)
    assert second.end_us is None


def test_spans_of_the_agents_sdk(tmp_path: Path) -> None:
    """A function span is a call."""
    span = {
        "object": "trace.span",
        "id": "1",
        "trace_id": "t",
        "parent_id": None,
        "started_at": "2026-05-01T10:00:01.2Z",
        "ended_at": "2026-05-01T10:00:01.9Z",
        "span_data": {"type": "function", "name": "get", "input": '{"id": "o1"}', "output": "paid"},
        "error": {"message": "late", "data": None},
    }
    [call] = table(tmp_path, span).calls
    assert (call.tool, arguments(call), call.status) == ("get", {"id": "o1"}, Status.ERROR)


def test_mlflow_decodes_twice_and_knows_both_shapes(tmp_path: Path) -> None:
    """Attributes are JSON inside JSON; ids are base64 in newer traces, and apart in older ones."""
    attributes = {"mlflow.spanType": '"TOOL"', "mlflow.spanInputs": '{"id": "o1"}', "mlflow.spanOutputs": '"paid"'}
    times = {"start_time_unix_nano": 1777629601200000000, "end_time_unix_nano": 1777629601900000000}
    ids = {"trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "span_id": "AAAAAAAAAAE=", "parent_span_id": None}
    status = {"status": {"code": "STATUS_CODE_OK", "message": ""}}
    info = {"trace_metadata": {"mlflow.trace.session": "s9"}}
    new = {"info": info, "data": {"spans": [{"name": "get", "attributes": attributes, **ids, **times, **status}]}}
    failed = {"status_code": "ERROR", "status_message": ""}
    old_span = {
        "name": "get",
        "context": {"trace_id": "t2", "span_id": "x"},
        "parent_id": None,
        "attributes": attributes,
    }
    old_times = {"start_time": 1777629601200000000, "end_time": 1777629601900000000}
    old = {"info": {"request_id": "t2"}, "data": {"spans": [{**old_span, **old_times, **failed}]}}
    first, second = table(tmp_path, new, old).calls
    for call in (first, second):
        assert (call.tool, arguments(call), call.text) == ("get", {"id": "o1"}, "paid")
        assert (call.end_us or 0) - (call.start_us or 0) == 700_000
    assert (first.status, second.status) == (Status.OK, Status.ERROR)
    alone = document(tmp_path, new)
    assert recognise(alone) == "platforms"
    assert read("platforms", alone).session.native_id == "s9"


def test_phoenix_tables_belong_to_the_trace_reader(tmp_path: Path) -> None:
    """Their columns are OpenInference attributes, a dialect of traces."""
    row = {"context.span_id": "00000000000000a1", "context.trace_id": "0af7651916cd43dd8448eb211c80319c", "name": "get"}
    kind = {"attributes.openinference.span.kind": "TOOL", "attributes.tool.name": "get", "attributes.input.value": "{}"}
    path = lines(tmp_path, [{**row, **kind, "start_time": "2026-05-01T10:00:00Z", "end_time": "2026-05-01T10:00:01Z"}])
    assert recognise(path) == "otel"
    assert [c.tool for c in read("otel", path).calls] == ["get"]
