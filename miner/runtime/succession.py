"""Succession: how a call differs from the call of the same tool before it, as a step that can be taken again.

Some tools are called in a rhythm: mark task 1 done, start task 2; read the next stretch of a file; ask for page 3. A
step says, for each argument, whether it stays, moves by a number (or by the value of another argument), or takes a
fixed short value; it is learned from logs and, within a session, from the session itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .canonical import canonical
from .memory import leaves, path_text

MOST_LEAVES = 8
LONGEST = 60
"""Longer texts are no fixed values; a step that would need one is no step."""
FURTHEST = 1_000


def step(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """The step from one call to the next of the same tool; None when they have too little in common."""
    old = {path_text(path): value for path, value in leaves(before)}
    new = leaves(after)
    if not 0 < len(new) <= MOST_LEAVES:
        return None
    moves: list[list[Any]] = []
    for path, value in new:
        place = path_text(path)
        move = _move(place, old.get(place), value, old)
        if move is None:
            return None
        moves.append([list(path), *move])
    return canonical(moves)


def _move(place: str, was: Any, value: Any, old: Mapping[str, Any]) -> list[Any] | None:
    if place in old and type(was) is type(value) and was == value:
        return ["="]
    moved, base = _number(value), _number(was)
    if moved is not None and base is not None and type(was) is type(value):
        distance = moved - base
        for other, amount in sorted(old.items()):
            if other != place and not isinstance(amount, bool) and isinstance(amount, int) and amount == distance:
                return ["+", other]
        return ["+", distance] if abs(distance) <= FURTHEST else None
    if isinstance(value, list | dict) or (isinstance(value, str) and (len(value) > LONGEST or "\n" in value)):
        return None
    return [":", value]


def take(step_text: str, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments of the next call when the step is taken from a call; None where it does not apply."""
    old = {path_text(path): value for path, value in leaves(before)}
    arguments: dict[str, Any] = {}
    for path, kind, *rest in json.loads(step_text):
        place = "".join(path_text((key,)) for key in path)
        if kind == ":":
            value = rest[0]
        elif place not in old:
            return None
        elif kind == "=":
            value = old[place]
        else:
            amount = old.get(rest[0]) if isinstance(rest[0], str) else rest[0]
            base = _number(old[place])
            if base is None or not isinstance(amount, int) or isinstance(amount, bool):
                return None
            value = str(base + amount) if isinstance(old[place], str) else base + amount
        inner = arguments
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = value
    return arguments


def state(tool: str, arguments: Mapping[str, Any]) -> str:
    """What the next step depends on: the tool, and those of its arguments that are short words or flags."""
    words = [
        [path_text(path), value]
        for path, value in leaves(arguments)
        if isinstance(value, bool) or (isinstance(value, str) and len(value) <= 24 and value.replace("_", "").isalpha())
    ]
    return f"{tool} {canonical(sorted(words, key=canonical))}"


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) <= 9 and value.isascii() and value.isdecimal():
        number = int(value)
        return number if str(number) == value else None
    return None
