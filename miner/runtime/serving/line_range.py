"""Line range: some lines of a text, from the whole of it; its lines are numbered in the text, or plain."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from miner.runtime.serving import LONGEST, Derived, Example, Options, numbers_asked, whole_number

ROLES = frozenset({"first", "count", "last", "span"})
EXAMPLES: list[Example] = [
    (
        "  1→a\n  2→b\n  3→c\n\nA note.",
        {"path": "x", "offset": 2, "limit": 1},
        {"lines": "numbered", "first": "offset", "origin": "1", "count": "limit"},
        "  2→b\n\nA note.",
    ),
    ("1: a\n2: b", {"from": 1}, {"lines": "numbered", "first": "from", "origin": "0"}, "2: b"),
    ("1\ta\n2\tb\n3\tc", {"range": [1, 2]}, {"lines": "numbered", "span": "range", "origin": "1"}, "1\ta\n2\tb"),
    ("a\nb\nc\n", {"first": 2, "last": 3}, {"lines": "plain", "first": "first", "origin": "1", "last": "last"}, "b\nc"),
    ("a\nb\nc\n", {"n": 2}, {"lines": "plain_ended", "count": "n"}, "a\nb\n"),
    ("a\nb\n", {"n": 9, "other": 1}, {"lines": "numbered", "count": "n"}, None),
    ("  1→a\n  2→", {"offset": 2}, {"lines": "numbered", "first": "offset", "origin": "1"}, None),
    ("  1→a\n  2→b", {"offset": 7}, {"lines": "numbered", "first": "offset", "origin": "1"}, None),
]
_NUMBERED = re.compile(r" *(\d{1,9})(?:→|\t|: ?|\| ?)")
_HEADING = 5
"""Lines that may stand before the first numbered one."""


class _Lines(NamedTuple):
    heading: str
    first: int
    lines: tuple[str, ...]
    ending: str


def ways(extra: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One argument is the first or last line, a number of lines, or both ends; two are the first and one of those."""
    for roles in _readings(extra):
        for origin in "10" if {"first", "last", "span"} & roles.keys() else ("",):
            for lines in ("numbered", "plain", "plain_ended"):
                yield {"lines": lines, **roles, **({"origin": origin} if origin else {})}


def derive(result: str, arguments: Mapping[str, Any], options: Options) -> Derived | None:
    """The lines from the first to the last, with what stands around numbered lines; None beyond what is there."""
    if len(result) > LONGEST:
        return None
    asked = _asked(arguments, options)
    if asked is None:
        return None
    low, high = asked
    if options.get("lines") == "numbered":
        return _of_numbered(_numbered(result), low, high)
    return _of_plain(result, low, high, ended=options.get("lines") == "plain_ended")


def _readings(extra: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    names = list(extra)
    if len(names) == 1:
        if isinstance(extra[names[0]], list):
            yield {"span": names[0]}
        else:
            yield from ({role: names[0]} for role in ("first", "count", "last"))
    elif len(names) == 2 and not any(isinstance(value, list) for value in extra.values()):
        for first, other in (names, names[::-1]):
            yield from ({"first": first, role: other} for role in ("count", "last"))


def _asked(arguments: Mapping[str, Any], options: Options) -> tuple[int, int | None] | None:
    """The first and the last line, counted from 1; no last one means to the end."""
    shift = 1 if options.get("origin") == "0" else 0
    found = numbers_asked(arguments, options, ("first", "count", "last"))
    if found is None:
        return None
    span = arguments.get(options.get("span", ""))
    if isinstance(span, list) and len(span) == 2:
        first, last = whole_number(span[0]), whole_number(span[1])
        if first is None or last is None:
            return None
        found = {"first": first, "last": last}
    if not found:
        return None
    low = found["first"] + shift if "first" in found else 1
    high = found["last"] + shift if "last" in found else None
    if "count" in found:
        high = low + found["count"] - 1
    return (low, high) if low >= 1 and (high is None or high >= low) else None


def _of_numbered(shown: _Lines | None, low: int, high: int | None) -> Derived | None:
    if shown is None:
        return None
    last = shown.first + len(shown.lines) - 1
    if not shown.first <= low <= last:
        return None
    beyond = high is None or high > last
    if low == last and not _NUMBERED.sub("", shown.lines[-1], count=1):
        return None  # the end of the last line shown as a line of its own: tools differ in whether it is one
    part = shown.lines[low - shown.first : None if high is None else high - shown.first + 1]
    text = shown.heading + "\n".join(part) + shown.ending
    return Derived(text, f"{shown.heading}\0{shown.ending}", last, beyond, beyond)


@functools.lru_cache(maxsize=2)
def _numbered(text: str) -> _Lines | None:
    """The numbered lines with what stands before and after; None unless they count up from the first one."""
    lines = text.split("\n")
    start = next((at for at, line in enumerate(lines[: _HEADING + 1]) if _NUMBERED.match(line)), None)
    if start is None:
        return None
    number = first = int(_NUMBERED.match(lines[start])[1])  # type: ignore[index]  # it matched above
    end = start
    for line in lines[start:]:
        match = _NUMBERED.match(line)
        if match is None or int(match[1]) != number:
            break
        number += 1
        end += 1
    heading, ending = "".join(f"{line}\n" for line in lines[:start]), "".join(f"\n{line}" for line in lines[end:])
    return _Lines(heading, first, tuple(lines[start:end]), ending)


def _of_plain(text: str, low: int, high: int | None, *, ended: bool) -> Derived | None:
    """Lines of a plain text; ``ended`` leaves the last one the line end that it has."""
    lines = text.split("\n")
    has_end = bool(lines[-1] == "" and len(lines) > 1)
    count = len(lines) - has_end
    if low > count:
        return None
    part = lines[low - 1 : count if high is None else min(high, count)]
    reaches_end = high is None or high >= count
    text = "\n".join(part) + ("\n" if ended and (has_end or not reaches_end) else "")
    return Derived(text, "", count, needs_whole=True, shows_whole=reaches_end)
