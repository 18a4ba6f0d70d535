"""Ranking: what is seen of a moment and of a candidate call, as named traits whose weights mining fitted.

Mining and the runtime call the same functions, so what was weighed is what is scored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

WORD = re.compile(r"[a-z']{2,}")
WORDS_FROM = 1_500
"""Characters of a message that are searched for telling words."""


def moment_traits(history: Sequence[tuple[str, str]]) -> list[str]:
    """What is seen of the moment: the last signatures, how many calls since the user spoke, how often they spoke."""
    last = history[-1] if history else ("^", "^")
    before = history[-2][0] if len(history) > 1 else "^"
    since = 0
    for coarse, _ in reversed(history):
        if coarse == "user" or since == 6:
            break
        since += 1
    turns = min(sum(coarse == "user" for coarse, _ in history[-60:]), 6)
    return [f"1 {last[1]}", f"2 {before}|{last[0]}", f"since {since}", f"turn {turns}"]


def word_traits(text: str) -> set[str]:
    """The distinct words of a message, as traits."""
    return {"word " + word for word in WORD.findall(text[:WORDS_FROM].lower())}


def level(share: float, floor: float = 1e-5) -> int:
    """A probability on a logarithmic scale, in half nats."""
    return round(2 * math.log(max(share, floor)))


def after_traits(history: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The beginnings of the traits that say after what a tool would be called; its name completes them."""
    last, before, *_ = moment_traits(history[-2:])
    return f"{last}|", f"{before}|"


def none_traits(share: float, after: tuple[str, str]) -> list[str]:
    """What is seen of "no call".

    Args:
        share: its chance among the tools.
        after: ``after_traits`` of the history.
    """
    return ["none", f"none {level(share, 1e-3)}", *after]


def candidate_traits(
    tool: str,
    form: int | None,
    joint: float,
    bound: float,
    tool_share: float,
    rank: int,
    repeats: int,
    since_repeat: int,
    followed: int,
    ages: Sequence[int],
    lately: int,
    bigram: int,
    fit: int,
) -> list[str]:
    """What is seen of a candidate call.

    Args:
        tool: its tool.
        form: its form, None for a call that only repeats an earlier one.
        joint: chance of the form times chance of its arguments.
        bound: chance of its arguments, given the form.
        tool_share: chance of the tool in these contexts.
        rank: its place by ``joint``.
        repeats: how often exactly this call was made in the session.
        since_repeat: events since the last time.
        followed: how often it followed the present last signature in this session.
        lately: calls of its tool among the last ones of the session.
        bigram: how often a call of its tool followed the present last tool in this session.
        fit: how well its bound values stand together, 1 to 3; 0 for a single one.
        ages: for each bound value, how new it is: 0 this moment, 1 just before, 2 recent, 3 old.
    """
    traits = [
        f"j{level(joint)}",
        f"b{level(bound, 1e-3) // 2}",
        f"t{level(tool_share, 1e-4) // 2}",
        f"T{tool}",
        f"r{min(rank, 6)}",
    ]
    if repeats:
        gap = (
            0
            if since_repeat == 0
            else 1
            if since_repeat < 3
            else 2
            if since_repeat < 8
            else 3
            if since_repeat < 20
            else 4
        )
        times = min(repeats, 3)
        traits += [
            f"R{times} {gap}",
            f"S{tool} {times > 1}",
            f"F{min(followed, 2)} {times}",
            f"G{tool} {min(followed, 2)}",
        ]
    else:
        traits.append(f"N{tool}")
    traits += (f"k{min(lately, 4)}", f"K{min(bigram, 4)}")
    if form is not None:
        traits.append(f"f{form}")
    if ages:
        low, high = min(ages), max(ages)
        traits += [f"a{low} {tool}", f"A{high} {tool}", f"x{low} {high}"]
    if fit:
        traits += [f"q{fit}", f"q{fit} {tool}"]
    return traits


def total(weights: Mapping[str, int], traits: Sequence[str]) -> int:
    """Sum of the weights of those traits that have one."""
    get = weights.get
    return sum(get(trait, 0) for trait in traits)
