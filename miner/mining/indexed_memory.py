"""A memory that can be asked backwards: where a value stands, what leads to it, and by which policies."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from miner.runtime.memory import EVENTS_KEPT, Memory, value_key
from miner.runtime.rules import RANKS, SCANNED, Rule, applier
from miner.runtime.transforms import Transform, load_transform, transform_names

TRANSFORMS: dict[str, Transform] = {name: load_transform(name) for name in transform_names()}
_REACHING = [(name, module.reach) for name, module in TRANSFORMS.items() if hasattr(module, "reach") and name != "copy"]

Change = Callable[[str, Any], str | None]
"""(key, value) -> key of what a transform makes of the value; None when it says nothing about it."""


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
    """A memory that also knows in which streams a value stands, and what transforms would make of it."""

    def __init__(self, environment: dict[str, str], cwd: str) -> None:
        self.streams_of: dict[str, dict[str, None]] = {}
        self.reached: dict[str, dict[tuple[str, str, tuple[Any, ...]], None]] = {}
        self.paired: dict[str, list[str]] = {name: [] for name in PAIRS}
        """Transform -> the streams worth pairing for it: a session may have thousands of others."""
        self._cwd = cwd
        self._keys: dict[str, list[list[str]]] = {}
        """Stream -> the keys of its events' values, as it keeps the values."""
        self._openings: dict[str, str] = {}
        self._changes: dict[tuple[str, tuple[Any, ...]], Change] = {("copy", ()): _same}
        super().__init__(environment)

    def _keep(self, grouped: dict[str, dict[str, Any]]) -> None:
        super()._keep(grouped)
        streams_of, all_keys = self.streams_of, self._keys
        for where, values in grouped.items():
            keys = all_keys.get(where)
            if keys is None:
                keys = all_keys[where] = []
                self._openings[where] = next(iter(values))
                self._pair(where)
            keys.append(list(values))
            if len(keys) > EVENTS_KEPT:
                del keys[0]
            for key, value in values.items():
                places = streams_of.get(key)
                if places is None:
                    places = streams_of[key] = {}
                    self._reach(key, value)
                elif where in places:
                    # Newest place last, so that the end of the dict is what was added lately.
                    del places[where]
                places[where] = None

    def _pair(self, new: str) -> None:
        for name, fits in PAIRS.items():
            if fits.stream(new):
                self.paired[name].append(new)

    def _reach(self, key: str, value: Any) -> None:
        if type(value) is str:
            found = _reached_from_text(value, self._cwd)
        elif isinstance(value, (list, dict)):
            return
        else:
            found = _reached_from(value, self._cwd)
        for changed, name, options in found:
            known = self.reached.get(changed)
            if known is None:
                known = self.reached[changed] = {}
            known[key, name, options] = None

    def change(self, transform: str, options: tuple[Any, ...]) -> Change:
        """A transform with its options, by key, which remembers what it made of each value."""
        known = self._changes.get((transform, options))
        if known is None:
            apply = applier(Rule("", "", "", transform, options), self.cwd)
            known = self._changes[transform, options] = _remembering(apply)
        return known

    def policies(self, source: str, wanted: str, change: Change) -> list[str]:
        """The policies that choose a value (by key) from a stream whatever was used before: ``pick`` backwards."""
        found = []
        stream, keys = self.streams[source], self._keys[source][-1]
        newest = stream.events[-1]
        for index, key in enumerate(keys[:RANKS]):
            if change(key, newest[index]) == wanted:
                found.append(f"first {index}")
        if len(keys) > 1 and change(keys[-1], newest[-1]) == wanted:
            found.append("last 0")
        if change(self._openings[source], stream.opening) == wanted:
            found.append("opening 0")
        at = _rank(self._ordered(source, "recent"), wanted, change, {})
        if at is not None:
            found.append(f"recent {at}")
        return found

    def unused_policies(self, source: str, wanted: str, change: Change, used: Mapping[str, int]) -> list[str]:
        """The policies that choose it among the values that a hole has not taken yet."""
        if wanted in used:
            return []
        ranks = [(family, _rank(self._ordered(source, family), wanted, change, used)) for family in ("next", "fresh")]
        return [f"{family} {rank}" for family, rank in ranks if rank is not None]

    def _ordered(self, source: str, family: str) -> Iterator[tuple[str, Any]]:
        """Keys and values of a stream in the order in which a policy looks at them, as far as it does."""
        stream = self.streams[source]
        if family != "next":
            return islice(reversed(stream.recent.items()), SCANNED)
        events = zip(reversed(self._keys[source]), reversed(stream.events), strict=True)
        return islice((pair for keys, values in events for pair in zip(keys, values, strict=True)), SCANNED)


def _rank(ordered: Iterator[tuple[str, Any]], wanted: str, change: Change, used: Mapping[str, int]) -> int | None:
    """How many values that count come before the wanted one; None when it comes too late."""
    rank = 0
    for key, value in ordered:
        changed = change(key, value)
        if changed is None or changed in used:
            continue
        if changed == wanted:
            return rank
        rank += 1
        if rank >= RANKS:
            break
    return None


def _same(key: str, _value: Any) -> str:
    return key


def _remembering(apply: Callable[[Any], Any]) -> Change:
    known: dict[str, str | None] = {}

    def change(key: str, value: Any) -> str | None:
        if key in known:
            return known[key]
        changed = apply(value)
        found = known[key] = None if changed is None else value_key(changed)
        return found

    return change


def _reached_from(value: Any, cwd: str) -> tuple[tuple[str, str, tuple[Any, ...]], ...]:
    """What transforms make of a value: (key, transform, options)."""
    return tuple(
        (value_key(changed), name, options) for name, reach in _REACHING for options, changed in reach(value, cwd)
    )


_reached_from_text = functools.lru_cache(maxsize=65_536)(_reached_from)
