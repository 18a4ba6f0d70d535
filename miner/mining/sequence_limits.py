"""Which patterns a user wants: thresholds, gaps, lengths and filters, and what is wrong with a wish."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from miner.errors import UsageError

Kind = Literal["all", "closed", "maximal"]
Steps = tuple[str, ...]


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
    contains: Steps = ()
    """Steps that must all be in the pattern."""
    starts_with: str | None = None
    ends_with: str | None = None
    only: Steps = ()
    """The only steps that may be in it; empty for any."""
    without: Steps = ()
    """Steps that may not be in it."""
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names that the filters may use for any of several steps."""
    top: int | None = None
    """Only so many patterns: most sessions first, then longer, then by name."""
    budget: int = 1_000_000
    """The search ends when it has made so many patterns."""

    def least(self, sessions: int) -> int:
        """The threshold in sessions, never below 1."""
        if self.min_sessions is not None:
            return self.min_sessions
        return max(1, math.ceil((self.min_share or 0.0) * sessions - 1e-9))

    def steps_of(self, *names: str) -> frozenset[str]:
        """The steps that names in a filter stand for."""
        return frozenset(step for name in names for step in self.groups.get(name, (name,)))

    def allowed(self, steps: Iterable[str]) -> frozenset[str]:
        """Those of the steps that a pattern may have."""
        kept = self.steps_of(*self.only) if self.only else frozenset(steps)
        return kept - self.steps_of(*self.without)

    def filter(self) -> Callable[[Steps], bool]:
        """The filters that look at the steps of one pattern alone."""
        wanted = [self.steps_of(name) for name in self.contains]
        only, without = self.steps_of(*self.only), self.steps_of(*self.without)
        first = self.steps_of(self.starts_with) if self.starts_with is not None else None
        last = self.steps_of(self.ends_with) if self.ends_with is not None else None

        def passes(steps: Steps) -> bool:
            return (
                (first is None or steps[0] in first)
                and (last is None or steps[-1] in last)
                and all(not group.isdisjoint(steps) for group in wanted)
                and (not only or only.issuperset(steps))
                and without.isdisjoint(steps)
            )

        return passes


def check(limits: SequenceLimits, names: Collection[str]) -> None:
    """Refuses limits that make no sense, and filters on steps that no session has.

    Raises:
        UsageError: the first of them, in the order in which a user would want to know.
    """
    for problem, next_step in (*_threshold_problems(limits), *_number_problems(limits), *_filter_problems(limits)):
        raise UsageError(problem, next_step=next_step)
    known = {*names, *limits.groups}
    for name in (*_wanted(limits), *limits.only, *limits.without):
        if known and name not in known:
            raise UsageError(f"no session has a step called {name!r}", next_step=_nearest(name, known))


def _nearest(name: str, known: Collection[str]) -> str:
    """What may have been meant: the most alike, whatever their case, else those that have the name in them."""
    folded: dict[str, list[str]] = {}
    for one in sorted(known):
        folded.setdefault(one.casefold(), []).append(one)
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    near += [one for one in folded if name and name.casefold() in one and one not in near]
    meant = [one for fold in near for one in folded[fold]]
    if meant:
        return f"did you mean {' or '.join(meant[:3])}?"
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    return "known: " + ", ".join(sorted(known)[:20]) + more


def _threshold_problems(limits: SequenceLimits) -> Iterator[tuple[str, str]]:
    sessions, share = limits.min_sessions, limits.min_share
    if (sessions is None) == (share is None):
        yield "exactly one threshold is needed", "give min_sessions (a count) or min_share (a share)"
    if sessions is not None and (isinstance(sessions, bool) or not isinstance(sessions, int) or sessions < 1):
        yield f"min_sessions must be a whole number of at least 1, not {sessions!r}", "for a share give min_share"
    if share is not None and not 0 < share <= 1:
        yield f"min_share must be above 0 and at most 1, not {share!r}", "for a count give min_sessions"


def _number_problems(limits: SequenceLimits) -> Iterator[tuple[str, str]]:
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


def _filter_problems(limits: SequenceLimits) -> Iterator[tuple[str, str]]:
    only, without = limits.steps_of(*limits.only), limits.steps_of(*limits.without)
    for name in _wanted(limits):
        steps = limits.steps_of(name)
        if steps <= without:
            yield f"{name!r} is both wanted and ruled out", "take it out of one of the two"
        if only and steps.isdisjoint(only):
            yield f"{name!r} is wanted but not among the only steps allowed", "add it to them"
    if only and only <= without:
        yield "every step allowed is also ruled out", "take one out of the steps ruled out"
    single = {steps for steps in map(limits.steps_of, _wanted(limits)) if len(steps) == 1}
    if limits.max_length is not None and len(single) > limits.max_length:
        yield "more steps are wanted than max_length allows", "raise max_length"


def _wanted(limits: SequenceLimits) -> list[str]:
    """The names that a pattern must have."""
    ends = [name for name in (limits.starts_with, limits.ends_with) if name is not None]
    return [*limits.contains, *ends]
