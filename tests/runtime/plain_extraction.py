"""Extraction as it is defined, without any haste: what the fast one of ``tokens`` and ``places`` is held to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from miner.runtime.atoms import BLOB, DEPTH, KINDS, LEAVES, LONGEST, as_json, clip, is_dynamic, shapes

Atom = tuple[str, Any]

TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))
QUOTE = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`|\*\*([^*\n]{1,200})\*\*")
LABEL = re.compile(r"^[ \t>*-]*([A-Za-z_][\w -]{0,30}?)\**\s?[:=]\s*(\S.{0,200}?)[ \t,;]*$", re.MULTILINE)
LINE_PATH = re.compile(r"^[ \t]*((?:[\w@+.~-]*/)+[\w@+.-]+|[\w@+-]+\.[A-Za-z]{1,5})(?=[:\s]|$)", re.MULTILINE)
LINE_NUMBER = re.compile(r"^(?:[^\s:/.]*+[/.][^\s:]*+:)?[ \t]*(\d{1,7})(?=[:\u2192\t-])", re.MULTILINE)
SHAPED = ("code", "dashed", "number")


def text_atoms(text: str, *, words: bool = False) -> Iterator[Atom]:
    """Every token of a text: by the grammar from its beginning to its end, then what is quoted, labelled or opens a
    line.
    """
    text = BLOB.sub(" ", clip(text))
    for match in TOKEN.finditer(text):
        kind, token = match.lastgroup or "", match.group()
        if kind == "word" and not words:
            continue
        yield kind, token
        if kind in SHAPED:
            for shape in shapes(token):
                yield shape, token
    for match in QUOTE.finditer(text):
        yield "quoted", next(part for part in match.groups() if part is not None)
    for match in LABEL.finditer(text):
        yield f"label:{match.group(1).strip().lower()}", match.group(2).strip("\"'`*")
    for match in LINE_PATH.finditer(text):
        yield "line_path", match.group(1)
    for match in LINE_NUMBER.finditer(text):
        yield "line_number", match.group(1)


def json_atoms(value: Any, where: str = "") -> list[Atom]:
    """Leaves by path with indices left out, keys that are values, small lists whole."""
    atoms: list[Atom] = []
    _walk(value, where, atoms, 0)
    return atoms


def _walk(value: Any, where: str, atoms: list[Atom], depth: int) -> bool:
    if len(atoms) >= LEAVES or depth > DEPTH:
        return False
    if isinstance(value, dict):
        return _walk_object(value, where, atoms, depth)
    if isinstance(value, list):
        return _walk_list(value, where, atoms, depth)
    if isinstance(value, str) and len(value) > LONGEST:
        parsed = as_json(value)
        if parsed is not None:
            _walk(parsed, where + "#", atoms, depth + 1)
    elif value not in (None, ""):
        atoms.append((where, value))
    return True


def _walk_object(value: dict[str, Any], where: str, atoms: list[Atom], depth: int) -> bool:
    whole = True
    for key, item in value.items():
        if len(atoms) >= LEAVES:
            return False
        below = f"{where}.{key}"
        if is_dynamic(key):
            below = where + "{}"
            atoms.append((below, key))
            item = {"{key}": key, **item} if isinstance(item, dict) else item
        whole = _walk(item, below, atoms, depth + 1) and whole
    return whole


def _walk_list(value: list[Any], where: str, atoms: list[Atom], depth: int) -> bool:
    at, whole = len(atoms), True
    for item in value:
        whole = _walk(item, where + "[]", atoms, depth + 1) and whole
        if len(atoms) >= LEAVES:
            return False
    if whole and 0 < len(value) <= 20:
        atoms.insert(at, (where + "[=]", value))
    return whole
