"""Argument rules: where a hole of a call gets its value, bound late against the session's memory.

A rule names a source (a stream of the memory), an index policy (which of its values) and a transform. Three sources
are not streams: ``constant`` (the value stands in the rule), ``beside`` (the field of the object in which the value
of another hole stands: row i's id with row i's name) and ``same`` (the value of another hole of this very call).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from .atoms import Row
from .memory import Memory, Stream, value_key, value_of
from .transforms import load_transform

RANKS = 5
SCANNED = 60
"""Values of a stream that a policy looks at, at most."""
POLICIES = (
    *(f"{family} {rank}" for family in ("first", "next", "recent", "fresh") for rank in range(RANKS)),
    "last 0",
    "opening 0",
)
"""``first i``: the i-th value of the newest event. ``next i``: the i-th not yet used for this hole, newest event
first. ``recent i``: the i-th most recent distinct value. ``fresh i``: the same, not yet used. ``last``: the last value
of the newest event. ``opening``: the first value ever."""

Apply = Callable[[Any], Any]


class Rule(NamedTuple):
    """One way to fill one hole."""

    hole: str
    """Tool and argument path."""
    source: str
    """A stream, or ``constant``, ``beside``, ``same``."""
    policy: str = ""
    """An index policy; for ``beside`` the row and field, for ``same`` empty."""
    transform: str = "copy"
    options: tuple[Any, ...] = ()
    anchor: str = ""
    """For ``beside`` and ``same``: the argument path of the other hole."""
    constant: str = ""
    """The key of the value (see ``value_key``), for source ``constant``."""


def applier(rule: Rule, cwd: str) -> Apply:
    """The rule's transform with its options, ``$cwd`` filled in."""
    if rule.transform == "copy":
        return _same
    apply = load_transform(rule.transform).apply
    options = tuple(cwd if option == "$cwd" else option for option in rule.options)
    return lambda value: apply(value, *options)


def _same(value: Any) -> Any:
    return value


def propose(rule: Rule, memory: Memory, apply: Apply, assigned: Mapping[str, Any]) -> Any:
    """The value the rule gives now, or None when it does not fire.

    Args:
        rule: what to bind.
        memory: the live session.
        apply: ``applier(rule, …)``.
        assigned: values of this call's other holes by argument path, for ``beside`` and ``same``.
    """
    source = rule.source
    if source == "constant":
        return value_of(rule.constant)
    if source == "beside":
        return _beside(rule, memory, apply, assigned)
    if source == "same":
        value = assigned.get(rule.anchor)
        return apply(value) if value is not None else None
    stream = memory.streams.get(source)
    return None if stream is None else pick(stream, rule.policy, apply, memory.used.get(rule.hole, {}))


def pick(stream: Stream, policy: str, apply: Apply, used: Mapping[str, int]) -> Any:
    """The value of a stream that a policy chooses, transformed; None when there is none."""
    family, _, rank = policy.partition(" ")
    index = int(rank)
    if family == "first":
        newest = stream.events[-1]
        return apply(newest[index]) if index < len(newest) else None
    if family == "last":
        newest = stream.events[-1]
        return apply(newest[-1]) if len(newest) > 1 else None
    if family == "opening":
        return apply(stream.opening)
    for value in islice(_ordered(stream, family), SCANNED):
        changed = apply(value)
        if changed is None or (family in ("next", "fresh") and value_key(changed) in used):
            continue
        if index == 0:
            return changed
        index -= 1
    return None


def _ordered(stream: Stream, family: str) -> Iterator[Any]:
    if family == "next":
        for event in reversed(stream.events):
            yield from event
    else:
        yield from reversed(stream.recent.values())


def _beside(rule: Rule, memory: Memory, apply: Apply, assigned: Mapping[str, Any]) -> Any:
    anchor = assigned.get(rule.anchor)
    if anchor is None:
        return None
    where, _, field = rule.policy.partition("\x1f")
    for row in reversed(memory.rows.get(value_key(anchor), ())):
        above: Row | None = row
        while above is not None:
            if above.where == where and field in above:
                return apply(above[field])
            above = above.parent
    return None
