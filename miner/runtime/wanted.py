"""Wanted: the streams that rules read, arranged so that taking in an event makes nothing else.

A stream is named by where its values come from. Most events could feed thousands of streams, and the rules of a bundle
read a few hundred: kinds of token that nobody reads are not looked for, and values that nobody reads are only counted.
"""

from __future__ import annotations

import functools

from .places import Place
from .tokens import Tokens

PLACES_KEPT = 50_000
"""Places that are kept ready; beyond, all are forgotten and worked out again."""


class Wanted:
    """What is worth keeping of an event.

    Args:
        streams: the streams that rules read; None stands for all, as mining needs.
    """

    __slots__ = ("_made", "_roots", "_streams", "_tokens", "rows", "streams")

    def __init__(self, streams: frozenset[str] | None) -> None:
        self.streams = streams
        self.rows = streams is None or "beside" in streams
        """Whether a rule reads the field beside another."""
        self._roots: dict[str, Place | None] = {}
        self._tokens: dict[str, Tokens | None] = {}
        self._streams: dict[str, tuple[str, ...]] = {}
        self._made = 0

    def root(self, origin: str) -> Place | None:
        """The place of whole values of one origin (``res:T``, ``arg:T``, ``user``); None when nobody reads them."""
        if self._made > PLACES_KEPT:
            self._roots.clear()
            self._made = 0
        if origin not in self._roots:
            self._roots[origin] = Place(origin, self._counted) if self._reads(origin) else None
        return self._roots[origin]

    def _reads(self, origin: str) -> bool:
        """Whether anything of an origin is read, as text or as JSON."""
        if self.streams is None or self.rows:
            return True
        return any(stream.startswith((origin, f"{origin[:4]}*")) for stream in self.streams)

    def tokens(self, origin: str) -> Tokens | None:
        """What finds the tokens that are read of texts of one origin; None when there are none."""
        group = _group(origin)
        if group not in self._tokens:
            self._tokens[group] = self._grammar(group)
        return self._tokens[group]

    def _grammar(self, group: str) -> Tokens | None:
        words = group == "user"
        if self.streams is None:
            return Tokens(words=words)
        kinds = frozenset(
            stream[stream.rfind("~") + 1 :] for stream in self.streams if "~" in stream and _group(stream) == group
        )
        return Tokens(kinds, words=words) if kinds else None

    def of(self, where: str) -> tuple[str, ...]:
        """The wanted streams that values of a place go to."""
        if self.streams is None:
            return streams_of(where)
        found = self._streams.get(where)
        if found is None:
            if len(self._streams) >= PLACES_KEPT:
                self._streams.clear()
            found = self._streams[where] = tuple(stream for stream in streams_of(where) if stream in self.streams)
        return found

    def _counted(self, where: str) -> tuple[str, ...]:
        self._made += 1
        return self.of(where)


def _group(origin: str) -> str:
    """Results of all tools are searched alike; so are the messages of each speaker."""
    return "res:" if origin.startswith("res:") else origin.partition("~")[0]


@functools.lru_cache(maxsize=65_536)
def streams_of(where: str) -> tuple[str, ...]:
    """The streams a place belongs to: its own, and that which gathers the field or token kind over all tools."""
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


@functools.lru_cache(maxsize=4)
def wanted_of(streams: frozenset[str] | None) -> Wanted:
    """The same for the same streams, so that sessions share what it has worked out."""
    return Wanted(streams)
