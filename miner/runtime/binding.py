"""Binding: the values that the rules of a hole propose now, and how likely each is.

Values compete in a conditional logit (McFadden 1974): the score of a value is the sum of the weights of the rules
that propose it and of its traits; "none of these" competes too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .atoms import shapes
from .memory import Memory, value_key
from .patterns import Hole
from .rules import Apply, Rule, propose

SHAPE_FROM = 40
"""Longer texts have no shape worth telling apart."""


class Proposal(NamedTuple):
    """A value and the rules (by place in the hole) that propose it."""

    key: str
    value: Any
    rules: list[int]


def proposals(
    rules: list[Rule], applies: list[Apply], memory: Memory, assigned: Mapping[str, Any]
) -> dict[str, Proposal]:
    """What the rules of a hole propose, each distinct value once, in the order of its first rule."""
    found: dict[str, Proposal] = {}
    for place, rule in enumerate(rules):
        value = propose(rule, memory, applies[place], assigned)
        if value is None:
            continue
        key = value_key(value)
        known = found.get(key)
        if known is None:
            found[key] = Proposal(key, value, [place])
        else:
            known.rules.append(place)
    return found


def traits_of(proposal: Proposal, used: Mapping[str, int], age: int) -> tuple[str, str, str, str]:
    """What is seen of a value apart from who proposes it."""
    shape = "-"
    if isinstance(proposal.value, str) and len(proposal.value) < SHAPE_FROM:
        found = shapes(proposal.value)
        shape = found[-1] if found else "-"
    times = min(used.get(proposal.key, 0), 2)
    return f"s{shape}", f"a{age}", f"u{times}", f"n{min(len(proposal.rules), 6)}"


def shares(hole: Hole, found: list[Proposal], traits: Sequence[tuple[str, ...]], last: str) -> list[float]:
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
