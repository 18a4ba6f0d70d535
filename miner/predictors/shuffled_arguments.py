"""Control: the right machinery with unrelated arguments; what remains is what chance and constants alone give.

Tools and probabilities are those of another predictor; each call's arguments are replaced by those of a random
training call of the same tool. A score that does not collapse here does not come from predicting arguments.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, cast

from miner.events import Event, Session, SessionLog
from miner.mining.decisions import decisions
from miner.predictors import Predictor as AnyPredictor
from miner.predictors import Walk as AnyWalk
from miner.predictors._habits import call_of
from miner.predictors.variable_order import Predictor as VariableOrder
from miner.runtime.speculation import Speculation

_KEPT = 64
"""Training calls kept for each tool, drawn evenly."""
_LONGEST = 4096
"""Longer arguments are not kept: nobody guesses them either."""
_SEED = 7


class Predictor:
    """Wraps a predictor that has learnt; without one, the best of the simple ones, which it fits itself."""

    def __init__(self, base: AnyPredictor | None = None) -> None:
        self._own = VariableOrder() if base is None else None
        self._base: AnyPredictor = base if base is not None else cast("AnyPredictor", self._own)
        self._drawn: dict[str, list[str]] = {}

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Keep arguments to draw from."""
        drawn = self._draw_from(sessions)
        if self._own is not None:
            self._own.fit(drawn)
        else:
            deque(drawn, 0)

    def start(self, session: Session) -> _Walk:
        """A fresh walk; its draws depend on the session alone."""
        return _Walk(self._base.start(session), self._drawn, session.key)

    def _draw_from(self, sessions: Iterable[SessionLog]) -> Iterable[SessionLog]:
        """Pass sessions on, keeping an even sample of each tool's arguments."""
        draw, seen = random.Random(_SEED), dict[str, int]()
        for log in sessions:
            for decision in decisions(log):
                for event in decision.calls:
                    call = call_of(event)
                    if call is None or len(event.arguments or "") > _LONGEST:
                        continue
                    kept = self._drawn.setdefault(call.tool, [])
                    place = draw.randrange(seen.setdefault(call.tool, 0) + 1)
                    seen[call.tool] += 1
                    if len(kept) < _KEPT:
                        kept.append(event.arguments or "{}")
                    elif place < _KEPT:
                        kept[place] = event.arguments or "{}"
            yield log


class _Walk:
    def __init__(self, base: AnyWalk, drawn: dict[str, list[str]], seed: str) -> None:
        self._base = base
        self._drawn = drawn
        self._seed = seed
        self._observed = 0

    def observe(self, event: Event) -> None:
        """Pass it on."""
        self._observed += 1
        self._base.observe(event)

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The wrapped predictor's list with arguments drawn at random; a call drawn twice is kept once."""
        draw = random.Random(f"{self._seed}/{self._observed}")
        found: dict[str, Speculation] = {}
        for guess in self._base.predict(most):
            kept = self._drawn.get(guess.tool)
            arguments: dict[str, Any] = json.loads(draw.choice(kept)) if kept else {}
            shuffled = Speculation(guess.tool, arguments, guess.probability)
            found.setdefault(shuffled.identity, shuffled)
        return list(found.values())
