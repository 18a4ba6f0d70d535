"""What one session has shown so far, arranged for binding: a stream of values for each place they come from.

A stream is named by its place: ``user~code`` (tokens of kind ``code`` in messages of the user), ``arg:T.path`` (an
earlier argument of tool T), ``res:T.items[].id`` (a leaf of its results), ``env.cwd``.  Rows keep values that belong
together (the fields of one object), so that a second argument can follow the first one.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from copy import copy
from itertools import islice
from typing import Any

from .atoms import Row, as_json
from .canonical import call_identity, canonical
from .overlay import Overlay
from .places import Walk
from .wanted import wanted_of

EVENTS_KEPT = 6
VALUES_KEPT = 200
ROWS_KEPT = 12
SETTING = ("application", "agent", "model")
"""Entries of the environment that say what runs; they are seen by contexts and are no values for arguments."""


def value_key(value: Any) -> str:
    """A text that is equal exactly when two values are: type and all."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return f"\0{value}"
    if kind is bool:
        return "\0true" if value else "\0false"
    return value if isinstance(value, str) else "\0" + canonical(value)


def value_of(key: str) -> Any:
    """The value that a key stands for; a fresh object each time."""
    return json.loads(key[1:]) if key[:1] == "\0" else key


class Stream:
    """The values one place has given, newest event last."""

    __slots__ = ("events", "opening", "recent")

    def __init__(self) -> None:
        self.events: list[list[Any]] = []
        self.recent: dict[str, Any] = {}
        self.opening: Any = None

    def add(self, values: Mapping[str, Any]) -> None:
        """Take in the distinct values of one event by key, in their order."""
        listed = list(values.values())
        if not self.events:
            self.opening = listed[0]
        self.events.append(listed)
        if len(self.events) > EVENTS_KEPT:
            del self.events[0]
        if len(values) >= VALUES_KEPT:
            self.recent = dict(islice(values.items(), len(values) - VALUES_KEPT, None))
            return
        recent = self.recent
        for key in values:
            if key in recent:
                del recent[key]
        recent.update(values)
        if len(recent) > VALUES_KEPT:
            for key in list(islice(recent, len(recent) - VALUES_KEPT)):
                del recent[key]

    def copy(self) -> Stream:
        """Another one that goes on from here."""
        other = Stream()
        other.events, other.recent, other.opening = list(self.events), dict(self.recent), self.opening
        return other


