"""Weighing: how much each argument rule and each trait of a value counts.

A conditional logit for each argument name decides between the values that rules propose.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from miner.mining.choice import CrossFit, Map, cross_fits, thousandths
from miner.mining.hole_counts import COUNTER_EXAMPLES, HoleCounts, HoleKernel, anonymous, thinned
from miner.mining.selection import Selection
from miner.runtime.patterns import Evidence, Hole
from miner.runtime.rules import Rule

LEAST_WEIGHT = 30
"""Thousandths; smaller weights of traits that depend on the moment are not worth their bytes."""
SAME_SHARE = 0.98
"""Two rules that fire together and agree this often are one rule."""
RULES_KEPT = 80


class HoleChoices:
    """Which value each hole took among those its rules proposed, and what follows from it."""

    def __init__(self, selections: Iterable[Selection], folds: int) -> None:
        self._folds = folds
        self.rules: dict[str, list[Rule]] = {}
        for selection in selections:
            for hole, rules in selection.rules.items():
                known = self.rules.setdefault(hole, [])
                known.extend(rule for rule in rules if rule not in known)
        self.counts = HoleCounts()
        self._places = {hole: {rule: place for place, rule in enumerate(rules)} for hole, rules in self.rules.items()}
        self._fits: dict[str, CrossFit] = {}
        self._together: dict[str, list[list[float]]] = {}

    def kernel(self, selection: Selection) -> HoleKernel:
        """What counts sessions; values that are fixed in ``selection`` are no choice."""
        return HoleKernel(self.rules, selection, self._folds)

    def evidence(self, hole: str, rule: Rule) -> Evidence:
        """What was counted about a rule in a hole."""
        return self.counts.evidence[hole, self._places[hole][rule]]

    def distinct(self, selection: Selection) -> Selection:
        """The selection without rules that nearly always repeat a better one: they add cost and no knowledge."""
        return dataclasses.replace(
            selection, rules={hole: self._distinct(hole, rules) for hole, rules in selection.rules.items()}
        )

    def _distinct(self, hole: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        places = [self._places[hole][rule] for rule in rules]
        evidence = {place: self.counts.evidence[hole, place] for place in places}
        together = self._pairs(hole)

        def is_same(place: int, other: int) -> bool:
            """Whether two rules fire together and agree: when one fires alone, that too tells something."""
            most = max(evidence[place].fired, evidence[other].fired)
            return together[place][other] >= SAME_SHARE * most

        kept: list[int] = []
        for place in sorted(places, key=lambda place: -evidence[place].right):
            if evidence[place].fired and not any(is_same(place, other) for other in kept):
                kept.append(place)
        return tuple(self.rules[hole][place] for place in kept[:RULES_KEPT])

    def _pairs(self, hole: str) -> list[list[float]]:
        """How often two rules of a hole, by place, proposed the same value; all sessions are counted by then."""
        known = self._together.get(hole)
        if known is None:
            agreeing: Mapping[tuple[int, ...], int] = self.counts.together.get(hole, {})
            columns = np.fromiter(chain.from_iterable(agreeing), np.int64)
            stands = np.zeros((len(agreeing), len(self.rules[hole])))
            stands[np.repeat(np.arange(len(agreeing)), np.fromiter(map(len, agreeing), np.int64)), columns] = 1.0
            # Whole numbers as floats: the same sums, many times sooner.
            counted = np.fromiter(agreeing.values(), np.float64, len(agreeing))
            known = self._together[hole] = (stands.T @ (stands * counted[:, None])).tolist()
        return known

    def evidence_by_rule(self) -> dict[Rule, Evidence]:
        """What was counted about each rule; a pooled one serves several holes, whose counts add up."""
        found: dict[Rule, Evidence] = {}
        for (hole, place), one in self.counts.evidence.items():
            known = found.setdefault(self.rules[hole][place], Evidence())
            known.fired += one.fired
            known.right += one.right
            known.sessions = max(known.sessions, one.sessions)
            known.counter_examples = [*known.counter_examples, *one.counter_examples][:COUNTER_EXAMPLES]
        return found

    def cross_fit(self, priors: Sequence[float], selections: Iterable[Selection], side_by_side: Map = map) -> None:
        """Weigh the rules that some selection keeps, on all sessions and without each fold.

        What a rule that is left out would have weighed goes to those that say the same.
        """
        kept = {
            (hole, anonymous(rule))
            for selection in selections
            for hole, rules in selection.rules.items()
            for rule in rules
        }
        choices = {general: thinned(found, kept) for general, found in sorted(self.counts.choices.items())}
        self._fits = cross_fits(choices, priors, self._folds, side_by_side)

    def holes(self, selection: Selection, without: int | None) -> tuple[list[Rule], dict[str, Hole]]:
        """The rules of a selection and its holes, weighed without one fold."""
        weights = {
            general: fit.whole if without is None else fit.without[without] for general, fit in self._fits.items()
        }
        after = {general: _by_moment(found) for general, found in weights.items()}
        numbers: dict[Rule, int] = {}
        holes: dict[str, Hole] = {}
        for hole, rules in sorted(selection.rules.items()):
            general = _general(hole, weights)
            found = weights.get(general, {})
            places = {anonymous(rule): at for at, rule in enumerate(rules)}
            holes[hole] = Hole(
                rules=[numbers.setdefault(rule, len(numbers)) for rule in rules],
                weights=[
                    thousandths(found.get(anonymous(rule), 0.0) + found.get((hole, anonymous(rule)), 0.0))
                    for rule in rules
                ],
                none=thousandths(found.get("none", 0.0) + found.get(("none of", hole), 0.0)),
                traits={
                    feature: thousandths(weight)
                    for feature, weight in found.items()
                    if isinstance(feature, str) and feature != "none"
                },
                after=_placed(after.get(general, {}), places),
                distinct=selection.distinct.get(hole, 0),
            )
        return list(numbers), holes


def _general(hole: str, known: Mapping[str, Any]) -> str:
    """The pooled name of a hole: the longest known one that the hole ends with."""
    fitting = [general for general in known if hole.endswith(general[1:])]
    return max(fitting, key=len, default="")


def _by_moment(weights: Mapping[Hashable, float]) -> dict[str, dict[Rule | None, int]]:
    found: defaultdict[str, dict[Rule | None, int]] = defaultdict(dict)
    for feature, weight in weights.items():
        if isinstance(feature, tuple) and len(feature) == 2 and abs(thousandths(weight)) >= LEAST_WEIGHT:
            if feature[0] == "none":
                found[feature[1]][None] = thousandths(weight)
            elif isinstance(feature[0], Rule):
                found[feature[1]][feature[0]] = thousandths(weight)
    return found


def _placed(after: Mapping[str, Mapping[Rule | None, int]], places: Mapping[Rule, int]) -> dict[str, dict[int, int]]:
    found = {}
    for last, weights in after.items():
        kept = {
            -1 if rule is None else places[rule]: weight
            for rule, weight in weights.items()
            if rule is None or rule in places
        }
        if kept:
            found[last] = kept
    return found
