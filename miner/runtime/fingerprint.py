"""Fingerprints of tools: digests of their input schemas, which tell a changed tool from the one that was mined."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .canonical import canonical

SAYS_NOTHING = frozenset({"$schema", "description", "examples", "title"})
"""Words for people: a schema that differs in them alone takes the same arguments."""
_DEPTH = 64


def fingerprint_of(schema: Any) -> str | None:
    """The digest of an input schema; None for what is none, or is too deep to be one."""
    if not isinstance(schema, Mapping):
        return None
    try:
        text = canonical(_meaning(schema, _DEPTH))
    except (TypeError, ValueError):
        return None
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _meaning(value: Any, depth: int, *, names: bool = False) -> Any:
    """The schema without words for people; under ``properties`` every name is an argument's and stays."""
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(value, Mapping):
        return {
            name: _meaning(inner, depth - 1, names=not names and name in ("properties", "$defs", "definitions"))
            for name, inner in value.items()
            if names or name not in SAYS_NOTHING
        }
    if isinstance(value, list):
        return [_meaning(inner, depth - 1) for inner in value]
    return value
