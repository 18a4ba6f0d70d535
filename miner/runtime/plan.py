"""What is the same of a hole in every session: how its rules are asked, and what each trait of a value weighs."""

from __future__ import annotations

import functools
from typing import Any

from .atoms import shapes
from .patterns import Hole
from .rules import DEPENDENT, UNUSED, Apply, Rule, applier, reading_of

SHAPE_FROM = 40
"""Of longer texts only the kind is told: a path from the root, an address, several words, one."""
HEAD = 200
"""Characters of a long text that tell its kind."""
AGES = {age: f"a{age}" for age in (0, 1, 2, 3, 9)}
USES = tuple(f"u{times}" for times in range(3))
AGREEING = tuple(f"n{rules}" for rules in range(7))


@functools.lru_cache(maxsize=16_384)
def _shape_of(text: str) -> str:
    found = shapes(text)
    return "s" + (found[-1] if found else "-")


def shape_trait(value: Any) -> str:
    """What a value looks like, as a trait."""
    if not isinstance(value, str):
        return "s-"
    return _shape_of(value) if len(value) < SHAPE_FROM else _kind_of(value[:HEAD])


def _kind_of(head: str) -> str:
    if head[0] in "/~":
        return "s-/"
    return "s-:" if "://" in head else "s- " if " " in head else "s-"


class Plan:
    """One hole in every session: its rules sorted by how they are asked."""

    __slots__ = ("_applies", "ages", "agreement", "anchors", "dependent", "free", "hole", "name", "readings", "rules",
                 "uses")  # fmt: skip

    def __init__(self, name: str, hole: Hole, rules: list[Rule]) -> None:
        self.name, self.hole, self.rules = name, hole, rules
        self.dependent = [place for place, rule in enumerate(rules) if rule.source in DEPENDENT]
        self.free = [place for place, rule in enumerate(rules) if rule.source not in DEPENDENT]
        self.anchors = sorted({rules[place].anchor for place in self.dependent})
        grouped: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
        for place in self.free:
            way, rank = reading_of(rules[place])
            grouped.setdefault(way, []).append((rank, place))
        self.readings = [tuple(sorted(ranks)) for ranks in grouped.values()]
        """Rules that one look at their stream answers: (rank, place in the hole) of each."""
        looks = hole.traits
        self.ages = {age: looks.get(trait, 0) for age, trait in AGES.items()}
        self.uses = [looks.get(trait, 0) for trait in USES]
        self.agreement = [looks.get(trait, 0) for trait in AGREEING]
        moving = any("$cwd" in rule.options for rule in rules)
        self._applies = None if moving else [applier(rule, "") for rule in rules]

    def applies(self, cwd: str) -> list[Apply]:
        """The transforms of the rules in a session that runs in a folder."""
        return self._applies if self._applies is not None else [applier(rule, cwd) for rule in self.rules]

    def sources(self) -> dict[str, list[int]]:
        """Stream, or hole whose used values matter -> the readings that must look again when it changes."""
        found: dict[str, list[int]] = {}
        for number, ranks in enumerate(self.readings):
            rule = self.rules[ranks[0][1]]
            found.setdefault(rule.source, []).append(number)
            if rule.policy.startswith(UNUSED):
                found.setdefault(rule.hole, []).append(number)
        return found
