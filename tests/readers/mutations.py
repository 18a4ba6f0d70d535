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
from functools import partial
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from tests.readers.carriers import Carrier, Path, Writer, at, places

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


_GENTLE_SHARE, _BYTES_SHARE, _BOTH_SHARE = 2 / 5, 1 / 3, 1 / 12
"""Two fifths of all seeds change one value; of the others a third damages bytes alone, a twelfth values and bytes."""
_GENTLE = ("replaced", "replaced", "removed", "renamed")
_CHOICES = {"replaced": len(ODD), "removed": 1, "renamed": 8}
_ENCODER = json.JSONEncoder()


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


class Gentle(NamedTuple):
    """One value taken, replaced or renamed: of these there are few, and a campaign draws each of them many times."""

    path: Path
    change: str
    number: int
    """Which odd value, or which new name."""


class Mutator:
    """Damages one log in as many ways as there are seeds."""

    def __init__(self, carrier: Carrier, tree: Any) -> None:
        self._carrier = carrier
        self._tree = tree
        self._paths = places(tree)
        self.written: Writer = Written(tree)
        self._data = carrier.data(tree)

    def drawn(self, seed: str) -> Gentle | random.Random:
        """What this seed does: a gentle change, or the chance that makes a rough one."""
        chance = random.Random(seed)
        if chance.random() >= _GENTLE_SHARE:
            return chance
        path, change = chance.choice(self._paths), chance.choice(_GENTLE)
        return Gentle(path, change, chance.randrange(_CHOICES[change]))

    def mutated(self, drawn: Gentle | random.Random) -> Mutated:
        """The log as it is damaged by what was drawn."""
        if isinstance(drawn, random.Random):
            return self._rough(drawn)
        tree, holder = _to_change(self._tree, drawn.path)
        key, what = drawn.path[-1], drawn.change
        if drawn.change == "replaced":
            holder[key] = ODD[drawn.number]
            what = f"= {holder[key]!r}"
        else:
            value = holder.pop(key)
            if drawn.change == "renamed" and isinstance(holder, dict):
                holder[f"{key}_{drawn.number + 2}"] = value
        return Mutated(self._carrier.data(tree, self.written), f"{drawn.path} {what}", drawn.path)

    def _rough(self, chance: random.Random) -> Mutated:
        way = chance.random()
        if way < _BYTES_SHARE:
            return Mutated(_damaged(self._data, chance), "bytes")
        tree, done = self._tree, []
        for _ in range(chance.choice((1, 1, 2, 3, 5))):
            path = chance.choice(self._paths)
            if _is_there(tree, path):
                elsewhere = partial(self._elsewhere, tree, chance)
                tree, holder = _to_change(tree, path)
                done.append(f"{path} {chance.choice(_ROUGH)(holder, path[-1], chance, elsewhere)}")
        data = self._carrier.data(tree, self.written)
        if way >= 1 - _BOTH_SHARE:
            data = _damaged(data, chance)
            done.append("bytes")
        return Mutated(data, "; ".join(done))

    def _elsewhere(self, tree: Any, chance: random.Random) -> Any:
        """A value of the log as far as earlier damage has left it, else an odd one."""
        path = chance.choice(self._paths)
        return at(tree, path) if _is_there(tree, path) else chance.choice(ODD)


class Written:
    """JSON as ``json.dumps`` writes it; what is shared with the undamaged log was written once."""

    def __init__(self, tree: Any) -> None:
        self._kept = tree
        """Held, so that no other value gets the identity of one of its parts."""
        self._texts: dict[int, str] = {}
        for value in (tree, *(at(tree, path) for path in places(tree))):
            if isinstance(value, dict | list):
                self._texts[id(value)] = json.dumps(value)

    def __call__(self, value: Any) -> str:
        """The text of a value."""
        if isinstance(value, str):
            return quoted(value)
        if not isinstance(value, dict | list):
            return _ENCODER.encode(value)
        if (text := self._texts.get(id(value))) is not None:
            return text
        if isinstance(value, dict):
            return "{" + ", ".join([f"{quoted(key)}: {self(item)}" for key, item in value.items()]) + "}"
        if len(value) != 1:
            return "[" + ", ".join([self(item) for item in value]) + "]"
        depth = 0
        while isinstance(value, list) and len(value) == 1 and id(value) not in self._texts:
            # A value that is wrapped hundreds of times: no frame for each of them.
            [value] = value
            depth += 1
        return "[" * depth + self(value) + "]" * depth


def _to_change(tree: Any, path: Path) -> tuple[Any, Any]:
    """A tree like this one in which what holds the place may be changed, and that holder; all else is shared."""
    tree = holder = copy.copy(tree)
    for key in path[:-1]:
        holder[key] = copy.copy(holder[key])
        holder = holder[key]
    return tree, holder


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


Change = Callable[[Any, Any, random.Random, Callable[[], Any]], str]
"""Damages what a holder has under a key, says how, and may ask for a value from elsewhere in the log.

The holder is a copy already; all that it holds may stand elsewhere, too, and stays as it is.
"""


def _replace(holder: Any, key: Any, chance: random.Random, _: object) -> str:
    holder[key] = chance.choice(ODD)
    return f"= {holder[key]!r}"


def _remove(holder: Any, key: Any, *_: object) -> str:
    del holder[key]
    return "removed"


def _rename(holder: Any, key: Any, chance: random.Random, _: object) -> str:
    """The key is one of tomorrow; in a list, where there are no keys, the element goes."""
    value = holder.pop(key)
    if isinstance(holder, dict):
        holder[f"{key}_{chance.randint(2, 9)}"] = value
        return "renamed"
    return "removed"


def _repeat(holder: Any, key: Any, chance: random.Random, other: Callable[[], Any]) -> str:
    """An element stands twice, or far more often."""
    if isinstance(holder, list):
        times = chance.choice((1, 1, 2, 30))
        holder[key:key] = [holder[key]] * times
        return f"repeated {times} times"
    return _replace(holder, key, chance, other)


def _swap(holder: Any, key: Any, chance: random.Random, _: object) -> str:
    partner = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[partner] = holder[partner], holder[key]
    return f"swapped with {partner}"


def _transplant(holder: Any, key: Any, _: object, other: Callable[[], Any]) -> str:
    """A value from elsewhere in the log: ids collide, kinds change their meaning."""
    holder[key] = other()
    return "= what stands elsewhere"


def _wrap(holder: Any, key: Any, chance: random.Random, _: object) -> str:
    value = holder[key]
    depth = chance.choice((1, 2, 40, 200, 300))
    ways: tuple[Callable[[], Any], ...] = (lambda: [value], lambda: {"x": value}, lambda: json.dumps(value))
    wrapped = chance.choice(ways)()
    if depth > 2:
        wrapped = value
        for _ in range(depth):
            wrapped = [wrapped]
    holder[key] = wrapped
    return "wrapped"


def _stretch(holder: Any, key: Any, chance: random.Random, other: Callable[[], Any]) -> str:
    """A text becomes long, or is cut; a number moves."""
    value = holder[key]
    if isinstance(value, str):
        cut = chance.randint(0, len(value))
        holder[key] = chance.choice((value[:cut], value * 40, value + "\n" + value, value[::-1], value.upper()))
    elif isinstance(value, int | float):
        holder[key] = chance.choice((-value, value * 1000, value / 1000, str(value), value + 1))
    else:
        return _replace(holder, key, chance, other)
    return "stretched"


_ROUGH: tuple[Change, ...] = (_replace, _remove, _rename, _repeat, _swap, _transplant, _transplant, _wrap, _stretch)
