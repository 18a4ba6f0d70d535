"""A stream that can be asked backwards: by which policies a value would be chosen from it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from itertools import chain, islice
from operator import methodcaller
from typing import Any

from miner.runtime.memory import EVENTS_KEPT
from miner.runtime.rules import RANKS, SCANNED

Change = Callable[[str, Any], str | None]
"""(key, value) -> key of what a transform makes of the value; None when it says nothing about it."""
Values = dict[str, Any]
"""The distinct values of one event by key, in their order."""
Policies = tuple[Sequence[str], Sequence[str], Sequence[str]]
"""Those that choose a value whatever was used, those that do as the hole has not taken it, and as none like it has."""
_FIRST, _NEXT, _RECENT, _FRESH = (
    tuple(f"{family} {rank}" for rank in range(RANKS)) for family in ("first", "next", "recent", "fresh")
)


_items = methodcaller("items")


def same(key: str, _value: Any) -> str:
    """The change that is none."""
    return key


class IndexedStream:
    """The values one place has given, put in order only when they are asked for: most streams never are."""

    __slots__ = ("_later", "_latest", "events", "opening")

    def __init__(self, values: Values) -> None:
        self.opening = next(iter(values.items()))
        self.events: list[Values] = []
        """Newest last, as many as a stream of the runtime keeps."""
        self._later: list[Values] = []
        """Events that are not yet among the latest values."""
        self._latest: dict[str, Any] = {}
        self.add(values)

    def add(self, values: Values) -> None:
        """Take in what one event brought."""
        self.events.append(values)
        if len(self.events) > EVENTS_KEPT:
            del self.events[0]
        if len(values) >= SCANNED:
            self._later.clear()
            self._latest = {}
        self._later.append(values)
        if len(self._later) > EVENTS_KEPT:
            self.latest()

    def latest(self) -> dict[str, Any]:
        """The distinct values that came last, newest first: as many as a policy looks at."""
        if self._later:
            found: dict[str, Any] = {}
            for values in reversed(self._later):
                for key in reversed(values):
                    if key not in found:
                        found[key] = values[key]
                        if len(found) == SCANNED:
                            break
                if len(found) == SCANNED:
                    break
            for key, value in self._latest.items():
                if len(found) == SCANNED:
                    break
                if key not in found:
                    found[key] = value
            self._latest = found
            self._later.clear()
        return self._latest

    def policies(self, wanted: str, change: Change, used: Container[str], pooled: Container[str]) -> Policies:
        """The policies that choose a value (by key): ``pick`` backwards.

        Args:
            wanted: the value.
            change: what a transform makes of the stream's values.
            used: the values that the hole has taken.
            pooled: those that it or its like have taken: all of ``used`` are among them.
        """
        always: list[str] = []
        own: list[str] = []
        general: list[str] = []
        newest, latest = self.events[-1], self.latest()
        copied = change is same
        if not copied or wanted in newest:
            for index, (key, value) in enumerate(islice(newest.items(), RANKS)):
                if change(key, value) == wanted:
                    always.append(_FIRST[index])
            if len(newest) > 1 and change(last := next(reversed(newest)), newest[last]) == wanted:
                always.append("last 0")
        if change(*self.opening) == wanted:
            always.append("opening 0")
        if not copied or any(wanted in values for values in self.events):
            ordered = islice(chain.from_iterable(map(_items, reversed(self.events))), SCANNED)
            ranks = _ranks(ordered, wanted, change, used, pooled)
            if ranks is not None:
                _note(own, _NEXT, ranks[1])
                _note(general, _NEXT, ranks[2])
        if not copied or wanted in latest:
            ranks = _ranks(latest.items(), wanted, change, used, pooled)
            if ranks is not None:
                _note(always, _RECENT, ranks[0])
                _note(own, _FRESH, ranks[1])
                _note(general, _FRESH, ranks[2])
        return always, () if wanted in used else own, () if wanted in pooled else general


def _note(found: list[str], names: Sequence[str], rank: int) -> None:
    if rank < RANKS:
        found.append(names[rank])


def _ranks(
    ordered: Iterable[tuple[str, Any]], wanted: str, change: Change, used: Container[str], pooled: Container[str]
) -> tuple[int, int, int] | None:
    """How many values come before the wanted one: of all, of those not used, and of those that none like it has used;
    None when it does not come in time.
    """
    every = unused = unpooled = 0
    for key, value in ordered:
        changed = change(key, value)
        if changed is None:
            continue
        if changed == wanted:
            return every, unused, unpooled
        every += 1
        if changed not in pooled:
            unused += 1
            unpooled += 1
            if unpooled >= RANKS:
                return None
        elif changed not in used:
            unused += 1
    return None
