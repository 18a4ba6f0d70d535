"""What the baselines share: how a tool's arguments tend to repeat, in training and within a session."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from miner.events import Event, EventKind
from miner.mining.decisions import is_asked_for
from miner.runtime.canonical import call_identity
from miner.runtime.speculation import Speculation

USER = "\x00user"
"""The context symbol of a user message; no tool can have this name."""
RECENT = 3
CONSTANTS = 3
_PRIOR = 2.0
"""Pseudo-trials with no success: an untested habit is not trusted."""


class Call(NamedTuple):
    """A call as the baselines see it."""

    tool: str
    arguments: dict[str, Any]
    identity: str


def call_of(event: Event) -> Call | None:
    """The call an event holds; None for other events and for arguments that are no JSON object."""
    if not is_asked_for(event) or event.tool is None:
        return None
    try:
        arguments = json.loads(event.arguments or "{}")
        if not isinstance(arguments, dict):
            return None
        return Call(event.tool, arguments, call_identity(event.tool, arguments))
    except (ValueError, TypeError, RecursionError):
        return None


def symbol_of(event: Event) -> str | None:
    """What a context sees of an event: a tool's name, a user message, or nothing."""
    if event.kind is EventKind.USER_MESSAGE:
        return USER
    return event.tool if is_asked_for(event) else None


class Recency:
    """The distinct calls of one session, per tool, latest first."""

    def __init__(self) -> None:
        self._calls: dict[str, list[Call]] = {}

    def add(self, call: Call) -> None:
        """Move a call to the front."""
        calls = self._calls.setdefault(call.tool, [])
        calls[:] = [call, *(other for other in calls if other.identity != call.identity)][:RECENT]

    def of(self, tool: str) -> Sequence[Call]:
        """The latest distinct calls of a tool."""
        return self._calls.get(tool, ())

    def tools(self) -> Iterable[str]:
        """The tools called so far."""
        return self._calls


class _Constant:
    """One argument set as training saw it; its text is kept only once a second session has shown it."""

    __slots__ = ("arguments", "calls", "last_session", "sessions")

    def __init__(self) -> None:
        self.calls = 0
        self.sessions = 0
        self.last_session = -1
        self.arguments: dict[str, Any] | None = None


class _ToolHabits:
    __slots__ = ("calls", "constants", "right", "top", "tried")

    def __init__(self) -> None:
        self.calls = 0
        self.tried = [0] * RECENT
        self.right = [0] * RECENT
        self.constants: dict[bytes, _Constant] = {}
        self.top: list[tuple[float, Call]] = []


class Habits:
    """How often each tool is called again with its latest, second latest … arguments, or with a known constant."""

    def __init__(self) -> None:
        self._tools: dict[str, _ToolHabits] = {}

    def learn(self, session: int, call: Call, recency: Recency) -> None:
        """Count one training call, before ``recency`` takes it in."""
        habits = self._tools.setdefault(call.tool, _ToolHabits())
        habits.calls += 1
        for slot, earlier in enumerate(recency.of(call.tool)):
            habits.tried[slot] += 1
            habits.right[slot] += earlier.identity == call.identity
        digest = hashlib.blake2b(call.identity.encode("utf-8", "replace"), digest_size=12).digest()
        constant = habits.constants.setdefault(digest, _Constant())
        constant.calls += 1
        if constant.last_session != session:
            constant.last_session = session
            constant.sessions += 1
            if constant.sessions == 2:
                constant.arguments = call.arguments

    def finish(self) -> None:
        """Rank each tool's constants and forget the rest."""
        for tool, habits in self._tools.items():
            ranked = []
            for constant in habits.constants.values():
                if constant.arguments is None:
                    continue
                # Leaving one session out: what the other sessions would have promised it.
                share = constant.calls * (1 - 1 / constant.sessions) / (habits.calls + _PRIOR)
                ranked.append((share, Call(tool, constant.arguments, call_identity(tool, constant.arguments))))
            ranked.sort(key=lambda item: (-item[0], item[1].identity))
            habits.top = ranked[:CONSTANTS]
            habits.constants.clear()

    def choices(self, tool: str, recency: Recency, slots: int = RECENT) -> list[tuple[float, Call]]:
        """Calls of a tool that may come, each with its chance given that the tool is called; best first."""
        habits = self._tools.get(tool)
        best: dict[str, tuple[float, Call]] = {}
        for slot, call in enumerate(recency.of(tool)[:slots]):
            right, tried = (habits.right[slot], habits.tried[slot]) if habits else (0, 0)
            best[call.identity] = ((right + 0.5) / (tried + _PRIOR), call)
        for share, call in habits.top[:slots] if habits else ():
            known = best.get(call.identity)
            best[call.identity] = (max(share, known[0]) if known else share, call)
        return sorted(best.values(), key=lambda item: (-item[0], item[1].identity))


def ranked(
    chances: Iterable[tuple[str, float]], habits: Habits, recency: Recency, most: int, slots: int = RECENT
) -> list[Speculation]:
    """The likeliest calls when tools have these chances and arguments follow their habits."""
    found = [
        (chance * share, call)
        for tool, chance in chances
        for share, call in habits.choices(tool, recency, slots)[:slots]
    ]
    found.sort(key=lambda item: (-item[0], item[1].identity))
    return [Speculation(call.tool, call.arguments, min(1.0, chance)) for chance, call in found[:most]]
