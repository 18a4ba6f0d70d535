"""Control: the session's latest distinct calls again, latest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from miner.events import Event, Session, SessionLog
from miner.mining.decisions import decisions
from miner.predictors._habits import Call, call_of
from miner.runtime.speculation import Speculation

_REMEMBERED = 10


class Predictor:
    """Learns only how often the n-th latest call comes again."""

    def __init__(self) -> None:
        self._chances = [0.0] * _REMEMBERED

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Count, for each place in the list, how often its call was asked for next."""
        tried, right = [0] * _REMEMBERED, [0] * _REMEMBERED
        for log in sessions:
            walk = _Walk(self._chances)
            for decision in decisions(log):
                for event in decision.observed:
                    walk.observe(event)
                asked = {call.identity for event in decision.calls if (call := call_of(event))}
                for place, call in enumerate(walk.latest):
                    tried[place] += 1
                    right[place] += call.identity in asked
        chances, floor = [(r + 0.5) / (n + 2) for r, n in zip(right, tried, strict=True)], 1.0
        for place, chance in enumerate(chances):
            # The list is in order of recency, and a list must not rise in probability.
            floor = chances[place] = min(floor, chance)
        self._chances = chances

    def start(self, session: Session) -> _Walk:  # noqa: ARG002 - the protocol hands it over
        """A fresh walk that has seen nothing."""
        return _Walk(self._chances)


class _Walk:
    def __init__(self, chances: Sequence[float]) -> None:
        self._chances = chances
        self.latest: list[Call] = []

    def observe(self, event: Event) -> None:
        """Move a call to the front."""
        call = call_of(event)
        if call is not None:
            others = [other for other in self.latest if other.identity != call.identity]
            self.latest = [call, *others][:_REMEMBERED]

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The latest calls."""
        pairs = zip(self.latest[:most], self._chances, strict=False)
        return [Speculation(call.tool, call.arguments, chance) for call, chance in pairs]
