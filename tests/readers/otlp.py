"""Builds OTLP traces for tests: spans, model and tool spans of the conventions, messages with parts."""

from __future__ import annotations

import json
from typing import Any

START_NS = 1_777_629_600_000_000_000
ARGS = {"id": "o1"}
USER = {"role": "user", "content": "Is o1 paid?"}


def any_value(value: Any) -> dict[str, Any]:
    """A value as OTLP JSON writes it."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    return {"stringValue": value}


def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP JSON writes them."""
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def span(
    identity: str, parent: str, name: str, begin: int, end: int, about: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """A span that began and ended so many milliseconds after the start."""
    return {
        "traceId": more.pop("trace", "a" * 32),
        "spanId": identity * 16,
        "parentSpanId": parent * 16,
        "name": name,
        "startTimeUnixNano": str(START_NS + begin * 1_000_000),
        "endTimeUnixNano": str(START_NS + end * 1_000_000),
        "attributes": pairs(about),
        **more,
    }


def request(*spans: dict[str, Any]) -> dict[str, Any]:
    """An export request."""
    resource = {"attributes": pairs({"service.name": "bakery"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


def chat(identity: str, begin: int, shown: Any, answer: Any, **more: Any) -> dict[str, Any]:
    """A model span of the semantic conventions."""
    about = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": shown, "gen_ai.output.messages": answer}
    about = {key: value for key, value in about.items() if value is not None} | more.pop("about", {})
    return span(identity, more.pop("parent", "1"), "chat m", begin, begin + 50, about, **more)


def tool(identity: str, begin: int, name: str, call: str, **more: Any) -> dict[str, Any]:
    """A tool span of the semantic conventions, 20 ms long."""
    about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.id": call}
    about |= more.pop("about", {})
    return span(identity, more.pop("parent", "1"), f"execute_tool {name}", begin, begin + 20, about, **more)


def asks(call: str, name: str = "get", given: Any = ARGS) -> dict[str, Any]:
    """An answer that asks for a call."""
    return {"role": "assistant", "parts": [{"type": "tool_call", "id": call, "name": name, "arguments": given}]}


def gives(call: str, text: str) -> dict[str, Any]:
    """The message that returns a result."""
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": call, "response": text}]}


def _row(identity: str, parent: str | None, begin: int, about: dict[str, Any]) -> dict[str, Any]:
    second = f"2026-05-01T10:00:0{begin}"
    times = {"start_time": f"{second}.100Z", "end_time": f"{second}.900Z"}
    plain = {"name": f"span {identity}", "context.trace_id": "t1", "context.span_id": identity, "parent_id": parent}
    return {**plain, **times, **{f"attributes.{name}": value for name, value in about.items()}}


def _table() -> bytes:
    """An agent that asks for two calls at once and then answers, in columns with dots, children first."""
    asked = [
        {"tool_call.id": call, "tool_call.function.name": name, "tool_call.function.arguments": given}
        for call, name, given in (("c1", "get_order", '{"id": "o1"}'), ("c2", "find_shop", '{"city": "Ulm"}'))
    ]
    user = {"message.role": "user", "message.content": "Is o1 paid?"}
    answer = {"message.role": "assistant", "message.content": "I look."}
    results = [
        {"message.role": "tool", "message.tool_call_id": call, "message.content": text}
        for call, text in (("c1", "paid"), ("c2", "no shop"))
    ]
    asks_both = {**answer, "message.tool_calls": asked}
    last = {"message.role": "assistant", "message.content": "It is paid."}
    kind, shown, given = "openinference.span.kind", "llm.input_messages", "llm.output_messages"
    rows = [
        _row("s2", "s0", 2, {kind: "TOOL", "tool.name": "get_order", "output.value": "paid"}),
        _row("s3", "s0", 3, {kind: "TOOL", "tool.name": "find_shop", "output.value": "no shop"}),
        _row("s1", "s0", 1, {kind: "LLM", "llm.model_name": "m", shown: [user], given: [asks_both]}),
        _row("s4", "s0", 4, {kind: "LLM", "llm.model_name": "m", shown: [user, asks_both, *results], given: [last]}),
        _row("s0", None, 0, {kind: "AGENT", "agent.name": "baker"}),
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


TABLE = _table()
"""A table of spans as Phoenix writes it, one JSON row a line."""