class Memory:
    """All streams, rows and calls of one session.

    Args:
        wanted: the streams that rules read; others are not kept. None keeps all, as mining needs.
    """

    _asked: frozenset[str] | None = None
    """Keys of the values that will be asked for, where that is known: no other leads to the rows it stands in."""

    def __init__(self, environment: Mapping[str, str] | None = None, wanted: frozenset[str] | None = None) -> None:
        self.streams: dict[str, Stream] = {}
        self.rows: dict[str, Row | tuple[Row, ...]] = {}
        """Value key -> where the value stands, see ``rows_of``. Most stand in one row, which then stands here itself: a
        container for each would be for the garbage collector to look at again and again.
        """
        self.used: dict[str, dict[str, int]] = {}
        """Hole -> value keys it has taken, with how often."""
        self.calls: dict[str, list[int]] = {}
        """Identity of each call made -> the times it was made."""
        self.made: list[tuple[str, dict[str, Any], str]] = []
        """Every call: tool, arguments, identity."""
        self.clock = 0
        self.moment = 0
        self._first: dict[str, int] = {}
        """Value key -> when it was first seen."""
        self.cwd = (environment or {}).get("cwd", "")
        self.kept: dict[str, dict[str, Any]] = {}
        """What the newest event added: stream -> value key -> value."""
        self.given: Walk | None = None
        """The rows and lists of the newest call's result."""
        self.taken: list[str] = []
        """Holes, and holes pooled over tools, whose used values the newest call changed."""
        self._wanted = wanted_of(wanted)
        for name, value in (environment or {}).items():
            if value and name not in SETTING:
                self._keep({stream: {value: value} for stream in self._wanted.of(f"env.{name}")})

    def message(self, speaker: str, text: str) -> None:
        """A message of the user, the host, or the model (``said``)."""
        self.clock += 1
        self._text(text, speaker)
        if speaker == "user":
            value = as_json(text)
            if value is not None:
                said = self.kept
                self._json(value, speaker)
                self.kept = {**said, **self.kept}

    def call(self, tool: str, arguments: dict[str, Any], text: str | None, identity: str | None = None) -> str:
        """A call with its result as the model saw it (None while it runs, or when it never came); its identity, which
        is worked out where it is not given.
        """
        self.clock += 1
        if identity is None:
            identity = call_identity(tool, arguments)
        self.calls.setdefault(identity, []).append(self.clock)
        self.made.append((tool, arguments, identity))
        self.taken = []
        self.given = None
        for path, value in leaves(arguments):
            key, place = value_key(value), path_text(path)
            for hole in (tool + place, "*" + place):
                self.taken.append(hole)
                used = self.used.setdefault(hole, {})
                used[key] = used.get(key, 0) + 1
        self._json(arguments, f"arg:{tool}")
        asked = self.kept
        if text:
            self.result(tool, text)
            self.kept = {**asked, **self.kept}
        return identity

    def branch(self) -> Memory:
        """A memory that goes on from here, to be used before this one changes."""
        other = copy(self)
        other.streams = Overlay(self.streams, Stream.copy)
        other.rows = Overlay(self.rows)
        other.used = Overlay(self.used, dict)
        other.calls = Overlay(self.calls, list)
        other.made = list(self.made)
        other._first = Overlay(self._first)
        return other

    def mark(self) -> None:
        """What comes from here on is new to the decision that follows."""
        self.moment = self.clock

    def age(self, key: str) -> int:
        """How new a value is: 0 since the mark, 1 little before, 2 recent, 3 old; 9 never seen."""
        first = self._first.get(key)
        if first is None:
            return 9
        before = self.moment - first
        return 0 if before < 0 else 1 if before < 3 else 2 if before < 12 else 3

    def result(self, tool: str, text: str) -> None:
        """The result of a call that was already taken in."""
        origin = f"res:{tool}"
        value = as_json(text) if self._wanted.root(origin) is not None else None
        if value is None:
            self._text(text, origin)
        else:
            self.given = self._json(value, origin)

    def _text(self, text: str, origin: str) -> None:
        tokens, wanted = self._wanted.tokens(origin), self._wanted
        grouped: dict[str, dict[str, Any]] = {}
        if tokens is not None:
            for kind, values in tokens.by_kind(text).items():
                for stream in wanted.of(f"{origin}~{kind}"):
                    grouped[stream] = values
        self._keep(grouped)

    def _json(self, value: Any, origin: str) -> Walk:
        grouped: dict[str, dict[str, Any]] = {}
        root, walk = self._wanted.root(origin), Walk(rows=self._wanted.rows)
        if root is not None:
            walk.take(value, root)
            for place, found in walk.found:
                key = value_key(found)
                for stream in place.streams:
                    values = grouped.get(stream)
                    if values is None:
                        grouped[stream] = {key: found}
                    elif key not in values:
                        values[key] = found
            self._note_rows(walk.rows)
        self._keep(grouped)
        return walk

    def _note_rows(self, rows: list[Row]) -> None:
        """Let each value of a row lead to it."""
        kept, asked = self.rows, self._asked
        for row in rows:
            for field in row.values():
                kind = type(field)
                if kind is str:
                    key = field
                elif kind is not bool and isinstance(field, (int, str)):
                    key = value_key(field)
                else:
                    continue
                if asked is not None and key not in asked:
                    continue
                found = kept.get(key)
                if found is None:
                    kept[key] = row
                else:
                    kept[key] = (found, row) if isinstance(found, Row) else (*found[1 - ROWS_KEPT :], row)

    def rows_of(self, key: str) -> tuple[Row, ...]:
        """The newest rows in which a value stands, by its key; oldest first."""
        found = self.rows.get(key)
        return () if found is None else (found,) if isinstance(found, Row) else found

    def _keep(self, grouped: dict[str, dict[str, Any]]) -> None:
        """Add what one event brought: stream -> value key -> value."""
        first, clock = self._first, self.clock
        before: dict[str, Any] | None = None
        for where, values in grouped.items():
            stream = self.streams.get(where)
            if stream is None:
                stream = self.streams[where] = Stream()
            stream.add(values)
            if values is not before:
                # A token's own stream and that of all tools take in the same ones, one after the other.
                before = values
                for key in values:
                    if key not in first:
                        first[key] = clock
        self.kept = grouped


def leaves(arguments: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """The places of an argument object that take a value: objects are entered, lists and scalars are values."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in arguments.items():
        if isinstance(value, dict) and value:
            found.extend(leaves(value, (*path, key)))
        else:
            found.append(((*path, key), value))
    return found


@functools.lru_cache(maxsize=4_096)
def path_text(path: tuple[str, ...]) -> str:
    """A path as text; a key with a dot, a bracket or a quote is written as JSON so that no two paths collide."""
    return "".join(
        f".{key}" if key.replace("_", "").replace("-", "").isalnum() else f"[{canonical(key)}]" for key in path
    )
