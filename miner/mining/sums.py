"""What a selection is made from: how often each thing was seen, and in how many groups of sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from miner.mining.survey import Survey
from miner.runtime.rules import Rule


@dataclass(frozen=True, slots=True)
class Support:
    """How often, and in how many groups of sessions."""

    count: int
    groups: range
    """As many numbers as there are groups: they are only ever counted."""


@dataclass(slots=True)
class Sums:
    """The sum of surveys; values, rules and words of very few groups may be left out."""

    calls: Counter[str] = field(default_factory=Counter)
    """Hole -> calls that had the argument."""
    seen: Counter[str] = field(default_factory=Counter)
    general: dict[str, str] = field(default_factory=dict)
    """Hole -> its general hole."""
    values: dict[str, dict[str, Support]] = field(default_factory=dict)
    explained: dict[str, dict[Rule, Support]] = field(default_factory=dict)
    words: dict[str, range] = field(default_factory=dict)
    distinct: dict[str, int] = field(default_factory=dict)
    """Hole -> different values it took, rare ones too."""
    groups: range = range(0)

    @classmethod
    def of(cls, survey: Survey) -> Self:
        """The sums of one survey, nothing left out."""
        return cls(
            Counter(survey.calls),
            Counter(survey.seen),
            survey.general,
            {
                hole: {key: Support(tally.count, range(len(tally.groups))) for key, tally in tallies.items()}
                for hole, tallies in survey.values.items()
            },
            {
                hole: {rule: Support(tally.count, range(len(tally.groups))) for rule, tally in tallies.items()}
                for hole, tallies in survey.explained.items()
            },
            {word: range(len(groups)) for word, groups in survey.words.items()},
            {hole: len(tallies) for hole, tallies in survey.values.items()},
            range(len(survey.groups)),
        )
