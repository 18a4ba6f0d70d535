"""Sweeps: an agent goes through the rows of a result, or the items of a list, one call after the other.

The row that a call was taken from is the one that holds most of its values. The same call with the values of the row
after it may come next: no log needs to have shown it, one call of the session does. How often that came true in the
session is for the ranking to weigh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from .atoms import LONGEST, Row
from .canonical import call_identity
from .memory import Memory, leaves, value_key
from .overlay import Overlay
from .places import Walk

ROWS_KEPT = 400
"""Rows of one place that are kept, at least; a sweep goes through the newest ones."""
LISTS_KEPT = 32
"""Places whose newest list is kept."""
ITEMS_LOOKED_AT = 400
ROWS_TRIED = 5
"""Rows after the last one that are looked at until one gives another call."""
COUNTED = 4
"""Next rows that came, and that did not, which ranking tells apart: each one more has a trait of its own, so that what
few sessions show of the third is told by what many show of the first.
"""
SWEEPS = 6
"""Tools whose sweeps may go on: the latest ones."""
Path = tuple[str, ...]


class Series:
    """The rows that one place of a tool's results has given, oldest first; each knows its number."""

    __slots__ = ("first", "rows")

    def __init__(self, rows: Sequence[Row] = (), first: int = 0) -> None:
        self.rows, self.first = list(rows), first

    def add(self, row: Row) -> None:
        """One more."""
        row.place = self.first + len(self.rows)
        self.rows.append(row)
        if len(self.rows) > 2 * ROWS_KEPT:
            del self.rows[:ROWS_KEPT]
            self.first += ROWS_KEPT

    def after(self, place: int) -> Iterator[Mapping[str, Any]]:
        """The rows after one, by its number."""
        return islice(self.rows, max(0, place + 1 - self.first), None)

    def copy(self) -> Series:
        """Another one that goes on from here."""
        return Series(self.rows, self.first)


