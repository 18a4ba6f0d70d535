"""Serving rules as rows of a bundle's table, and back, trusting nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from .errors import BundleError
from .serving import load_derivation
from .serving_rules import ServingRule

MOST_RULES, MOST_FRAMES, MOST_OPTIONS = 400, 64, 12
Row = list[Any]


def serving_rows(rules: Iterable[ServingRule], number: Callable[[str], int]) -> list[Row]:
    """A row for each rule: names as numbers of strings, bounds, evidence, then frames and options."""
    return [
        [
            *map(number, (rule.tool, rule.broad, rule.derivation)),
            *rule.whole,
            rule.fired,
            rule.right,
            rule.sessions,
            [number(frame) for frame in rule.frames],
            [number(text) for text in chain(*rule.options)],
        ]
        for rule in sorted(rules, key=lambda rule: (rule.tool, rule.broad, rule.derivation, rule.options))
    ]


def serving_rules(rows: Any, text: Callable[[int], str]) -> list[ServingRule]:
    """The rules of a table.

    Raises:
        BundleError: ``bad_shape``, ``unknown_derivation``.
    """
    if type(rows) is not list or len(rows) > MOST_RULES:
        raise BundleError("bad_shape", "serving")
    return [_rule(row, text) for row in rows]


def _rule(row: Row, text: Callable[[int], str]) -> ServingRule:
    *head, frames, options = row
    for part in (head, frames, options):
        if type(part) is not list or not all(type(item) is int and item >= 0 for item in part):
            raise BundleError("bad_shape", "serving")
    tool, broad, derivation, items, characters, fired, right, sessions = head
    if right > fired or len(frames) > MOST_FRAMES or len(options) > 2 * MOST_OPTIONS:
        raise BundleError("bad_shape", "serving")
    words = [text(at) for at in options]
    pairs = tuple(zip(words[::2], words[1::2], strict=True))
    rule = ServingRule(
        text(tool),
        text(broad),
        text(derivation),
        pairs,
        tuple(text(at) for at in frames),
        (items, characters),
        fired,
        right,
        sessions,
    )
    if len(dict(pairs)) < len(pairs) or not load_derivation(rule.derivation).ROLES & dict(pairs).keys():
        raise BundleError("bad_shape", "a serving rule that reads nothing, or something twice")
    return rule
