"""Template: a fixed text around the value, as in ``func X(`` or ``git diff FILE``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

EXAMPLES = [
    ("OpenFile", ("func ", "("), "func OpenFile("),
    ("src/a.py", ("git diff ", ""), "git diff src/a.py"),
    ("jfk", ("airport:", ""), "airport:jfk"),
]
LONGEST = 300
_PART = re.compile(r"[\w@+.~/-]{3,}")
_MOST = 6


def apply(value: Any, before: str, after: str) -> Any:
    """The text with the value in it; None for what is no short text."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or "\n" in value:
        return None
    return before + value + after


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """The text around the source, where it stands once in the target and is not the whole of it."""
    if isinstance(source, str) and isinstance(target, str) and len(target) <= LONGEST and len(source) >= 3:
        before, found, after = target.partition(source)
        if found and before + after and source not in after and apply(source, before, after) == target:
            yield before, after


def invert(target: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """The parts of a target that may be the value, each with the text around it."""
    if isinstance(target, str) and len(target) <= LONGEST:
        for match in list(_PART.finditer(target))[:_MOST]:
            part = match.group().rstrip(".")
            for options in induce(part, target):
                yield part, (options[0], options[1])
