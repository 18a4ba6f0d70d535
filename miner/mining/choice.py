"""The conditional logit: weights that make the option which was chosen likely among those that were there.

McFadden, "Conditional logit analysis of qualitative choice behavior" (1974), with a Gaussian prior on the weights.
Fitted by L-BFGS on sparse indicator features; the problem is convex, so the answer does not depend on the start.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ITERATIONS = 60
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Applies a function to items, perhaps side by side; results in the order of the items."""


class CrossFit(NamedTuple):
    """The prior that held-out situations prefer, the weights from all situations, and those without each fold."""

    prior: float
    whole: dict[Hashable, float]
    without: list[dict[Hashable, float]]


class Choices:
    """Choice situations, gathered as they come: options, each with its features, and which of them were chosen.

    Situations are much alike: an option is kept once, however many of them have it.
    """

    def __init__(self) -> None:
        self.features: dict[Hashable, int] = {}
        self._distinct: dict[bytes, int] = {}
        """The numbers of an option's features, packed -> the number of the option."""
        self._options = array("i")
        """The options of all situations."""
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
        number = self.number
        self.add_numbered([list(map(number, option)) for option in options], chosen, fold)

    def number(self, feature: Hashable) -> int:
        """The number of a feature; a new one where it is not known."""
        return self.features.setdefault(feature, len(self.features))

    def add_numbered(self, options: Sequence[Sequence[int]], chosen: tuple[int, ...], fold: int = 0) -> None:
        """One situation whose features are numbered already."""
        self._starts.append(len(self._options))
        self._chosen.append(chosen)
        self._folds.append(fold)
        self._options.extend(self._known(array("i", option).tobytes()) for option in options)

    def _known(self, option: bytes) -> int:
        """The number of an option."""
        return self._distinct.setdefault(option, len(self._distinct))

    def extend(self, later: Choices) -> None:
        """Take in situations that come after these ones; features keep the order in which they first appeared."""
        known = self.features
        moved = np.array([known.setdefault(feature, len(known)) for feature in later.features], np.int32)
        columns, ends = later._unpacked()
        cells = moved[columns].tobytes() if len(moved) else b""
        cuts = (ends * np.int64(array("i").itemsize)).tolist()
        renumbered = np.array([self._known(cells[start:end]) for start, end in pairwise(cuts)], np.int32)
        options = len(self._options)
        self._options.frombytes(
            renumbered[np.frombuffer(later._options, np.int32)].tobytes() if len(renumbered) else b""
        )
        self._starts.frombytes((np.frombuffer(later._starts, np.int32) + np.int32(options)).tobytes())
        self._chosen += later._chosen
        self._folds += later._folds

    def changed(self, change: Callable[[Sequence[int]], Sequence[int] | None]) -> Choices:
        """The same situations, with other features of their options.

        Args:
            change: from the numbers of an option's features to those that take their place, which may be numbered
                with ``number``; None for an option that is left out. The first option of a situation stays, and is
                chosen where one was that is left out.
        """
        columns, ends = self._unpacked()
        renewed = [change(columns[start:end].tolist()) for start, end in pairwise(ends.tolist())]
        other = Choices()
        other.features = self.features
        numbers = [-1 if option is None else other._known(array("i", option).tobytes()) for option in renewed]
        stops = [*self._starts[1:], len(self._options)]
        for start, stop, chosen, fold in zip(self._starts, stops, self._chosen, self._folds, strict=True):
            options = [numbers[option] for option in self._options[start:stop]]
            places = list(accumulate(number >= 0 for number in options))
            other._starts.append(len(other._options))
            other._options.extend(number for number in options if number >= 0)
            other._chosen.append(tuple(dict.fromkeys(places[one] - 1 if options[one] >= 0 else 0 for one in chosen)))
            other._folds.append(fold)
        return other

    def named(self, weights: np.ndarray) -> dict[Hashable, float]:
        """Feature -> weight, for weights that are not 0."""
        return {feature: float(weights[place]) for feature, place in self.features.items() if weights[place]}

    def fit(self, prior: float, without: int | None = None) -> dict[Hashable, float]:
        """Feature -> weight, for features that are not 0; see ``weights``."""
        return self.named(self.weights(prior, without))

    def weights(self, prior: float, without: int | None = None) -> np.ndarray:
        """The weight of each feature, in their order.

        Args:
            prior: inverse variance of the weights; larger keeps them nearer to 0.
            without: a fold whose situations are left out.
        """
        kept = [place for place in range(len(self)) if self._folds[place] != without]
        if not kept:
            return np.zeros(len(self.features))
        design, options, starts, sizes = self._design(kept)
        chosen = np.array([starts[at] + option for at, place in enumerate(kept) for option in self._chosen[place]])
        weight = np.bincount(chosen, minlength=len(options)).astype(float)
        times = np.add.reduceat(weight, starts)
        transposed = design.T.tocsr()
        target = transposed @ np.bincount(options, weight)

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            scores = (design @ weights)[options]
            highest = np.maximum.reduceat(scores, starts)
            powers = np.exp(scores - np.repeat(highest, sizes))
            whole = np.add.reduceat(powers, starts)
            shares = powers * np.repeat(times / whole, sizes)
            likelihood = float(weight @ scores - times @ (highest + np.log(whole)))
            gradient = prior * weights - target + transposed @ np.bincount(options, shares)
            return 0.5 * prior * float(weights @ weights) - likelihood, gradient

        # Half a second to import, which the many processes that only count need not pay. Before the threads are
        # looked for: it brings its own.
        from scipy.optimize import minimize

        # More threads would add up in another order on another machine, and take turns with other fits on this one.
        with _threads().limit(limits=1):
            found = minimize(
                loss, np.zeros(len(self.features)), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}
            )
        return np.asarray(found.x)

    def surprise(self, weights: np.ndarray, fold: int) -> float:
        """How unlikely weights make what was chosen in a fold."""
        found = 0.0
        for shares, chosen in self._shares(weights, fold):
            found -= sum(math.log(max(float(shares[option]), 1e-12)) for option in chosen)
        return found

    def cross_fit(self, priors: Sequence[float], folds: int, side_by_side: Map = map) -> CrossFit:
        """Choose the prior by how likely it makes each fold under weights fitted on the others; then fit with it."""
        return cross_fits({"": self}, priors, folds, side_by_side)[""]

    def shares(self, weights: Mapping[Hashable, float], fold: int) -> Iterator[tuple[np.ndarray, tuple[int, ...]]]:
        """For each situation of a fold: the probability of each option, and which were chosen."""
        vector = np.zeros(len(self.features))
        for feature, weight in weights.items():
            vector[self.features[feature]] = weight
        return self._shares(vector, fold)

    def _shares(self, weights: np.ndarray, fold: int) -> Iterator[tuple[np.ndarray, tuple[int, ...]]]:
        kept = [place for place in range(len(self)) if self._folds[place] == fold]
        if not kept:
            return
        design, options, starts, sizes = self._design(kept)
        scores = (design @ weights)[options]
        for place, start, size in zip(kept, starts, sizes, strict=True):
            part = scores[start : start + size]
            powers = np.exp(part - part.max())
            yield powers / powers.sum(), self._chosen[place]

    def _design(self, kept: Sequence[int]) -> tuple[csr_matrix, np.ndarray, np.ndarray, np.ndarray]:
        """Features of the distinct options of some situations, which of them each option is, where each situation
        starts, and how many options it has.
        """
        from scipy.sparse import csr_matrix

        every = np.append(np.frombuffer(self._starts, np.int32), len(self._options))
        sizes = (every[1:] - every[:-1])[kept]
        starts = np.cumsum(sizes) - sizes
        places = np.arange(sizes.sum()) + np.repeat(every[kept] - starts, sizes)
        used, options = np.unique(np.frombuffer(self._options, np.int32)[places], return_inverse=True)
        columns, ends = self._unpacked()
        design = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(ends) - 1, len(self.features)))
        return design[used], options, starts, sizes

    def _unpacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Features of all distinct options, one after the other, and where each option ends, the first at 0."""
        columns = np.frombuffer(b"".join(self._distinct), np.int32)
        ends = np.cumsum([0, *map(len, self._distinct)]) // array("i").itemsize
        return columns, ends.astype(np.int32)


class _Trial(NamedTuple):
    name: str
    prior: float
    without: int | None


@dataclass(frozen=True, slots=True)
class _Fit:
    """One fit of one of several choices, and how surprised it is by the fold that it did not see."""

    choices: Mapping[str, Choices]

    def __call__(self, trial: _Trial) -> tuple[np.ndarray, float]:
        choices = self.choices[trial.name]
        weights = choices.weights(trial.prior, trial.without)
        return weights, 0.0 if trial.without is None else choices.surprise(weights, trial.without)


def cross_fits(
    choices: Mapping[str, Choices], priors: Sequence[float], folds: int, side_by_side: Map = map
) -> dict[str, CrossFit]:
    """For each of several choices: the prior that its held-out situations prefer, and the weights with it."""
    fit = _Fit(choices)
    trials = [_Trial(name, prior, fold) for name in choices for prior in priors for fold in range(folds)]
    tried = dict(zip(trials, side_by_side(fit, trials), strict=True))
    chosen = {
        name: min((sum(tried[_Trial(name, prior, fold)][1] for fold in range(folds)), prior) for prior in priors)[1]
        for name in choices
    }
    wholes = side_by_side(fit, [_Trial(name, prior, None) for name, prior in chosen.items()])
    return {
        name: CrossFit(
            prior,
            choices[name].named(whole),
            [choices[name].named(tried[_Trial(name, prior, fold)][0]) for fold in range(folds)],
        )
        for (name, prior), (whole, _) in zip(chosen.items(), wholes, strict=True)
    }


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def by_trait(weights: Mapping[Hashable, float]) -> dict[str, int]:
    """The weights of features that are one trait, in thousandths; those that round to 0 are left out."""
    found = {feature: thousandths(weight) for feature, weight in weights.items() if isinstance(feature, str)}
    return {trait: weight for trait, weight in found.items() if weight}


def thousandths(weight: float) -> int:
    """A weight as it is stored."""
    return round(1000 * weight)
