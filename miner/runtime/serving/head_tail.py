"""Head and tail: the first or last lines of a text, from the whole of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from miner.runtime.serving import LONGEST, Derived, Example, Options, whole_number

ROLES = frozenset({"head", "tail"})
EXAMPLES: list[Example] = [
    ("a\nb\nc\n", {"path": "x", "head": 2}, {"head": "head", "ends": "cut"}, "a\nb"),
    ("a\nb\nc\n", {"tail": "1"}, {"tail": "tail", "ends": "kept"}, "c\n"),
    ("a\nb", {"tail": 9}, {"tail": "tail", "ends": "cut"}, "a\nb"),
    ("a\nb", {"tail": 0}, {"tail": "tail", "ends": "cut"}, None),
]


def ways(extra: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One argument is a number of lines, from either end."""
    if len(extra) == 1:
        (name,) = extra
        for end in ("head", "tail"):
            for ends in ("cut", "kept"):
                yield {end: name, "ends": ends}


def derive(result: str, arguments: Mapping[str, Any], options: Options) -> Derived | None:
    """That many lines, without or with the line end after the last one; None for a call that names both ends."""
    named = [(end, arguments[options[end]]) for end in ("head", "tail") if options.get(end, "") in arguments]
    if len(named) != 1 or len(result) > LONGEST:
        return None
    end, value = named[0]
    number = whole_number(value)
    if not number:
        return None
    lines = result.split("\n")
    ended = bool(lines[-1] == "" and len(lines) > 1)
    count = len(lines) - ended
    lines = lines[:count]
    reaches_end = end == "tail" or number >= count
    part = lines[:number] if end == "head" else lines[-number:]
    text = "\n".join(part) + ("\n" if options.get("ends") == "kept" and (ended or not reaches_end) else "")
    return Derived(text, "", count, needs_whole=True, shows_whole=reaches_end)
