"""One row of a trace, in whichever container -> one ``Span``: OTLP objects, flat tables, nested exports."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from miner.readers.clock import micros
from miner.readers.content import parsed


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work with a start, an end and a parent."""

    trace: str
    id: str
    parent: str | None
    name: str
    start_us: int | None
    end_us: int | None
    attributes: dict[str, Any]
    """With the attributes of its events as ``<event>.<attribute>``."""
    failed: bool | None = None
    error: str | None = None
    service: str | None = None
    events: tuple[dict[str, Any], ...] = field(default=())
    """``{"name": …, **attributes}`` in order."""


COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("spanId", "span_id", "context.span_id", "SpanId"),
    "trace": ("traceId", "trace_id", "context.trace_id", "TraceId"),
    "parent": ("parentSpanId", "parent_span_id", "parent_id", "ParentSpanId"),
    "name": ("name", "span_name", "SpanName"),
    "start": ("startTimeUnixNano", "start_time_unix_nano", "start_time", "start_timestamp", "startTime", "Timestamp"),
    "end": ("endTimeUnixNano", "end_time_unix_nano", "end_time", "end_timestamp", "endTime"),
    "nanoseconds": ("Duration", "duration_ns"),
    "attributes": ("attributes", "SpanAttributes", "otel_attributes"),
    "events": ("events", "Events", "otel_events"),
    "status": ("status.code", "status.status_code", "status_code", "StatusCode", "otel_status_code", "status"),
    "message": ("status.message", "status_message", "StatusMessage", "status.description", "otel_status_message"),
    "service": ("service_name", "ServiceName", "resource.attributes.service.name", "resource.service.name"),
    "kind": ("kind", "record_type"),
}
"""Names under which containers keep the parts of a span, best first; a dot steps into an object."""


def span_of(row: Any, resource: dict[str, Any] | None = None) -> Span | None:
    """The span of a row, or None when the row is none (or is the announcement of one that has not ended)."""
    if not isinstance(row, dict):
        return None
    there = _places(tuple(row))
    identity, trace = _identity(_at(row, there["id"])), _identity(_at(row, there["trace"]))
    if not identity or not trace or _at(row, there["kind"]) == "pending_span":
        return None
    attributes = attributes_of(_at(row, there["attributes"]))
    prefix = "attributes."
    attributes |= {k[len(prefix) :]: v for k, v in row.items() if k.startswith(prefix) and v is not None}
    events = tuple(_event(event) for event in _list(_at(row, there["events"])) if isinstance(event, dict))
    for event in events:
        attributes |= {f"{event['name']}.{k}": v for k, v in event.items() if k != "name"}
    start, end = micros(_at(row, there["start"])), micros(_at(row, there["end"]))
    length = _at(row, there["nanoseconds"])
    if end is None and start is not None and type(length) is int:
        end = start + length // 1_000
    if start is not None and end is not None and end < start:
        end = None
    name, service = _at(row, there["name"]), (resource or {}).get("service.name") or _service(row, there["service"])
    failed, message = _failed(_at(row, there["status"])), _at(row, there["message"])
    exception = attributes.get("exception.message") or attributes.get("exception.exception.message")
    return Span(
        trace,
        identity,
        _identity(_at(row, there["parent"])) or None,
        name if isinstance(name, str) else "",
        start,
        end,
        attributes,
        True if "error.type" in attributes or exception else failed,
        next((text for text in (message, exception) if isinstance(text, str) and text), None),
        service if isinstance(service, str) else None,
        events,
    )


@dataclass(frozen=True, slots=True)
class Glance:
    """What decides where a span belongs."""

    trace: str
    id: str
    start_us: int | None
    attributes: dict[str, Any]
    """Those that were asked for."""


def glance_at(row: Any, names: frozenset[str]) -> Glance | None:
    """A part of what ``span_of`` says, at a part of its cost: rows are looked at once to be sorted, and read later."""
    if not isinstance(row, dict):
        return None
    there = _places(tuple(row))
    attributes = _at(row, there["attributes"])
    if not isinstance(attributes, list) or _at(row, there["events"]) or any(k.startswith("attributes.") for k in row):
        span = span_of(row)
        return None if span is None else Glance(span.trace, span.id, span.start_us, span.attributes)
    identity, trace = _identity(_at(row, there["id"])), _identity(_at(row, there["trace"]))
    if not identity or not trace or _at(row, there["kind"]) == "pending_span":
        return None
    asked = [pair for pair in attributes if not isinstance(pair, dict) or str(pair.get("key")) in names]
    return Glance(trace, identity, micros(_at(row, there["start"])), attributes_of(asked))


