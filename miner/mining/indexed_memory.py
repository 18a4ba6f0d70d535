"""A memory that can be asked backwards: where a value stands, what leads to it, and by which policies.

Of a session that is over it is known what will be asked for: the values that its arguments take. Where any other value
stands, and what transforms would make of it, is not noted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from miner.mining.indexed_stream import Change, IndexedStream, Values, same
from miner.runtime.memory import Memory, value_key
from miner.runtime.rules import Rule, applier
from miner.runtime.transforms import Transform, load_transform, transform_names

TRANSFORMS: dict[str, Transform] = {name: load_transform(name) for name in transform_names()}
_REACHING = [(name, module.reach) for name, module in TRANSFORMS.items() if hasattr(module, "reach") and name != "copy"]
_INVERTING = [(name, module.invert) for name, module in TRANSFORMS.items() if hasattr(module, "invert")]
AROUND = frozenset(name for name, _ in _INVERTING)
"""Transforms that add what was never seen."""
Sieve = Callable[[Iterable[str]], Iterable[str]]
"""Of some texts those of which a transform may make a value that is asked for, and perhaps others."""
Way = tuple[str, str, tuple[Any, ...]]
"""Key of a value, a transform and its options."""


class Pairing:
    """Which targets and streams are worth pairing for one transform."""

    def __init__(
        self, ends: tuple[str, ...], prefix: tuple[str, ...], kind: type | tuple[type, ...], most: int
    ) -> None:
        self._ends, self._prefix, self._kind, self._most = ends, prefix, kind, most

    def target(self, value: Any) -> bool:
        """True when a value of this kind may be the result."""
        if isinstance(value, str) and len(value) > self._most:
            return False
        return isinstance(value, self._kind) and not isinstance(value, bool)

    def stream(self, where: str) -> bool:
        """True when a stream of this name may be the source."""
        return where.endswith(self._ends) or (bool(self._prefix) and where.startswith(self._prefix))


PAIRS = {
    "number": Pairing(("res:*~line_number",), ("arg:*.",), (int, str), 9),
    "calendar_date": Pairing(("user~day", "*~day", "user~date", "*~date"), (), str, 10),
    "fields": Pairing(("[=]",), (), list, 0),
    "list_head": Pairing(("[=]",), (), list, 0),
    "split": Pairing((), ("arg:*.", "env."), str, 60),
}


class IndexedMemory(Memory):
    """A memory that also knows in which streams a value stands, and what transforms would make of it.

    Args:
        environment: what the session's surroundings offer.
        cwd: the folder in which it runs.
        asked: the values that will be asked for; None where that is not known.
    """

    def __init__(self, environment: dict[str, str], cwd: str, asked: Collection[Any] | None = None) -> None:
        self.indexed: dict[str, IndexedStream] = {}
        self.streams_of: dict[str, dict[str, None]] = {}
        """Value that may be asked for, or that leads to one -> the streams in which it stands, newest last."""
        self.reached: dict[str, dict[Way, None]] = {}
        self.inverted: dict[str, tuple[Way, ...]] = {}
        """What would be that value with something around it, once it was asked."""
        self.paired: dict[str, list[str]] = {name: [] for name in PAIRS}
        """Transform -> the streams worth pairing for it: a session may have thousands of others."""
        self._cwd = cwd
        self._met: set[str] = set()
        self._leading: set[str] = set()
        """Values that are asked for, and values that lead to one."""
        self._sieves: list[Sieve] = []
        if asked is not None:
            self._asked = frozenset(map(value_key, asked))
            self._leading.update(self._asked)
            self._leading.update(source for value in asked for source, _, _ in self.inverting(value_key(value), value))
            self._sieves = [_sieve_of(name, self._asked, cwd) for name, _ in _REACHING]
        self._changes: dict[tuple[str, tuple[Any, ...]], Change] = {("copy", ()): same}
        super().__init__(environment)

    def inverting(self, key: str, value: Any) -> tuple[Way, ...]:
        """The values that a transform would put something around to make this one."""
        known = self.inverted.get(key)
        if known is None:
            known = tuple((source, name, options) for name, invert in _INVERTING for source, options in invert(value))
            self.inverted[key] = known
        return known

    def change(self, transform: str, options: tuple[Any, ...]) -> Change:
        """A transform with its options, by key, which remembers what it made of each value."""
        known = self._changes.get((transform, options))
        if known is None:
            apply = applier(Rule("", "", "", transform, options), self.cwd)
            known = self._changes[transform, options] = _remembering(apply)
        return known

    def _keep(self, grouped: dict[str, dict[str, Any]]) -> None:
        indexed, streams_of = self.indexed, self.streams_of
        before: Values | None = None
        hits: Collection[str] = ()
        for where, values in grouped.items():
            stream = indexed.get(where)
            if stream is None:
                indexed[where] = IndexedStream(values)
                self._pair(where)
            else:
                stream.add(values)
            if values is not before:
                hits, before = self._hits(values), values
            for key in hits:
                places = streams_of.get(key)
                if places is None:
                    places = streams_of[key] = {}
                elif where in places:
                    # Newest place last, so that the end of the dict is what was added lately.
                    del places[where]
                places[where] = None
        self.kept = grouped

    def _hits(self, values: Values) -> Collection[str]:
        """The values that may be asked for, or that lead to one."""
        fresh = values.keys() - self._met
        if fresh:
            self._met |= fresh
            found = fresh if self._asked is None else self._passing(values, fresh)
            if found:
                for key in values if len(found) > 1 else found:
                    if key in found:
                        self._reach(key, values[key])
        return values.keys() if self._asked is None else self._leading & values.keys()

    def _passing(self, values: Values, fresh: set[str]) -> set[str]:
        """Values of which a transform may make one that is asked for."""
        texts = [key for key in fresh if key[:1] != "\0" or type(values[key]) is str]
        found = {key for sieve in self._sieves for key in sieve(texts)}
        if len(texts) < len(fresh):
            found.update(fresh.difference(texts))
        return found

    def _pair(self, new: str) -> None:
        for name, fits in PAIRS.items():
            if fits.stream(new):
                self.paired[name].append(new)

    def _reach(self, key: str, value: Any) -> None:
        if type(value) is str:
            found = _reached_from_text(value, self._cwd)
        elif type(value) is int:
            found = _reached_from_number(value, self._cwd)
        elif isinstance(value, (list, dict)):
            return
        else:
            found = _reached_from(value, self._cwd)
        for changed, name, options in found:
            if self._asked is None or changed in self._asked:
                self._leading.add(key)
                self.reached.setdefault(changed, {})[key, name, options] = None


def latest_first(places: dict[str, None], most: int) -> Iterator[str]:
    """The streams that a value came to last."""
    return islice(reversed(places), most)


def _sieve_of(name: str, targets: Collection[str], cwd: str) -> Sieve:
    sieve: Callable[[Collection[str], str], Sieve] | None = getattr(TRANSFORMS[name], "sieve", None)
    return sieve(targets, cwd) if sieve is not None else _all


def _all(texts: Iterable[str]) -> Iterable[str]:
    return texts


def _remembering(apply: Callable[[Any], Any]) -> Change:
    known: dict[str, str | None] = {}

    def change(key: str, value: Any) -> str | None:
        if key in known:
            return known[key]
        changed = apply(value)
        found = known[key] = None if changed is None else value_key(changed)
        return found

    return change


def _reached_from(value: Any, cwd: str) -> tuple[Way, ...]:
    """What transforms make of a value: (key, transform, options)."""
    return tuple(
        (value_key(changed), name, options) for name, reach in _REACHING for options, changed in reach(value, cwd)
    )


_reached_from_text = functools.lru_cache(maxsize=65_536)(_reached_from)
_reached_from_number = functools.lru_cache(maxsize=8_192)(_reached_from)
