"""Baseline: a multinomial logistic regression over what a context shows, with arguments by their habits.

What a data scientist would build in an afternoon: the last three tools and how they ended, whether a user has just
spoken, how far the session is, and what it used most, one-hot; scikit-learn fits, NumPy predicts.
"""

from __future__ import annotations

import warnings
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

from miner.events import Event, Session, SessionLog, Status
from miner.mining.decisions import decisions
from miner.predictors._habits import USER, Habits, Recency, call_of, ranked, symbol_of
from miner.runtime.speculation import Speculation

_BACK = 3
_SILENCE = "\x00none"
"""The outcome of a decision at which nothing is called."""
_STEPS = (1, 2, 4, 8, 16, 32, 64)
_MOST_ITERATIONS = 60

Features = list[str]


class Predictor:
    """One linear model for the tool; ``Habits`` for its arguments."""

    def __init__(self) -> None:
        self.habits = Habits()
        self._columns: dict[str, int] = {}
        self._classes: list[str] = []
        self._weights: Any = None
        self._offsets: Any = None

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Collect one row for each decision and tool asked for there, and fit."""
        rows: list[Features] = []
        outcomes: list[str] = []
        shares: list[float] = []
        for number, log in enumerate(sessions):
            walk = self.start(log.session)
            for decision in decisions(log):
                for event in decision.observed:
                    walk.observe(event)
                calls = [call for event in decision.calls if (call := call_of(event))]
                tools = sorted({call.tool for call in calls}) or [_SILENCE]
                features = walk.features()
                rows += [features] * len(tools)
                outcomes += tools
                shares += [1 / len(tools)] * len(tools)
                for call in calls:
                    self.habits.learn(number, call, walk.recency)
        self.habits.finish()
        self._learn(rows, outcomes, shares)

    def start(self, session: Session) -> _Walk:  # noqa: ARG002 - the protocol hands it over
        """A fresh walk, as if a user had just spoken."""
        return _Walk(self)

    def chances(self, features: Features) -> list[tuple[str, float]]:
        """Each tool that training knew, with its chance."""
        import numpy as np

        if self._weights is None:
            return [(tool, 1.0) for tool in self._classes if tool != _SILENCE]
        columns = [self._columns[name] for name in features if name in self._columns]
        scores = self._weights[:, columns].sum(axis=1) + self._offsets
        powers = np.exp(scores - scores.max())
        powers /= powers.sum()
        return [(tool, float(power)) for tool, power in zip(self._classes, powers, strict=True) if tool != _SILENCE]

    def _learn(self, rows: list[Features], outcomes: list[str], shares: list[float]) -> None:
        self._classes = sorted(set(outcomes))
        if len(self._classes) < 2:
            return
        import numpy as np
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import LogisticRegression

        columns = DictVectorizer()
        matrix = columns.fit_transform([dict.fromkeys(features, 1.0) for features in rows])
        self._columns = dict(columns.vocabulary_)
        with warnings.catch_warnings():
            # Stopped early it is a baseline all the same, and the last digits would cost most of the time.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(tol=1e-3, max_iter=_MOST_ITERATIONS)
            model.fit(matrix, outcomes, sample_weight=shares)
        self._classes = [str(name) for name in model.classes_]
        weights, offsets = model.coef_, model.intercept_
        if len(self._classes) == 2:
            weights, offsets = np.vstack([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
        self._weights, self._offsets = weights, offsets


class _Walk:
    def __init__(self, model: Predictor) -> None:
        self._model = model
        self._last = deque([USER], _BACK)
        self._tools = Counter[str]()
        self._since_user = 0
        self.recency = Recency()

    def observe(self, event: Event) -> None:
        """Remember a tool and how it ended, or that a user spoke."""
        symbol = symbol_of(event)
        if symbol is None:
            return
        failed = event.status not in (None, Status.OK, Status.UNKNOWN)
        self._last.append(f"{symbol}!" if failed else symbol)
        self._since_user = 0 if symbol == USER else self._since_user + 1
        if call := call_of(event):
            self._tools[call.tool] += 1
            self.recency.add(call)

    def features(self) -> Features:
        """What the model may look at, as names of columns that are 1."""
        last = list(self._last)
        names = [f"last{place}={symbol}" for place, symbol in enumerate(reversed(last), 1)]
        names += [f"last12={last[-2]}>{last[-1]}"] if len(last) > 1 else []
        names += [f"since_user>={step}" for step in _STEPS if self._since_user >= step]
        names += [f"calls>={step}" for step in _STEPS if self._tools.total() >= step]
        names += [f"often={tool}" for tool, _ in sorted(self._tools.items(), key=lambda item: (-item[1], item[0]))[:3]]
        names += [f"used={tool}" for tool in self._tools]
        return names

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The likeliest tools with the arguments that their habits suggest."""
        return ranked(self._model.chances(self.features()), self._model.habits, self.recency, most)