def rows_of(value: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(span row, resource attributes) of an OTLP export request, or of a row that is a span by itself."""
    if not isinstance(value, dict):
        return
    groups = [*_list(value.get("resourceSpans")), *_list(value.get("resource_spans"))]
    if not groups:
        yield value, {}
        return
    for group in groups:
        resource = attributes_of(_object(_object(group).get("resource")).get("attributes"))
        scopes = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
        for scope in (s for name in scopes for s in _list(_object(group).get(name))):
            for row in _list(_object(scope).get("spans")):
                if isinstance(row, dict):
                    yield row, resource


def logs_of(value: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(trace, span, event) for log records that carry what a span said."""
    for group in [*_list(_object(value).get("resourceLogs")), *_list(_object(value).get("resource_logs"))]:
        for scope in [*_list(_object(group).get("scopeLogs")), *_list(_object(group).get("scope_logs"))]:
            for record in _list(_object(scope).get("logRecords")) + _list(_object(scope).get("log_records")):
                row = _object(record)
                attributes = attributes_of(row.get("attributes"))
                name = row.get("eventName") or row.get("event_name") or attributes.get("event.name") or ""
                body = plain(row.get("body"))
                said = body if isinstance(body, dict) else {"body": body}
                there = _places(tuple(row))
                span, trace = _identity(_at(row, there["id"])), _identity(_at(row, there["trace"]))
                if span and trace:
                    yield trace, span, {**attributes, **said, "name": str(name)}


_Place = tuple[str, tuple[str, ...]]
"""A name, and the steps into objects that it may stand for."""


@functools.lru_cache(maxsize=256)
def _places(keys: tuple[str, ...]) -> dict[str, tuple[_Place, ...]]:
    """Column -> the names that a row with these keys may have it under: nearly all rows of a file have the same."""
    present = set(keys)
    named = {column: [(name, _steps(name)) for name in names] for column, names in COLUMNS.items()}
    return {
        column: tuple(place for place in places if place[0] in present or (place[1] and place[1][0] in present))
        for column, places in named.items()
    }


def _steps(name: str) -> tuple[str, ...]:
    return tuple(name.split(".")) if "." in name else ()


def _at(row: dict[str, Any], places: tuple[_Place, ...]) -> Any:
    """The value at the first of these places that holds one."""
    for name, steps in places:
        inner: Any = row.get(name)
        if inner is not None:
            return inner
        if steps:
            inner = row
            for step in steps:
                inner = inner.get(step) if isinstance(inner, dict) else None
            if inner is not None:
                return inner
    return None


def _service(row: dict[str, Any], places: tuple[_Place, ...]) -> Any:
    stated = _at(row, places)
    if stated is not None or "resource" not in row:
        return stated
    return attributes_of(_object(row["resource"]).get("attributes")).get("service.name")


def attributes_of(value: Any) -> dict[str, Any]:
    """Attributes as an object: OTLP key-value pairs, a map's pairs, JSON text or an object already."""
    if isinstance(value, str):
        value = parsed(value)
    if isinstance(value, dict):
        return {str(key): inner for key, inner in value.items() if inner is not None}
    found: dict[str, Any] = {}
    for pair in _list(value):
        if isinstance(pair, dict) and isinstance(pair.get("key"), str):
            found[pair["key"]] = plain(pair.get("value"))
        elif isinstance(pair, list | tuple) and len(pair) == 2:
            found[str(pair[0])] = pair[1]
    return found


def plain(value: Any) -> Any:
    """An OTLP ``AnyValue`` as the value it stands for; anything else as it is."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    [(kind, inner)] = value.items()
    if kind == "stringValue":
        return inner
    kind = kind.replace("_v", "V")
    if kind in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        return inner
    if kind == "intValue":
        return int(inner) if isinstance(inner, str) and inner.lstrip("-").isdigit() else inner
    if kind == "arrayValue":
        return [plain(item) for item in _list(_object(inner).get("values"))]
    if kind == "kvlistValue":
        return attributes_of(_object(inner).get("values"))
    return value


def _event(event: dict[str, Any]) -> dict[str, Any]:
    attributes = attributes_of(event.get("attributes") or event.get("Attributes"))
    return {**attributes, "name": str(event.get("name") or event.get("Name") or event.get("event_name") or "")}


def _identity(value: Any) -> str:
    """An id in lower-case hex; plain protobuf JSON writes base64 instead."""
    if not isinstance(value, str):
        return str(value) if type(value) is int else ""
    if len(value) in (12, 24) and value.endswith("="):
        try:
            return base64.b64decode(value, validate=True).hex()
        except binascii.Error:
            return value
    return "" if not value.strip("0") else value.lower().removeprefix("0x")


def _failed(status: Any) -> bool | None:
    if isinstance(status, str):
        word = status.upper()
        return True if "ERROR" in word else False if word.endswith("OK") else None
    return {1: False, 2: True}.get(status) if type(status) is int else None


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = parsed(value)
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