class Items:
    """A list whose items were taken one by one: rows of one field without a name."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values

    def after(self, place: int) -> Iterator[Mapping[str, Any]]:
        """The items after one, by its number."""
        return ({"": value} for value in islice(self.values, place + 1, None))


class _Taken(NamedTuple):
    """The row, or the item of a list, that a call was taken from."""

    where: str
    items: Items | None
    """The list; None for a row."""
    place: int
    fields: dict[Path, str]
    """Path of each argument whose value stands in the row -> the field."""


class _LastCall(NamedTuple):
    """The last call of a tool, and where it was taken from."""

    taken: _Taken | None
    whole: bool
    """Whether all arguments that could stand in a row do."""
    arguments: dict[str, Any]
    identity: str


class NextRow(NamedTuple):
    """The call for the row after that of the last call of its tool."""

    identity: str
    tool: str
    arguments: dict[str, Any]
    traits: list[str]
    swept: dict[str, str]
    """Argument name -> place of the row that its value stands in."""


class Sweeps:
    """The rows that one session has shown, and the calls that were taken from them."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self._lists: dict[str, Items] = {}
        """Place -> its newest list; latest place last."""
        self._last: dict[str, _LastCall] = {}
        """By tool; latest tool last."""
        self._came: dict[str, tuple[int, int]] = {}
        """Tool -> how often the call for the next row was the next one of the tool, and how often it was not."""
        self._next: dict[str, NextRow] = {}
        """Tool -> what may come next, once there is such a row; the tool's next call changes it."""

    def call(self, tool: str, arguments: dict[str, Any], identity: str, memory: Memory) -> None:
        """A call was made; to be told before the memory takes it in, for its result may repeat its values."""
        expected = self._next_of(tool)
        if expected is not None:
            right, wrong = self._came.get(tool, (0, 0))
            came = expected.identity == identity
            self._came[tool] = right + came, wrong + (not came)
        self._next.pop(tool, None)
        before = self._last.pop(tool, None)
        values = {path: value for path, value in leaves(arguments) if _may_stand_in_a_row(value)}
        taken = self._row_of(values, None if before is None else before.taken, memory)
        whole = taken is not None and len(taken.fields) == len(values)
        self._last[tool] = _LastCall(taken, whole, arguments, identity)

    def result(self, given: Walk) -> None:
        """The result of a call that was told before."""
        for row in given.rows:
            series = self._series.get(row.where)
            if series is None:
                series = self._series[row.where] = Series()
            series.add(row)
        for where, values in given.lists:
            self._lists.pop(where, None)
            self._lists[where] = Items([item for item in values[:ITEMS_LOOKED_AT] if _may_stand_in_a_row(item)])
            if len(self._lists) > LISTS_KEPT:
                del self._lists[next(iter(self._lists))]

    def go_on(self) -> Iterator[NextRow]:
        """The calls for the next rows, latest tool first."""
        for tool in islice(reversed(self._last), SWEEPS):
            following = self._next_of(tool)
            if following is not None:
                yield following

    def branch(self) -> Sweeps:
        """Sweeps that go on from here, to be used before these change."""
        other = Sweeps()
        other._series = Overlay(self._series, Series.copy)
        other._lists, other._last = dict(self._lists), dict(self._last)
        other._came, other._next = dict(self._came), dict(self._next)
        return other

    def _row_of(self, values: Mapping[Path, Any], before: _Taken | None, memory: Memory) -> _Taken | None:
        """The row that holds most of a call's values, if it holds more than half: of those that hold as many one with
        the arguments' names, then the next after that of the call before, then the newest.
        """
        # No row that holds half of the values is worth more than this.
        best: tuple[int, int, bool, int] = (len(values) // 2, len(values), True, 0)
        found: _Taken | None = None
        looked: set[int] = set()
        for value in values.values():
            for row in reversed(memory.rows_of(value_key(value))):
                if row.where not in self._series or id(row) in looked:
                    continue
                looked.add(id(row))
                fields = _fields_of(row, values)
                named = sum(path[-1] == field for path, field in fields.items())
                goes_on = before is not None and before.where == row.where and row.place > before.place
                worth = len(fields), named, goes_on, -row.place if goes_on else 0
                if worth > best:
                    best, found = worth, _Taken(row.where, None, row.place, fields)
        if found is None and len(values) == 1:
            return self._item_of(*next(iter(values.items())), before)
        return found

    def _item_of(self, path: Path, value: Any, before: _Taken | None) -> _Taken | None:
        """The same of an item of a list, for a call of one value."""
        if before is not None and before.items is not None:
            place = _place_of(value, before.items.values, before.place + 1)
            if place is not None:
                return _Taken(before.where, before.items, place, {path: ""})
        for where in reversed(self._lists):
            place = _place_of(value, self._lists[where].values, 0)
            if place is not None:
                return _Taken(where, self._lists[where], place, {path: ""})
        return None

    def _next_of(self, tool: str) -> NextRow | None:
        known, last = self._next.get(tool), self._last.get(tool)
        if known is None and last is not None and last.taken is not None:
            known = self._found_next(tool, last, last.taken)
            if known is not None:
                self._next[tool] = known
        return known

    def _found_next(self, tool: str, last: _LastCall, taken: _Taken) -> NextRow | None:
        source = self._series[taken.where] if taken.items is None else taken.items
        for row in islice(source.after(taken.place), ROWS_TRIED):
            if any(row.get(field) is None for field in taken.fields.values()):
                continue
            arguments = last.arguments
            for path, field in taken.fields.items():
                arguments = _with(arguments, path, row[field])
            identity = call_identity(tool, arguments)
            if identity != last.identity:
                right, wrong = self._came.get(tool, (0, 0))
                traits = [
                    f"w{min(right, 3)} {min(wrong, 3)}",
                    *(f"w+{count}" for count in range(1, min(right, COUNTED) + 1)),
                    *(f"w-{count}" for count in range(1, min(wrong, COUNTED) + 1)),
                    f"w {last.whole} {len(taken.fields) > 1}",
                    f"W{tool} {right > wrong}",
                ]
                return NextRow(identity, tool, arguments, traits, {path[0]: taken.where for path in taken.fields})
        return None


def _may_stand_in_a_row(value: Any) -> bool:
    """Whether a call may be told from others by the value: a short text or a whole number."""
    return 0 < len(value) <= LONGEST if type(value) is str else type(value) is int


def _fields_of(row: Row, values: Mapping[Path, Any]) -> dict[Path, str]:
    """Path of each value that stands in a row -> the field of the same name, or the first one."""
    found: dict[Path, str] = {}
    for path, value in values.items():
        kind, name = type(value), path[-1]
        other = row.get(name)
        if type(other) is kind and other == value:
            found[path] = name
            continue
        for field, other in row.items():
            if type(other) is kind and other == value:
                found[path] = field
                break
    return found


def _place_of(value: Any, values: Sequence[Any], start: int) -> int | None:
    """The first place of a value from ``start`` on, or None."""
    # Only texts and whole numbers are kept, so that nothing else equals one.
    try:
        return values.index(value, start)
    except ValueError:
        return None


def _with(arguments: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The arguments with another value at a path; what they share is not copied."""
    key, *below = path
    return {**arguments, key: _with(arguments[key], tuple(below), value) if below else value}
