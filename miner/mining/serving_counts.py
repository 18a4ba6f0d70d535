"""What was counted about serving: how often each way to derive results from results gave the recorded one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from miner.runtime.serving import Derived
from miner.runtime.serving_rules import frame_mark

EXAMPLES = 3
Size = tuple[int, int]
"""Entries and characters of a result."""


class Way(NamedTuple):
    """A candidate: which tool's calls, from which tool's results, by which derivation and options."""

    tool: str
    broad: str
    derivation: str
    options: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Tally:
    """What came of one way."""

    right: int = 0
    wrong: int = 0
    groups: set[str] = field(default_factory=set)
    """Groups of sessions in which it was right."""
    frames: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Frame -> groups in which it stood around a right answer."""
    whole: Size = (0, 0)
    """Entries and characters of the largest result that was certainly whole."""
    cut: Size | None = None
    """The same of the smallest of which something was missing."""
    counter_examples: list[str] = field(default_factory=list)

    def note_right(self, derived: Derived, size: Size, arguments: dict[str, Any], group: str) -> None:
        """A right answer counts wherever it happens: a wrong way does not give the recorded text by chance."""
        self.right += 1
        self.groups.add(group)
        self.frames[frame_mark(derived, arguments)].add(group)
        if derived.shows_whole:
            self.whole = larger(self.whole, size)

    def note_wrong(self, cut: Size | None, where: str) -> None:
        """What lacks something was derived from a part of a result: a bound for the rule, and no counter-example."""
        if cut is not None:
            self.cut = cut if self.cut is None else smaller(self.cut, cut)
            return
        self.wrong += 1
        self.counter_examples = sorted({*self.counter_examples, where})[:EXAMPLES]

    def add(self, other: Tally) -> None:
        """Merge."""
        self.right += other.right
        self.wrong += other.wrong
        self.groups |= other.groups
        for frame, groups in other.frames.items():
            self.frames[frame] |= groups
        self.whole = larger(self.whole, other.whole)
        self.cut = other.cut if self.cut is None else self.cut if other.cut is None else smaller(self.cut, other.cut)
        self.counter_examples = sorted({*self.counter_examples, *other.counter_examples})[:EXAMPLES]


class ServingCounts:
    """Tallies by way."""

    def __init__(self) -> None:
        self.tallies: defaultdict[Way, Tally] = defaultdict(Tally)

    def add(self, other: ServingCounts) -> None:
        """Merge the counts of other sessions into these."""
        for way, tally in other.tallies.items():
            self.tallies[way].add(tally)


def larger(one: Size, other: Size) -> Size:
    """The larger in each respect."""
    return max(one[0], other[0]), max(one[1], other[1])


def smaller(one: Size, other: Size) -> Size:
    """The smaller in each respect."""
    return min(one[0], other[0]), min(one[1], other[1])
