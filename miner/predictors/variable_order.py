"""Baseline: tools by contexts of up to three earlier ones, mixed rather than chosen, with a cache of the session."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from miner.events import Event, Session, SessionLog, Status
from miner.mining.decisions import decisions
from miner.predictors._habits import USER, Call, Habits, Recency, call_of, ranked, symbol_of
from miner.runtime.speculation import Speculation

ORDER = 3
_CACHE = 0.1
"""Weight of what this session did so far."""
_COMMON = 50
"""Tools that are candidates in every context."""

Context = tuple[str, ...]


@dataclass(slots=True)
class _Outcomes:
    """What followed a context: decisions seen, and how many of them asked for each tool."""

    seen: int = 0
    tools: Counter[str] = field(default_factory=Counter)


class Predictor:
    """Witten-Bell interpolation of orders 0 to 3 over tools and how they ended, with a cache of the session."""

    def __init__(self) -> None:
        self.habits = Habits()
        self._outcomes: dict[Context, _Outcomes] = {}
        self._common: list[str] = []

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Count what followed each context, per decision."""
        for number, log in enumerate(sessions):
            walk = self.start(log.session)
            for decision in decisions(log):
                for event in decision.observed:
                    walk.observe(event)
                calls = [call for event in decision.calls if (call := call_of(event))]
                self._count(walk.context, {call.tool for call in calls})
                for call in calls:
                    self.habits.learn(number, call, walk.recency)
        self.habits.finish()
        overall = self._outcomes.get((), _Outcomes()).tools
        self._common = [tool for tool, _ in sorted(overall.items(), key=lambda item: (-item[1], item[0]))[:_COMMON]]

    def start(self, session: Session) -> Walk:  # noqa: ARG002 - the protocol hands it over
        """A fresh walk, as if a user had just spoken."""
        return Walk(self)

    def chances(self, context: Context, cache: Counter[str]) -> list[tuple[str, float]]:
        """Each tool that may come with its chance at a decision after this context."""
        found = [self._outcomes.get(context[start:]) for start in range(len(context), -1, -1)]
        levels = [level for level in found if level is not None]
        tools = set(self._common).union(cache, *(level.tools for level in levels[1:]))
        total = sum(cache.values())
        chances = []
        for tool in sorted(tools):
            chance = 0.0
            for level in levels:
                kinds = len(level.tools) + 1
                chance = (level.tools[tool] + kinds * chance) / (level.seen + kinds)
            if total:
                chance = (1 - _CACHE) * chance + _CACHE * cache[tool] / total
            chances.append((tool, chance))
        return chances

    def _count(self, context: Context, tools: set[str]) -> None:
        for start in range(len(context) + 1):
            outcomes = self._outcomes.setdefault(context[start:], _Outcomes())
            outcomes.seen += 1
            outcomes.tools.update(tools)


class Walk:
    """The last symbols of a session and its latest calls."""

    def __init__(self, model: Predictor) -> None:
        self._model = model
        self._last = deque([USER], ORDER)
        self._tools = Counter[str]()
        self.recency = Recency()

    @property
    def context(self) -> Context:
        """The latest symbols, oldest first."""
        return tuple(self._last)

    def observe(self, event: Event) -> None:
        """Remember how a tool ended, or that a user spoke."""
        symbol = symbol_of(event)
        if symbol is None:
            return
        failed = event.status not in (None, Status.OK, Status.UNKNOWN)
        self._last.append(f"{symbol}!" if failed else symbol)
        call: Call | None = call_of(event)
        if call is not None:
            self._tools[call.tool] += 1
            self.recency.add(call)

    def chances(self) -> list[tuple[str, float]]:
        """Each tool that may come, with its chance."""
        return self._model.chances(self.context, self._tools)

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The likeliest tools with the arguments that their habits suggest."""
        return ranked(self.chances(), self._model.habits, self.recency, most)
