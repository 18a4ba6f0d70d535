"""What the rules of a hole propose in one session: each stream is looked at again only when it has changed.

Rules that read one stream in one way are asked together, whichever holes they serve. The answer is that of
``rules.propose``, rule by rule.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from miner.runtime.atoms import Row
from miner.runtime.memory import Memory, Stream, value_key, value_of
from miner.runtime.rules import DEPENDENT, SCANNED, UNUSED, Apply, Rule, applier, beside, fitting_first, in_order

MADE_KEPT = 4_096
"""Texts for which what a transform makes of them is kept ready, for each transform with its options."""
Held = tuple[str, Any]
"""Key and value."""


class _Reading(NamedTuple):
    """One way to choose from a stream of transformed values."""

    family: str
    most: int
    """The highest rank that any hole asks for."""
    used: str
    """The hole whose used values are passed over; "" where none are."""


class _Source(NamedTuple):
    """A stream as one hole looks at it, through one transform."""

    view: int
    stream: str
    readings: list[tuple[int, list[tuple[int, int]]]]
    """Number of a reading, and (rank, place in the hole) of the rules that it answers."""


class _Asked(NamedTuple):
    """The rules of one hole, sorted by how they are asked."""

    sources: list[_Source]
    always: list[Held | None]
    """What each rule proposes at any time, by place: the constants."""
    beside: list[tuple[int, Rule]]
    same: list[tuple[int, Rule]]
    anchors: frozenset[str]
    """The other holes that the rules read."""


class JointPlan:
    """The rules of all holes, sorted once for all sessions."""

    def __init__(self, rules: Mapping[str, Sequence[Rule]]) -> None:
        self._views: dict[tuple[str, str, tuple[Any, ...]], int] = {}
        self._readings: dict[tuple[int, str, str], int] = {}
        most: list[int] = []
        for rule in (rule for listed in rules.values() for rule in listed if _reads_stream(rule)):
            number, rank = self._numbers(rule)[1:]
            if number == len(most):
                most.append(rank)
            most[number] = max(most[number], rank)
        self.views = [(transform, options) for _, transform, options in self._views]
        """What each view makes of the values of its stream."""
        self.readings = [
            _Reading(family, rank, used) for (_, family, used), rank in zip(self._readings, most, strict=True)
        ]
        self.holes = {hole: self._asked(listed) for hole, listed in rules.items()}

    def _numbers(self, rule: Rule) -> tuple[int, int, int]:
        """The number of the rule's view and of its reading, and its rank."""
        family, _, rank = rule.policy.partition(" ")
        view = self._views.setdefault((rule.source, rule.transform, rule.options), len(self._views))
        way = (view, family, rule.hole if family in UNUSED else "")
        return view, self._readings.setdefault(way, len(self._readings)), int(rank)

    def _asked(self, rules: Sequence[Rule]) -> _Asked:
        sources: dict[int, dict[int, list[tuple[int, int]]]] = {}
        names: dict[int, str] = {}
        anchors = frozenset(rule.anchor for rule in rules if rule.source in DEPENDENT)
        asked = _Asked([], [None] * len(rules), [], [], anchors)
        for place, rule in enumerate(rules):
            if rule.source == "constant":
                asked.always[place] = (rule.constant, value_of(rule.constant))
            elif rule.source == "beside":
                asked.beside.append((place, rule))
            elif rule.source == "same":
                asked.same.append((place, rule))
            else:
                view, reading, rank = self._numbers(rule)
                names[view] = rule.source
                sources.setdefault(view, {}).setdefault(reading, []).append((rank, place))
        asked.sources.extend(_Source(view, names[view], list(found.items())) for view, found in sources.items())
        return asked


class _View:
    """The values of a stream as one transform changes them, each made when it is first asked for."""

    __slots__ = ("_apply", "_made", "_more", "_stream", "newest")

    def __init__(self, stream: Stream, apply: Apply) -> None:
        self.newest = stream.events[-1]
        """Another list as soon as the stream takes in an event."""
        self._stream, self._apply = stream, apply
        self._made: dict[str, list[Held]] = {}
        self._more: dict[str, Iterator[Any]] = {}

    def chosen(self, reading: _Reading, used: Container[str]) -> list[Held | None]:
        """What a reading gives, by rank, as far as there is something."""
        family, most = reading.family, reading.most
        if family == "first":
            return [self._held(value) for value in self.newest[: most + 1]]
        if family == "last":
            return [self._held(self.newest[-1])] if len(self.newest) > 1 else []
        if family == "opening":
            return [self._held(self._stream.opening)]
        return self._unused(family, most + 1, used)

    def _unused(self, family: str, count: int, used: Container[str]) -> list[Held | None]:
        order = "next" if family == "next" else "recent"
        made = self._made.get(order)
        if made is None:
            made = self._made[order] = []
            self._more[order] = islice(in_order(self._stream, order), SCANNED)
        found: list[Held | None] = [one for one in made if one[0] not in used] if used else [*made]
        if len(found) >= count:
            del found[count:]
            return found
        for value in self._more[order]:
            one = self._held(value)
            if one is not None:
                made.append(one)
                if one[0] not in used:
                    found.append(one)
                    if len(found) == count:
                        break
        return found

    def _held(self, value: Any) -> Held | None:
        changed = self._apply(value)
        if type(changed) is str:
            return changed, changed
        return None if changed is None else (value_key(changed), changed)


