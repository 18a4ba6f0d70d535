"""Where the tables of observability platforms keep the parts of a span: a map for each, and how to write one's own.

A map is data. A column may be a path into an object (``extra.metadata.thread_id``); of several names the first that is
there counts. What a row is follows from one column's value (``run_type = "tool"``).
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from miner.errors import UsageError
from miner.readers.clock import micros
from miner.readers.content import parsed
from miner.readers.span_rows import Span
from miner.readers.values import count, mapping, number, word

Names = tuple[str, ...]
_WELL = frozenset(
    {"ok", "success", "default", "debug", "warning", "unset", "completed", "status_code_ok", "status_code_unset"}
)
"""Words of status and level columns that are no failure."""


@dataclass(frozen=True, slots=True)
class SpanMap:
    """The columns of one platform's table."""

    name: str
    signs: frozenset[str]
    """Columns that are together in no other table."""
    id: Names
    trace: Names
    parent: Names
    title: Names
    """What the span is called; for a tool span, the tool."""
    kind: Names
    start: Names
    end: Names
    input: Names
    output: Names
    tools: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    """Values of ``kind``, in lower case."""
    session: Names = ()
    call_id: Names = ()
    model: Names = ()
    tokens_in: Names = ()
    tokens_out: Names = ()
    failed: Names = ()
    """A column that is only filled, or holds the word error, when the span failed."""
    service: Names = ()
    table: str = ""
    """Which table, in a database that holds several."""
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = field(default=lambda row: row)
    """Rewrites a row whose parts are not where a path leads."""


def cell(row: Mapping[str, Any], names: Names) -> Any:
    """The first of these columns, or paths into columns, that is there and not empty."""
    for name in names:
        found = _inside(row, name)
        if found not in (None, ""):
            return found
    return None


def _inside(row: Mapping[str, Any], path: str) -> Any:
    """What a path leads to; a key may itself hold dots."""
    found = row.get(path)
    if found not in (None, ""):
        return found
    for key, rest in _splits(path):
        found = row.get(key)
        if found in (None, ""):
            continue
        inner = parsed(found) if isinstance(found, str) and found[:1] == "{" else found
        if isinstance(inner, dict):
            return _inside(inner, rest)
    return None


@functools.lru_cache(maxsize=1024)
def _splits(path: str) -> tuple[tuple[str, str], ...]:
    """Each way to take a path as a key and the path inside it, the longest key first."""
    steps = path.split(".")
    return tuple((".".join(steps[:at]), ".".join(steps[at:])) for at in range(len(steps) - 1, 0, -1))


class Place(NamedTuple):
    """Where a row belongs."""

    trace: str
    id: str
    start_us: int | None
    session: str | None


def place_by(table: SpanMap, row: dict[str, Any]) -> Place | None:
    """A part of what ``span_by`` says, at a part of its cost; None for a row without id or trace."""
    row = table.prepare(row)
    identity, trace = _name(cell(row, table.id)), _name(cell(row, table.trace))
    if identity is None or trace is None:
        return None
    return Place(trace, identity, micros(cell(row, table.start)), _name(cell(row, table.session)))


def span_by(table: SpanMap, row: dict[str, Any]) -> Span | None:
    """The span of a row in the words of the semantic conventions; None for a row without id or trace."""
    row = table.prepare(row)
    identity, trace = _name(cell(row, table.id)), _name(cell(row, table.trace))
    if identity is None or trace is None:
        return None
    kind, title = _kind_of(table, row), word(cell(row, table.title)) or ""
    start, end = micros(cell(row, table.start)), micros(cell(row, table.end))
    if start is not None and end is not None and end < start:
        end = None
    failed, error = _failed(cell(row, table.failed))
    given, made = decoded(cell(row, table.input)), decoded(cell(row, table.output))
    parent = _name(cell(row, table.parent))
    service = word(cell(row, table.service))
    attributes = _attributes(table, row, kind, title, given, made)
    return Span(trace, identity, parent, title, start, end, attributes, failed, error, service)


def is_call(table: SpanMap, row: dict[str, Any]) -> bool:
    """Whether a row is the call of a tool."""
    return _kind_of(table, table.prepare(row)) in table.tools


def _kind_of(table: SpanMap, row: dict[str, Any]) -> str:
    return str(cell(row, table.kind) or "").lower()


