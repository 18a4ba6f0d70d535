"""Invented words, the values that calls take, and the text that fills results: nothing here comes from a log."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

PARTS = ("ba", "ce", "di", "fo", "gu", "ha", "ki", "lo", "mu", "ne", "pa", "ri", "so", "tu", "ve", "wa", "xi", "zo")
ENDINGS = (".go", ".py", ".ts", ".md", ".json")
POOL_LETTERS = 1 << 17
LINE_LETTERS = 70
LEAF_LETTERS = 24
CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def word(chance: random.Random, letters: int) -> str:
    """A word of about so many letters."""
    return "".join(PARTS[int(chance.random() * len(PARTS))] for _ in range(max(1, letters // 2)))


class Stem(NamedTuple):
    """Values that differ in a number alone: what stands before it, below what it lies, and what stands behind it."""

    head: str
    span: int
    tail: str

    def value(self, chance: random.Random) -> str:
        """One of them."""
        return f"{self.head}{int(chance.random() * self.span)}{self.tail}"


def stem(chance: random.Random, look: str, letters: int) -> Stem:
    """Values that look like a path, a number, a code or other text, of about so many letters."""
    if look == "number":
        return Stem("", 10 ** min(9, max(1, letters)), "")
    if look == "code":
        digits = min(4, max(1, letters // 2))
        return Stem(word(chance, letters)[: max(1, letters - digits)].upper(), 10**digits, "")
    if look == "path":
        folders = "".join(word(chance, 10) + "/" for _ in range(max(1, letters // 12)))
        return Stem(folders + word(chance, 4), 10_000, ENDINGS[int(chance.random() * len(ENDINGS))])
    words = "".join(word(chance, chance.randrange(3, 12)) + " " for _ in range(max(1, letters // 8)))
    return Stem(words, 10_000, "")


class Filler:
    """A long text with tokens as dense as in real results, of which results take slices; safe inside JSON strings."""

    def __init__(self, tokens_per_kb: Mapping[str, float]) -> None:
        chance = random.Random("filler")
        kinds = sorted(tokens_per_kb)
        left = 1000 - sum(tokens_per_kb[kind] * _LETTERS[kind] for kind in kinds)
        weights = [*(tokens_per_kb[kind] for kind in kinds), max(20.0, left / 6)]
        lines: list[str] = []
        size = 0
        while size < POOL_LETTERS:
            line = " ".join(_token(chance, kind) for kind in chance.choices([*kinds, "word"], weights, k=9))[:LINE_LETTERS]  # fmt: skip  # noqa: E501
            lines.append(line)
            size += len(line) + 1
        self._text = "\n".join(lines)
        self._last = len(self._text)

    def text(self, chance: random.Random, letters: int) -> str:
        """So many letters, as they stand in a JSON string."""
        if letters > self._last // 2:
            return (self._text * (letters // self._last + 1))[:letters].replace("\n", "\\n")
        at = int(chance.random() * (self._last - letters))
        return self._text[at : at + letters].replace("\n", "\\n")


_LETTERS = {"path": 24, "number": 4, "code": 8, "camel": 12, "dashed": 10, "name": 7, "date": 11, "quoted": 10}


def _token(chance: random.Random, kind: str) -> str:
    if kind == "number":
        return str(chance.randrange(1000))
    if kind == "path":
        return stem(chance, "path", 20).value(chance)
    if kind == "code":
        return f"{word(chance, 4)}_{chance.randrange(100)}"
    if kind == "camel":
        return word(chance, 5) + word(chance, 5).capitalize()
    if kind == "dashed":
        return f"{word(chance, 4)}-{word(chance, 4)}"
    if kind == "name":
        return word(chance, 6).capitalize()
    if kind == "date":
        return f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    return f"'{word(chance, 8)}'" if kind == "quoted" else word(chance, chance.randrange(2, 9))


class Leaves:
    """The fields that fill JSON results, of which results take some in a row; quotes are escaped already."""

    def __init__(self) -> None:
        chance = random.Random("leaves")
        made, self._ends, size = [], [0], 0
        while size < POOL_LETTERS:
            name = f"{word(chance, 6)}_{word(chance, 4)}"
            content = str(chance.randrange(500)) if chance.random() < 0.4 else f'\\"{_leaf(chance)}\\"'
            leaf = f'\\"{name}\\":{content},'
            size += len(leaf)
            made.append(leaf)
            self._ends.append(size)
        self._text = "".join(made)

    def text(self, chance: random.Random, letters: int) -> str:
        """Whole fields of about so many letters, each with a comma behind it."""
        at = int(chance.random() * (len(self._ends) // 2))
        end = bisect_right(self._ends, self._ends[at] + letters) - 1
        return self._text[self._ends[at] : self._ends[max(at, end)]]


def _leaf(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return "".join(chance.choices(CAPITALS, k=3)) + str(chance.randrange(1000))
    return word(chance, 8).capitalize()


def names(count: int, verbs: Sequence[str], things: Sequence[str]) -> list[str]:
    """Names of tools: verb and thing, each pair once, in a fixed order."""
    return [f"{verbs[at % len(verbs)]}_{things[at % len(things)]}" for at in range(count)]
