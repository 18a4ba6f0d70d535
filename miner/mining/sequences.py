"""Frequent sequences of a set of sessions: exact, with every pattern linked back to where it was seen.

from miner.mining.sequences import mine_sequences

mined = mine_sequences([["search", "open", "edit"], ["search", "edit"]], min_sessions=2)
for pattern in mined.patterns:
    print(pattern.steps, pattern.sessions, mined.evidence(pattern).occurrences)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag

import numpy as np

from miner.errors import UsageError
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_engines import UNLIMITED, SearchRequest, load_engine
from miner.mining.sequence_evidence import PatternEvidence, StepTimes, evidence_of
from miner.mining.sequence_limits import SequenceLimits, check
from miner.mining.sequence_tree import PatternTree

__all__ = ["MinedSequences", "SequenceLimits", "SequencePattern", "mine_sequences"]


@dataclass(frozen=True, slots=True)
class SequencePattern:
    """Steps in order, and how many sessions hold them."""

    steps: tuple[str, ...]
    sessions: int
    share: float


@dataclass(frozen=True)
class MinedSequences:
    """The patterns found, and what they were found in."""

    patterns: list[SequencePattern]
    """Most sessions first, then longer ones, then by name."""
    database: SequenceDatabase
    limits: SequenceLimits
    least: int
    """The threshold used, in sessions."""
    interrupted: str = ""
    """Why patterns are missing; empty when all are there.

    The counts of those that are there are exact; which are closed or maximal is judged among those that were found.
    """
    times: StepTimes | None = field(default=None, repr=False)

    def evidence(self, pattern: SequencePattern) -> PatternEvidence:
        """Where a pattern was seen, and how long it took."""
        return evidence_of(
            pattern.steps, self.database, self.times, max_gap=self.limits.max_gap, max_span=self.limits.max_span
        )


def mine_sequences(
    sessions: Iterable[Sequence[str]] | SequenceDatabase,
    limits: SequenceLimits | None = None,
    *,
    min_sessions: int | None = None,
    min_share: float | None = None,
    engine: str = "miner",
    times: StepTimes | None = None,
    stop: Flag | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> MinedSequences:
    """All patterns within the limits.

    Args:
        sessions: any iterable of sequences of names.
        limits: what is wanted; ``min_sessions`` or ``min_share`` may be given here instead for the plain case.
        min_sessions: fewest sessions, a whole number.
        min_share: smallest share of sessions, above 0 and at most 1.
        engine: which search to use, see ``miner.mining.sequence_engines``.
        times: when each step began and ended, for the evidence.
        stop: set it, from another thread or from ``progress``, and the search ends with what it has.
        progress: called with first steps done, first steps in all, and patterns so far.

    Raises:
        UsageError: thresholds or limits that make no sense, or names that no session holds.
    """
    limits = _with_threshold(limits or SequenceLimits(), min_sessions, min_share)
    database = sessions if isinstance(sessions, SequenceDatabase) else SequenceDatabase.from_sessions(sessions)
    check(limits, database.names)
    search = load_engine(engine)
    stop = stop or Flag()

    def grow(least: int) -> PatternTree:
        return search(database, _request(limits, database, least, stop, progress))

    def mine(least: int) -> tuple[list[SequencePattern], str]:
        tree = grow(least)
        return _select(tree, database, limits), tree.interrupted

    least = limits.least(database.sessions)
    if limits.top is None or limits.kind == "maximal":
        tree, least = _grow_within(grow, least, database.sessions, stop)
        patterns, interrupted = _select(tree, database, limits), tree.interrupted
    else:
        patterns, interrupted, least = _mine_top(mine, limits.top, least, database.sessions)
    patterns.sort(key=lambda pattern: (-pattern.sessions, -len(pattern.steps), pattern.steps))
    return MinedSequences(patterns[: limits.top], database, limits, least, interrupted, times)


def _grow_within(grow: Callable[[int], PatternTree], least: int, sessions: int, stop: Flag) -> tuple[PatternTree, int]:
    """All patterns, or, over the budget, all from a higher threshold up; where none fits, a part of what was asked for.

    A part holds whatever was reached first; everything above a threshold is what a user can read and rely on.
    """
    part = tree = grow(least)
    higher = least
    while tree.interrupted and not stop.is_set() and higher < sessions:
        higher = min(2 * higher, sessions)
        tree = grow(higher)
    if tree.interrupted or tree is part:
        return part, least
    told = f"{part.interrupted}; complete from {higher:,} sessions up"
    return replace(tree, interrupted=told), higher


def _mine_top(
    mine: Callable[[int], tuple[list[SequencePattern], str]], top: int, floor: int, sessions: int
) -> tuple[list[SequencePattern], str, int]:
    """Lowers the threshold until enough patterns are found; a search over the budget is narrowed, not given up."""
    least, too_low = max(floor, sessions), floor - 1
    patterns, interrupted = mine(least)
    while not interrupted and len(patterns) < top and least > max(floor, too_low + 1):
        lower = max(floor, int(least * 0.6), too_low + 1) if too_low < floor else (least + too_low) // 2
        found, stopped = mine(lower)
        if stopped and lower < least and not stopped.endswith("request"):
            too_low = lower
            if least - too_low <= 1:
                return patterns, stopped, least
            continue
        patterns, interrupted, least = found, stopped, lower
    return patterns, interrupted, least


def _request(
    limits: SequenceLimits,
    database: SequenceDatabase,
    least: int,
    stop: Flag,
    progress: Callable[[int, int, int], None] | None,
) -> SearchRequest:
    """What the engine must search: filters that do not change which patterns are closed are left to it."""
    number = {name: index for index, name in enumerate(database.names)}
    allowed = first = None
    if limits.kind == "all":
        if limits.only or limits.without:
            allowed = frozenset(number[step] for step in limits.allowed(number) if step in number)
        if limits.starts_with is not None:
            first = frozenset(number[step] for step in limits.steps_of(limits.starts_with) if step in number)
    return SearchRequest(
        least=least,
        longest=limits.max_length or UNLIMITED,
        max_gap=UNLIMITED if limits.max_gap is None else limits.max_gap,
        max_span=UNLIMITED if limits.max_span is None else limits.max_span,
        allowed=allowed,
        first=first,
        budget=limits.budget,
        stop=stop,
        progress=progress,
    )


def _select(tree: PatternTree, database: SequenceDatabase, limits: SequenceLimits) -> list[SequencePattern]:
    """The patterns of a tree that pass the filters; of an interrupted one, which are closed is judged within it."""
    nodes = np.arange(len(tree))
    if limits.kind != "all":
        nodes = tree.unabsorbed(limits.kind, any_step=limits.max_gap is None)
    passes, total = limits.filter(), database.sessions
    return [
        SequencePattern(steps, support, support / total)
        for steps, support in zip(tree.steps_of(nodes, database.names), tree.supports[nodes].tolist(), strict=True)
        if len(steps) >= limits.min_length and passes(steps)
    ]


def _with_threshold(limits: SequenceLimits, min_sessions: int | None, min_share: float | None) -> SequenceLimits:
    """The limits with the threshold of the plain call."""
    if min_sessions is None and min_share is None:
        return limits
    if limits.min_sessions is not None or limits.min_share is not None:
        raise UsageError("the threshold is given twice", next_step="give it in the limits or beside them")
    return replace(limits, min_sessions=min_sessions, min_share=min_share)