def _attributes(table: SpanMap, row: dict[str, Any], kind: str, title: str, given: Any, made: Any) -> dict[str, Any]:
    if kind in table.tools:
        found = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": title,
            "gen_ai.tool.call.arguments": _arguments(given),
            "gen_ai.tool.call.result": made,
            "gen_ai.tool.call.id": _name(cell(row, table.call_id)),
        }
    elif kind in table.models:
        found = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": word(cell(row, table.model)),
            "gen_ai.usage.input_tokens": _count(cell(row, table.tokens_in)),
            "gen_ai.usage.output_tokens": _count(cell(row, table.tokens_out)),
            "input.value": given,
            "output.value": made,
        }
    elif kind in table.agents:
        found = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": title or None}
    else:
        found = {}
    return {key: value for key, value in found.items() if value is not None}


def _arguments(given: Any) -> Any:
    """Old exporters wrap the print of the arguments into an object of its own."""
    inner = mapping(given)
    if set(inner) == {"input"} and isinstance(inner["input"], dict):
        return inner["input"]
    if set(inner) == {"input"} and isinstance(inner["input"], str) and inner["input"].lstrip().startswith("{"):
        return inner["input"].strip()
    return given


def decoded(content: Any) -> Any:
    """A JSON text as what it holds."""
    if isinstance(content, str) and content.lstrip()[:1] in ("{", "[", '"'):
        value = parsed(content)
        return content if value is None else value
    return content


def _name(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isdigit() and len(value) < 16:
        return int(value)
    whole = number(value)
    return count(value) if whole is None or not whole.is_integer() else count(int(whole))


def _failed(value: Any) -> tuple[bool | None, str | None]:
    """(whether it failed, what is said of it): a word such as ok or success says it did not."""
    if value is None or value is False:
        return None, None
    if isinstance(value, str) and value.lower() in _WELL:
        return None, None
    if isinstance(value, dict):
        return True, word(value.get("message"))
    return True, value if isinstance(value, str) and "error" not in value.lower().split("_") else None


MAP_SUFFIX = ".map.toml"
ROW = "miner: row"
"""Stands in for the column of ids in a table that has none: which row of the file it is."""


def own_map_of(path: Path) -> Path:
    """Where a table's own map lies: beside it, ``table.csv`` has ``table.map.toml``."""
    return path.with_name(path.name.split(".")[0] + MAP_SUFFIX)


def lacking(parts: Collection[str]) -> list[str]:
    """What a map of these parts lacks: calls have a tool and a time, and something says which belong together."""
    missing = [part for part in ("title", "start") if part not in parts]
    if not any(part in parts for part in ("session", "trace", "id")):
        missing.append("session")
    return [*missing, "tools"] if "kind" in parts and "tools" not in parts else missing


def load_map(path: Path) -> SpanMap:
    """A map that a user wrote.

    Raises:
        UsageError: it cannot be read, or cannot be meant.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        next_step = "check that the map is there and that you may read it"
        raise UsageError(f"cannot open the map: {error.strerror}", where=str(path), next_step=next_step) from error
    except UnicodeDecodeError as error:
        raise UsageError("the map is not UTF-8", where=str(path), next_step="save it as UTF-8") from error
    return map_from(text, path)


def map_from(text: str, path: Path) -> SpanMap:
    """The map that this text is, which stands at a path or is to stand there.

    Raises:
        UsageError: it is no TOML, lacks what a call needs, or names what there is not.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        example = 'a line of it is: title = "tool_name"; see docs/formats/platforms.md'
        raise UsageError(f"the map is no TOML: {error}", where=str(path), next_step=example) from error
    known = {item.name for item in fields(SpanMap)} - {"name", "signs", "prepare"}
    missing, odd = lacking(given), sorted(given.keys() - known)
    if missing or odd:
        what = f"lacks {', '.join(missing)}" if missing else f"names {', '.join(odd)}"
        raise UsageError(f"the map {what}", where=str(path), next_step=f"a map may hold: {', '.join(sorted(known))}")
    sets = {key: frozenset(str(v).lower() for v in _texts(given.get(key))) for key in ("tools", "models", "agents")}
    columns = {key: _texts(given.get(key)) for key in known - sets.keys() - {"table"}}
    columns["trace"] = columns["trace"] or columns["session"] or columns["id"]
    columns["id"] = columns["id"] or (ROW,)
    if not columns["kind"]:
        # Every row is a call.
        sets["tools"] = frozenset({""})
    table = str(given.get("table", ""))
    return SpanMap(path.name, frozenset(), table=table, **columns, **sets)  # type: ignore[arg-type]


def _texts(value: Any) -> Names:
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),) if value else ()
