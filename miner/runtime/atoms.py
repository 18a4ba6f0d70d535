"""What in a message, a result or an argument may later become an argument: its atoms.

JSON gives leaves by path, text gives tokens by kind (URL, path, identifier, number, quoted string …). Both are
bounded, so a result of megabytes costs no more than a large one.
"""

from __future__ import annotations

import functools
import json
import math
import re
from string import ascii_letters, digits
from typing import Any

TEXT_HEAD = 8_000
TEXT_TAIL = 2_000
JSON_BYTES = 400_000
LEAVES = 1_500
DEPTH = 12
LONGEST = 400
"""Longer strings are content, not values that a later call repeats."""
SHAPED_LETTERS = 60
"""Letters of a token that its shape shows."""

MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
KINDS: dict[str, str] = {
    "url": r"https?://[^\s\"'<>)\]}`\\,]+[^\s\"'<>)\]}`\\,.;:!?]",
    "email": r"[\w.+-]++@[\w-]++(?:\.[\w-]++)+",
    "path": r"(?:~|\.{1,2})?/?(?:[\w@+.-]++/)+[\w@+.-]*[\w@+-]|/[\w@+-][\w@+.-]*[\w@+-]|[\w+-]++(?:\.[\w+-]++)*"
    r"\.[A-Za-z]{1,5}\b(?![(.])",
    "day": rf"(?:(?:{MONTHS})[a-z]*\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{MONTHS})[a-z]*(?:,?\s+\d{{4}})?|\d{{1,2}}/\d{{1,2}}/\d{{4}})(?!\w)",
    "date": r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?",
    "dashed": r"\+?[A-Za-z0-9]++(?:-[A-Za-z0-9]++)+",
    "number": r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])",
    "code": r"(?=[A-Za-z_]*+\d|\d*[A-Za-z_]*_|[A-Z0-9]{2})\w{2,}",
    "camel": r"[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*",
    "name": r"[A-Z][a-z]+",
    "word": r"[a-z]{3,}",
}
RUN_LETTERS = r"\w@+.~/-"
BLOB = re.compile(rf"(?<![{RUN_LETTERS}])[{RUN_LETTERS}]{{{LONGEST + 1},}}+")
"""Encoded data, rules, text without blanks: no token, and to look for one at each of its letters takes long."""

_CLASSES = str.maketrans(ascii_letters + digits, "a" * 26 + "A" * 26 + "9" * 10)
_OPENING = re.compile(r"\s*[{\[]")
_RUNS = re.compile(r"[A-Z]+|[a-z]+|[0-9]+|.", re.DOTALL)


def shapes(token: str) -> list[str]:
    """What a token looks like, from one to two ways: ``a_a_9`` for ``raj_sanchez_7340``, ``X6`` for ``K1NW8N``.

    Runs of letters keep only their case, since names vary in length; digits and codes keep their length, since
    identifiers do not.
    """
    found, letters, digits = _shapes_of(token.translate(_CLASSES))
    return [*found, f"^{token[:letters]}{digits}"] if letters else [*found]


@functools.lru_cache(maxsize=16_384)
def _shapes_of(token: str) -> tuple[tuple[str, ...], int, str]:
    """The shapes of a token of which only the classes of letters are known; how many letters it begins with, and a 9
    for each digit that it ends with, where it does both.
    """
    if token.isdecimal() and token.isascii():
        return (f"=9{min(len(token), SHAPED_LETTERS)}",), 0, ""
    found: tuple[str, ...] = ()
    if token.isalnum() and token.upper() == token and not token.isdecimal():
        found += (f"X{len(token)}",)
    runs = _RUNS.findall(token[:SHAPED_LETTERS])
    if not 0 < len(runs) <= 9:
        return found, 0, ""
    found += ("=" + "".join(map(_shape_of_run, runs)),)
    if len(runs) == 1 or not (runs[0].isalpha() and runs[-1].isdecimal()):
        return found, 0, ""
    return found, len(runs[0]), "9" * len(runs[-1])


def _shape_of_run(run: str) -> str:
    first = run[0]
    if "a" <= first <= "z":
        return "a"
    if "A" <= first <= "Z":
        return "A"
    if run.isdecimal():
        return f"9{len(run)}"
    return "A" if first.isupper() else "a" if first.islower() else run


def clip(text: str) -> str:
    """The part of a text that is looked at: its head and its tail."""
    if len(text) <= TEXT_HEAD + TEXT_TAIL:
        return text
    return text[:TEXT_HEAD] + "\n" + text[-TEXT_TAIL:]


def as_json(text: str) -> Any:
    """The object or list that a text is, or None when it is no JSON or is too large to be worth it.

    Numbers that no JSON holds (NaN, infinity, 1e999) become nothing.
    """
    if len(text) > JSON_BYTES or not _OPENING.match(text):
        return None
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _nothing(_name: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


_DECODER = json.JSONDecoder(parse_constant=_nothing, parse_float=_finite)


def is_dynamic(key: str) -> bool:
    """True for a key that is a value itself (an id, a path), not a field name."""
    return len(key) > 40 or "/" in key or "@" in key or any(map(str.isdigit, key))


class Row(dict[str, Any]):
    """The scalar fields of one JSON object, and the object around it: values that belong together."""

    __slots__ = ("parent", "place", "where")
    place: int
    """Its number among the rows of its place, where a sweep may go through them."""

    def __init__(self, where: str, parent: Row | None) -> None:
        # The dict is empty already; to say so again costs a third of making a row.
        self.where = where
        self.parent = parent
