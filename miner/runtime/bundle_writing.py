"""A pattern set as tables of whole numbers over one table of strings; ``bundle_tables`` reads them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from .forms import Slot
from .memory import value_key
from .patterns import Hole, PatternSet
from .rules import Rule
from .serving_table import serving_rows

Row = list[Any]
Tables = dict[str, Any]
Number = Callable[[str], int]

NONE = -1
"""Stands for nothing where a table refers to a string or a form."""


def tables_of(patterns: PatternSet, fingerprints: Mapping[str, str] | None = None) -> Tables:
    """The tables of a pattern set; strings that are used most get the smallest numbers.

    Args:
        patterns: what was mined.
        fingerprints: tool -> digest of its input schema, where that is known.
    """
    uses: Counter[str] = Counter()

    def count(text: str) -> int:
        uses[text] += 1
        return 0

    _Writing(patterns, fingerprints or {}, count).tables()
    strings = sorted(uses, key=lambda text: (-uses[text], text))
    numbers = {text: number for number, text in enumerate(strings)}
    return {"strings": strings, **_Writing(patterns, fingerprints or {}, numbers.__getitem__).tables()}


def value_text(key: str) -> str:
    """How the value of a key is written: ``=`` and the text of a string, the JSON of anything else."""
    return key[1:] if key[:1] == "\0" else "=" + key


class _Writing:
    """One pass over a pattern set; a first one counts strings, a second one numbers them."""

    def __init__(self, patterns: PatternSet, fingerprints: Mapping[str, str], number: Number) -> None:
        self._patterns = patterns
        self._fingerprints = fingerprints
        self._number = number
        self._paths: dict[tuple[str, ...], int] = {}
        self._looks: dict[tuple[tuple[str, int], ...], int] = {}

    def tables(self) -> Tables:
        patterns, number = self._patterns, self._number
        tools = self._tools()
        places = {name: place for place, name in enumerate(tools)}
        forms = [
            [places[form.tool], *([NONE] if form.slots is None else chain(*map(self._slot, form.slots)))]
            for form in patterns.forms
        ]
        holes = [self._hole(name, hole) for name, hole in sorted(patterns.holes.items())]
        return {
            "tools": [self._tool(name) for name in tools],
            "forms": forms,
            "literals": [
                [number(hole), *(number(value_text(value_key(value))) for value in values)]
                for hole, values in sorted(patterns.literals.items())
            ],
            "rules": [self._rule(rule) for rule in patterns.rules],
            "holes": holes,
            "patterns": [self._context(key, counts) for key, counts in sorted(patterns.contexts.items())],
            "candidate_weights": self._weights(patterns.candidate_weights),
            "tool_weights": self._weights(patterns.tool_weights),
            "state_weights": [
                [number(trait), *self._weights(weights)] for trait, weights in sorted(patterns.state_weights.items())
            ],
            "successions": [
                [number(state), *self._weights(steps)] for state, steps in sorted(patterns.successions.items())
            ],
            "calibration": list(chain(*patterns.calibration)),
            "gate": patterns.gate,
            "serving": serving_rows(patterns.serving, number),
            "paths": [[number(step) for step in path] for path in self._paths],
            "looks": [list(chain(*((number(trait), weight) for trait, weight in looks))) for looks in self._looks],
        }

    def _tools(self) -> list[str]:
        return sorted({form.tool for form in self._patterns.forms} | set(self._patterns.seconds))

    def _tool(self, name: str) -> Row:
        fingerprint = self._fingerprints.get(name)
        mark = NONE if fingerprint is None else self._number(fingerprint)
        return [self._number(name), mark, self._patterns.seconds.get(name, NONE)]

    def _slot(self, slot: Slot) -> Row:
        path = self._paths.setdefault(slot.path, len(self._paths))
        return [path, NONE if slot.literal is None else self._number(value_text(slot.literal))]

    def _rule(self, rule: Rule) -> Row:
        number = self._number
        constant = number(value_text(rule.constant)) if rule.source == "constant" else NONE
        options = (number(value_text(value_key(option))) for option in rule.options)
        names = (rule.hole, rule.source, rule.policy, rule.transform, rule.anchor)
        return [*map(number, names), constant, *options]

    def _hole(self, name: str, hole: Hole) -> Row:
        looks = self._looks.setdefault(tuple(sorted(hole.traits.items())), len(self._looks))
        after = [[self._number(last), *chain(*sorted(weights.items()))] for last, weights in sorted(hole.after.items())]
        pairs = list(chain(*zip(hole.rules, hole.weights, strict=True)))
        return [self._number(name), hole.distinct, hole.none, looks, pairs, after]

    def _context(self, key: str, counts: Mapping[int, int]) -> Row:
        level, space, rest = key.partition(" ")
        pieces = [self._number(piece) for piece in rest.split("|")] if space else []
        return [self._number(level), pieces, *chain(*sorted(counts.items()))]

    def _weights(self, weights: Mapping[str, int]) -> Row:
        return list(chain(*((self._number(name), weight) for name, weight in sorted(weights.items()))))
