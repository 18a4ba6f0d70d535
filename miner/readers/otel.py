"""OpenTelemetry traces: OTLP JSON and JSON Lines, flat span tables (JSON, Parquet), in every GenAI dialect."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from miner.events import Event, Session
from miner.readers.content import json_text
from miner.readers.head import Head, head_of
from miner.readers.source import Source
from miner.readers.span_dialects import work_of
from miner.readers.span_names import SESSION
from miner.readers.span_rows import COLUMNS, Glance, Span, glance_at, logs_of, rows_of, span_of
from miner.readers.spans import sessions_of
from miner.readers.tables import is_parquet, parquet_columns, parquet_rows
from miner.readers.values import word

VERSION = 1
TITLE = "OpenTelemetry traces of agents: OTLP JSON, span tables (JSON, Parquet); GenAI, OpenInference, OpenLLMetry …"
WHERE = (
    "the collector's file exporter, Phoenix `get_spans_dataframe().to_parquet(…)`, or any exporter that writes spans"
)
RESTS_ON = "two real traces in one dialect; hand-made spans by the published conventions for the others"

CUT_LENGTHS = frozenset({1000})
"""Default limits at which exporters silently stop."""
_OTLP = re.compile(rb'"(?:resourceSpans|resource_spans|resourceLogs|resource_logs)"\s*:')
_ROW = re.compile(rb'"(?:span_id|spanId|SpanId|context\.span_id)"\s*:')
_DIALECT = re.compile(
    rb'"?(?:gen_ai\.|openinference\.span\.kind|traceloop\.|ai\.operationId|mlflow\.spanType|monocle|agentic\.|mcp\.method)'
)
_SESSION = frozenset(SESSION)


def recognises(head: Head) -> float:
    """By the envelope of OTLP, else by spans that use a known dialect."""
    if is_parquet(head):
        return 0.9 if _is_span_table(head.path) else 0.0
    if not re.match(rb"\s*[\[{]", head.start):
        return 0.0
    if _OTLP.search(head.start):
        return 0.95
    return 0.9 if _ROW.search(head.start) and _DIALECT.search(head.start) else 0.0


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """The files of a folder belong together: an exporter spreads one trace over several of them."""
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    return [tuple(sorted(files)) for _, files in sorted(folders.items())]


def read(source: Source) -> Iterator[Session | Event]:
    """Sessions once all spans are in, since a child may precede its parent in any line or file."""
    held = _Held()
    for path in source.paths:
        one = replace(source, paths=(path,))
        if is_parquet(head_of(path, 64)):
            _hold_table(held, one, path)
            continue
        records = one.values("", "spans", "data.spans", "data")
        for record in records:
            if not held.take(record.value):
                source.problem("unknown_record", "no span", path=path, line=record.line)
    source.account.unknown += held.lost
    for native_id, spans in held.sessions():
        yield from sessions_of(source, spans, "otel", native_id)


class _Held:
    """Spans by trace, packed: each repeats the conversation, so they take a small part of their size."""

    def __init__(self) -> None:
        self._traces: dict[str, dict[str, bytes]] = {}
        self._said: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._session: dict[str, tuple[int, str]] = {}
        self._start: dict[str, int] = {}
        self.lost = 0
        """Rows beside spans that are none themselves, for want of an id."""

    def take(self, value: Any) -> bool:
        """Keep the spans of a record; False when it holds none."""
        found, lost = False, 0
        for trace, identity, event in logs_of(value):
            self._said.setdefault((trace, identity), []).append(event)
            found = True
        for row, resource in rows_of(value):
            glance = glance_at(row, _SESSION)
            if glance is not None:
                found = True
                self._keep(glance, row, resource)
            elif row.get("kind") != "pending_span":
                lost += 1
        self.lost += lost if found else 0
        return found

    def _keep(self, span: Glance, row: dict[str, Any], resource: dict[str, Any]) -> None:
        trace = self._traces.setdefault(span.trace, {})
        # A row that comes twice (a retried export) replaces itself.
        trace[span.id] = zlib.compress(json_text([row, resource]).encode("utf-8", "replace"), 1)
        if span.start_us is not None:
            self._start[span.trace] = min(span.start_us, self._start.get(span.trace, span.start_us))
        for rank, name in enumerate(SESSION):
            stated = word(span.attributes.get(name))
            if stated and (span.trace not in self._session or rank < self._session[span.trace][0]):
                self._session[span.trace] = (rank, stated)

    def sessions(self) -> Iterator[tuple[str, list[Span]]]:
        """Traces of one conversation together, in the order of time."""
        joined: dict[str, list[str]] = {}
        for trace in sorted(self._traces, key=lambda trace: (self._start.get(trace, 0), trace)):
            joined.setdefault(self._session.get(trace, (0, trace))[1], []).append(trace)
        for native_id, traces in joined.items():
            spans = [span for trace in traces for span in self._spans(trace)]
            if any(work_of(span) is not None for span in spans):
                yield native_id, spans

    def _spans(self, trace: str) -> Iterator[Span]:
        for identity, packed in self._traces[trace].items():
            row, resource = orjson.loads(zlib.decompress(packed))
            said = self._said.get((trace, identity), [])
            if said:
                row = {**row, "events": [*_events(row), *({"name": e["name"], "attributes": e} for e in said)]}
            span = span_of(row, resource)
            if span is not None:
                yield _with_content(span, said)


def _events(row: dict[str, Any]) -> list[Any]:
    events = row.get("events")
    return events if isinstance(events, list) else []


def _with_content(span: Span, said: list[dict[str, Any]]) -> Span:
    """Content that an exporter wrote to a log record instead of the span, under the same names."""
    for event in said:
        span.attributes.update({k: v for k, v in event.items() if k.startswith("gen_ai.") and k not in span.attributes})
    return span


def _is_span_table(path: Path) -> bool:
    names = parquet_columns(path)
    return all(any(name in names for name in COLUMNS[column]) for column in ("id", "trace", "start"))


def _hold_table(held: _Held, source: Source, path: Path) -> None:
    number = 0
    for number, row in enumerate(parquet_rows(source, path), 1):
        if not held.take(row):
            source.problem("unknown_record", "no span", path=path, line=number)
    if number in CUT_LENGTHS:
        source.problem("maybe_cut", f"exactly {number} spans: an export limit may have cut the rest", path=path)


EXAMPLE_NAME = "traces.jsonl"
EXAMPLE = b"""\
{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bakery"}}]},"scopeSpans":[{"scope":{"name":"x"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00000000000000a3","parentSpanId":"00000000000000a1","name":"execute_tool get_order","kind":1,"startTimeUnixNano":"1777629601100000000","endTimeUnixNano":"1777629601350000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},{"key":"gen_ai.tool.name","value":{"stringValue":"get_order"}},{"key":"gen_ai.tool.call.id","value":{"stringValue":"c1"}},{"key":"gen_ai.tool.call.arguments","value":{"stringValue":"{\\"id\\": \\"o1\\"}"}},{"key":"gen_ai.tool.call.result","value":{"stringValue":"paid"}}],"status":{}},{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00000000000000a4","parentSpanId":"00000000000000a3","name":"tools/call get_order","kind":1,"startTimeUnixNano":"1777629601120000000","endTimeUnixNano":"1777629601340000000","attributes":[{"key":"mcp.method.name","value":{"stringValue":"tools/call"}},{"key":"gen_ai.tool.name","value":{"stringValue":"get_order"}}],"status":{}}]}]}]}
{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bakery"}}]},"scopeSpans":[{"scope":{"name":"x"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00000000000000a6","parentSpanId":"00000000000000a1","name":"chat m","kind":1,"startTimeUnixNano":"1777629602000000000","endTimeUnixNano":"1777629602500000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.conversation.id","value":{"stringValue":"talk-1"}},{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"gen_ai.input.messages","value":{"stringValue":"[{\\"role\\": \\"user\\", \\"parts\\": [{\\"type\\": \\"text\\", \\"content\\": \\"Is o1 paid?\\"}]}, {\\"role\\": \\"assistant\\", \\"parts\\": [{\\"type\\": \\"tool_call\\", \\"id\\": \\"c1\\", \\"name\\": \\"get_order\\", \\"arguments\\": {\\"id\\": \\"o1\\"}}, {\\"type\\": \\"tool_call\\", \\"id\\": \\"c2\\", \\"name\\": \\"find_shop\\", \\"arguments\\": {\\"city\\": \\"Ulm\\"}}], \\"finish_reason\\": \\"tool_call\\"}, {\\"role\\": \\"tool\\", \\"parts\\": [{\\"type\\": \\"tool_call_response\\", \\"id\\": \\"c1\\", \\"response\\": \\"paid\\"}, {\\"type\\": \\"tool_call_response\\", \\"id\\": \\"c2\\", \\"response\\": \\"no shop\\"}]}]"}},{"key":"gen_ai.output.messages","value":{"stringValue":"[{\\"role\\": \\"assistant\\", \\"parts\\": [{\\"type\\": \\"text\\", \\"content\\": \\"Paid.\\"}], \\"finish_reason\\": \\"stop\\"}]"}}],"status":{}}]}]}]}
{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bakery"}}]},"scopeSpans":[{"scope":{"name":"x"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00000000000000a5","parentSpanId":"00000000000000a1","name":"execute_tool find_shop","kind":1,"startTimeUnixNano":"1777629601110000000","endTimeUnixNano":"1777629601900000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},{"key":"gen_ai.tool.name","value":{"stringValue":"find_shop"}},{"key":"gen_ai.tool.call.id","value":{"stringValue":"c2"}},{"key":"error.type","value":{"stringValue":"not_found"}}],"status":{"code":2}},{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00000000000000a2","parentSpanId":"00000000000000a1","name":"chat m","kind":1,"startTimeUnixNano":"1777629600100000000","endTimeUnixNano":"1777629601000000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.conversation.id","value":{"stringValue":"talk-1"}},{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"40"}},{"key":"gen_ai.input.messages","value":{"stringValue":"[{\\"role\\": \\"user\\", \\"parts\\": [{\\"type\\": \\"text\\", \\"content\\": \\"Is o1 paid?\\"}]}]"}},{"key":"gen_ai.output.messages","value":{"stringValue":"[{\\"role\\": \\"assistant\\", \\"parts\\": [{\\"type\\": \\"tool_call\\", \\"id\\": \\"c1\\", \\"name\\": \\"get_order\\", \\"arguments\\": {\\"id\\": \\"o1\\"}}, {\\"type\\": \\"tool_call\\", \\"id\\": \\"c2\\", \\"name\\": \\"find_shop\\", \\"arguments\\": {\\"city\\": \\"Ulm\\"}}], \\"finish_reason\\": \\"tool_call\\"}]"}}],"status":{}},{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00000000000000a1","parentSpanId":"","name":"invoke_agent baker","kind":1,"startTimeUnixNano":"1777629600000000000","endTimeUnixNano":"1777629602600000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"invoke_agent"}},{"key":"gen_ai.agent.name","value":{"stringValue":"baker"}}],"status":{}}]}]}]}
"""  # noqa: E501 - a line is an export request, children before parents
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("get_order", {"id": "o1"}, "ok"),
    ("find_shop", {"city": "Ulm"}, "error"),
]
