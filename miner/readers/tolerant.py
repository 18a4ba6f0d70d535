"""JSON that a strict parser refuses although it can be had: cut emoji, numbers without end; and what is too deep."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)
_SURROGATES = re.compile("[\ud800-\udfff]")


def depth_of(data: bytes, stop: int) -> int:
    """Deepest nesting of brackets outside strings, found by one linear scan; stops counting past ``stop``."""
    depth = deepest = 0
    for match in _BRACKETS.finditer(data):
        byte = data[match.start()]
        if byte in b"[{":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > stop:
                    return deepest
        elif byte in b"]}":
            depth -= 1
    return deepest


def lenient(data: bytes, depth: int) -> tuple[Any, str, str]:
    """(value, "", "") when JSON can be had after harmless replacement, else (None, reason, detail)."""
    if data.count(b"[") + data.count(b"{") > depth and depth_of(data, depth) > depth:
        return None, "too_deep", f"nested deeper than {depth}"
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return None, "not_utf8", f"byte {error.start} of the record"
    try:
        value = _DECODER.decode(text)
    except ValueError as error:
        return None, "not_json", _place(error)
    except RecursionError:
        return None, "too_deep", f"nested deeper than {depth}"
    return _scrub(value), "", ""


def _place(error: ValueError | RecursionError) -> str:
    """Where the parser stopped; a record of several lines is a document."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    if not isinstance(error, json.JSONDecodeError):
        return "a number of too many digits"
    return f"line {error.lineno}, column {error.colno}" if "\n" in error.doc else f"column {error.colno}"


class Concatenated(NamedTuple):
    """Documents that stand one after another, as far as they can be read."""

    values: list[Any]
    length: int
    """Bytes that they take."""
    damage: str
    """Where the next one ends early; empty where there is none."""


def concatenated(data: bytes) -> Concatenated:
    """The JSON objects and lists that stand one after another in a file."""
    text = data.decode()
    found: list[Any] = []
    at = _blanks(text, 0)
    while at < len(text):
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            return Concatenated(found, len(text[:at].encode()), _place(error))
        if not isinstance(value, dict | list):
            return Concatenated(found, len(text[:at].encode()), "what follows is no object")
        found.append(_scrub(value))
        at = _blanks(text, end)
    return Concatenated(found, len(data), "")


def _blanks(text: str, at: int) -> int:
    """Where the next thing stands."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _scrub(value: Any) -> Any:
    """Replace what UTF-8 and JSON cannot hold: lone surrogates and infinities written as 1e999."""
    if isinstance(value, str):
        return _SURROGATES.sub("�", value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {_SURROGATES.sub("�", key): _scrub(item) for key, item in value.items()}
    return value
