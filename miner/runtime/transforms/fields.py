"""Fields: from a list of objects, the same list with only some fields, or the plain list of one field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

EXAMPLES = [
    ([{"id": 1, "at": "x", "n": 2}], ("objects", "id", "at"), [{"id": 1, "at": "x"}]),
    ([{"id": 1}, {"id": 2}], ("values", "id"), [1, 2]),
    ("a", ("wrap",), ["a"]),
]
_LONGEST = 50


def apply(value: Any, shape: str, *names: str) -> Any:
    """The list in that shape, or None when an object lacks a field; ``wrap`` puts a scalar into a list."""
    if shape == "wrap":
        return [value] if isinstance(value, str | int | float) else None
    if not isinstance(value, list) or not 0 < len(value) <= _LONGEST:
        return None
    if not all(isinstance(item, dict) and all(name in item for name in names) for item in value):
        return None
    if shape == "values":
        return [item[names[0]] for item in value]
    return [{name: item[name] for name in names} for item in value]


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """The shape and the names, in the target's order."""
    if not isinstance(target, list) or not target:
        return
    if apply(source, "wrap") == target:
        yield ("wrap",)
    if not isinstance(source, list) or len(source) != len(target) or not isinstance(source[0], dict):
        return
    if isinstance(target[0], dict) and target[0]:
        names = tuple(target[0])
        if apply(source, "objects", *names) == target and source != target:
            yield ("objects", *names)
    for name in source[0]:
        if apply(source, "values", name) == target:
            yield ("values", name)
