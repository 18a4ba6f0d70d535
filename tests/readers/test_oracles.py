"""Readers beside programs that others maintain for the same format, call by call: none of their code is ours."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller
from miner.readers import load_reader
from miner.readers.opening import open_log
from tests.readers.reading import Read, arguments, lines, read
from tests.real_logs import needs_real_logs, real_files

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
Called = tuple[str, str, str | None]
"""(tool, arguments, result)."""


def canonical(value: Any) -> str:
    """Arguments in a form that can be compared."""
    return json.dumps(value, sort_keys=True)


def told(found: Read) -> Counter[Called]:
    """The model's calls as our reader tells them, with the names that the log has."""
    calls = [call for call in found.calls if call.caller is not Caller.USER]
    return Counter((call.raw_tool or call.tool or "", canonical(arguments(call)), call.text) for call in calls)


def conversations(path: Path) -> Iterator[list[dict[str, Any]]]:
    """The message lists of a file of such lists, or of JSON Lines that hold one each."""
    with open_log(path) as stream:
        text = stream.read().decode()
    values = [json.loads(line) for line in text.splitlines()] if text.startswith("{") else json.loads(text)
    for value in values:
        yield value["messages"] if "messages" in value else value["traj"]


def by_langchain(messages: list[dict[str, Any]]) -> Counter[Called]:
    """The calls of an OpenAI message list as LangChain understands it: names, decoded arguments, results by id."""
    core = pytest.importorskip("langchain_core.messages", reason="the extra 'oracles' is not installed")
    understood = core.convert_to_messages(messages)
    results: dict[str, list[str]] = {}
    for message in understood:
        if isinstance(message, core.ToolMessage):
            results.setdefault(message.tool_call_id, []).append(str(message.content))
    made = [call for message in understood if isinstance(message, core.AIMessage) for call in message.tool_calls]
    return Counter(
        (call["name"], canonical(call["args"]), next(iter(results.get(call["id"], [])[:1]), None)) for call in made
    )


def test_langchain_finds_the_same_calls_in_the_sample() -> None:
    """Every call of the shop's conversations: tool, arguments and result."""
    path = SAMPLE / "messages" / "service-desk.jsonl"
    theirs: Counter[Called] = Counter()
    for messages in conversations(path):
        theirs += by_langchain(messages)
    assert theirs.total() > 150
    assert told(read("messages", path)) == theirs


def test_what_langchain_writes_is_read(tmp_path: Path) -> None:
    """Messages as LangChain itself serialises them, in both of its ways, hold the calls that went in."""
    core = pytest.importorskip("langchain_core.messages", reason="the extra 'oracles' is not installed")
    load = pytest.importorskip("langchain_core.load")
    lists = list(conversations(SAMPLE / "messages" / "service-desk.jsonl"))[:8]
    theirs: Counter[Called] = Counter()
    for messages in lists:
        theirs += by_langchain(messages)
    objects = [core.convert_to_messages(messages) for messages in lists]
    for number, written in enumerate((core.messages_to_dict, lambda found: [load.dumpd(one) for one in found])):
        path = lines(tmp_path, ({"messages": written(found)} for found in objects), f"{number}.jsonl")
        assert told(read("messages", path)) == theirs


@needs_real_logs("tau")
def test_langchain_finds_the_same_calls_in_real_conversations() -> None:
    """τ-bench's runs with another firm's customer service: tool and arguments of every call."""
    for path in real_files("tau", "*.gz"):
        theirs: Counter[Called] = Counter()
        for messages in conversations(path):
            theirs += by_langchain(messages)
        ours = told(read("tau", path))
        assert theirs.total() > 300
        assert without_results(ours) == without_results(theirs)


def without_results(calls: Counter[Called]) -> Counter[tuple[str, str]]:
    """Tools and arguments alone."""
    found: Counter[tuple[str, str]] = Counter()
    for (tool, given, _), count in calls.items():
        found[tool, given] += count
    return found


def by_protobuf(data: bytes) -> Counter[tuple[str, str, int, int]]:
    """(tool, arguments, start, end) of every tool span, as OpenTelemetry's own message classes read the export."""
    reason = "the extra 'oracles' is not installed"
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason=reason)
    json_format = pytest.importorskip("google.protobuf.json_format")
    found: Counter[tuple[str, str, int, int]] = Counter()
    for line in data.decode().splitlines():
        request = json_format.Parse(_with_bytes(line), service.ExportTraceServiceRequest())
        spans = (s for group in request.resource_spans for scope in group.scope_spans for s in scope.spans)
        for span in spans:
            about = {pair.key: pair.value.string_value for pair in span.attributes}
            if about.get("gen_ai.operation.name") == "execute_tool":
                given = json.loads(about.get("gen_ai.tool.call.arguments") or "{}")
                times = span.start_time_unix_nano // 1000, span.end_time_unix_nano // 1000
                found[about["gen_ai.tool.name"], canonical(given), *times] += 1
    return found


def _with_bytes(line: str) -> str:
    """OTLP writes ids in hex where protobuf's own JSON has base64."""
    pattern = re.compile(r'("(?:traceId|spanId|parentSpanId)":\s*")([0-9a-f]*)"')
    return pattern.sub(lambda m: m[1] + base64.b64encode(bytes.fromhex(m[2])).decode() + '"', line)


def test_protobuf_finds_the_same_tool_spans() -> None:
    """Every tool span of an export, with its arguments and, to the microsecond, its times."""
    path = SAMPLE / "otlp" / "research-traces.jsonl"
    theirs = by_protobuf(path.read_bytes())
    assert theirs.total() > 200
    calls = [call for call in read("otel", path).calls if call.start_us is not None]
    ours = Counter(
        (call.raw_tool or call.tool or "", canonical(arguments(call)), call.start_us, call.end_us) for call in calls
    )
    assert ours == theirs


@pytest.mark.parametrize("ending", ["eval", "json"])
def test_what_inspect_writes_is_read(tmp_path: Path, ending: str) -> None:
    """Logs as Inspect's own package writes them hold the calls that it sees in them."""
    log = pytest.importorskip("inspect_ai.log", reason="inspect-ai is large, and installed by hand")
    value = json.loads(load_reader("inspect").EXAMPLE)
    value["eval"] |= {"created": "2026-05-01T10:00:00+00:00", "dataset": {}, "config": {}}
    for sample in value["samples"]:
        sample["target"] = ""
        for event in sample["events"]:
            event |= {"tools": [], "tool_choice": "auto", "config": {}} if event["event"] == "model" else {}
    written = log.EvalLog.model_validate(value)
    path = tmp_path / f"2026-05-01T10-00-00_shop_abc.{ending}"
    log.write_eval_log(written, str(path))
    events = [event for sample in log.read_eval_log(str(path)).samples for event in sample.events]
    theirs = Counter((event.function, canonical(event.arguments)) for event in events if event.event == "tool")
    assert theirs
    assert without_results(told(read("inspect", path))) == theirs


def test_the_packages_own_wire_types_accept_what_the_reader_calls_messages() -> None:
    """The messages of the MCP example are valid to the protocol's own package, and its calls are the reader's."""
    types = pytest.importorskip("mcp.types", reason="the extra 'mcp' is not installed")
    reader = load_reader("mcp")
    messages = [json.loads(line)["message"] for line in reader.EXAMPLE.splitlines()]
    asked = [types.CallToolRequest.model_validate(m) for m in messages if m.get("method") == "tools/call"]
    theirs = Counter((request.params.name, canonical(request.params.arguments)) for request in asked)
    assert theirs == Counter((tool, canonical(given)) for tool, given, _ in reader.EXAMPLE_CALLS)
