"""Habits of one session: calls that come again, what follows what, and the rhythm in which a tool is called."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from .canonical import call_identity
from .overlay import Overlay
from .ranking import level
from .succession import state, step, take

REPEATS = 4
"""Calls of each kind that may come again: those that followed this moment, the usual, the latest."""
LATELY = 8
"""Calls that count as the latest ones of a session."""
STEPPING_TOOLS = 6
STEPS = 2
"""Steps that a tool may take, at most."""
HALF = 0.4
Successions = Mapping[str, Mapping[str, int]]


class Often:
    """How often each of many keys came, and the few that came most often, kept ready in their order."""

    __slots__ = ("best", "counts", "whole")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.best: list[str] = []
        self.whole = 0

    def add(self, key: str, *, ranked: bool = True) -> None:
        """Once more. Counts only grow, so no key but this one can enter the best."""
        counts, best = self.counts, self.best
        counts[key] = counts.get(key, 0) + 1
        self.whole += 1
        if ranked:
            if key not in best:
                best.append(key)
            best.sort(key=lambda one: (-counts[one], one))
            del best[REPEATS:]

    def copy(self) -> Often:
        """Another one that goes on from here."""
        other = Often()
        other.counts, other.best, other.whole = dict(self.counts), list(self.best), self.whole
        return other


_NEVER = Often()


class NextStep(NamedTuple):
    """A call that continues the rhythm of a tool."""

    identity: str
    tool: str
    arguments: dict[str, Any]
    traits: list[str]


class Habits:
    """What one session does again.

    Args:
        successions: the steps that the logs know: state -> step -> how often.
    """

    def __init__(self, successions: Successions) -> None:
        self._successions = successions
        self._followed: dict[str, Often] = {}
        """Last fine signature -> the calls that followed it."""
        self._bigrams: dict[str, dict[str, int]] = {}
        self._arguments: dict[str, tuple[str, dict[str, Any]]] = {}
        self._made = Often()
        self._lately: deque[str] = deque(maxlen=LATELY)
        self._latest: dict[str, dict[str, Any]] = {}
        self._steps: dict[str, Often] = {}
        """State of a tool -> the steps taken from it; those that the logs do not know are ranked."""
        self._next: dict[str, list[NextStep]] = {}
        """Tool -> the calls that continue its rhythm, worked out when first asked for; its next call changes them."""

    def note(self, tool: str, arguments: dict[str, Any], identity: str, last: tuple[str, str]) -> None:
        """A call was made after the events whose coarse and fine signature is ``last``."""
        coarse, fine = last
        self._arguments[identity] = tool, arguments
        self._made.add(identity)
        self._lately.append(tool)
        self._followed.setdefault(fine, Often()).add(identity)
        bigrams = self._bigrams.setdefault(coarse, {})
        bigrams[tool] = bigrams.get(tool, 0) + 1
        before = self._latest.pop(tool, None)
        taken = step(before, arguments) if before is not None else None
        if before is not None and taken is not None:
            at = state(tool, before)
            known = self._steps.setdefault(at, Often())
            known.add(taken, ranked=taken not in self._successions.get(at, ()))
        self._latest[tool] = arguments
        self._next.pop(tool, None)

    def followed(self, last: tuple[str, str]) -> Mapping[str, int]:
        """Identity -> how often that call followed such a moment."""
        return self._followed.get(last[1], _NEVER).counts

    def lately(self) -> dict[str, int]:
        """Tool -> calls of it among the latest ones."""
        found: dict[str, int] = {}
        for tool in self._lately:
            found[tool] = found.get(tool, 0) + 1
        return found

    def made_of(self, tool: str) -> bool:
        """Whether the tool was called in this session."""
        return tool in self._latest

    def tools_after(self, last: tuple[str, str]) -> Mapping[str, int]:
        """Tool -> how often a call of it followed the last tool."""
        return self._bigrams.get(last[0], {})

    def repeats(self, last: tuple[str, str], latest: list[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(identity, tool, arguments) of calls that may come again: after such a moment, the usual, the latest.

        Args:
            last: coarse and fine signature of what came last.
            latest: identities of the calls made last, newest last.
        """
        wanted = dict.fromkeys(self._followed.get(last[1], _NEVER).best)
        wanted.update(dict.fromkeys(one for one in self._made.best if self._made.counts[one] > 1))
        wanted.update(dict.fromkeys(reversed(latest[-REPEATS:])))
        for identity in wanted:
            yield identity, *self._arguments[identity]

    def next_steps(self) -> Iterator[NextStep]:
        """The calls that continue the rhythm of a tool, latest tool first."""
        for tool in islice(reversed(self._latest), STEPPING_TOOLS):
            steps = self._next.get(tool)
            if steps is None:
                steps = self._next[tool] = list(self._steps_of(tool, self._latest[tool]))
            yield from steps

    def _steps_of(self, tool: str, before: Mapping[str, Any]) -> Iterator[NextStep]:
        at = state(tool, before)
        learned, taken = self._successions.get(at, {}), self._steps.get(at, _NEVER)
        if not learned and not taken.whole:
            return
        own, learned_whole, own_whole = taken.counts, sum(learned.values()), taken.whole
        ranked = sorted([(-own.get(text, 0) - learned.get(text, 0) / 4, text) for text in {*learned, *taken.best}])
        for _, text in [one for one in ranked if one[1]][:STEPS]:
            arguments = take(text, before)
            if arguments is None:
                continue
            by_logs = learned.get(text, 0) / (learned_whole + 1)
            by_session = own.get(text, 0) / (own_whole + 1)
            traits = [
                f"l{level(by_logs, 0.02) // 2}",
                f"o{level(by_session, 0.02) // 2}",
                f"L{tool} {by_logs > HALF}",
                f"O{tool} {by_session > HALF}",
            ]
            yield NextStep(call_identity(tool, arguments), tool, arguments, traits)

    def branch(self) -> Habits:
        """Habits that go on from here, to be used before these change."""
        other = Habits(self._successions)
        other._followed = Overlay(self._followed, Often.copy)
        other._bigrams = Overlay(self._bigrams, dict)
        other._arguments = Overlay(self._arguments)
        other._made = self._made.copy()
        other._lately = self._lately.copy()
        other._latest = dict(self._latest)
        other._steps = Overlay(self._steps, Often.copy)
        other._next = dict(self._next)
        return other
