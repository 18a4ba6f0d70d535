"""Places: the values of a JSON value that are worth keeping, by the path at which they stand.

Paths leave indices out and bring a key that is a value (an id, a file) down to ``{}``, so the paths of one tool's
results are few: where the values of each go is worked out once. Everything is bounded, and the bounds are the same
whatever is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .atoms import DEPTH, LEAVES, LONGEST, Row, as_json, is_dynamic

SMALL_LIST = 20
"""Lists up to this length are values too."""

_NUMBERS = frozenset({int, float, bool})

Streams = Callable[[str], tuple[str, ...]]
"""Path -> the streams that its values go to."""


class Place:
    """One path: the streams its values go to, and the paths below it."""

    __slots__ = ("_below", "_streams_of", "fields", "streams", "where")

    def __init__(self, where: str, streams_of: Streams) -> None:
        self.where = where
        self.streams = streams_of(where)
        self.fields: dict[str, Place] = {}
        self._below: dict[str, Place] = {}
        self._streams_of = streams_of

    def field(self, key: str) -> Place:
        """The place of a field that was not met before."""
        found = self.fields[key] = Place(f"{self.where}.{key}", self._streams_of)
        return found

    def below(self, suffix: str) -> Place:
        """The place of a list's items ``[]``, of keys that are values ``{}``, of a list as one value ``[=]``, or of
        the JSON that a text is ``#``.
        """
        found = self._below.get(suffix)
        if found is None:
            found = self._below[suffix] = Place(self.where + suffix, self._streams_of)
        return found


class Walk:
    """Goes through one value: leaves by path, keys that are values, small lists whole; the rows they stand in, and the
    lists of plain values.

    Args:
        rows: whether anybody wants rows and lists.
    """

    __slots__ = ("_count", "_with_rows", "found", "lists", "rows")

    def __init__(self, *, rows: bool = True) -> None:
        self.found: list[tuple[Place, Any]] = []
        """What goes to some stream, in its order."""
        self.rows: list[Row] = []
        self.lists: list[tuple[str, list[Any]]] = []
        """Place of the items, and the list: one that begins with a text or a number."""
        self._with_rows = rows
        self._count = 0

    def take(self, value: Any, place: Place, row: Row | None = None, depth: int = 0) -> bool:
        """Take in a value; False when a bound was reached before its end."""
        if self._count >= LEAVES or depth > DEPTH:
            return False
        if isinstance(value, dict):
            return self._take_object(value, place, row, depth)
        if isinstance(value, list):
            return self._take_list(value, place, row, depth)
        if isinstance(value, str):
            if len(value) > LONGEST:
                parsed = as_json(value)
                if parsed is not None:
                    self.take(parsed, place.below("#"), row, depth + 1)
                return True
            if not value:
                return True
        elif value is None:
            return True
        self._add(place, value)
        return True

    def _add(self, place: Place, value: Any) -> None:
        self._count += 1
        if place.streams:
            self.found.append((place, value))

    def _take_object(self, value: dict[str, Any], place: Place, row: Row | None, depth: int) -> bool:
        inner = None
        if self._with_rows:
            inner = Row(place.where, row)
            self.rows.append(inner)
        fields, found, whole, deeper = place.fields, self.found, True, depth + 1
        count, plain = self._count, deeper <= DEPTH
        for key, item in value.items():
            if count >= LEAVES:
                self._count = count
                return False
            below = fields.get(key)
            if below is None:
                if is_dynamic(key):
                    self._count = count
                    whole = self._take_keyed(key, item, place.below("{}"), inner, deeper) and whole
                    count = self._count
                    continue
                below = place.field(key)
            kind = type(item)
            if plain and (0 < len(item) <= LONGEST if kind is str else kind in _NUMBERS):
                # What most fields are, without a call.
                if inner is not None:
                    inner[key] = item
                count += 1
                if below.streams:
                    found.append((below, item))
                continue
            if inner is not None and not isinstance(item, (dict, list)):
                inner[key] = item
            self._count = count
            whole = self.take(item, below, inner, deeper) and whole
            count = self._count
        self._count = count
        return whole

    def _take_keyed(self, key: str, item: Any, place: Place, inner: Row | None, depth: int) -> bool:
        """Take in what stands under a key that is a value itself."""
        self._add(place, key)
        if inner is not None:
            inner["{}"] = key
        if isinstance(item, dict):
            item = {"{key}": key, **item}
        return self.take(item, place, inner, depth)

    def _take_list(self, value: list[Any], place: Place, row: Row | None, depth: int) -> bool:
        at, whole, items = len(self.found), True, place.below("[]")
        if self._with_rows and value and type(value[0]) in (str, int):
            self.lists.append((items.where, value))
        for item in value:
            if type(item) is dict and depth < DEPTH:
                whole = self._take_object(item, items, row, depth + 1) and whole
            else:
                whole = self.take(item, items, row, depth + 1) and whole
            if self._count >= LEAVES:
                return False
        if whole and 0 < len(value) <= SMALL_LIST:
            # A list that was not walked to its end is content, and no value that a later call repeats.
            self._count += 1
            as_value = place.below("[=]")
            if as_value.streams:
                self.found.insert(at, (as_value, value))
            if row is not None:
                row[place.where.rsplit(".", 1)[-1] + "[=]"] = value
        return whole
