"""The conditional logit: weights that make the option which was chosen likely among those that were there.

McFadden, "Conditional logit analysis of qualitative choice behavior" (1974), with a Gaussian prior on the weights.
Fitted by L-BFGS on sparse indicator features; the problem is convex, so the answer does not depend on the start.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

ITERATIONS = 60


class CrossFit(NamedTuple):
    """The prior that held-out situations prefer, the weights from all situations, and those without each fold."""

    prior: float
    whole: dict[Hashable, float]
    without: list[dict[Hashable, float]]


class Choices:
    """Choice situations, gathered as they come: options, each with its features, and which of them were chosen."""

    def __init__(self) -> None:
        self.features: dict[Hashable, int] = {}
        self._columns = array("i")
        self._ends = array("i", [0])
        self._starts = array("i")
        self._chosen: list[tuple[int, ...]] = []
        self._folds = array("i")

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, options: Sequence[Iterable[Hashable]], chosen: tuple[int, ...], fold: int = 0) -> None:
        """One situation.

        Args:
            options: the features of each option.
            chosen: the options that were chosen; several when several calls were made in parallel.
            fold: what may be left out as a whole when fitting.
        """
        self._starts.append(len(self._ends) - 1)
        self._chosen.append(chosen)
        self._folds.append(fold)
        known = self.features
        for option in options:
            for feature in option:
                self._columns.append(known.setdefault(feature, len(known)))
            self._ends.append(len(self._columns))

    def fit(self, prior: float, without: int | None = None) -> dict[Hashable, float]:
        """Feature -> weight, for features that are not 0.

        Args:
            prior: inverse variance of the weights; larger keeps them nearer to 0.
            without: a fold whose situations are left out.
        """
        kept = [place for place in range(len(self)) if self._folds[place] != without]
        if not kept:
            return {}
        design, starts, sizes = self._design(kept)
        chosen = np.array([starts[at] + option for at, place in enumerate(kept) for option in self._chosen[place]])
        weight = np.zeros(design.shape[0])
        np.add.at(weight, chosen, 1.0)
        times = np.add.reduceat(weight, starts)
        target = np.asarray(design.T @ weight).ravel()
        transposed = design.T.tocsr()

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            scores = design @ weights
            highest = np.maximum.reduceat(scores, starts)
            powers = np.exp(scores - np.repeat(highest, sizes))
            whole = np.add.reduceat(powers, starts)
            shares = powers * np.repeat(times / whole, sizes)
            likelihood = float(weight @ scores - times @ (highest + np.log(whole)))
            return 0.5 * prior * float(weights @ weights) - likelihood, prior * weights - target + transposed @ shares

        found = minimize(
            loss, np.zeros(len(self.features)), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}
        )
        return {feature: float(found.x[place]) for feature, place in self.features.items() if found.x[place]}

    def cross_fit(self, priors: Sequence[float], folds: int) -> CrossFit:
        """Choose the prior by how likely it makes each fold under weights fitted on the others; then fit with it."""
        trials: list[tuple[float, float, list[dict[Hashable, float]]]] = []
        for prior in priors:
            weights = [self.fit(prior, fold) for fold in range(folds)]
            surprise = 0.0
            for fold in range(folds):
                for shares, chosen in self.shares(weights[fold], fold):
                    surprise -= sum(math.log(max(float(shares[option]), 1e-12)) for option in chosen)
            trials.append((surprise, prior, weights))
        _, prior, weights = min(trials, key=lambda trial: trial[:2])
        return CrossFit(prior, self.fit(prior), weights)

    def shares(self, weights: Mapping[Hashable, float], fold: int) -> Iterator[tuple[np.ndarray, tuple[int, ...]]]:
        """For each situation of a fold: the probability of each option, and which were chosen."""
        kept = [place for place in range(len(self)) if self._folds[place] == fold]
        if not kept:
            return
        design, starts, sizes = self._design(kept)
        vector = np.zeros(len(self.features))
        for feature, weight in weights.items():
            vector[self.features[feature]] = weight
        scores = design @ vector
        for place, start, size in zip(kept, starts, sizes, strict=True):
            part = scores[start : start + size]
            powers = np.exp(part - part.max())
            yield powers / powers.sum(), self._chosen[place]

    def _design(self, kept: Sequence[int]) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
        """Features of the options of some situations, where each situation starts, and how many options it has."""
        every = np.append(np.frombuffer(self._starts, np.int32), len(self._ends) - 1)
        columns = np.frombuffer(self._columns, np.int32)
        ends = np.frombuffer(self._ends, np.int32)
        design = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(ends) - 1, len(self.features)))
        sizes = (every[1:] - every[:-1])[kept]
        if len(kept) < len(self):
            rows = np.concatenate([np.arange(every[place], every[place + 1]) for place in kept])
            design = design[rows]
        return design, np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes


def thousandths(weight: float) -> int:
    """A weight as it is stored."""
    return round(1000 * weight)
