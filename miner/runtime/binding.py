"""Binding: the values that the rules of a hole propose now, and how likely each is.

Values compete in a conditional logit (McFadden 1974): the score of a value is the sum of the weights of the rules
that propose it and of its traits; "none of these" competes too. What a rule proposes only changes when its stream
does, so a session keeps the proposals and looks again at what the last event touched; rules that read one stream in
one way are asked together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import Any, NamedTuple

from .atoms import Row
from .memory import Memory, value_key
from .plan import Plan, shape_trait
from .rules import beside, fitting_first, pick_all

HIGHEST = 500_000
"""Thousandths above which a score counts as certain: weights of a hostile bundle may not overflow."""
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Ranked(NamedTuple):
    """A value that a hole may take."""

    chance: float
    value: Any
    key: str
    rule: int
    """The first rule that proposes it, by its place in the pattern set."""


def _power(score: int) -> float:
    return math.exp(min(score, HIGHEST) / 1000)


class _Standing(NamedTuple):
    """What the independent rules of a hole propose at one decision, scored."""

    scores: list[int]
    highest: int
    powers: list[float]
    """How likely each value is beside the one with the highest score."""
    whole: float
    """Sum of the powers, that of "none of these" among them."""
    best: list[tuple[int, str, int]]
    """(score with its sign turned, key, place) of the values, best first."""
    after: Mapping[int, int]


class Binder:
    """One hole in one session: what its independent rules propose, kept until an event touches their streams."""

    __slots__ = (
        "_agreeing", "_applies", "_dirty", "_first", "_held", "_index", "_keys", "_owner", "_standing", "_static",
        "_values", "_when", "plan",
    )  # fmt: skip

    def __init__(self, plan: Plan, cwd: str) -> None:
        self.plan = plan
        self._applies = plan.applies(cwd)
        self._held: list[tuple[str, Any] | None] = [None] * len(plan.rules)
        self._dirty = set(range(len(plan.readings)))
        self._keys: list[str] = []
        self._values: list[Any] = []
        self._first: list[int] = []
        self._agreeing: list[int] = []
        self._static: list[int] = []
        self._index: dict[str, int] = {}
        self._owner: dict[int, int] = {}
        """Place of a rule -> place of the value it proposes."""
        self._standing: _Standing | None = None
        self._when: tuple[int, int, str] | None = None

    def branch(self) -> Binder:
        """A binder that goes on from here."""
        other = copy(self)
        other._held, other._dirty = list(self._held), set(self._dirty)
        return other

    def touch(self, readings: Iterable[int]) -> None:
        """The streams of these readings have changed."""
        self._dirty.update(readings)

    def ranked(self, memory: Memory, assigned: Mapping[str, Any], last: str, most: int) -> list[Ranked]:
        """The likeliest values now, best first; their chances leave room for "none of these"."""
        when = (memory.clock, memory.moment, last)
        standing = self._standing
        if standing is None or self._when != when or self._dirty:
            standing = self._standing = self._stand(memory, last)
            self._when = when
        if self.plan.dependent:
            return self._with_dependent(standing, memory, assigned, most)
        powers, whole, values, first = standing.powers, standing.whole, self._values, self._first
        rules = self.plan.hole.rules
        return [Ranked(powers[at] / whole, values[at], key, rules[first[at]]) for _, key, at in standing.best[:most]]

    def _stand(self, memory: Memory, last: str) -> _Standing:
        self._look_again(memory)
        plan = self.plan
        after = plan.hole.after.get(last) or _NOTHING
        used = memory.used.get(plan.name) or _NOTHING
        ages, age_of = plan.ages, memory.age
        once, more, never = plan.uses[1], plan.uses[2], plan.uses[0]
        scores = [
            score + ages[age_of(key)] + (never if key not in used else once if used[key] == 1 else more)
            for score, key in zip(self._static, self._keys, strict=True)
        ]
        owner = self._owner
        for place, weight in after.items():
            at = owner.get(place)
            if at is not None:
                scores[at] += weight
        none = plan.hole.none + after.get(-1, 0)
        highest = max(none, max(scores, default=none))
        exp = math.exp
        powers = [exp((score - highest) / 1000) for score in scores]
        best = sorted([(-score, key, at) for at, (score, key) in enumerate(zip(scores, self._keys, strict=True))])
        return _Standing(scores, highest, powers, sum(powers) + exp((none - highest) / 1000), best, after)

    def _look_again(self, memory: Memory) -> None:
        """Ask the rules whose streams have changed."""
        if not self._dirty:
            return
        plan, held, changed = self.plan, self._held, False
        for number in self._dirty:
            ranks = plan.readings[number]
            rule = plan.rules[ranks[0][1]]
            stream = memory.streams.get(rule.source)
            if stream is not None or rule.source == "constant":
                found = pick_all(rule, [rank for rank, _ in ranks], stream, self._applies[ranks[0][1]], memory.used)
                for (_, place), value in zip(ranks, found, strict=True):
                    one = None if value is None else (value_key(value), value)
                    if one != held[place]:
                        held[place], changed = one, True
        self._dirty.clear()
        if changed:
            self._gather()

    def _gather(self) -> None:
        """Each distinct value once, with what of its score does not depend on the moment."""
        plan = self.plan
        weights, looks = plan.hole.weights, plan.hole.traits
        keys: list[str] = []
        values: list[Any] = []
        first, agreeing, static = [], [], []
        index: dict[str, int] = {}
        owner: dict[int, int] = {}
        for place in plan.free:
            one = self._held[place]
            if one is None:
                continue
            key, value = one
            at = index.get(key)
            if at is None:
                at = index[key] = len(keys)
                keys.append(key)
                values.append(value)
                first.append(place)
                agreeing.append(1)
                static.append(weights[place] + looks.get(shape_trait(value), 0))
            else:
                agreeing[at] += 1
                static[at] += weights[place]
            owner[place] = at
        for at, rules in enumerate(agreeing):
            static[at] += plan.agreement[min(rules, 6)]
        self._keys, self._values, self._first, self._agreeing = keys, values, first, agreeing
        self._static, self._index, self._owner = static, index, owner

    def _with_dependent(
        self, standing: _Standing, memory: Memory, assigned: Mapping[str, Any], most: int
    ) -> list[Ranked]:
        """The ranking with what the rules say that read other holes of the call: they change few values."""
        plan, looks = self.plan, self.plan.hole.traits
        weights, agreement, after = plan.hole.weights, plan.agreement, standing.after
        changed: dict[str, list[Any]] = {}
        """Key -> score, rules that agree, value, first rule."""
        for place, value in self._dependents(memory, assigned):
            weight = weights[place] + after.get(place, 0)
            key = value_key(value)
            one = changed.get(key)
            if one is None:
                at = self._index.get(key)
                if at is not None:
                    one = [standing.scores[at], self._agreeing[at], value, self._first[at]]
                else:
                    used = memory.used.get(plan.name) or _NOTHING
                    seen = looks.get(shape_trait(value), 0) + plan.ages[memory.age(key)]
                    one = [seen + plan.uses[min(used.get(key, 0), 2)] + agreement[0], 0, value, place]
                changed[key] = one
            rules = one[1]
            one[0] += weight + agreement[min(rules + 1, 6)] - agreement[min(rules, 6)]
            one[1] = rules + 1
        whole = standing.whole
        rules_of, powers, found = plan.hole.rules, standing.powers, []
        for key, (score, _, value, first) in changed.items():
            power = _power(score - standing.highest)
            at = self._index.get(key)
            whole += power if at is None else power - powers[at]
            found.append((-score, key, power, value, first))
        kept = 0
        for negative, key, at in standing.best:
            if kept == most:
                break
            if key not in changed:
                kept += 1
                found.append((negative, key, powers[at], self._values[at], self._first[at]))
        found.sort()  # by score and then by key, of which no two are the same
        return [Ranked(power / whole, value, key, rules_of[first]) for _, key, power, value, first in found[:most]]

    def _dependents(self, memory: Memory, assigned: Mapping[str, Any]) -> Iterable[tuple[int, Any]]:
        """(Place of a rule that reads another hole, what it gives)."""
        given = {anchor: assigned[anchor] for anchor in self.plan.anchors if anchor in assigned}
        rows: dict[str, Sequence[Row]] = {}
        for place in self.plan.dependent:
            rule = self.plan.rules[place]
            anchor = given.get(rule.anchor)
            if anchor is None:
                continue
            if rule.source == "same":
                value = self._applies[place](anchor)
            else:
                near = rows.get(rule.anchor)
                if near is None:
                    near = rows[rule.anchor] = fitting_first(memory.rows_of(value_key(anchor)), given)
                value = beside(rule, near, self._applies[place])
            if value is not None:
                yield place, value

    def proposed(self, memory: Memory, assigned: Mapping[str, Any]) -> set[str]:
        """The keys of all values that any rule proposes now."""
        self._look_again(memory)
        return {*self._keys, *(value_key(value) for _, value in self._dependents(memory, assigned))}
