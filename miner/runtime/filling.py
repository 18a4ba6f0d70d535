"""Filling: the likeliest ways to fill the holes of the forms that may follow, found best first.

Holes are bound one after the other, the most telling first; a rule of a later hole may read the value of an earlier
one. The chance of a partial filling never grows when it is completed, so over all forms at once the fillings that are
completed first are the likeliest ones (best-first search; Hart, Nilsson and Raphael 1968, with no estimate of the
rest), and what cannot be among them is never looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from .binding import Binder, Ranked
from .memory import Memory, value_key
from .model import Model

WIDEST = 12
"""Ways to fill one form, and values of one hole, that are followed."""
EXPANDED = 80
"""Partial fillings that are looked at, at most."""
Bound = tuple[Ranked, ...]
"""The value of each hole of a form, in the order in which the model binds them."""


class Filling(NamedTuple):
    """One way to fill a form."""

    joint: float
    """Chance of the form times chance of its values."""
    form: int
    bound: Bound


class _Waiting(NamedTuple):
    """A partial filling: some values, and one of those that the next hole may take. Equals wait in the order in which
    they were thought of.
    """

    negative: float
    """Its chance, with the sign turned."""
    step: int
    rank: int
    """Place of the last value among those of its hole."""
    form: int
    bound: Bound
    ranked: Sequence[Ranked]
    """What the last hole may take; nothing where no hole is filled yet."""
    before: float
    """The chance without the last value."""


class Filler:
    """Fills forms at one moment of one session; forms of one tool share what is known of its holes."""

    def __init__(self, model: Model, binders: Mapping[str, Binder], memory: Memory, last: str) -> None:
        self._model, self._binders, self._memory, self._last = model, binders, memory, last
        self._known: dict[tuple[str, ...], list[Ranked]] = {}

    def fillings(self, shares: Iterable[tuple[int, float]], most: int) -> list[Filling]:
        """So many likeliest fillings of some forms, best first.

        Args:
            shares: forms with the chance of each.
            most: how many to find.
        """
        order = self._model.order
        waiting = [_Waiting(-share, 0, count, form, (), (), share) for count, (form, share) in enumerate(shares)]
        heapify(waiting)
        found: list[Filling] = []
        ways: dict[int, int] = {}
        for looked in range(1, EXPANDED + 1):
            if not waiting or len(found) == most:
                break
            negative, step, rank, form, bound, ranked, before = heappop(waiting)
            if ranked:
                # No value is likelier than the one before it, so the next one need not wait any sooner.
                if rank + 1 < len(ranked):
                    chance = before * ranked[rank + 1].chance
                    heappush(waiting, _Waiting(-chance, step, rank + 1, form, bound, ranked, before))
                bound = (*bound, ranked[rank])
            if ways.get(form, 0) == WIDEST:
                continue
            if len(bound) == len(order[form]):
                ways[form] = ways.get(form, 0) + 1
                found.append(Filling(-negative, form, bound))
                continue
            following = self._ranked(form, len(bound), bound)
            if following:
                chance = -negative * following[0].chance
                heappush(waiting, _Waiting(-chance, looked, 0, form, bound, following, -negative))
        return found

    def _ranked(self, form: int, depth: int, bound: Bound) -> list[Ranked]:
        order = self._model.order[form]
        hole = order[depth][1]
        binder = self._binders[hole]
        anchors = binder.plan.anchors
        if not anchors:
            known_as: tuple[str, ...] = (hole,)
            assigned: dict[str, Any] = {}
        else:
            fixed = self._model.fixed[form]
            values = {place: (one.key, one.value) for (place, _), one in zip(order, bound, strict=False)}
            parts = [hole]
            assigned = {}
            for anchor in anchors:
                if anchor in values:
                    key, assigned[anchor] = values[anchor]
                elif anchor in fixed:
                    assigned[anchor] = fixed[anchor]
                    key = value_key(fixed[anchor])
                else:
                    continue
                parts += (anchor, key)
            known_as = tuple(parts)
        ranked = self._known.get(known_as)
        if ranked is None:
            ranked = self._known[known_as] = binder.ranked(self._memory, assigned, self._last, WIDEST)
        return ranked
