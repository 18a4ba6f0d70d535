"""The gate: the probability above which a prediction is launched, chosen by expected value on calibration sessions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PRECISION_FLOOR = 0.80
MISS_COST = 0.25
"""What a launch for nothing costs, in launches that were right."""
CLOSED = 2.0
"""A gate no probability reaches: nothing is launched."""
_Z = 1.0
"""One-sided certainty of about 84 % that the precision is kept on other sessions too."""


def choose_gate(
    chance: Floats, right: Floats, *, floor: float = PRECISION_FLOOR, miss_cost: float = MISS_COST
) -> float:
    """The threshold with the highest hits - miss_cost · misses among those whose precision stays above the floor.

    The lower confidence bound of the precision must reach the floor, not the precision itself: a threshold picked
    for a lucky streak on calibration sessions would disappoint on the next. ``CLOSED`` when none does.
    """
    if not len(chance):
        return CLOSED
    order = np.argsort(-chance, kind="stable")
    ranked, hits = chance[order], np.cumsum(right[order])
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    launched: Floats = (last + 1).astype(float)
    hit: Floats = hits[last]
    allowed = lower_bound(hit, launched) >= floor
    value = np.where(allowed, hit - miss_cost * (launched - hit), -np.inf)
    best = int(np.argmax(value))
    return float(ranked[last[best]]) if value[best] > 0 else CLOSED


def lower_bound(hits: Floats, tries: Floats, z: float = _Z) -> Floats:
    """Lower end of Wilson's score interval for a share."""
    share = hits / tries
    centre = share + z * z / (2 * tries)
    spread = z * np.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    bound: Floats = (centre - spread) / (1 + z * z / tries)
    return bound
