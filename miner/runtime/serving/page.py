"""Page: some entries of a list in JSON, from all of them; the list is all there is, or the only one in an object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from miner.runtime.serving import LONGEST, Derived, Example, Options, numbers_asked

ROLES = frozenset({"page", "size", "first", "count"})
EXAMPLES: list[Example] = [
    ("[1, 2, 3]", {"limit": 2}, {"count": "limit"}, "[1, 2]"),
    ("[1,2,3,4]", {"skip": 1, "limit": 2}, {"first": "skip", "count": "limit", "origin": "0"}, "[2,3]"),
    (
        '{"of": "x", "rows": [1, 2, 3]}',
        {"p": 2, "n": 2},
        {"page": "p", "size": "n", "origin": "1"},
        '{"of": "x", "rows": [3]}',
    ),
    ("[1, 2, 3]", {"p": 0, "n": 2}, {"page": "p", "size": "n", "origin": "0"}, "[1, 2]"),
    ("[ 1,2]", {"limit": 1}, {"count": "limit"}, None),
    ('{"a": [1], "b": [2]}', {"limit": 1}, {"count": "limit"}, None),
]
_LONGEST_LIST = 20_000
_SPACINGS = (((", ", ": "), None), ((",", ":"), None), ((",", ": "), 2), ((",", ": "), 4), ((",", ": "), 1))


def ways(extra: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One argument is a number of entries; two are a page and its size, or the first entry and a number."""
    names = [name for name, value in extra.items() if not isinstance(value, list)]
    if len(names) < len(extra):
        return
    if len(names) == 1:
        yield {"count": names[0]}
        yield from ({"first": names[0], "origin": origin} for origin in "01")
    elif len(names) == 2:
        for one, other in (names, names[::-1]):
            for origin in "01":
                yield {"page": one, "size": other, "origin": origin}
                yield {"first": one, "count": other, "origin": origin}


def derive(result: str, arguments: Mapping[str, Any], options: Options) -> Derived | None:
    """The entries, written as the whole is written; None where that cannot be found out or nothing is left."""
    asked = _asked(arguments, options)
    if asked is None or len(result) > LONGEST or result[:1] not in "[{":
        return None
    try:
        document = json.loads(result)
        written = _spacing(document, result)
    except (ValueError, RecursionError):
        return None
    entries = _only_list(document)
    if written is None or entries is None or not asked[0] < len(entries) <= _LONGEST_LIST:
        return None
    low, high = asked
    part = entries[low:high]
    narrow = (
        part if entries is document else {key: part if value is entries else value for key, value in document.items()}
    )
    reaches_end = high is None or high >= len(entries)
    return Derived(_dumps(narrow, *written), "", len(entries), needs_whole=True, shows_whole=reaches_end)


def _asked(arguments: Mapping[str, Any], options: Options) -> tuple[int, int | None] | None:
    """The first entry, counted from 0, and the one after the last."""
    found = numbers_asked(arguments, options, ("page", "size", "first", "count"))
    if found is None:
        return None
    shift = 0 if options.get("origin", "1") == "0" else 1
    if "page" in found:
        low = (found["page"] - shift) * found.get("size", 0)
        high: int | None = low + found.get("size", 0)
    else:
        low = found["first"] - shift if "first" in found else 0
        high = low + found["count"] if "count" in found else None
    if not found or low < 0 or (high is not None and high <= low):
        return None
    return low, high


def _only_list(document: Any) -> list[Any] | None:
    if isinstance(document, list):
        return document
    lists = [value for value in document.values() if isinstance(value, list)] if isinstance(document, dict) else []
    return lists[0] if len(lists) == 1 else None


def _spacing(document: Any, text: str) -> tuple[tuple[str, str], int | None, bool] | None:
    """How a JSON text is spaced and escaped: the way in which writing it again gives the same text."""
    for separators, indent in _SPACINGS:
        if ("\n" in text) != (indent is not None) and text not in ("[]", "{}"):
            continue
        for escaped in (False, True):
            if _dumps(document, separators, indent, escaped) == text:
                return separators, indent, escaped
    return None


def _dumps(value: Any, separators: tuple[str, str], indent: int | None, escaped: bool) -> str:
    return json.dumps(value, separators=separators, indent=indent, ensure_ascii=escaped)
