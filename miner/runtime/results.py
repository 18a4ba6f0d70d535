"""Results of speculations are copied when they arrive and belong to nobody else, within limits of size."""

from __future__ import annotations

import copy
import json
from typing import Any, NamedTuple

_OPAQUE_BYTES = 65_536
"""What an object that is no JSON is taken to weigh."""


class Snapshot(NamedTuple):
    """A value that shares no mutable object with anything else, and about how many bytes it holds."""

    value: Any
    size: int


class _TooLargeError(Exception):
    """More bytes or more nodes than allowed."""


class _Copier:
    """Copies JSON-like values, counting as it goes, so that a huge one costs no more than the limit."""

    def __init__(self, most_bytes: int, most_nodes: int) -> None:
        self.bytes = 0
        self._most_bytes = most_bytes
        self._nodes = most_nodes

    def copy(self, value: Any, depth: int = 0) -> Any:
        """A copy of the value."""
        kind = type(value)
        if kind is str or kind is bytes:
            return self._count(value, len(value))
        if value is None or kind is bool or kind is int or kind is float:
            return self._count(value, 8)
        if depth > 100:
            raise _TooLargeError
        self._count(None, 16)
        if kind is dict:
            return {self.copy(key, depth + 1): self.copy(item, depth + 1) for key, item in value.items()}
        if kind is list:
            return [self.copy(item, depth + 1) for item in value]
        if kind is tuple:
            return tuple([self.copy(item, depth + 1) for item in value])
        self._count(None, _OPAQUE_BYTES)
        return copy.deepcopy(value)

    def _count(self, value: Any, size: int) -> Any:
        self._nodes -= 1
        self.bytes += size
        if self._nodes < 0 or self.bytes > self._most_bytes:
            raise _TooLargeError
        return value


def snapshot(value: Any, most_bytes: int, most_nodes: int) -> Snapshot | None:
    """A copy of the value, or None when it is larger than allowed."""
    copier = _Copier(most_bytes, most_nodes)
    try:
        return Snapshot(copier.copy(value), copier.bytes)
    except _TooLargeError:
        return None


def describe(result: Any) -> tuple[str, str]:
    """(status, text) of a result as a model would see it: plain text, an MCP result, or anything with JSON in it.

    Hosts whose results look different give the speculator a function of their own.
    """
    content = _field(result, "content")
    status = "error" if _field(result, "isError") is True or _field(result, "is_error") is True else "ok"
    if isinstance(result, str):
        return status, result
    if isinstance(content, str):
        return status, content
    if isinstance(content, list | tuple):
        texts = [_field(block, "text") for block in content]
        return status, "\n".join(text for text in texts if isinstance(text, str))
    if result is None:
        return status, ""
    return status, _as_json(result)


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""
