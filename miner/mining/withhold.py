"""Takes out of a pattern set every text that may not be shipped, and counts what was held back and why.

Texts of a log stand in a pattern set as fixed values and constants, as names (tools, arguments, fields of results,
labels), as words of messages, and as what runs (application, agent, model). A form that loses a value becomes its
tool's open form, so that numbers of forms stay what they are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from miner.runtime.bundle_tables import LONGEST_STRING
from miner.runtime.bundle_writing import value_text
from miner.runtime.forms import Form, Slot
from miner.runtime.memory import SETTING, value_key
from miner.runtime.patterns import Evidence, Hole, PatternSet
from miner.runtime.rules import Rule
from miner.runtime.serving_rules import ServingRule

LONGEST_TEXT = LONGEST_STRING - 50
"""Room is left for what a table puts around a text."""
_STEP_MARKS = ("=", "+", ":")

Refuses = Callable[[str, str], str | None]
"""(kind, text) -> why it may not be shipped, or None. Kinds: value, name, word, setting, shape."""


class Withholding:
    """One pattern set being cleaned."""

    def __init__(self, patterns: PatternSet, refuses: Refuses) -> None:
        self._patterns = patterns
        self._refuses = refuses
        self._known: dict[tuple[str, str], bool] = {}
        self.held_back: Counter[str] = Counter()
        """``kind: reason`` -> how many texts."""

    def run(self) -> PatternSet:
        """The pattern set without what is refused."""
        patterns = self._patterns
        forms = [self._form(form) for form in patterns.forms]
        dead = {str(number) for number, form in enumerate(forms) if form != patterns.forms[number]}
        rules = [self._keeps_rule(rule) for rule in patterns.rules]
        holes = {name: self._hole(hole, rules) for name, hole in patterns.holes.items() if self._keeps("name", name)}
        return compact(
            replace(
                patterns,
                forms=forms,
                literals=self._literals(),
                holes=holes,
                contexts={key: counts for key, counts in patterns.contexts.items() if self._keeps_context(key, dead)},
                candidate_weights=self._unnamed(patterns.candidate_weights),
                tool_weights=self._unnamed(patterns.tool_weights),
                state_weights={
                    trait: {tool: weight for tool, weight in weights.items() if self._keeps("name", tool)}
                    for trait, weights in patterns.state_weights.items()
                    if self._keeps_moment(trait, dead)
                },
                successions=self._successions(),
                serving=[rule for rule in patterns.serving if self._keeps_serving(rule)],
                seconds={tool: value for tool, value in patterns.seconds.items() if self._keeps("name", tool)},
            )
        )

    def _successions(self) -> dict[str, dict[str, int]]:
        return {
            state: {step: count for step, count in steps.items() if self._keeps_step(step)}
            for state, steps in self._patterns.successions.items()
            if self._keeps_state(state)
        }

    def _keeps_state(self, text: str) -> bool:
        tool, _, words = text.partition(" [")
        return self._keeps("name", tool) and self._keeps_parts(text, f"[{words}")

    def _keeps_step(self, text: str) -> bool:
        return not text or self._keeps_parts(text, text)

    def _keeps_parts(self, whole: str, document: str) -> bool:
        """Whether every text inside a state or a step may be shipped; ``whole`` is what is counted when it is long."""
        if unwritable("value", whole):
            return self._keeps("value", whole)
        pending, texts = [json.loads(document)], []
        while pending:
            item = pending.pop()
            pending.extend(item if isinstance(item, list) else ())
            texts += [item] if isinstance(item, str) and item not in _STEP_MARKS else []
        return all(self._keeps("name" if text.startswith((".", "[")) else "value", text) for text in texts)

    def _literals(self) -> dict[str, list[Any]]:
        found = {
            hole: [value for value in values if self._keeps_value(value_key(value))]
            for hole, values in self._patterns.literals.items()
            if self._keeps("name", hole)
        }
        return {hole: values for hole, values in found.items() if values}

    def _unnamed(self, weights: dict[str, int]) -> dict[str, int]:
        """Weights by trait, without the traits that name a tool which may not be named."""
        refused = [tool for tool in self._patterns.tools() if not self._keeps("name", tool)]
        return {trait: weight for trait, weight in weights.items() if not any(tool in trait for tool in refused)}

    def _keeps(self, kind: str, text: str) -> bool:
        if not text:
            return True
        known = self._known.get((kind, text))
        if known is None:
            reason = self._refuses(kind, text)
            known = self._known[kind, text] = reason is None
            if reason is not None:
                self.held_back[f"{kind}: {reason}"] += 1
        return known

    def _keeps_value(self, key: str) -> bool:
        return key in ("\0true", "\0false", "\0null") or self._keeps("value", value_text(key).removeprefix("="))

    def _form(self, form: Form) -> Form:
        if not self._keeps("name", form.tool):
            return Form("", None)
        if form.slots is not None and not all(map(self._keeps_slot, form.slots)):
            return Form(form.tool, None)
        return form

    def _keeps_slot(self, slot: Slot) -> bool:
        named = all(self._keeps("name", step) for step in slot.path)
        return named and (slot.literal is None or self._keeps_value(slot.literal))

    def _keeps_rule(self, rule: Rule) -> bool:
        if rule.source == "constant":
            return self._keeps_value(rule.constant)
        named = self._keeps("name", rule.source) and self._keeps("name", rule.policy) and self._keeps("name", rule.hole)
        options = all(self._keeps("name", option) for option in rule.options if isinstance(option, str))
        return named and options and self._keeps("name", rule.anchor)

    def _keeps_serving(self, rule: ServingRule) -> bool:
        """Frames are digests of what stood in several sessions, and quote nothing."""
        return all(self._keeps("name", name) for name in (rule.tool, rule.broad, *sorted(rule.reads)))

    def _hole(self, hole: Hole, rules: list[bool]) -> Hole:
        looks = {
            trait: weight for trait, weight in hole.traits.items() if trait[:1] != "s" or self._keeps("shape", trait)
        }
        after = {last: weights for last, weights in hole.after.items() if self._keeps("name", _tool(last))}
        return keep_rules(replace(hole, traits=looks, after=after), lambda place: rules[hole.rules[place]])

    def _keeps_context(self, key: str, dead: set[str]) -> bool:
        return self._keeps_pieces(key.partition(" ")[2], dead)

    def _keeps_pieces(self, text: str, dead: set[str]) -> bool:
        for piece in text.split("|"):
            number, _, ended = piece.partition(" ")
            if number in dead and ended in ("ok", "error", "empty"):
                return False
            if not self._keeps("name", _tool(piece)):
                return False
        return True

    def _keeps_moment(self, trait: str, dead: set[str]) -> bool:
        kind, _, text = trait.partition(" ")
        if kind == "word":
            return self._keeps("word", text)
        if kind in SETTING:
            return self._keeps("setting", text)
        return kind in ("", "since", "turn") or self._keeps_pieces(text, dead)


def withhold(patterns: PatternSet, refuses: Refuses) -> tuple[PatternSet, dict[str, int]]:
    """The pattern set without what is refused, and what was held back."""
    work = Withholding(patterns, refuses)
    return work.run(), dict(sorted(work.held_back.items()))


def keep_rules(hole: Hole, keeps: Callable[[int], bool]) -> Hole:
    """A hole with only some of its rules, by their place in it."""
    places = [place for place in range(len(hole.rules)) if keeps(place)]
    if len(places) == len(hole.rules):
        return hole
    moved = {old: new for new, old in enumerate(places)} | {-1: -1}
    after = {
        last: gains
        for last, weights in hole.after.items()
        if (gains := {moved[place]: weight for place, weight in weights.items() if place in moved})
    }
    rules, weights = [hole.rules[place] for place in places], [hole.weights[place] for place in places]
    return replace(hole, rules=rules, weights=weights, after=after)


def compact(patterns: PatternSet) -> PatternSet:
    """Leave out rules that no hole uses, and number the others anew."""
    used = sorted({number for hole in patterns.holes.values() for number in hole.rules})
    moved: Mapping[int, int] = {old: new for new, old in enumerate(used)}
    known = patterns.evidence or [Evidence()] * len(patterns.rules)
    return replace(
        patterns,
        rules=[patterns.rules[number] for number in used],
        evidence=[known[number] for number in used],
        holes={
            name: replace(hole, rules=[moved[number] for number in hole.rules]) for name, hole in patterns.holes.items()
        },
    )


def unwritable(_kind: str, text: str) -> str | None:
    """Refuses what no bundle can hold: text that is no UTF-8, and very long text."""
    if len(text) > LONGEST_TEXT:
        return "too long"
    return None if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text) else "no UTF-8"


def _tool(piece: str) -> str:
    """The tool of a signature: ``Read (error)`` is about ``Read``."""
    for ended in (" (error)", " (empty)"):
        piece = piece.removesuffix(ended)
    return piece
