"""A map for a table of spans that nobody described: proposed from the names of its columns and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from miner.readers.clock import micros
from miner.readers.content import parsed

ROWS = 500
"""How many rows a proposal looks at."""
_DEPTH = 3
_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("span_id", "run_id", "event_id", "step_id", "row_id", "uuid", "id"),
    "trace": ("trace_id", "root_span_id", "root_id", "trace"),
    "parent": ("parent_span_id", "parent_run_id", "parent_id", "parent"),
    "title": ("tool_name", "function_name", "tool", "function", "span_name", "operation", "name", "title"),
    "kind": ("span_type", "run_type", "span_kind", "kind", "type", "category"),
    "start": ("start_time", "started_at", "start", "timestamp", "created_at", "begin", "time", "when", "ts"),
    "end": ("end_time", "ended_at", "finished_at", "completed_at", "end"),
    "input": ("inputs", "input", "arguments", "args", "parameters", "params", "request"),
    "output": ("outputs", "output", "out", "result", "observation", "response"),
    "session": ("session_id", "conversation_id", "thread_id", "chat_id", "session"),
    "call_id": ("tool_call_id", "call_id"),
    "model": ("model_name", "response_model", "model"),
    "tokens_in": ("input_tokens", "prompt_tokens", "tokens_in"),
    "tokens_out": ("output_tokens", "completion_tokens", "tokens_out"),
    "failed": ("error", "error_message", "exception", "status", "level"),
    "service": ("service_name", "service", "application", "app", "project"),
}
"""What a column is usually called, the most telling name first."""
_CONTENT = (*_NAMES["input"], *_NAMES["output"])
_TIMES = frozenset({"start", "end"})
_KINDS = {
    "tools": re.compile(r"tool|function|action|retriev", re.IGNORECASE),
    "models": re.compile(r"llm|model|generation|chat|completion|inference", re.IGNORECASE),
    "agents": re.compile(r"agent|workflow", re.IGNORECASE),
}


def propose(rows: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Parts of a span -> columns of these rows; parts that no column fits are left out."""
    values = _columns(rows[:ROWS])
    found: dict[str, list[str]] = {}
    taken: set[str] = set()
    for part, names in _NAMES.items():
        fitting = [
            (rank, path.count("."), path)
            for path, seen in values.items()
            if path not in taken and _fits(part, seen) and (rank := _rank(path, names)) is not None
        ]
        if fitting:
            best = min(fitting)[2]
            found[part] = [best]
            taken.add(best)
    if "kind" in found:
        sorts = _sorted({str(value) for value in values[found["kind"][0]]})
        found |= sorts
        if not sorts:
            # A column that tells no call from anything else.
            del found["kind"]
    return found


def _sorted(kinds: set[str]) -> dict[str, list[str]]:
    """The values of ``kind`` that say tool, model or agent; each is one of these."""
    found = {}
    left = sorted(kinds)
    for part, pattern in _KINDS.items():
        matching = [kind for kind in left if pattern.search(kind)]
        if matching:
            found[part] = matching
            left = [kind for kind in left if kind not in matching]
    return found


def as_toml(proposal: dict[str, list[str]]) -> str:
    """The proposal as a map file, each line with what it is for."""
    lines = ["# Which column holds what. A path leads into an object: metadata.thread_id"]
    for part, columns in proposal.items():
        texts = [_quoted(column) for column in columns]
        lines.append(f"{part} = {texts[0] if len(texts) == 1 else '[' + ', '.join(texts) + ']'}")
    if "kind" not in proposal:
        lines.append("# kind = ?   (no column tells calls from anything else: every row is a call of a tool)")
    elif "tools" not in proposal:
        lines.append("# tools = ?  (needed: which values of kind are calls of tools)")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Every column, and every path into one, with the values it holds."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        _collect(row, "", found, _DEPTH)
    return found


def _collect(value: dict[str, Any], prefix: str, found: dict[str, list[Any]], depth: int) -> None:
    for key, inner in value.items():
        path = f"{prefix}{key}"
        if inner is not None and inner != "":
            found.setdefault(path, []).append(inner)
        if _rank(path, _CONTENT) is not None:
            # An argument called id is no id of its call.
            continue
        deeper = parsed(inner) if isinstance(inner, str) and inner.startswith("{") else inner
        if isinstance(deeper, dict) and depth > 1:
            _collect(deeper, f"{path}.", found, depth - 1)


def _rank(path: str, names: tuple[str, ...]) -> int | None:
    """Which of these names a path ends in, however its words are joined."""
    last = path.rpartition(".")[2].replace("_", "").lower()
    return next((rank for rank, name in enumerate(names) if last == name.replace("_", "")), None)


def _fits(part: str, seen: list[Any]) -> bool:
    """Whether values may be what the part needs: times for times, few different words for a kind."""
    if part in _TIMES:
        return all(micros(value) is not None for value in seen[:20])
    if part == "kind":
        return all(isinstance(value, str) for value in seen) and len(set(seen)) <= 30
    if part == "id":
        return all(isinstance(value, str | int) for value in seen) and len({str(v) for v in seen}) == len(seen)
    return part in ("input", "output", "failed") or all(isinstance(value, str | int | float) for value in seen)
