"""How long tools take and models think, as seen live: the last few of each, told as quantiles."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from .budget import Budget, Timing

_KEPT = 32
_QUANTILES = 5
_MOST_TOOLS = 1_000


class Seen:
    """The last durations of one thing."""

    __slots__ = ("_last", "_quantiles")

    def __init__(self, durations: Iterable[float] = ()) -> None:
        self._last: deque[float] = deque(durations, maxlen=_KEPT)
        self._quantiles: tuple[float, ...] | None = None

    def add(self, seconds: float) -> None:
        """One more; a duration below zero comes from a clock that jumped and says nothing."""
        if seconds >= 0.0:
            self._last.append(seconds)
            self._quantiles = None

    def quantiles(self, default: float) -> tuple[float, ...]:
        """The middles of equal parts of what was seen, or the default alone."""
        if self._quantiles is None:
            ordered = sorted(self._last)
            parts = min(_QUANTILES, len(ordered))
            middles = (ordered[(2 * part + 1) * len(ordered) // (2 * parts)] for part in range(parts))
            self._quantiles = tuple(middles)
        return self._quantiles or (default,)


class Durations:
    """What one speculator has seen, over all its sessions."""

    def __init__(self) -> None:
        self._tools: dict[str, Seen] = {}
        self._think = Seen()

    def tool_took(self, tool: str, seconds: float) -> None:
        """A run of a tool ended well after so long."""
        seen = self._tools.get(tool)
        if seen is None and len(self._tools) < _MOST_TOOLS:
            seen = self._tools[tool] = Seen()
        if seen is not None:
            seen.add(seconds)

    def model_took(self, seconds: float) -> None:
        """The model asked for its first call after so long."""
        self._think.add(seconds)

    def patience_s(self, tool: str, budget: Budget) -> float:
        """How long a run may take before it is taken to hang: well beyond anything seen."""
        seen = self._tools.get(tool)
        return max(budget.patience_s, 4.0 * max(seen.quantiles(0.0))) if seen else budget.patience_s

    def usual_s(self, tool: str, default: float) -> float:
        """How long half of a tool's runs take at most."""
        seen = self._tools.get(tool)
        quantiles = seen.quantiles(default) if seen else (default,)
        return quantiles[len(quantiles) // 2]

    def timing(self, tool: str, elapsed_s: float, budget: Budget, *, later_steps: int = 0) -> Timing:
        """What is known for a speculation of this tool; each later step gives the model time to think once more."""
        think = self._think.quantiles(budget.default_think_s)
        if later_steps:
            think = tuple(seconds * (1 + later_steps) for seconds in think)
        seen = self._tools.get(tool)
        service = seen.quantiles(budget.default_service_s) if seen else (budget.default_service_s,)
        return Timing(service, think, elapsed_s)
