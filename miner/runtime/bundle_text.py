"""The bytes of a bundle: canonical JSON of whole numbers, read within bounds before anything is built from it.

Every check that guards memory runs on the bytes with operations of one linear pass each: size, nesting, number of
parts, length of numbers. Only then is the text parsed, and what was parsed must give the same bytes again: that
refuses double keys, fractions, odd spacing and escapes in one rule, and makes copying exact.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from .canonical import canonical
from .errors import BundleError

DIGITS = 15
"""Longer whole numbers do not survive in languages whose numbers are doubles."""
_BRACKETS = b"[]{}"
_NO_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_DIGITS_AS_ZERO = bytes(ord("0") if chr(code).isdecimal() and code < 128 else ord(" ") for code in range(256))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a bundle may cost to read."""

    size: int = 8 << 20
    """Bytes."""
    depth: int = 16
    parts: int = 1_000_000
    """Items of lists and objects."""


class Parsed(NamedTuple):
    """Canonical text, and the object that it is."""

    text: str
    document: dict[str, Any]


def parse(data: bytes, limits: Limits) -> Parsed:
    """The JSON object of canonical bytes.

    Raises:
        BundleError: ``too_large``, ``too_deep``, ``too_many``, ``not_json``, ``not_canonical``.
    """
    if len(data) > limits.size:
        raise BundleError("too_large", f"more than {limits.size} bytes")
    _bound(data, limits)
    try:
        text = data.decode("utf-8")
        value = json.loads(text, parse_float=_refuse_number, parse_constant=_refuse_number)
    except UnicodeDecodeError as error:
        raise BundleError("not_json", f"no UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise BundleError("not_json", f"at character {error.pos}") from None
    except (ValueError, RecursionError):
        raise BundleError("not_json", "a number or nesting that is not allowed") from None
    if not isinstance(value, dict):
        raise BundleError("bad_shape", "not an object")
    if canonical(value) != text:
        raise BundleError("not_canonical", "the text differs from its canonical form")
    return Parsed(text, value)


def _bound(data: bytes, limits: Limits) -> None:
    """Refuse what would cost too much to parse, without parsing it."""
    outside = b" ".join(data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    if outside.count(b",") + outside.count(b"[") + outside.count(b"{") > limits.parts:
        raise BundleError("too_many", f"more than {limits.parts} parts")
    if b"0" * (DIGITS + 1) in outside.translate(_DIGITS_AS_ZERO):
        raise BundleError("bad_number", f"a number of more than {DIGITS} digits")
    brackets = outside.translate(None, _NO_BRACKETS)
    for _ in range(limits.depth):
        # Each round takes away the innermost pairs, so what is left after that many is nested deeper.
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return
    raise BundleError("too_deep", f"nested deeper than {limits.depth}, or not closed")


def _refuse_number(_: str) -> Any:
    raise BundleError("bad_number", "only whole numbers are allowed")


def digest_of(document: dict[str, Any]) -> str:
    """The digest over everything in a bundle but the digest itself."""
    rest = {name: value for name, value in document.items() if name != "digest"}
    return "sha256:" + hashlib.sha256(canonical(rest).encode()).hexdigest()


def has_its_digest(parsed: Parsed) -> bool:
    """Whether the digest that a document states is that of the rest of it.

    The text is canonical, so the rest's text is this text without the digest's own: nothing is written again.
    """
    text, document = parsed
    before = canonical({name: value for name, value in document.items() if name < "digest"})
    start = len(before) - 1 + (len(before) > 2)
    own = f'"digest":{canonical(document.get("digest"))},'
    if not text.startswith(own, start):
        return False
    rest = text[:start] + text[start + len(own) :]
    stated: str = document["digest"]
    return stated == "sha256:" + hashlib.sha256(rest.encode()).hexdigest()


def seal(document: dict[str, Any]) -> bytes:
    """The bytes of a bundle, with its digest put in.

    Raises:
        BundleError: text that UTF-8 cannot hold, or a number that is no whole one.
    """
    try:
        data = canonical({**document, "digest": digest_of(document)}).encode()
    except (UnicodeEncodeError, ValueError, TypeError) as error:
        raise BundleError("bad_shape", type(error).__name__) from None
    return data
