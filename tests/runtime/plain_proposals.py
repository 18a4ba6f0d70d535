"""Proposals as they are defined, rule by rule: what the fast ways of ``binding`` and ``proposing`` are held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from miner.runtime.memory import Memory, value_key
from miner.runtime.rules import Apply, Rule, propose


class Proposal(NamedTuple):
    """A value and the rules (by place in the hole) that propose it."""

    value: Any
    rules: list[int]


def proposals(
    rules: list[Rule], applies: list[Apply], memory: Memory, assigned: Mapping[str, Any]
) -> dict[str, Proposal]:
    """What the rules of a hole propose, each distinct value once by its key, in the order of its first rule."""
    found: dict[str, Proposal] = {}
    for place, rule in enumerate(rules):
        value = propose(rule, memory, applies[place], assigned)
        if value is None:
            continue
        key = value_key(value)
        known = found.get(key)
        if known is None:
            found[key] = Proposal(value, [place])
        else:
            known.rules.append(place)
    return found
