"""Number: a number written as text becomes a number, or the other way round, and may move by a small step.

The step covers the next page, the next item, and a few lines before a line that a search found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

EXAMPLES = [
    ("42", ("int", 0), 42),
    (7, ("int", 1), 8),
    ("120", ("int", -10), 110),
    (3, ("text", 0), "3"),
    ("3", ("text", 1), "4"),
]
_STEPS = (1, -1, 2, -2, 3, -3, 5, -5, 10, -10, 20, -20, 30, 50, 100, 200)
_LARGEST = 10**15


def apply(value: Any, form: str, step: int) -> Any:
    """The number moved by the step, as ``int`` or ``text``; None when the value is no whole number."""
    number = _whole(value)
    if number is None:
        return None
    if form == "int":
        return number + step if step or isinstance(value, str) else None
    return str(number + step) if step or not isinstance(value, str) else None


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """The form, and the step where it is a usual one."""
    number, wanted = _whole(source), _whole(target)
    if number is None or wanted is None:
        return
    form = "text" if isinstance(target, str) else "int"
    step = wanted - number
    if (step == 0 or step in _STEPS) and apply(source, form, step) == target:
        yield form, step


def reach(value: Any, _cwd: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The same number in the other form; steps are found by pairing, they would reach too much."""
    for form in ("int", "text"):
        changed = apply(value, form, 0)
        if changed is not None:
            yield (form, 0), changed


def sieve(targets: Iterable[str], _cwd: str) -> Callable[[Iterable[str]], list[str]]:
    """Numbers as they are written, and those that may be written otherwise too."""
    written = {target[1:] for target in targets if target[:1] == "\0"}
    return lambda texts: [text for text in texts if text in written or text.startswith(("0", "-0"))]


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else None
    if isinstance(value, str) and len(value) <= 15 and value.removeprefix("-").isdecimal() and value.isascii():
        return int(value)
    return None
