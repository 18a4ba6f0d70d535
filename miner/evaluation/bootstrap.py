"""How sure a figure is: 95 % intervals by drawing sessions again, with a fixed seed.

Sessions are the unit, because calls of one session resemble each other; a draw re-weights per-session sums, so a
thousand draws are one matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from miner.evaluation.calibration import expected_error

Floats = NDArray[np.float64]

DRAWS = 1000
SEED = 20260318


class Sums(NamedTuple):
    """Numerator and denominator of one figure, one row a session."""

    numerator: Floats
    denominator: Floats


@lru_cache(maxsize=8)
def weights(sessions: int, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """How often each session is drawn, one row a draw; the same for equal inputs, so comparisons are paired."""
    shares = np.full(sessions, 1 / sessions)
    return np.random.default_rng(seed).multinomial(sessions, shares, size=draws).astype(float)


def interval(values: Floats) -> list[float] | None:
    """The middle 95 % of the draws; None where no draw had a denominator."""
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.percentile(values, (2.5, 97.5))
    return [round(float(low), 6), round(float(high), 6)]


def ratio_draws(numerator: Floats, denominator: Floats, draws: Floats) -> Floats:
    """The ratio in every draw; NaN where the denominator is 0."""
    top, bottom = draws @ numerator, draws @ denominator
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def intervals(
    sums: Mapping[str, Sums], bins: tuple[Floats, Floats, Floats], times: int = DRAWS
) -> dict[str, list[float] | None]:
    """``NAME_ci`` for every figure. Fewer than two sessions give no interval: there is nothing to draw from."""
    active = np.flatnonzero(sums["coverage"].denominator + sums["exact_top1"].denominator + bins[0].sum(axis=1))
    if len(active) < 2:
        return {f"{name}_ci": None for name in (*sums, "ece")}
    draws = weights(len(active), times)
    found: dict[str, list[float] | None] = {}
    for name, (numerator, denominator) in sums.items():
        found[f"{name}_ci"] = interval(ratio_draws(numerator[active], denominator[active], draws))
    count, chance, right = (column[active] for column in bins)
    made = count.sum(axis=1)
    errors = expected_error(draws @ count, draws @ chance, draws @ right)
    found["ece_ci"] = interval(np.where(draws @ made > 0, errors, np.nan))
    return found
