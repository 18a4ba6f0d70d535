"""Which tool comes next: a conditional logit over the tools that contexts allow, "no call" among them.

Contexts know what usually follows. The last messages, the moment and the session so far say what of it is meant this
time: their chances take the place of the shares that contexts give the tools, so the forms that are filled are those
of the tools that are likely now. Mining and the runtime call the same functions.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from .forms import Form
from .ranking import WORD, WORDS_FROM, level, total

NO_TOOL = ""
"""Stands for "no call" among the tools."""
NAME_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
STEM = 5
"""Letters by which words are compared: cancel, cancelling and cancellation mean one thing."""
SHORTEST = 4
"""Shorter words of a message name no tool."""


def stems(text: str) -> set[str]:
    """The beginnings of the words of a message that may name a tool."""
    return {word[:STEM] for word in WORD.findall(text[:WORDS_FROM].lower()) if len(word) >= SHORTEST}


class ToolNames:
    """The words that tools are named with."""

    def __init__(self, tools: Iterable[str]) -> None:
        self._words = {tool: {word.lower()[:STEM] for word in NAME_WORD.findall(tool)} for tool in tools}
        held = Counter(word for words in self._words.values() for word in words)
        self._own = {tool: {word for word in words if held[word] == 1} for tool, words in self._words.items()}

    def named(self, tool: str, message: Collection[str]) -> int:
        """How a message names a tool: 2 by a word that no other tool has, 1 by a shared one, 0 not at all.

        Args:
            tool: its name.
            message: ``stems`` of the message.
        """
        words = self._words.get(tool)
        if not message or not words or words.isdisjoint(message):
            return 0
        return 1 if self._own[tool].isdisjoint(message) else 2


def tool_shares(forms: Sequence[Form], outcomes: Mapping[int, float]) -> dict[str, float]:
    """The share of each tool, and of ``NO_TOOL``, among outcomes: forms by number, negative for no call."""
    found = {NO_TOOL: 0.0}
    for outcome, share in outcomes.items():
        tool = forms[outcome].tool if outcome >= 0 else NO_TOOL
        found[tool] = found.get(tool, 0.0) + share
    return found


def tool_traits(tool: str, share: float, named: str, lately: int, bigram: int, made: bool) -> list[str]:
    """What is seen of a tool as the next one.

    Args:
        tool: its name, or ``NO_TOOL``.
        share: what contexts give it.
        named: how the last messages name it.
        lately: calls of it among the last ones of the session.
        bigram: how often a call of it followed the present last tool in this session.
        made: whether the session called it before.
    """
    if tool == NO_TOOL:
        return [f"none {level(share, 1e-3)}"]
    return [
        f"t{level(share, 1e-4)}",
        named,
        f"{named} {tool}",
        f"T{tool}",
        f"k{min(lately, 3)}",
        f"K{min(bigram, 3)}",
        f"m{made}",
        f"m{made} {tool}",
    ]


def tool_chances(
    options: Mapping[str, Sequence[str]],
    moment: Iterable[str],
    weights: Mapping[str, int],
    state_weights: Mapping[str, Mapping[str, int]],
) -> dict[str, float]:
    """The probability of each tool.

    Args:
        options: tool -> its traits.
        moment: traits of the moment.
        weights: trait of a tool -> weight, in thousandths.
        state_weights: trait of the moment -> tool -> weight.
    """
    scores = {tool: total(weights, traits) for tool, traits in options.items()}
    for trait in moment:
        for tool, weight in state_weights.get(trait, {}).items():
            if tool in scores:
                scores[tool] += weight
    highest = max(scores.values())
    powers = {tool: math.exp((score - highest) / 1000) for tool, score in scores.items()}
    whole = sum(powers.values())
    return {tool: power / whole for tool, power in powers.items()}
