"""Fingerprints of tools: what changes them, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from miner.runtime.fingerprint import fingerprint_of

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


@pytest.mark.parametrize(
    "same",
    [
        {"required": ["path"], "properties": {"path": {"type": "string"}}, "type": "object"},
        {**SCHEMA, "title": "readArguments", "$schema": "http://json-schema.org/draft-07/schema#"},
        {**SCHEMA, "properties": {"path": {"type": "string", "description": "Where", "examples": ["a"]}}},
    ],
)
def test_order_and_words_for_people_do_not_count(same: dict[str, Any]) -> None:
    """The tool takes the same arguments."""
    assert fingerprint_of(same) == fingerprint_of(SCHEMA)


@pytest.mark.parametrize(
    "other",
    [
        {**SCHEMA, "required": []},
        {**SCHEMA, "properties": {"path": {"type": "integer"}}},
        {**SCHEMA, "properties": {**SCHEMA["properties"], "title": {"type": "string"}}},  # type: ignore[dict-item]
        {**SCHEMA, "properties": {"file": {"type": "string"}}},
    ],
)
def test_arguments_count(other: dict[str, Any]) -> None:
    """Another name, type or need is another tool; an argument may well be called ``title``."""
    assert fingerprint_of(other) != fingerprint_of(SCHEMA)


def test_what_is_no_schema_has_no_fingerprint() -> None:
    """Nor has one that is too deep, or holds what JSON does not."""
    deep: dict[str, Any] = {}
    for _ in range(2_000):
        deep = {"items": deep}
    assert [fingerprint_of(value) for value in (None, [], "x", deep, {"a": float("nan")}, {"a": object()})] == [
        None
    ] * 6
