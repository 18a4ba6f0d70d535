"""Builds OTLP traces for tests: spans, model and tool spans of the conventions, messages with parts."""

from __future__ import annotations

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
