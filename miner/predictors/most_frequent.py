"""Baseline: the calls that are commonest in training, whatever happened before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from miner.events import Event, Session, SessionLog
from miner.mining.decisions import decisions
from miner.predictors._habits import Habits, Recency, call_of, ranked
from miner.runtime.speculation import Speculation


class Predictor:
    """Always the same list."""

    def __init__(self) -> None:
        self._always: list[Speculation] = []

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Count tools per decision, and the argument sets that several sessions share."""
        habits, tools, total, nothing = Habits(), Counter[str](), 0, Recency()
        for number, log in enumerate(sessions):
            for decision in decisions(log):
                total += 1
                calls = [call for event in decision.calls if (call := call_of(event))]
                tools.update({call.tool for call in calls})
                for call in calls:
                    habits.learn(number, call, nothing)
        habits.finish()
        self._always = ranked(((tool, n / total) for tool, n in tools.items()), habits, nothing, most=50)

    def start(self, session: Session) -> _Walk:  # noqa: ARG002 - the protocol hands it over
        """A fresh walk; the session makes no difference."""
        return _Walk(self._always)


class _Walk:
    def __init__(self, always: Sequence[Speculation]) -> None:
        self._always = always

    def observe(self, event: Event) -> None:
        """Nothing is learnt from it."""

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The commonest calls."""
        return self._always[:most]
