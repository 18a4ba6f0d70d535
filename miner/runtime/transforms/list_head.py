"""List head: the first items of a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

EXAMPLES = [(["a", "b", "c"], (2,), ["a", "b"]), ([1, 2], (1,), [1])]


def apply(value: Any, count: int) -> Any:
    """The first items; None when there are not more than those."""
    if not isinstance(value, list) or not 0 < count < len(value):
        return None
    return value[:count]


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """How many items the target has, when they are the first ones."""
    if isinstance(target, list) and target and apply(source, len(target)) == target:
        yield (len(target),)
