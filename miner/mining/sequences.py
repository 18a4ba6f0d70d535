"""Frequent sequences of a set of sessions: exact, with every pattern linked back to where it was seen.

from miner.mining.sequences import mine_sequences

mined = mine_sequences([["search", "open", "edit"], ["search", "edit"]], min_sessions=2)
for pattern in mined.patterns:
    print(pattern.steps, pattern.sessions, mined.evidence(pattern).occurrences)
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event as Flag
from typing import Literal

import numpy as np

from miner.errors import UsageError
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_engines import UNLIMITED, SearchRequest, load_engine
from miner.mining.sequence_evidence import PatternEvidence, StepTimes, evidence_of
from miner.mining.sequence_tree import PatternTree

Kind = Literal["all", "closed", "maximal"]


@dataclass(frozen=True, slots=True)
class SequenceLimits:
    """Which patterns are wanted.

    A pattern occurs in a session when its steps occur there in order, with at most ``max_gap`` other calls between
    two of them (0 is contiguous, None any number) and at most ``max_span`` calls from the first to the last, both
    included. ``closed`` leaves out what a longer pattern contains with the same support, ``maximal`` what a longer
    frequent one contains at all; both are judged among all frequent patterns within the limits of gap, span and
    greatest length, before the other filters. With ``max_gap``, to contain means without steps left out between.
    """

    min_sessions: int | None = None
    """Fewest sessions that hold the pattern; give this or ``min_share``."""
    min_share: float | None = None
    """The same as a share of all sessions, above 0 and at most 1."""
    kind: Kind = "all"
    max_gap: int | None = None
    max_span: int | None = None
    min_length: int = 1
    max_length: int | None = None
    contains: tuple[str, ...] = ()
    """Steps that must all be in the pattern."""
    starts_with: str | None = None
    ends_with: str | None = None
    only: tuple[str, ...] = ()
    """The only steps that may be in it; empty for any."""
    without: tuple[str, ...] = ()
    """Steps that may not be in it."""
    top: int | None = None
    """Only so many patterns: most sessions first, then longer, then by name."""
    budget: int = 1_000_000
    """The search ends when it has made so many patterns."""

    def least(self, sessions: int) -> int:
        """The threshold in sessions, never below 1."""
        if self.min_sessions is not None:
            return self.min_sessions
        return max(1, math.ceil((self.min_share or 0.0) * sessions - 1e-9))


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
    """Why patterns are missing; empty when all are there. What is there is exact."""
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
    _check(limits, database)
    search = load_engine(engine)
    stop = stop or Flag()

    def mine(least: int) -> tuple[list[SequencePattern], str]:
        tree = search(database, _request(limits, database, least, stop, progress))
        return _select(tree, database, limits)

    least = limits.least(database.sessions)
    if limits.top is None or limits.kind == "maximal":
        patterns, interrupted = mine(least)
    else:
        patterns, interrupted, least = _mine_top(mine, limits.top, least, database.sessions)
    patterns.sort(key=lambda pattern: (-pattern.sessions, -len(pattern.steps), pattern.steps))
    return MinedSequences(patterns[: limits.top], database, limits, least, interrupted, times)


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
        names = set(limits.only or database.names) - set(limits.without)
        allowed = frozenset(number[name] for name in names) if limits.only or limits.without else None
        first = frozenset({number[limits.starts_with]}) if limits.starts_with else None
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


def _select(tree: PatternTree, database: SequenceDatabase, limits: SequenceLimits) -> tuple[list[SequencePattern], str]:
    """The patterns of a tree that pass the filters, and why others are missing."""
    keep = np.ones(len(tree), np.bool_)
    interrupted = tree.interrupted
    if limits.kind != "all" and len(tree):
        keep[:] = False
        keep[tree.unabsorbed(limits.kind, any_step=limits.max_gap is None)] = True
        if interrupted:
            interrupted += f"; which patterns are {limits.kind} is judged among those found"
    names, total = database.names, database.sessions
    passes = _filter(limits)
    patterns = []
    for kept, items, support in zip(keep.tolist(), tree.all_items(), tree.supports.tolist(), strict=True):
        if kept and len(items) >= limits.min_length:
            steps = tuple(names[item] for item in items)
            if passes(steps):
                patterns.append(SequencePattern(steps, support, support / total))
    return patterns, interrupted


def _filter(limits: SequenceLimits) -> Callable[[tuple[str, ...]], bool]:
    """The filters that look at one pattern alone."""
    wanted, only, without = set(limits.contains), set(limits.only), set(limits.without)

    def passes(steps: tuple[str, ...]) -> bool:
        return (
            (limits.starts_with is None or steps[0] == limits.starts_with)
            and (limits.ends_with is None or steps[-1] == limits.ends_with)
            and wanted <= set(steps)
            and (not only or only >= set(steps))
            and without.isdisjoint(steps)
        )

    return passes


def _with_threshold(limits: SequenceLimits, min_sessions: int | None, min_share: float | None) -> SequenceLimits:
    """The limits with the threshold of the plain call."""
    if min_sessions is None and min_share is None:
        return limits
    if limits.min_sessions is not None or limits.min_share is not None:
        raise UsageError("the threshold is given twice", next_step="give it in the limits or beside them")
    values = {name: getattr(limits, name) for name in SequenceLimits.__slots__}
    return SequenceLimits(**{**values, "min_sessions": min_sessions, "min_share": min_share})


def _check(limits: SequenceLimits, database: SequenceDatabase) -> None:
    """Refuses what makes no sense, in the order in which a user would want to know."""
    for problem, next_step in _problems(limits):
        raise UsageError(problem, next_step=next_step)
    for name in _named(limits):
        if name not in database.names and database.sessions:
            near = difflib.get_close_matches(name, database.names, n=3, cutoff=0.5)
            hint = "did you mean " + " or ".join(near) if near else "known: " + ", ".join(database.names[:20])
            raise UsageError(f"no session has a step called {name!r}", next_step=hint)


def _problems(limits: SequenceLimits) -> Iterator[tuple[str, str]]:
    """What is wrong with the limits by themselves."""
    sessions, share = limits.min_sessions, limits.min_share
    if (sessions is None) == (share is None):
        yield "exactly one threshold is needed", "give min_sessions (a count) or min_share (a share)"
    if sessions is not None and (isinstance(sessions, bool) or not isinstance(sessions, int) or sessions < 1):
        yield f"min_sessions must be a whole number of at least 1, not {sessions!r}", "for a share give min_share"
    if share is not None and not 0 < share <= 1:
        yield f"min_share must be above 0 and at most 1, not {share!r}", "for a count give min_sessions"
    if limits.kind not in ("all", "closed", "maximal"):
        yield f"there is no kind {limits.kind!r}", "known: all, closed, maximal"
    for name, least in (("max_gap", 0), ("max_span", 1), ("max_length", 1), ("min_length", 1), ("top", 1)):
        number = getattr(limits, name)
        if number is not None and number < least:
            yield f"{name} must be at least {least}, not {number}", f"leave {name} out for no limit"
    if limits.budget < 1:
        yield f"the budget must be at least 1, not {limits.budget}", "raise it"
    if limits.max_length is not None and limits.max_length < limits.min_length:
        yield "no pattern can be that short and that long", "min_length must not exceed max_length"
    if limits.max_span is not None and limits.max_span < limits.min_length:
        yield "no pattern of that many steps fits that span", "min_length must not exceed max_span"
    banned = set(_wanted(limits)) & set(limits.without)
    if banned:
        yield f"{sorted(banned)[0]!r} is both wanted and ruled out", "take it out of one of the two"
    missing = set(_wanted(limits)) - set(limits.only)
    if limits.only and missing:
        yield f"{sorted(missing)[0]!r} is wanted but not among the only steps allowed", "add it to them"
    if limits.only and not set(limits.only) - set(limits.without):
        yield "every step allowed is also ruled out", "take one out of the steps ruled out"
    if limits.max_length is not None and len(set(_wanted(limits))) > limits.max_length:
        yield "more steps are wanted than max_length allows", "raise max_length"


def _wanted(limits: SequenceLimits) -> list[str]:
    """The steps that a pattern must have."""
    ends = [name for name in (limits.starts_with, limits.ends_with) if name is not None]
    return [*limits.contains, *ends]


def _named(limits: SequenceLimits) -> list[str]:
    """Every step that a filter names."""
    return [*_wanted(limits), *limits.only, *limits.without]
