"""Split: one piece of a text that a sign divides, counted from its start or its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

EXAMPLES = [
    ("feature/login", ("/", 1), "login"),
    ("main.py:42", (":", 0), "main.py"),
    ("a, b, c", (",", -1), "c"),
    ("PROJ-123-fix", ("-", 1), "123"),
]
_SIGNS = ("/", ":", ",", "-", "_", "|", "=", " ")
_FIRST, _LAST = 4, -2
_LONGEST = 300


def apply(value: Any, sign: str, place: int) -> Any:
    """That piece without blanks around it; None where the sign is not there or the piece is empty."""
    if not isinstance(value, str) or len(value) > _LONGEST or not sign or sign not in value:
        return None
    pieces = value.split(sign)
    if not -len(pieces) <= place < len(pieces):
        return None
    return pieces[place].strip() or None


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """The signs and places that give the target: counted from the start, and from the end."""
    if not isinstance(source, str) or not isinstance(target, str) or not target or target not in source:
        return
    for sign in _SIGNS:
        for places in (range(_FIRST), (-1, _LAST)):
            found = next((place for place in places if apply(source, sign, place) == target), None)
            if found is not None:
                yield sign, found
