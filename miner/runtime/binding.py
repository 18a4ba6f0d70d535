"""Binding: the values that the rules of a hole propose now, and how likely each is.

Values compete in a conditional logit (McFadden 1974): the score of a value is the sum of the weights of the rules
that propose it and of its traits; "none of these" competes too. What a rule proposes only changes when its stream
does, so a session keeps the proposals and looks again at what the last event touched.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .atoms import shapes
from .memory import Memory, value_key
from .patterns import Hole
from .rules import Apply, Rule, propose

SHAPE_FROM = 40
"""Longer texts have no shape worth telling apart."""
DEPENDENT = ("beside", "same")
"""Sources that read another hole of the same call."""


class Proposal(NamedTuple):
    """A value and the rules (by place in the hole) that propose it."""

    key: str
    value: Any
    rules: list[int]


def gather(found: dict[str, Proposal], place: int, value: Any) -> None:
    """Add what one rule proposes."""
    key = value_key(value)
    known = found.get(key)
    if known is None:
        found[key] = Proposal(key, value, [place])
    else:
        known.rules.append(place)


def proposals(
    rules: list[Rule], applies: list[Apply], memory: Memory, assigned: Mapping[str, Any]
) -> dict[str, Proposal]:
    """What the rules of a hole propose, each distinct value once, in the order of its first rule."""
    found: dict[str, Proposal] = {}
    for place, rule in enumerate(rules):
        value = propose(rule, memory, applies[place], assigned)
        if value is not None:
            gather(found, place, value)
    return found


@functools.lru_cache(maxsize=16_384)
def shape_trait(text: str) -> str:
    """What a text looks like, as a trait."""
    found = shapes(text)
    return "s" + (found[-1] if found else "-")


def traits_of(proposal: Proposal, used: Mapping[str, int], age: int) -> tuple[str, str, str, str]:
    """What is seen of a value apart from who proposes it."""
    value = proposal.value
    shape = shape_trait(value) if isinstance(value, str) and len(value) < SHAPE_FROM else "s-"
    times = used.get(proposal.key, 0)
    return shape, AGES[age], USES[times if times < 2 else 2], AGREEING[min(len(proposal.rules), 6)]


AGES = tuple(f"a{age}" for age in range(10))
USES = tuple(f"u{times}" for times in range(3))
AGREEING = tuple(f"n{rules}" for rules in range(7))


class Ranked(NamedTuple):
    """A value that a hole may take."""

    chance: float
    value: Any
    key: str
    rule: int
    """The first rule that proposes it, by its place in the pattern set."""


class _Standing(NamedTuple):
    """What the independent rules of a hole propose at one decision, scored."""

    keys: list[str]
    values: list[Any]
    first: list[int]
    agreeing: list[int]
    scores: list[int]
    none: int
    after: Mapping[int, int]
    places: dict[str, int]


class Binder:
    """One hole in one session: what its independent rules propose, kept until an event touches their streams."""

    __slots__ = (
        "_agreement", "_anchors", "_applies", "_dependent", "_dirty", "_free", "_held", "_proposals", "_standing",
        "_when", "hole", "name", "rules",
    )  # fmt: skip

    def __init__(self, name: str, hole: Hole, rules: list[Rule], applies: list[Apply]) -> None:
        self.name, self.hole, self.rules = name, hole, rules
        self._applies = applies
        self._dependent = [place for place, rule in enumerate(rules) if rule.source in DEPENDENT]
        self._anchors = sorted({rules[place].anchor for place in self._dependent})
        self._free = [place for place, rule in enumerate(rules) if rule.source not in DEPENDENT]
        self._agreement = [hole.traits.get(trait, 0) for trait in AGREEING]
        self._held: list[Any] = [None] * len(rules)
        self._dirty = set(self._free)
        self._proposals: dict[str, Proposal] = {}
        self._standing: _Standing | None = None
        self._when: tuple[int, int, str] | None = None

    def anchored(self, assigned: Mapping[str, Any]) -> str:
        """The values of the other holes that the rules read, as text: the same text, the same ranking."""
        return "".join(
            f"\x1e{anchor}\x1f{value_key(assigned[anchor])}" for anchor in self._anchors if anchor in assigned
        )

    def touch(self, places: Iterable[int]) -> None:
        """The streams of these rules have changed."""
        self._dirty.update(places)

    def ranked(self, memory: Memory, assigned: Mapping[str, Any], last: str, most: int) -> list[Ranked]:
        """The likeliest values now, best first; their chances leave room for "none of these"."""
        standing = self._stand(memory, last)
        scores, keys, values, first = standing.scores, standing.keys, standing.values, standing.first
        if self._dependent:
            scores, keys, values, first = list(scores), list(keys), list(values), list(first)
            self._add_dependent(standing, memory, assigned, scores, keys, values, first)
        if not scores:
            return []
        highest = max(standing.none, max(scores))
        exp = math.exp
        powers = [exp((score - highest) / 1000) for score in scores]
        whole = sum(powers) + exp((standing.none - highest) / 1000)
        best = sorted(range(len(powers)), key=lambda place: (-powers[place], keys[place]))[:most]
        rules = self.hole.rules
        return [Ranked(powers[at] / whole, values[at], keys[at], rules[first[at]]) for at in best]

    def _stand(self, memory: Memory, last: str) -> _Standing:
        when = (memory.clock, memory.moment, last)
        if self._standing is not None and self._when == when and not self._dirty:
            return self._standing
        self._look_again(memory)
        hole = self.hole
        looks, weights = hole.traits, hole.weights
        after = hole.after.get(last) or _NOTHING
        used = memory.used.get(self.name) or _NOTHING
        found = list(self._proposals.values())
        scores = []
        for proposal in found:
            shape, age, uses, agreeing = traits_of(proposal, used, memory.age(proposal.key))
            score = looks.get(shape, 0) + looks.get(age, 0) + looks.get(uses, 0) + looks.get(agreeing, 0)
            for place in proposal.rules:
                score += weights[place]
            if after:
                for place in proposal.rules:
                    score += after.get(place, 0)
            scores.append(score)
        self._standing = _Standing(
            [proposal.key for proposal in found],
            [proposal.value for proposal in found],
            [proposal.rules[0] for proposal in found],
            [len(proposal.rules) for proposal in found],
            scores,
            hole.none + after.get(-1, 0),
            after,
            {proposal.key: place for place, proposal in enumerate(found)},
        )
        self._when = when
        return self._standing

    def _look_again(self, memory: Memory) -> None:
        """Ask the rules whose streams have changed."""
        if not self._dirty:
            return
        for place in self._dirty:
            self._held[place] = propose(self.rules[place], memory, self._applies[place], _NOTHING)
        self._dirty.clear()
        self._proposals = {}
        for place in self._free:
            value = self._held[place]
            if value is not None:
                gather(self._proposals, place, value)

    def _add_dependent(
        self,
        standing: _Standing,
        memory: Memory,
        assigned: Mapping[str, Any],
        scores: list[int],
        keys: list[str],
        values: list[Any],
        first: list[int],
    ) -> None:
        """Add what the rules say that read other holes of the call."""
        weights, agreement, after = self.hole.weights, self._agreement, standing.after
        places = dict(standing.places)
        agreeing = list(standing.agreeing)
        for rule in self._dependent:
            value = propose(self.rules[rule], memory, self._applies[rule], assigned)
            if value is None:
                continue
            weight = weights[rule] + after.get(rule, 0)
            key = value_key(value)
            at = places.get(key)
            if at is None:
                looks = self.hole.traits
                used = memory.used.get(self.name) or _NOTHING
                seen = traits_of(Proposal(key, value, [rule]), used, memory.age(key))
                places[key] = len(keys)
                keys.append(key)
                values.append(value)
                first.append(rule)
                agreeing.append(1)
                scores.append(weight + sum(looks.get(trait, 0) for trait in seen))
            else:
                rules = agreeing[at]
                scores[at] += weight + agreement[min(rules + 1, 6)] - agreement[min(rules, 6)]
                agreeing[at] = rules + 1

    def proposed(self, memory: Memory, assigned: Mapping[str, Any]) -> set[str]:
        """The keys of all values that any rule proposes now."""
        self._look_again(memory)
        found = set(self._proposals)
        for rule in self._dependent:
            value = propose(self.rules[rule], memory, self._applies[rule], assigned)
            if value is not None:
                found.add(value_key(value))
        return found


_NOTHING: Mapping[Any, Any] = MappingProxyType({})
