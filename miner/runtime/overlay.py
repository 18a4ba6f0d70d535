"""A dict over another dict: what is written stays above, what is only read comes from below.

Lets a session be continued for a moment, as if a call had come true, at a cost that does not grow with the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Overlay(dict[Key, Value]):
    """Entries of its own over those of another mapping, which must not change meanwhile.

    Args:
        below: what it continues.
        copy: what makes a changeable value its own before it is handed out; None for values that never change.
    """

    def __init__(self, below: Mapping[Key, Value], copy: Callable[[Value], Value] | None = None) -> None:
        super().__init__()
        self._below, self._copy = below, copy

    def __missing__(self, key: Key) -> Value:
        value = self._below[key]
        if self._copy is not None:
            value = self._copy(value)
            self[key] = value
        return value

    def get(self, key: Key, default: Any = None) -> Any:  # noqa: D102
        try:
            return self[key]
        except KeyError:
            return default

    def setdefault(self, key: Key, default: Any = None) -> Any:  # noqa: D102
        try:
            return self[key]
        except KeyError:
            self[key] = default
            return default

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self._below

    def __iter__(self) -> Iterator[Key]:
        yield from self._below
        yield from (key for key in super().__iter__() if key not in self._below)

    def __len__(self) -> int:
        return sum(1 for _ in self)
