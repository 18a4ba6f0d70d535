"""Letter case: the value in lower case, upper case, or with capital initials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

EXAMPLES = [("ABC", ("lower",), "abc"), ("jfk", ("upper",), "JFK"), ("mei lin", ("title",), "Mei Lin")]
_WAYS = ("lower", "upper", "title")


def apply(value: Any, way: str) -> Any:
    """The text in that case; None when it is no text or already so."""
    if not isinstance(value, str):
        return None
    changed = value.lower() if way == "lower" else value.upper() if way == "upper" else value.title()
    return changed if changed != value else None


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """The ways that give the target."""
    for way in _WAYS:
        if isinstance(target, str) and apply(source, way) == target:
            yield (way,)


def reach(value: Any, _cwd: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All three, for short texts."""
    if isinstance(value, str) and len(value) <= 60:
        for way in _WAYS:
            changed = apply(value, way)
            if changed is not None:
                yield (way,), changed


def sieve(targets: Iterable[str], _cwd: str) -> Callable[[Iterable[str]], list[str]]:
    """By their small letters; what the case of other letters than ASCII's does is not foreseen."""
    small = {target.lower() for target in targets}
    return lambda texts: [text for text in texts if text.lower() in small or not text.isascii()]
