"""Seeded damage to a log: values of another kind, parts gone, repeated, swapped or moved, and bytes overwritten.

The same seed damages the same log in the same way. A ``gentle`` mutation takes or replaces one value and leaves all
others as they were: what those say must still be told.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.readers.carriers import Carrier, Path, at, places

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 1e18, float("nan"), float("inf")),
    *(1 << 31, 1 << 53, (1 << 63) - 1, 1 << 63, 1 << 64, -(1 << 64), 10**30),
    *("", " ", "x", "0", "null", "{", "{}", "[]", '{"a":', "-", "/", "..", "%s{0}$", "true"),
    *("\0", "\ud83d", "\u00e9\u2028\U0001f600", "error", "user", "assistant"),
    *("2026-13-45T99:99:99Z", "1969-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+14:00"),
    *([], [None], [[]], [{}], ["x"], [1, "x", None, {}]),
    *(
        {},
        {"": ""},
        {"type": "x"},
        {"x": None},
        {"role": "user"},
        {"name": 1},
        {"content": []},
        {"text": {"text": "x"}},
    ),
)
"""Values that a field may hold in no log that was meant."""
_BYTES = (
    b"",
    b'"',
    b"\n",
    b"\0",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\\",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b" ",
    b"null",
)


@dataclass(frozen=True)
class Mutated:
    """A damaged log."""

    data: bytes
    what: str
    """What was done, for people."""
    gentle: Path | None = None
    """Where the one value stood that was taken or replaced, when all else is as it was."""
    broken: str = ""
    """Why the log as a whole cannot be what it was: a reader has to tell."""


class Mutator:
    """Damages one log in as many ways as there are seeds."""

    def __init__(self, carrier: Carrier, tree: Any) -> None:
        self._carrier = carrier
        self._pristine = json.dumps(tree)
        self._paths = places(tree)
        self._data = carrier.data(tree)

    def mutated(self, seed: str) -> Mutated:
        """The log as this seed damages it."""
        chance = random.Random(seed)
        way = chance.random()
        if way < 0.2:
            return Mutated(_damaged(self._data, chance), "bytes")
        tree = json.loads(self._pristine)
        if way < 0.6:
            path = chance.choice(self._paths)
            what = chance.choice(_GENTLE)(tree, path, chance)
            return Mutated(self._carrier.data(tree), what, path)
        done = []
        for _ in range(chance.choice((1, 1, 2, 3, 5))):
            path = chance.choice(self._paths)
            if _is_there(tree, path):
                done.append(chance.choice(_ANY)(tree, path, chance))
        data = self._carrier.data(tree)
        if way > 0.95:
            data = _damaged(data, chance)
            done.append("bytes")
        return Mutated(data, "; ".join(done))


def _is_there(tree: Any, path: Path) -> bool:
    """Whether earlier damage has left this place."""
    try:
        at(tree, path)
        return isinstance(at(tree, path[:-1]), dict | list)
    except (LookupError, TypeError):
        return False


def _damaged(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        place, length = chance.randrange(len(found) + 1), chance.randint(1, 8)
        new = chance.choice((*_BYTES, chance.randbytes(length), bytes(found[place : place + length]) * 2))
        found[place : place + chance.choice((0, 1, length, length * 8))] = new
    way = chance.random()
    if way < 0.1:
        del found[chance.randrange(len(found) + 1) :]
    elif way < 0.2:
        lines = bytes(found).split(b"\n")
        chance.shuffle(lines)
        return b"\n".join(lines)
    return bytes(found)


Change = Callable[[Any, Path, random.Random], str]


def _replace(tree: Any, path: Path, chance: random.Random) -> str:
    value = copy.deepcopy(chance.choice(ODD))
    at(tree, path[:-1])[path[-1]] = value
    return f"{path} = {value!r}"


def _remove(tree: Any, path: Path, _: random.Random) -> str:
    del at(tree, path[:-1])[path[-1]]
    return f"{path} removed"


def _rename(tree: Any, path: Path, chance: random.Random) -> str:
    """The key is one of tomorrow; in a list, where there are no keys, the element goes."""
    holder, key = at(tree, path[:-1]), path[-1]
    value = holder.pop(key)
    if isinstance(holder, dict):
        holder[f"{key}_{chance.randint(2, 9)}"] = value
        return f"{path} renamed"
    return f"{path} removed"


def _repeat(tree: Any, path: Path, chance: random.Random) -> str:
    """An element stands twice, or far more often."""
    holder, key = at(tree, path[:-1]), path[-1]
    if isinstance(holder, list):
        times = chance.choice((1, 1, 2, 30))
        holder[key:key] = [copy.deepcopy(holder[key]) for _ in range(times)]
        return f"{path} repeated {times} times"
    return _replace(tree, path, chance)


def _swap(tree: Any, path: Path, chance: random.Random) -> str:
    holder, key = at(tree, path[:-1]), path[-1]
    other = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]
    return f"{path} swapped with {other}"


def _transplant(tree: Any, path: Path, chance: random.Random) -> str:
    """A value from elsewhere in the log: ids collide, kinds change their meaning."""
    source = chance.choice(places(tree))
    value = copy.deepcopy(at(tree, source))
    at(tree, path[:-1])[path[-1]] = value
    return f"{path} = what stands at {source}"


def _wrap(tree: Any, path: Path, chance: random.Random) -> str:
    holder, key = at(tree, path[:-1]), path[-1]
    value = holder[key]
    depth = chance.choice((1, 2, 40, 200, 300))
    ways: tuple[Callable[[], Any], ...] = (lambda: [value], lambda: {"x": value}, lambda: json.dumps(value), str)
    wrapped = chance.choice(ways[:3])()
    if depth > 2:
        wrapped = value
        for _ in range(depth):
            wrapped = [wrapped]
    holder[key] = wrapped
    return f"{path} wrapped"


def _stretch(tree: Any, path: Path, chance: random.Random) -> str:
    """A text becomes long, or is cut; a number moves."""
    holder, key = at(tree, path[:-1]), path[-1]
    value = holder[key]
    if isinstance(value, str):
        cut = chance.randint(0, len(value))
        holder[key] = chance.choice((value[:cut], value * 40, value + "\n" + value, value[::-1], value.upper()))
    elif isinstance(value, int | float):
        holder[key] = chance.choice((-value, value * 1000, value / 1000, str(value), value + 1))
    else:
        return _replace(tree, path, chance)
    return f"{path} stretched"


_GENTLE: tuple[Change, ...] = (_replace, _replace, _remove, _rename)
_ANY: tuple[Change, ...] = (_replace, _remove, _rename, _repeat, _swap, _transplant, _transplant, _wrap, _stretch)
