"""Baseline: the tool by the one before it, with that tool's last-seen arguments: what shipping speculators do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from miner.events import Event, Session, SessionLog
from miner.mining.decisions import decisions
from miner.predictors._habits import USER, Habits, Recency, call_of, ranked, symbol_of
from miner.runtime.speculation import Speculation

_BACK_OFF = 2.0


class Predictor:
    """Bigram of tools; each tool with the arguments it had last, else with its commonest ones."""

    def __init__(self) -> None:
        self.habits = Habits()
        self._after: dict[str, Counter[str]] = defaultdict(Counter)
        self._seen = Counter[str]()
        self._overall: dict[str, float] = {}

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Count which tools follow which, per decision, and how often arguments repeat."""
        tools = Counter[str]()
        for number, log in enumerate(sessions):
            last, recency = USER, Recency()
            for decision in decisions(log):
                for event in decision.observed:
                    last = symbol_of(event) or last
                calls = [call for event in decision.calls if (call := call_of(event))]
                self._seen[last] += 1
                self._after[last].update({call.tool for call in calls})
                tools.update({call.tool for call in calls})
                for call in calls:
                    self.habits.learn(number, call, recency)
                for call in calls:
                    recency.add(call)
        self.habits.finish()
        total = max(1, sum(self._seen.values()))
        self._overall = {tool: count / total for tool, count in tools.most_common(50)}

    def start(self, session: Session) -> _Walk:  # noqa: ARG002 - the protocol hands it over
        """A fresh walk, as if a user had just spoken."""
        return _Walk(self)

    def chances(self, last: str) -> list[tuple[str, float]]:
        """Each tool with the chance that it is called after ``last``."""
        after, seen = self._after.get(last, Counter()), self._seen[last]
        tools = self._overall.keys() | after.keys()
        return [(tool, (after[tool] + _BACK_OFF * self._overall.get(tool, 0.0)) / (seen + _BACK_OFF)) for tool in tools]


class _Walk:
    def __init__(self, model: Predictor) -> None:
        self._model = model
        self._last = USER
        self._recency = Recency()

    def observe(self, event: Event) -> None:
        """Remember the last tool, and what it was called with."""
        self._last = symbol_of(event) or self._last
        if call := call_of(event):
            self._recency.add(call)

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The likeliest tools, one call each."""
        return ranked(self._model.chances(self._last), self._model.habits, self._recency, most, slots=1)
