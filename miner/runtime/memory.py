"""What one session has shown so far, arranged for binding: a stream of values for each place they come from.

A stream is named by its place: ``user~code`` (tokens of kind ``code`` in messages of the user), ``arg:T.path`` (an
earlier argument of tool T), ``res:T.items[].id`` (a leaf of its results), ``env.cwd``.  Rows keep values that belong
together (the fields of one object), so that a second argument can follow the first one.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from .atoms import Atom, Row, as_json, json_atoms, text_atoms
from .canonical import call_identity, canonical

EVENTS_KEPT = 6
VALUES_KEPT = 200
ROWS_KEPT = 4
SETTING = ("application", "agent", "model")
"""Entries of the environment that say what runs; they are seen by contexts and are no values for arguments."""


def value_key(value: Any) -> str:
    """A text that is equal exactly when two values are: type and all."""
    if isinstance(value, str):
        return value
    return f"\0{value}" if type(value) is int else "\0" + canonical(value)


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
        recent = self.recent
        for key in values:
            if key in recent:
                del recent[key]
        recent.update(values)
        while len(recent) > VALUES_KEPT:
            del recent[next(iter(recent))]


class Memory:
    """All streams, rows and calls of one session.

    Args:
        wanted: the streams that rules read; others are not kept. None keeps all, as mining needs.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, wanted: frozenset[str] | None = None) -> None:
        self.streams: dict[str, Stream] = {}
        self.rows: dict[str, list[Row]] = {}
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
        self.taken: list[str] = []
        """Holes, and holes pooled over tools, whose used values the newest call changed."""
        self._wanted = wanted
        for name, value in (environment or {}).items():
            if value and name not in SETTING:
                self._keep([(f"env.{name}", value)])

    def message(self, speaker: str, text: str) -> None:
        """A message of the user, the host, or the model (``said``)."""
        self.clock += 1
        self._keep(_prefixed(speaker, text_atoms(text, words=speaker == "user")))
        if speaker == "user":
            value = as_json(text)
            if value is not None:
                said = self.kept
                self._json(value, speaker)
                self.kept = {**said, **self.kept}

    def call(self, tool: str, arguments: dict[str, Any], text: str | None) -> str:
        """A call with its result as the model saw it (None while it runs, or when it never came); its identity."""
        self.clock += 1
        identity = call_identity(tool, arguments)
        self.calls.setdefault(identity, []).append(self.clock)
        self.made.append((tool, arguments, identity))
        self.taken = []
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
        value = as_json(text)
        if value is None:
            self._keep(_prefixed(f"res:{tool}", text_atoms(text)))
        else:
            self._json(value, f"res:{tool}")

    def _json(self, value: Any, where: str) -> None:
        atoms, rows = json_atoms(value, where)
        self._keep(atoms)
        kept = self.rows
        for row in rows:
            for field in row.values():
                if isinstance(field, str | int) and not isinstance(field, bool):
                    found = kept.setdefault(value_key(field), [])
                    found.append(row)
                    if len(found) > ROWS_KEPT:
                        del found[0]

    def _keep(self, atoms: Iterable[Atom]) -> None:
        grouped: dict[str, dict[str, Any]] = {}
        wanted = self._wanted
        for where, value in atoms:
            key = value if type(value) is str else value_key(value)
            for place in _places(where):
                if wanted is None or place in wanted:
                    values = grouped.get(place)
                    if values is None:
                        grouped[place] = {key: value}
                    elif key not in values:
                        values[key] = value
        first, clock = self._first, self.clock
        for where, values in grouped.items():
            stream = self.streams.get(where)
            if stream is None:
                stream = self.streams[where] = Stream()
            stream.add(values)
            for key in values:
                if key not in first:
                    first[key] = clock
        self.kept = grouped


@functools.lru_cache(maxsize=65_536)
def _places(where: str) -> tuple[str, ...]:
    """The streams an atom belongs to: its own, and that which gathers the field or token kind over all tools."""
    anywhere = _anywhere(where)
    return (where,) if anywhere is None else (where, anywhere)


def _anywhere(where: str) -> str | None:
    """The stream that gathers a field or a token kind over all tools: ``arg:*.id``, ``res:*~path``."""
    if where[:4] not in ("arg:", "res:"):
        return None
    at = where.rfind("~")
    if at < 0:
        at = where.rfind(".")
    return f"{where[:4]}*{where[at:]}" if at > 0 else None


def leaves(arguments: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """The places of an argument object that take a value: objects are entered, lists and scalars are values."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in arguments.items():
        if isinstance(value, dict) and value:
            found.extend(leaves(value, (*path, key)))
        else:
            found.append(((*path, key), value))
    return found


def path_text(path: tuple[str, ...]) -> str:
    """A path as text; a key with a dot, a bracket or a quote is written as JSON so that no two paths collide."""
    return "".join(
        f".{key}" if key.replace("_", "").replace("-", "").isalnum() else f"[{canonical(key)}]" for key in path
    )


def _prefixed(prefix: str, atoms: Iterable[Atom]) -> Iterable[Atom]:
    return [(prefix + where, value) for where, value in atoms]
