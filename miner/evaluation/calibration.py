"""Does a stated probability come true that often: reliability, expected calibration error, precision and recall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 15
"""Bins of equal mass: each holds a fifteenth of the predictions, ties kept together."""


def bin_edges(chance: Floats) -> Floats:
    """The inner borders of the bins; a value equal to a border belongs to the upper bin."""
    if not len(chance):
        return np.zeros(0)
    borders = np.quantile(chance, np.linspace(0, 1, BINS + 1)[1:-1], method="higher")
    return np.asarray(np.unique(borders), dtype=np.float64)


def expected_error(count: Floats, chance: Floats, right: Floats) -> Floats:
    """Expected calibration error, for each row of (…, bins) sums: mean |mean probability - hit rate|, by mass."""
    total = count.sum(axis=-1)
    distance = np.abs(chance - right).sum(axis=-1)
    error: Floats = np.divide(distance, total, out=np.zeros_like(distance), where=total > 0)
    return error


def reliability(chance: Floats, right: Floats) -> list[dict[str, float]]:
    """One row a bin: where it lies, how many predictions it holds, what they promised and what came true."""
    place = np.searchsorted(bin_edges(chance), chance, side="right")
    rows = []
    for number in np.unique(place):
        here = place == number
        rows.append(
            {
                "from": round(float(chance[here].min()), 6),
                "to": round(float(chance[here].max()), 6),
                "predictions": int(here.sum()),
                "probability": round(float(chance[here].mean()), 6),
                "hit_rate": round(float(right[here].mean()), 6),
            }
        )
    return rows


def precision_recall(chance: Floats, right: Floats, call_chance: Floats, most: int = 60) -> list[dict[str, float]]:
    """Rows along the gate, highest first: what is launched, how much of it is right, how many calls it names."""
    if not len(chance) or not len(call_chance):
        return []
    order = np.argsort(-chance, kind="stable")
    ranked, hits = chance[order], np.cumsum(right[order])
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    if len(last) > most:
        last = last[np.unique(np.linspace(0, len(last) - 1, most).round().astype(int))]
    asked = np.sort(call_chance)
    rows = []
    for index in last:
        named = len(asked) - np.searchsorted(asked, ranked[index], side="left")
        rows.append(
            {
                "gate": round(float(ranked[index]), 6),
                "launched": int(index) + 1,
                "precision": round(float(hits[index]) / (int(index) + 1), 6),
                "recall": round(float(named) / len(asked), 6),
            }
        )
    return rows
