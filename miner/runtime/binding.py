"""Binding: the values that the rules of a hole propose now, and how likely each is.

Values compete in a conditional logit (McFadden 1974): the score of a value is the sum of the weights of the rules
that propose it and of its traits; "none of these" competes too. What a rule proposes only changes when its stream
does, so a session keeps the proposals and looks again at what the last event touched.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
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


def shares(hole: Hole, found: Iterable[Proposal], traits: Sequence[tuple[str, ...]], last: str) -> list[float]:
    """Probability of each proposal; what is missing to 1 is the chance that none of them is right."""
    after = hole.after.get(last)
    weights, looks = hole.weights, hole.traits
    none = hole.none
    scores = []
    for proposal, seen in zip(found, traits, strict=True):
        score = 0
        for place in proposal.rules:
            score += weights[place]
            if after:
                score += after.get(place, 0)
        for trait in seen:
            score += looks.get(trait, 0)
        scores.append(score)
    if after:
        none += after.get(-1, 0)
    highest = max(scores, default=none)
    highest = max(highest, none)
    powers = [math.exp((score - highest) / 1000) for score in scores]
    whole = sum(powers) + math.exp((none - highest) / 1000)
    return [power / whole for power in powers]


class Binder:
    """One hole in one session: what its independent rules propose, kept until an event touches their streams."""

    __slots__ = (
        "_anchors",
        "_applies",
        "_dependent",
        "_dirty",
        "_free",
        "_held",
        "_proposals",
        "hole",
        "name",
        "rules",
    )

    def __init__(self, name: str, hole: Hole, rules: list[Rule], applies: list[Apply]) -> None:
        self.name, self.hole, self.rules = name, hole, rules
        self._applies = applies
        self._dependent = [place for place, rule in enumerate(rules) if rule.source in DEPENDENT]
        self._anchors = sorted({rules[place].anchor for place in self._dependent})
        self._free = [place for place, rule in enumerate(rules) if rule.source not in DEPENDENT]
        self._held: list[Any] = [None] * len(rules)
        self._dirty = set(self._free)
        self._proposals: dict[str, Proposal] = {}

    def anchored(self, assigned: Mapping[str, Any]) -> str:
        """The values of the other holes that the rules read, as text: the same text, the same proposals."""
        return "".join(
            f"\x1e{anchor}\x1f{value_key(assigned[anchor])}" for anchor in self._anchors if anchor in assigned
        )

    def touch(self, places: Iterable[int]) -> None:
        """The streams of these rules have changed."""
        self._dirty.update(places)

    def proposals(self, memory: Memory, assigned: Mapping[str, Any]) -> dict[str, Proposal]:
        """What the rules propose now."""
        if self._dirty:
            for place in self._dirty:
                self._held[place] = propose(self.rules[place], memory, self._applies[place], assigned)
            self._dirty.clear()
            self._proposals = {}
            for place in self._free:
                value = self._held[place]
                if value is not None:
                    gather(self._proposals, place, value)
        if not self._dependent:
            return self._proposals
        found = {key: Proposal(key, value, list(rules)) for key, value, rules in self._proposals.values()}
        for place in self._dependent:
            value = propose(self.rules[place], memory, self._applies[place], assigned)
            if value is not None:
                gather(found, place, value)
        return found