class Proposing:
    """One session's proposals."""

    def __init__(self, plan: JointPlan, memory: Memory, cwd: str) -> None:
        self._plan, self._memory, self._cwd = plan, memory, cwd
        self._applies: dict[tuple[str, tuple[Any, ...]], Apply] = {}
        self._views: list[_View | None] = [None] * len(plan.views)
        self._known: list[tuple[_View, int, list[Held | None]] | None] = [None] * len(plan.readings)
        """Reading -> what it looked at, how many values were used, and what it gave then."""

    def proposals(self, hole: str, assigned: Mapping[str, Any]) -> tuple[dict[str, list[int]], dict[str, Any]]:
        """By key, in the order of the first rule: places of the rules that propose a value, and the value.

        Args:
            hole: the hole.
            assigned: values of the call's other holes by argument path.
        """
        asked = self._plan.holes[hole]
        held = asked.always.copy()
        streams = self._memory.streams
        for source in asked.sources:
            stream = streams.get(source.stream)
            if stream is not None:
                self._look(source, stream, held)
        self._add_dependent(asked, held, assigned)
        rules: dict[str, list[int]] = {}
        values: dict[str, Any] = {}
        for place, one in enumerate(held):
            if one is None:
                continue
            key = one[0]
            if key in rules:
                rules[key].append(place)
            else:
                rules[key], values[key] = [place], one[1]
        return rules, values

    def _look(self, source: _Source, stream: Stream, held: list[Held | None]) -> None:
        """Note what the rules of a source propose."""
        view, known, used = self._views[source.view], self._known, self._memory.used
        if view is None or view.newest is not stream.events[-1]:
            view = self._views[source.view] = _View(stream, self._apply(*self._plan.views[source.view]))
        for number, answers in source.readings:
            before, reading = known[number], self._plan.readings[number]
            taken = used.get(reading.used) or ()
            if before is not None and before[0] is view and before[1] == len(taken):
                found = before[2]
            else:
                found = view.chosen(reading, taken)
                known[number] = view, len(taken), found
            for rank, place in answers:
                if rank < len(found):
                    held[place] = found[rank]

    def _apply(self, transform: str, options: tuple[Any, ...]) -> Apply:
        apply = self._applies.get((transform, options))
        if apply is None:
            cwd = self._cwd if "$cwd" in options else ""
            apply = self._applies[transform, options] = _remembering(transform, options, cwd)
        return apply

    def _add_dependent(self, asked: _Asked, held: list[Held | None], assigned: Mapping[str, Any]) -> None:
        """Note what the rules propose that read another hole of the call."""
        for place, rule in asked.same:
            value = assigned.get(rule.anchor)
            changed = None if value is None else self._apply(rule.transform, rule.options)(value)
            if changed is not None:
                held[place] = value_key(changed), changed
        given = {anchor: value for anchor, value in assigned.items() if anchor in asked.anchors}
        near: dict[str, Sequence[Row]] = {}
        for place, rule in asked.beside:
            rows = near.get(rule.anchor)
            if rows is None:
                anchor = given.get(rule.anchor)
                held_by = () if anchor is None else self._memory.rows_of(value_key(anchor))
                rows = near[rule.anchor] = fitting_first(held_by, given)
            if rows:
                value = beside(rule, rows, self._apply(rule.transform, rule.options))
                if value is not None:
                    held[place] = value_key(value), value


def _reads_stream(rule: Rule) -> bool:
    return rule.source not in ("constant", *DEPENDENT)


@functools.lru_cache(maxsize=512)
def _remembering(transform: str, options: tuple[Any, ...], cwd: str) -> Apply:
    """A transform that remembers what it made of texts, which are most of what it is asked about."""
    apply = applier(Rule("", "", "", transform, options), cwd)
    if transform == "copy":
        return apply
    known = functools.lru_cache(maxsize=MADE_KEPT)(apply)
    return lambda value: known(value) if type(value) is str else apply(value)
