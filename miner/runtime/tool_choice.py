"""Which tool comes next: a conditional logit over the tools that contexts allow, "no call" among them.

Contexts know what usually follows. The last messages, the moment and the session so far say what of it is meant this
time: their chances take the place of the shares that contexts give the tools, so the forms that are filled are those
of the tools that are likely now. Mining and the runtime call the same functions.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .forms import Form
from .ranking import WORD, WORDS_FROM, total

NO_TOOL = ""
"""Stands for "no call" among the tools."""
NAME_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
STEM = 5
"""Letters by which words are compared: cancel, cancelling and cancellation mean one thing."""
SHORTEST = 4
"""Shorter words of a message name no tool."""
KNOWN_KEPT = 50_000
"""Things seen of tools whose score is kept ready; beyond, all are forgotten and added up again."""


def stems(text: str) -> set[str]:
    """The beginnings of the words of a message that may name a tool."""
    return {word[:STEM] for word in WORD.findall(text[:WORDS_FROM].lower()) if len(word) >= SHORTEST}


class ToolNames:
    """The words that tools are named with."""

    def __init__(self, tools: Iterable[str]) -> None:
        words = {tool: {word.lower()[:STEM] for word in NAME_WORD.findall(tool)} for tool in tools}
        held = Counter(word for each in words.values() for word in each)
        self._named: dict[str, list[tuple[str, int]]] = {}
        for tool, each in words.items():
            for word in each:
                self._named.setdefault(word, []).append((tool, 2 if held[word] == 1 else 1))

    def named(self, message: Iterable[str]) -> dict[str, int]:
        """The tools that a message names: 2 by a word that no other tool has, 1 by a shared one.

        Args:
            message: ``stems`` of the message.
        """
        found: dict[str, int] = {}
        for word in message:
            for tool, how in self._named.get(word, ()):
                if how > found.get(tool, 0):
                    found[tool] = how
        return found


class Seen(NamedTuple):
    """What is seen of a tool as the next one, on small scales."""

    tool: str
    """Its name, or ``NO_TOOL``."""
    share: int
    """What contexts give it, in half nats."""
    named: str = ""
    """How the last messages name it."""
    lately: int = 0
    """Calls of it among the last ones of the session."""
    bigram: int = 0
    """How often a call of it followed the present last tool in this session."""
    made: bool = False
    """Whether the session called it before."""

    def traits(self) -> list[str]:
        """The same as named traits."""
        tool, share, named, lately, bigram, made = self
        if tool == NO_TOOL:
            return [f"none {share}"]
        return [
            f"t{share}",
            named,
            f"{named} {tool}",
            f"T{tool}",
            f"k{lately}",
            f"K{bigram}",
            f"m{made}",
            f"m{made} {tool}",
        ]


def tool_shares(forms: Sequence[Form], outcomes: Mapping[int, float]) -> dict[str, float]:
    """The share of each tool, and of ``NO_TOOL``, among outcomes: forms by number, negative for no call."""
    found = {NO_TOOL: 0.0}
    for outcome, share in outcomes.items():
        tool = forms[outcome].tool if outcome >= 0 else NO_TOOL
        found[tool] = found.get(tool, 0.0) + share
    return found


class ToolChoice:
    """The choice among the tools of a pattern set, made ready.

    Args:
        tools: all of them.
        weights: trait of a tool -> weight, in thousandths.
        state_weights: trait of the moment -> tool -> weight.
    """

    def __init__(
        self, tools: Sequence[str], weights: Mapping[str, int], state_weights: Mapping[str, Mapping[str, int]]
    ) -> None:
        self.names = ToolNames(tools)
        self._weights = weights
        # A tool whose name was withheld has no name either, and is no call that could be predicted.
        self._places = {tool: place for place, tool in enumerate(dict.fromkeys((NO_TOOL, *tools)))}
        self._moments = {
            trait: [of_tools.get(tool, 0) for tool in self._places] for trait, of_tools in state_weights.items()
        }
        self._known: dict[Seen, int] = {}
        """What is seen -> its score: sessions see the same again and again."""

    def __bool__(self) -> bool:
        """Whether anything was weighed; else tools keep what contexts give them."""
        return bool(self._weights)

    def chances(self, options: Iterable[Seen], moment: Iterable[str]) -> dict[str, float]:
        """The probability of each tool.

        Args:
            options: what is seen of each.
            moment: traits of the moment.
        """
        moments, known, places = self._moments, self._known, self._places
        by_place = list(map(sum, zip(*(moments[trait] for trait in moment if trait in moments), strict=True)))
        scores = {}
        for seen in options:
            score = known.get(seen)
            if score is None:
                if len(known) >= KNOWN_KEPT:
                    known.clear()
                score = known[seen] = total(self._weights, seen.traits())
            scores[seen.tool] = score + by_place[places[seen.tool]] if by_place else score
        highest = max(scores.values())
        powers = {tool: math.exp((score - highest) / 1000) for tool, score in scores.items()}
        whole = sum(powers.values())
        return {tool: power / whole for tool, power in powers.items()}
