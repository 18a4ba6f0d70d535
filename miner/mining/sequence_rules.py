"""What follows a context: rules over frequent sequences, kept only where they say more than a shorter context does.

A rule's figures count places, not sessions: of all the places where the context has just ended, at how many the
consequent is the very next step (``next``), or comes at some later place of the session (``later``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_limits import SequenceLimits
from miner.mining.sequences import MinedSequences, SequencePattern, mine_sequences
from miner.mining.wilson import wilson

When = Literal["next", "later"]
Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SequenceRule:
    """After ``context``, ``consequent`` follows."""

    context: Steps
    consequent: str
    when: When
    confidence: float
    """Share of the places where the context has just ended at which the consequent follows."""
    low: float
    """Wilson's 95 % interval of the confidence."""
    high: float
    lift: float
    """Confidence over the share of all places at which the consequent follows."""
    occurrences: int
    """Places where the context has just ended."""
    sessions: int
    """Sessions in which the rule held at least once."""


@dataclass(slots=True)
class _Tally:
    """What was seen after one context."""

    places: int = 0
    following: Counter[int] = field(default_factory=Counter)
    holding: Counter[int] = field(default_factory=Counter)


def rules_beside(mined: MinedSequences, *, max_context: int = 3, most: int = 300) -> list[SequenceRule]:
    """What follows the most frequent contexts, under the threshold, gap and filters of what was mined.

    The contexts are all frequent sequences of few steps, whatever kind and length of pattern was asked for.
    """
    limits = mined.limits
    wanted = SequenceLimits(min_sessions=mined.least, max_gap=limits.max_gap, max_length=max_context, top=most)
    contexts = mine_sequences(mined.database, wanted).patterns
    rules = rules_of(
        contexts, mined.database, max_gap=limits.max_gap, max_context=max_context, min_sessions=mined.least
    )
    passes = limits.filter()
    return [rule for rule in rules if passes((*rule.context, rule.consequent))]


def rules_of(
    patterns: Iterable[SequencePattern],
    database: SequenceDatabase,
    *,
    max_gap: int | None = 0,
    max_context: int = 3,
    min_confidence: float = 0.1,
    min_sessions: int = 1,
) -> list[SequenceRule]:
    """The rules of every pattern as context, strongest first.

    A rule is left out when the context without its first step already has a confidence inside this rule's interval.
    """
    number = {name: index for index, name in enumerate(database.names)}
    contexts = sorted({pattern.steps for pattern in patterns if len(pattern.steps) <= max_context})
    shorter = {context[start:] for context in contexts for start in range(1, len(context) + 1)}
    wanted = [tuple(number[step] for step in context) for context in sorted({*contexts, *shorter})]
    rules: list[SequenceRule] = []
    whens: tuple[When, ...] = ("next", "later")
    for when in whens:
        tallies = _count(wanted, database, max_gap, when)
        for context in contexts:
            rules += _rules(context, number, tallies, database, when, min_confidence, min_sessions)
    return sorted(
        rules, key=lambda rule: (rule.when == "later", -rule.low, -rule.sessions, rule.context, rule.consequent)
    )


def _rules(
    context: Steps,
    number: dict[str, int],
    tallies: dict[tuple[int, ...], _Tally],
    database: SequenceDatabase,
    when: When,
    min_confidence: float,
    min_sessions: int,
) -> list[SequenceRule]:
    """The rules of one context that hold often enough and say more than its shorter ones."""
    key = tuple(number[step] for step in context)
    tally, base = tallies[key], tallies[()]
    found = []
    for item, hits in sorted(tally.following.items()):
        confidence = hits / tally.places
        low, high = wilson(hits, tally.places)
        if confidence < min_confidence or tally.holding[item] < min_sessions:
            continue
        if any(low <= _confidence(tallies[key[start:]], item) <= high for start in range(1, len(key) + 1)):
            continue
        lift = confidence / _confidence(base, item)
        found.append(
            SequenceRule(
                context, database.names[item], when, confidence, low, high, lift, tally.places, tally.holding[item]
            )
        )
    return found


def _confidence(tally: _Tally, item: int) -> float:
    return tally.following[item] / tally.places if tally.places else 0.0


def _count(
    contexts: list[tuple[int, ...]], database: SequenceDatabase, max_gap: int | None, when: When
) -> dict[tuple[int, ...], _Tally]:
    """What follows each context, in one pass over the sessions; the empty context ends at every place."""
    by_last: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for context in contexts:
        if context:
            by_last[context[-1]].append(context)
    tallies = {context: _Tally() for context in [*contexts, ()]}
    bounds = database.offsets.tolist()
    for low, high in pairwise(bounds):
        items = database.items[low:high].tolist()
        followers = _followers(items, when)
        held: set[tuple[tuple[int, ...], int]] = set()
        for place, item in enumerate(items):
            for context in [(), *by_last[item]]:
                if not _ends_at(items, place, context, max_gap):
                    continue
                tally = tallies[context]
                tally.places += 1
                tally.following.update(followers[place])
                held.update((context, follower) for follower in followers[place])
        for context, follower in held:
            tallies[context].holding[follower] += 1
    return tallies


def _followers(items: list[int], when: When) -> list[tuple[int, ...]]:
    """For each place what follows it: the one next item, or every item that comes later."""
    if when == "next":
        return [*((item,) for item in items[1:]), ()] if items else []
    found: list[tuple[int, ...]] = []
    later: frozenset[int] = frozenset()
    for item in reversed(items):
        found.append(tuple(later))
        if item not in later:
            later |= {item}
    return found[::-1]


def _ends_at(items: list[int], place: int, context: tuple[int, ...], max_gap: int | None) -> bool:
    """True when a match of the context ends at a place."""
    if not context:
        return True
    reach = [place]
    for step in reversed(context[:-1]):
        if max_gap is None:
            earlier = reach[-1] - 1
            while earlier >= 0 and items[earlier] != step:
                earlier -= 1
            reach = [earlier] if earlier >= 0 else []
        else:
            near = {at for end in reach for at in range(max(0, end - 1 - max_gap), end)}
            reach = [at for at in near if items[at] == step]
        if not reach:
            return False
    return True
