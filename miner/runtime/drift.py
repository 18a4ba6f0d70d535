"""Whether live precision still keeps what the bundle promised: a test that may be looked at after every decision.

At each decision the promise is that, of the calls predicted with probabilities p1 … pn, at least ``tolerance`` times
their sum is asked for on average. A gambler who bets against that promise multiplies their wealth by
``1 + stake * (promised - asked) / n``. While the promise holds, the wealth is a supermartingale, so the chance that
it ever reaches ``1 / alpha`` is at most ``alpha`` however long one looks (Ville's inequality). Wealth is averaged over
a few stakes, which keeps this true and needs no tuning.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

_STAKES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(slots=True)
class Wealth:
    """One gambler's evidence against one promise, as logarithms per stake."""

    decisions: int = 0
    predicted: float = 0.0
    asked: int = 0
    logs: list[float] = field(default_factory=lambda: [0.0] * len(_STAKES))

    def bet(self, promised: float, asked: int, calls: int) -> None:
        """One decision with ``calls`` predictions, of which ``promised`` were due and ``asked`` were asked for."""
        self.decisions += 1
        self.predicted += promised
        self.asked += asked
        gain = (promised - asked) / calls
        for index, stake in enumerate(_STAKES):
            self.logs[index] += math.log1p(stake * gain)

    @property
    def log_value(self) -> float:
        """Logarithm of the wealth: the mean over the stakes."""
        top = max(self.logs)
        return top + math.log(sum(math.exp(log - top) for log in self.logs) / len(self.logs))


class Drift:
    """The promise of a whole bundle and of each of its patterns."""

    def __init__(self, tolerance: float = 0.8, alpha: float = 0.01, most_patterns: int = 10_000) -> None:
        self.overall = Wealth()
        self._tolerance = tolerance
        self._limit = -math.log(alpha)
        self._patterns: dict[int, Wealth] = {}
        self._most_patterns = most_patterns
        self._retired: set[int] = set()

    def settle(self, predictions: Iterable[tuple[int | None, float, bool]]) -> bool:
        """Takes in one decision as (pattern, probability, asked for); True when the bundle's promise is broken."""
        seen = [(pattern, probability * self._tolerance, asked) for pattern, probability, asked in predictions]
        if seen:
            self.overall.bet(sum(one[1] for one in seen), sum(one[2] for one in seen), len(seen))
        for pattern, promised, asked in seen:
            if pattern is not None and (pattern in self._patterns or len(self._patterns) < self._most_patterns):
                wealth = self._patterns.setdefault(pattern, Wealth())
                wealth.bet(promised, int(asked), 1)
                if wealth.log_value >= self._limit:
                    self._retired.add(pattern)
        return self.overall.log_value >= self._limit

    def is_retired(self, pattern: int | None) -> bool:
        """True for a pattern that broke its own promise."""
        return pattern in self._retired

    @property
    def retired(self) -> tuple[int, ...]:
        """The patterns that broke their own promise, for the next mining run to look at."""
        return tuple(sorted(self._retired))
