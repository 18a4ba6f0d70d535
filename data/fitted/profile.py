"""Fitted numbers as tables that a session is drawn from quickly: one lookup for each draw."""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from fitted.words import Filler, Leaves, Stem, names, stem

NUMBERS = Path(__file__).with_name("numbers.json")
SIZE = 1024
SOURCES = ("fixed", "own", "argument", "result", "user", "new", "content")
LOOKS = ("path", "number", "code", "text")
FIXED_VALUES = 400
"""Values of a kind that recur over sessions, the first ones far more often than the last."""
VERBS = ("read", "run", "change", "find", "plan", "list", "ask", "make", "check", "move", "fetch", "close")
THINGS = (
    "page",
    "job",
    "entry",
    "item",
    "order",
    "place",
    "ticket",
    "record",
    "route",
    "part",
    "stock",
    "team",
    "bill",
)
KINDS = (
    "place",
    "order",
    "title",
    "before",
    "after",
    "start",
    "end",
    "query",
    "mode",
    "choice",
    "team",
    "price",
    "day",
    "state",
    "note",
    "size",
)
"""What arguments, and fields of results, are called by their kind."""
Table = tuple[Any, ...]


def quantity(quantiles: Sequence[int]) -> Table:
    """A table of a quantity: between two quantiles in equal ratios, for what is measured here has long tails."""
    if not quantiles:
        return ()
    found = []
    for at in range(SIZE):
        place, part = divmod((at + 0.5) / SIZE * (len(quantiles) - 1), 1)
        low, high = quantiles[int(place)] + 1, quantiles[min(int(place) + 1, len(quantiles) - 1)] + 1
        found.append(round(low * (high / low) ** part) - 1)
    return tuple(found)


def choice(shares: Sequence[float], options: Sequence[Any] | None = None) -> Table:
    """A table of options, each as often as its share; empty when no share is left."""
    if not any(shares):
        return ()
    ends = list(accumulate(shares))
    found = [min(bisect_right(ends, (at + 0.5) / SIZE * ends[-1]), len(shares) - 1) for at in range(SIZE)]
    return tuple(found if options is None else (options[at] for at in found))


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of a kind: those that are made, and those that recur."""

    stems: tuple[Stem, ...]
    fixed: Table

    def new(self, chance: random.Random) -> str:
        """A value that was, most likely, not there before."""
        return self.stems[int(chance.random() * SIZE)].value(chance)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a tool."""

    name: str
    kind: int
    present: float
    sources: Table
    hole: int
    """Its number among all arguments of the profile."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool."""

    name: str
    error: float
    letters: Table
    ms: Table
    next: Table
    shows: Table
    arguments: tuple[Argument, ...]


class Profile:
    """One kind of sessions."""

    def __init__(self, name: str, numbers: dict[str, Any]) -> None:
        self.name = name
        self.calls, self.turns = quantity(numbers["calls"]), quantity(numbers["turns"])
        self.said, self.asked = quantity(numbers["said"]), quantity(numbers["asked"])
        self.think_ms = quantity(numbers["think_ms"])
        self.parallel = choice(numbers["parallel"], range(1, 9))
        self.first = choice(numbers["first"])
        self.places = choice(numbers["places"])
        self.sessions_of_a_task: float = numbers["sessions_of_a_task"]
        self.is_json = numbers["json"] >= 0.5
        self.filler, self.leaves = Filler(numbers["tokens_per_kb"]), Leaves()
        self.kinds = tuple(_kind(name, at, kind) for at, kind in enumerate(numbers["kinds"]))
        self.tools = _tools(name, numbers["tools"])
        self.holes = sum(len(tool.arguments) for tool in self.tools)
        self.told = tuple(
            sorted({argument.kind for tool in self.tools for argument in tool.arguments if "user" in argument.sources})
        )
        """Kinds whose values a person names."""


def profiles() -> dict[str, Profile]:
    """Every profile by name."""
    return {name: Profile(name, numbers) for name, numbers in json.loads(NUMBERS.read_text(encoding="utf-8")).items()}


def _kind(profile: str, at: int, numbers: dict[str, Any]) -> Kind:
    looks, letters = choice(numbers["looks"], LOOKS), quantity(numbers["letters"])
    chance = random.Random(f"{profile}/{at}")
    stems = tuple(stem(chance, looks[int(chance.random() * SIZE)], letters[place]) for place in range(SIZE))
    recurring = [stems[int(chance.random() * SIZE)].value(chance) for _ in range(FIXED_VALUES)]
    return Kind(stems, tuple(recurring[int(FIXED_VALUES ** (place / SIZE)) - 1] for place in range(SIZE)))


def _tools(profile: str, numbers: list[dict[str, Any]]) -> tuple[Tool, ...]:
    found, holes = [], 0
    shift = len(profile)  # so that two profiles share no tool
    for name, tool in zip(names(len(numbers), VERBS, THINGS[shift % 7 :]), numbers, strict=True):
        arguments = []
        for one in tool["arguments"]:
            taken = sum(other.kind == one["kind"] for other in arguments)
            label = KINDS[one["kind"]] + (f"_{taken + 1}" if taken else "")
            arguments.append(Argument(label, one["kind"], one["present"], choice(one["from"], SOURCES), holes))
            holes += 1
        found.append(
            Tool(
                name,
                tool["error"],
                quantity(tool["letters"]),
                quantity(tool["ms"]),
                choice(tool["next"]) or (0,) * SIZE,
                choice(tool["shows"]),
                tuple(arguments),
            )
        )
    return tuple(found)
