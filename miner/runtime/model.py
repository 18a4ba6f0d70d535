"""A pattern set made ready for prediction: what is the same for every session."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from .forms import Form, form_of
from .memory import path_text, value_key
from .patterns import PatternSet
from .plan import Plan
from .tool_choice import ToolChoice

GENERAL_SHARE = 0.1
"""Weight of the context-free share of a form: what is rare here but common elsewhere stays a candidate."""


class Model:
    """A pattern set made ready."""

    def __init__(self, patterns: PatternSet) -> None:
        self.patterns = patterns
        self.form_ids: dict[Form, int] = {}
        for place, form in enumerate(patterns.forms):
            # A form that export withheld stands there as one more open form: the first one keeps the name.
            self.form_ids.setdefault(form, place)
        self.literal_keys = {hole: frozenset(map(value_key, values)) for hole, values in patterns.literals.items()}
        self.literals = {value_key(value): value for values in patterns.literals.values() for value in values}
        self.plans = {
            name: Plan(name, hole, [patterns.rules[place] for place in hole.rules])
            for name, hole in patterns.holes.items()
        }
        self.readers = self._readers()
        self.wanted = frozenset({*(rule.source for rule in patterns.rules), "beside"})
        """What a session keeps: the streams that rules read, and rows, at which ranking and sweeps look in any case."""
        self.order = [self._most_telling_first(form) for form in patterns.forms]
        """For each form, (path text, hole) of its holes in the order in which they are bound."""
        self.fixed = [self._fixed(form) for form in patterns.forms]
        """For each form, path text -> value of its arguments that are no holes."""
        general = patterns.contexts.get("", {})
        whole = sum(general.values()) or 1
        self.general = {outcome: GENERAL_SHARE * count / whole for outcome, count in general.items()}
        self.tools = patterns.tools()
        self.tool_choice = ToolChoice(self.tools, patterns.tool_weights, patterns.state_weights)
        self.scores = [score for score, _ in patterns.calibration]
        self.chances = [chance for _, chance in patterns.calibration]

    def __reduce__(self) -> tuple[type[Model], tuple[PatternSet]]:
        """Another process makes its own from the patterns."""
        return Model, (self.patterns,)

    def _readers(self) -> dict[str, list[tuple[str, list[int]]]]:
        """Stream, or hole whose used values matter -> the readings that must look again when it changes."""
        found: dict[str, list[tuple[str, list[int]]]] = {}
        for hole, plan in self.plans.items():
            for source, readings in plan.sources().items():
                found.setdefault(source, []).append((hole, readings))
        return found

    def _most_telling_first(self, form: Form) -> list[tuple[str, str]]:
        holes = self.patterns.holes
        slots = [slot for slot in form.slots or () if slot.literal is None]
        slots.sort(key=lambda slot: (-holes[form.tool + path_text(slot.path)].distinct, slot.path))
        return [(path_text(slot.path), form.tool + path_text(slot.path)) for slot in slots]

    def _fixed(self, form: Form) -> dict[str, Any]:
        slots = form.slots or ()
        return {path_text(slot.path): self.literals[slot.literal] for slot in slots if slot.literal is not None}

    def form(self, tool: str, arguments: Mapping[str, Any]) -> int:
        """The number of a call's form; that of the tool's open form, or -2, when it is not known."""
        form = form_of(tool, arguments, self._is_literal, self.plans.__contains__)
        known = self.form_ids.get(form)
        return known if known is not None else self.form_ids.get(Form(tool, None), -2)

    def _is_literal(self, hole: str, key: str) -> bool:
        return key in self.literal_keys.get(hole, ())

    def calibrated(self, raw: float) -> float:
        """The probability that a raw score stands for."""
        if not self.scores:
            return raw
        score = raw * 1e6
        at = bisect_right(self.scores, score)
        if at == 0:
            return self.chances[0] / 1e6
        if at == len(self.scores):
            return self.chances[-1] / 1e6
        low, high = self.scores[at - 1], self.scores[at]
        share = (score - low) / (high - low)
        return (self.chances[at - 1] + share * (self.chances[at] - self.chances[at - 1])) / 1e6
