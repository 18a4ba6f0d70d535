"""Tables of observability platforms: Langfuse, LangSmith, Braintrust, Weave, OpenAI Agents; any table with a map."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from miner.events import Event, Session
from miner.readers.head import Head
from miner.readers.source import Source
from miner.readers.span_maps import (
    MAP_SUFFIX,
    ROW,
    Place,
    SpanMap,
    is_call,
    load_map,
    own_map_of,
    place_by,
    span_by,
)
from miner.readers.span_platforms import MLFLOW, expanded, map_for
from miner.readers.span_rows import Span
from miner.readers.spans import sessions_of
from miner.readers.tables import columns_of, rows

VERSION = 1
TITLE = "Platform exports: Langfuse, LangSmith, MLflow, Braintrust, Weave, OpenAI Agents; your own table with a map"
WHERE = "an export as JSON, JSON Lines, CSV or Parquet; for a table of your own, a <name>.map.toml beside it"
RESTS_ON = "published schemas and documentation; hand-made exports"

NAME = "platforms"
CUT_LENGTHS = frozenset({100, 1000})
"""Default limits at which clients of these platforms silently stop."""
LOOSE_ROWS = 4096
"""Rows that are held as they are; packing is a part of their size, and takes a part of their time."""


def recognises(head: Head) -> float:
    """By the columns that a platform's rows have; a map beside the file decides."""
    if head.path.name.endswith(MAP_SUFFIX):
        # A map is read with its table: a change of the map is a change of the log.
        return 0.99 if re.search(rb"^\s*(?:id|start|tools)\s*=", head.start, re.MULTILINE) else 0.0
    if own_map_of(head.path).is_file():
        return 0.99
    table = map_for(columns_of(head))
    if table is MLFLOW:
        return 0.93 if b"mlflow." in head.start else 0.0
    return 0.93 if table is not None else 0.0


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """The files of a folder belong together: exports are cut into parts by time or size."""
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    return [tuple(sorted(files)) for _, files in sorted(folders.items())]


def read(source: Source) -> Iterator[Session | Event]:
    """Sessions once all rows are in, since a child may stand before its parent."""
    held = _Rows()
    for path in source.paths:
        if path.name.endswith(MAP_SUFFIX):
            source.account.accepted += path.stat().st_size
            continue
        beside = own_map_of(path)
        own = table = load_map(beside) if beside.is_file() else None
        number = roots = calls = 0
        for row in rows(source, path, table.table if table else ""):
            table = table or map_for(set(row))
            number += 1
            if table is not None and ROW in table.id:
                row[ROW] = f"{path.name}#{number}"
            roots += bool(row.get("is_root"))
            calls += own is not None and is_call(own, row)
            taken = [held.take(table, span) for span in expanded(row)] if table is not None else []
            source.account.unknown += not any(taken)
        if number in CUT_LENGTHS:
            source.problem("maybe_cut", f"exactly {number} rows: an export limit may have cut the rest", path=path)
        if own is not None and number and not calls:
            source.problem("no_calls", "no `kind` of a row is one of the map's `tools`", path=path)
        if number > 1 and roots == number:
            source.problem("maybe_cut", "only root rows: export spans instead of traces", path=path)
    for native_id, spans in held.sessions():
        yield from sessions_of(source, spans, NAME, native_id)


class _Held(NamedTuple):
    """A row, and where it belongs."""

    table: SpanMap
    row: dict[str, Any] | bytes
    """Packed, where there are many."""
    place: Place


class _Rows:
    """Spans by trace and id: all of an export is read before any of it can be told, so that many rows are packed."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], _Held] = {}

    def take(self, table: SpanMap, row: dict[str, Any]) -> bool:
        """Keep a row; a later row of the same span adds to it. False for what is no span."""
        place = place_by(table, row)
        if place is None:
            return False
        key = place.trace, place.id
        before = self._held.get(key)
        if before is not None:
            row = {**_unpacked(before.row), **{name: value for name, value in row.items() if value is not None}}
            place = place_by(table, row) or place
        self._held[key] = _Held(table, row if len(self._held) < LOOSE_ROWS else _packed(row), place)
        return True

    def sessions(self) -> Iterator[tuple[str, list[Span]]]:
        """The spans of each session: a session's traces together, in the order of time."""
        traces: dict[str, list[_Held]] = {}
        named: dict[str, str] = {}
        for held in self._held.values():
            traces.setdefault(held.place.trace, []).append(held)
            if held.place.session is not None:
                named.setdefault(held.place.trace, held.place.session)
        joined: dict[str, list[str]] = {}
        for trace in sorted(traces, key=lambda t: (min(held.place.start_us or 0 for held in traces[t]), t)):
            joined.setdefault(named.get(trace, trace), []).append(trace)
        for native_id, names in joined.items():
            rows = (span_by(held.table, _unpacked(held.row)) for name in names for held in traces[name])
            yield native_id, [span for span in rows if span is not None]


def _packed(row: dict[str, Any]) -> dict[str, Any] | bytes:
    try:
        return zlib.compress(orjson.dumps(row), 1)
    except orjson.JSONEncodeError:
        # A number with more digits than the packing would keep.
        return row


def _unpacked(row: dict[str, Any] | bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(zlib.decompress(row)) if isinstance(row, bytes) else row
    return found


EXAMPLE_NAME = "runs.jsonl"
EXAMPLE = b"""\
{"id":"r2","trace_id":"r0","parent_run_id":"r0","run_type":"tool","name":"get_order","start_time":"2026-05-01T10:00:01.200","end_time":"2026-05-01T10:00:01.900","inputs":{"input":"{'id': 'o1'}"},"outputs":{"output":{"type":"tool","content":"paid","tool_call_id":"c1","status":"success"}},"error":null,"extra":{"metadata":{"thread_id":"th9"}},"session_id":"project-1"}
{"id":"r1","trace_id":"r0","parent_run_id":"r0","run_type":"llm","name":"ChatModel","start_time":"2026-05-01T10:00:00.100","end_time":"2026-05-01T10:00:01.000","inputs":{"messages":[[{"lc":1,"type":"constructor","id":["langchain","HumanMessage"],"kwargs":{"content":"Is o1 paid?","type":"human"}}]]},"outputs":{"generations":[[{"text":"","message":{"lc":1,"type":"constructor","id":["langchain","AIMessage"],"kwargs":{"content":"","type":"ai","tool_calls":[{"name":"get_order","args":{"id":"o1"},"id":"c1","type":"tool_call"},{"name":"get_shop","args":{"city":"Ulm"},"id":"c2","type":"tool_call"}]}}}]]},"error":null,"prompt_tokens":9,"completion_tokens":5,"extra":{"metadata":{"thread_id":"th9","ls_model_name":"m"}},"session_id":"project-1"}
{"id":"r3","trace_id":"r0","parent_run_id":"r0","run_type":"tool","name":"get_shop","start_time":"2026-05-01T10:00:01.210","end_time":"2026-05-01T10:00:01.300","inputs":{"city":"Ulm"},"outputs":null,"error":"ValueError('no shop')","extra":{"metadata":{"thread_id":"th9"}},"session_id":"project-1"}
{"id":"r0","trace_id":"r0","parent_run_id":null,"run_type":"chain","name":"agent","start_time":"2026-05-01T10:00:00.000","end_time":"2026-05-01T10:00:02.000","inputs":{},"outputs":{},"error":null,"session_id":"project-1"}
"""  # noqa: E501 - a line is a run
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("get_order", {"id": "o1"}, "ok"),
    ("get_shop", {"city": "Ulm"}, "error"),
]
