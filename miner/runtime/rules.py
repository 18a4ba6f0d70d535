"""Argument rules: where a hole of a call gets its value, bound late against the session's memory.

A rule names a source (a stream of the memory), an index policy (which of its values) and a transform. Three sources
are not streams: ``constant`` (the value stands in the rule), ``beside`` (the field of the object in which the value
of another hole stands: row i's id with row i's name) and ``same`` (the value of another hole of this very call).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

UNUSED = ("next", "fresh")
"""Families of policies that pass over what the hole has taken already."""
DEPENDENT = ("beside", "same")
"""Sources that read another hole of the same call."""

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
    return _pick(stream, family, [int(rank)], apply, used)[0]


def reading_of(rule: Rule) -> tuple[tuple[Any, ...], int]:
    """How a rule reads its stream, and its rank in that reading: rules that read in one way are asked together."""
    family, _, rank = rule.policy.partition(" ")
    return (rule.source, family, rule.transform, rule.options, rule.hole, rule.constant), int(rank or 0)


def pick_all(
    rule: Rule, ranks: Sequence[int], stream: Stream | None, apply: Apply, used: Mapping[str, Mapping[str, int]]
) -> list[Any]:
    """What ``propose`` says for rules that differ in rank alone, by one look at their stream.

    Args:
        rule: any of them.
        ranks: their ranks, rising.
        stream: their stream; None for a constant.
        apply: their transform.
        used: for each hole the keys of the values it took.
    """
    if stream is None:
        return [value_of(rule.constant)] * len(ranks)
    return _pick(stream, rule.policy.partition(" ")[0], ranks, apply, used.get(rule.hole, {}))


def _pick(stream: Stream, family: str, ranks: Sequence[int], apply: Apply, used: Mapping[str, int]) -> list[Any]:
    newest = stream.events[-1]
    if family == "first":
        return [apply(newest[rank]) if rank < len(newest) else None for rank in ranks]
    if family == "last":
        return [apply(newest[-1]) if len(newest) > 1 else None for _ in ranks]
    if family == "opening":
        return [apply(stream.opening) for _ in ranks]
    found: list[Any] = []
    most, unused = ranks[-1], family in UNUSED
    for value in islice(in_order(stream, family), SCANNED):
        changed = apply(value)
        if changed is None or (unused and value_key(changed) in used):
            continue
        found.append(changed)
        if len(found) > most:
            break
    return [found[rank] if rank < len(found) else None for rank in ranks]


def in_order(stream: Stream, family: str) -> Iterator[Any]:
    """The values of a stream in the order in which a policy of this family looks at them."""
    if family == "next":
        for event in reversed(stream.events):
            yield from event
    else:
        yield from reversed(stream.recent.values())


def _beside(rule: Rule, memory: Memory, apply: Apply, assigned: Mapping[str, Any]) -> Any:
    anchor = assigned.get(rule.anchor)
    return None if anchor is None else beside(rule, fitting_first(memory.rows_of(value_key(anchor)), assigned), apply)


def fitting_first(rows: Sequence[Row], assigned: Mapping[str, Any]) -> Sequence[Row]:
    """Objects that hold an anchor's value in the order in which ``beside`` takes them: the one that fits best what else
    the call is given, of those that fit alike the newest.

    Args:
        rows: oldest first.
        assigned: values, by argument path, of those holes of this call that rules of the hole at hand read.
    """
    if len(rows) < 2:
        return rows
    wanted = keys_by_name(assigned)
    newest_first = [*reversed(rows)]
    newest_first.sort(key=lambda row: -agreement(row, wanted))
    return newest_first


def beside(rule: Rule, rows: Sequence[Row], apply: Apply) -> Any:
    """The field of the first object, or of one around it, that has it where the rule says; None where none has."""
    where, _, field = rule.policy.partition("\x1f")
    for row in rows:
        above: Row | None = row
        while above is not None:
            if above.where == where and field in above:
                return apply(above[field])
            above = above.parent
    return None


def keys_by_name(assigned: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The name of each argument, without the objects around it, and the key of its value."""
    return [(place.rpartition(".")[2], value_key(value)) for place, value in assigned.items()]


def agreement(row: Row, wanted: Sequence[tuple[str, str]]) -> int:
    """How well an object fits what a call is given: 2 for each value that stands under the argument's name, 1 for one
    that stands elsewhere in it.
    """
    found = 0
    for name, key in wanted:
        if name in row and value_key(row[name]) == key:
            found += 2
        elif key[:1] != "\0":
            # The key of a text is the text, and nothing else equals one.
            found += key in row.values()
        elif any(type(value) is not str and value_key(value) == key for value in row.values()):
            found += 1
    return found


def fit_of(values: Mapping[str, Any], memory: Memory) -> int:
    """How well the bound values of a call stand together in one object that was seen: 3 when it holds all of them under
    the names of their arguments, 2 when it nearly does, 1 otherwise; 0 for a single value, of which nothing is told.

    Args:
        values: by argument path.
        memory: the live session.
    """
    if len(values) < 2:
        return 0
    wanted = keys_by_name(values)
    rows = min((found for _, key in wanted if (found := memory.rows_of(key))), key=len, default=())
    missing = 2 * len(wanted) - max((agreement(row, wanted) for row in rows), default=0)
    return 3 if not missing else 2 if missing <= 2 else 1
