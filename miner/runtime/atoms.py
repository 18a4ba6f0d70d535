"""What in a message, a result or an argument may later become an argument: its atoms.

JSON gives leaves by path, text gives tokens by kind (URL, path, identifier, number, quoted string …). Both are
bounded, so a result of megabytes costs no more than a large one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

TEXT_HEAD = 8_000
TEXT_TAIL = 2_000
JSON_BYTES = 400_000
LEAVES = 1_500
DEPTH = 12
LONGEST = 400
"""Longer strings are content, not values that a later call repeats."""

KINDS: dict[str, str] = {
    "url": r"https?://[^\s\"'<>)\]}`\\,]+[^\s\"'<>)\]}`\\,.;:!?]",
    "email": r"[\w.+-]++@[\w-]++(?:\.[\w-]++)+",
    "path": r"(?:~|\.{1,2})?/?(?:[\w@+.-]++/)+[\w@+.-]*[\w@+-]|/[\w@+-][\w@+.-]*[\w@+-]|[\w+-]++(?:\.[\w+-]++)*"
    r"\.[A-Za-z]{1,5}\b(?![(.])",
    "day": r"(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s+\d{1,2}(?:st|nd|rd|th)?(?:,?\s+\d{4})?"
    r"|\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
    r"(?:,?\s+\d{4})?|\d{1,2}/\d{1,2}/\d{4})(?!\w)",
    "date": r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?",
    "dashed": r"\+?[A-Za-z0-9]++(?:-[A-Za-z0-9]++)+",
    "number": r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])",
    "code": r"(?=[A-Za-z_]*+\d|\d*[A-Za-z_]*_|[A-Z0-9]{2})\w{2,}",
    "camel": r"[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*",
    "name": r"[A-Z][a-z]+",
    "word": r"[a-z]{3,}",
}
_QUOTED = r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`|\*\*([^*\n]{1,200})\*\*"
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))
_QUOTE = re.compile(_QUOTED)
_BLOB = re.compile(rf"(?<![\w@+.~/-])[\w@+.~/-]{{{LONGEST + 1},}}+")
"""Encoded data, rules, text without blanks: no token, and to look for one at each of its letters takes long."""
_LABEL = re.compile(r"^[ \t>*-]*([A-Za-z_][\w -]{0,30}?)\**\s?[:=]\s*(\S.{0,200}?)[ \t,;]*$", re.MULTILINE)
_LINE_PATH = re.compile(r"^[ \t]*((?:[\w@+.~-]*/)+[\w@+.-]+|[\w@+-]+\.[A-Za-z]{1,5})(?=[:\s]|$)", re.MULTILINE)
_LINE_NUMBER = re.compile(r"^(?:[^\s:/.]*+[/.][^\s:]*+:)?[ \t]*(\d{1,7})(?=[:\u2192\t-])", re.MULTILINE)

_SHAPED = frozenset({"code", "dashed", "number"})
_RUNS = re.compile(r"[A-Z]+|[a-z]+|[0-9]+|.", re.DOTALL)


def shapes(token: str) -> list[str]:
    """What a token looks like, from one to two ways: ``a_a_9`` for ``raj_sanchez_7340``, ``X6`` for ``K1NW8N``.

    Runs of letters keep only their case, since names vary in length; digits and codes keep their length, since
    identifiers do not.
    """
    found = []
    if token.isalnum() and token.upper() == token and not token.isdecimal():
        found.append(f"X{len(token)}")
    runs = _RUNS.findall(token[:60])
    if 0 < len(runs) <= 9:
        named = "".join(
            f"9{len(run)}" if run[0].isdecimal() else "A" if run[0].isupper() else "a" if run[0].islower() else run
            for run in runs
        )
        found.append("=" + named)
        if len(runs) > 1 and runs[0].isalpha() and runs[-1].isdecimal():
            found.append(f"^{runs[0]}{'9' * len(runs[-1])}")
    return found


Atom = tuple[str, Any]
"""(where in its event, value): a path such as ``.flights[].date``, or ``~kind`` for a token of a text."""


def clip(text: str) -> str:
    """The part of a text that is looked at: its head and its tail."""
    if len(text) <= TEXT_HEAD + TEXT_TAIL:
        return text
    return text[:TEXT_HEAD] + "\n" + text[-TEXT_TAIL:]


def text_atoms(text: str, *, words: bool = False) -> Iterator[Atom]:
    """Tokens of a text with their kind, in order of kind group, each group in order of place.

    Args:
        text: any text; only its clip is looked at.
        words: also plain lower-case words, which only a short text such as a person's message is searched for.
    """
    text = _BLOB.sub(" ", clip(text))
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "word" and not words:
            continue
        token = match.group()
        yield "~" + kind, token
        if kind in _SHAPED:
            for shape in shapes(token):
                yield "~" + shape, token
    for match in _QUOTE.finditer(text):
        yield "~quoted", next(part for part in match.groups() if part is not None)
    for match in _LABEL.finditer(text):
        yield f"~label:{match.group(1).strip().lower()}", match.group(2).strip("\"'`*")
    for match in _LINE_PATH.finditer(text):
        yield "~line_path", match.group(1)
    for match in _LINE_NUMBER.finditer(text):
        yield "~line_number", match.group(1)


def as_json(text: str) -> Any:
    """The object or list that a text is, or None when it is no JSON or is too large to be worth it.

    Numbers that no JSON holds (NaN, infinity, 1e999) become nothing.
    """
    bare = text.lstrip()[:1]
    if bare not in ("{", "[") or len(text) > JSON_BYTES:
        return None
    try:
        return json.loads(text, parse_constant=_nothing, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _nothing(_name: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def is_dynamic(key: str) -> bool:
    """True for a key that is a value itself (an id, a path), not a field name."""
    return any(letter.isdigit() for letter in key) or len(key) > 40 or "/" in key or "@" in key


class Row(dict[str, Any]):
    """The scalar fields of one JSON object, and the object around it: values that belong together."""

    __slots__ = ("parent", "where")

    def __init__(self, where: str, parent: Row | None) -> None:
        super().__init__()
        self.where = where
        self.parent = parent


def json_atoms(value: Any, where: str = "") -> tuple[list[Atom], list[Row]]:
    """Leaves by path with indices left out, keys that are values, small lists whole; and the rows they stand in."""
    atoms: list[Atom] = []
    rows: list[Row] = []
    _walk(value, where, None, atoms, rows, 0)
    return atoms, rows


def _walk(value: Any, where: str, row: Row | None, atoms: list[Atom], rows: list[Row], depth: int) -> bool:
    """Take in a value; False when a bound was reached before its end."""
    if len(atoms) >= LEAVES or depth > DEPTH:
        return False
    if isinstance(value, dict):
        return _walk_object(value, where, row, atoms, rows, depth)
    if isinstance(value, list):
        return _walk_list(value, where, row, atoms, rows, depth)
    if value is not None and not (isinstance(value, str) and (len(value) > LONGEST or not value)):
        atoms.append((where, value))
    elif isinstance(value, str) and value:
        parsed = as_json(value)
        if parsed is not None:
            _walk(parsed, where + "#", row, atoms, rows, depth + 1)
    return True


def _walk_object(
    value: dict[str, Any], where: str, row: Row | None, atoms: list[Atom], rows: list[Row], depth: int
) -> bool:
    inner, whole = Row(where, row), True
    rows.append(inner)
    for key, item in value.items():
        if len(atoms) >= LEAVES:
            return False
        if is_dynamic(key):
            atoms.append((where + "{}", key))
            inner["{}"] = key
            below = where + "{}"
            if isinstance(item, dict):
                item = {"{key}": key, **item}
        else:
            below = f"{where}.{key}"
            if not isinstance(item, dict | list):
                inner[key] = item
        whole = _walk(item, below, inner, atoms, rows, depth + 1) and whole
    return whole


def _walk_list(value: list[Any], where: str, row: Row | None, atoms: list[Atom], rows: list[Row], depth: int) -> bool:
    at, whole = len(atoms), True
    for item in value:
        whole = _walk(item, where + "[]", row, atoms, rows, depth + 1) and whole
        if len(atoms) >= LEAVES:
            return False
    if whole and 0 < len(value) <= 20:
        # A list that was not walked to its end is content, and no value that a later call repeats.
        atoms.insert(at, (where + "[=]", value))
        if row is not None:
            row[where.rsplit(".", 1)[-1] + "[=]"] = value
    return whole
