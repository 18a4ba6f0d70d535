"""Walk held-out sessions: at each decision let a predictor rank calls, then reveal what was asked for."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from miner.errors import MinerError
from miner.evaluation.metrics import Calls, Decisions, Guesses, Table
from miner.evaluation.serving import Serves
from miner.evaluation.times import CAP_S, seconds_of
from miner.events import Event, SessionLog
from miner.mining.decisions import decisions
from miner.predictors import Predictor, Walk
from miner.runtime.canonical import call_identity
from miner.runtime.speculation import Speculation

MOST = 5
"""Predictions asked for at each decision."""

Ignored = Mapping[str, tuple[str, ...]]
"""Tool -> names of arguments that are declared not to change its result."""


@runtime_checkable
class Reach(Protocol):
    """A walk that knows what it could have produced, likely or not."""

    def reaches(self, call: Event) -> bool:
        """Whether the call's arguments could have been known."""
        ...


@runtime_checkable
class Foresight(Reach, Protocol):
    """A walk that is told what comes, for upper bounds only."""

    def reveal(self, calls: Sequence[Event]) -> None:
        """What will be asked for at this decision."""
        ...

    def known_since(self, call: Event) -> int | None:
        """The first decision at which they could have been; None when they could not."""
        ...


class Asked(NamedTuple):
    """A call the model asked for."""

    event: Event
    tool: str
    identity: str | None
    """None when its arguments are no JSON object: nothing can equal it."""
    seconds: float | None


class Moment(NamedTuple):
    """A decision, made ready once for all predictors."""

    observed: tuple[Event, ...]
    asked: tuple[Asked, ...]


def moments(log: SessionLog, cap_s: float = CAP_S, ignored: Ignored | None = None) -> list[Moment]:
    """The decisions of a session with the identities of the calls they ended in."""
    return [
        Moment(
            decision.observed,
            tuple(
                Asked(event, event.tool or "", identity_of(event, ignored), seconds_of(event, cap_s)[0])
                for event in decision.calls
            ),
        )
        for decision in decisions(log)
    ]


def identity_of(event: Event, ignored: Ignored | None = None) -> str | None:
    """The identity of a logged call; None when its arguments are no JSON that a call can have."""
    if not event.arguments_ok:
        return None
    try:
        arguments = json.loads(event.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return _identity(event.tool or "", arguments, ignored) if isinstance(arguments, dict) else None


def _identity(tool: str, arguments: dict[str, Any], ignored: Ignored | None) -> str | None:
    """What two calls must have in common to be the same; None when no call can have these arguments."""
    if ignored and tool in ignored:
        arguments = {name: value for name, value in arguments.items() if name not in ignored[tool]}
    try:
        return call_identity(tool, arguments)
    except (ValueError, TypeError, RecursionError):
        return None


class Scores:
    """Collects the outcomes of one predictor."""

    def __init__(self, name: str, ignored: Ignored | None = None) -> None:
        self.name = name
        self._serves: Serves | None = None
        self._ignored = ignored
        self._calls, self._guesses, self._decisions = Calls(), Guesses(), Decisions()
        self._sessions = 0

    def add(
        self, predictor: Predictor, log: SessionLog, session: Sequence[Moment], serves: Serves | None = None
    ) -> None:
        """Walk one session and keep what happened; ``serves`` says which calls a prediction answers besides its own."""
        self._serves = serves
        walk = predictor.start(log.session)
        for position, moment in enumerate(session):
            for event in moment.observed:
                walk.observe(event)
            if isinstance(walk, Foresight):
                walk.reveal([asked.event for asked in moment.asked])
            began = time.perf_counter_ns()
            predicted = walk.predict(MOST)
            took = time.perf_counter_ns() - began
            self._keep(position, moment.asked, self._checked(predicted), took / 1e3, walk)
        self._sessions += 1

    def table(self) -> Table:
        """Everything so far, as arrays."""
        return Table(self._calls, self._guesses, self._decisions, self._sessions)

    def _checked(self, predicted: Sequence[Speculation]) -> list[tuple[Speculation, str | None]]:
        """Predictions for this decision with their identities; later steps of a beam are not for this decision."""
        found: dict[object, tuple[Speculation, str | None]] = {}
        for guess in predicted:
            if guess.after is not None:
                continue
            if not (math.isfinite(guess.probability) and 0 <= guess.probability <= 1):
                raise MinerError(
                    f"the predictor {self.name} gave a probability that is none: {guess.probability}",
                    next_step="a probability lies between 0 and 1",
                )
            identity = _identity(guess.tool, guess.arguments, self._ignored)
            found.setdefault(identity if identity is not None else object(), (guess, identity))
        return list(found.values())[:MOST]

    def _keep(
        self,
        position: int,
        asked: Sequence[Asked],
        guesses: Sequence[tuple[Speculation, str | None]],
        predict_us: float,
        walk: Walk,
    ) -> None:
        number = self._sessions
        rank = {identity: place for place, (_, identity) in enumerate(guesses, 1) if identity is not None}
        tool_rank: dict[str, int] = {}
        for guess, _ in guesses:
            tool_rank.setdefault(guess.tool, len(tool_rank) + 1)
        wanted = {call.identity for call in asked if call.identity is not None}
        decided, made, calls = self._decisions, self._guesses, self._calls
        decided.session.append(number)
        decided.position.append(position)
        decided.best.append(max((guess.probability for guess, _ in guesses), default=-1.0))
        decided.predict_us.append(predict_us)
        for guess, identity in guesses:
            made.session.append(number)
            made.tool.append(guess.tool)
            made.position.append(position)
            made.chance.append(guess.probability)
            made.right.append(identity in wanted if identity is not None else 0)
        others = [place for identity, place in rank.items() if identity in wanted]
        for call in asked:
            place = rank.get(call.identity, 0) if call.identity is not None else 0
            calls.session.append(number)
            calls.tool.append(call.tool)
            calls.position.append(position)
            calls.rank.append(place)
            calls.filtered_rank.append(place - sum(1 for right in others if right < place) if place else 0)
            calls.tool_rank.append(tool_rank.get(call.tool, 0))
            calls.served_rank.append(self._served(call.event, guesses, place))
            calls.chance.append(guesses[place - 1][0].probability if place else -1.0)
            calls.bare.append(int(call.event.arguments in (None, "{}")))
            calls.seconds.append(math.nan if call.seconds is None else call.seconds)
            calls.reachable.append(int(walk.reaches(call.event)) if isinstance(walk, Reach) else -1)

    def _served(self, call: Event, guesses: Sequence[tuple[Speculation, str | None]], place: int) -> int:
        """The first place that answers a call, exactly or by a serving rule."""
        if self._serves is None or place == 1:
            return place
        for served, (guess, _) in enumerate(guesses, 1):
            if served == place or self._serves(guess, call):
                return served
        return 0
