"""Two evaluations of the same held-out sessions: what got better, and whether it is more than noise.

The difference is resampled by session over the sessions both have scored (a paired bootstrap), so it is far sharper
than comparing two intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from miner.errors import RunFolderError
from miner.evaluation.bootstrap import interval, ratio_draws, weights
from miner.evaluation.metrics import Table, session_sums, whole

COMPARED = ("exact_top1", "exact_top3", "exact_top5", "served_top5", "tool_top1", "precision", "recall", "coverage")
LOWER_IS_BETTER = ("brier", "ece", "amplification")


def per_session(table: Table, gate: float, keys: list[str]) -> dict[str, Any]:
    """Numerators and denominators by session key: what a later comparison needs of a run."""
    sums = session_sums(table, whole(table), gate)
    return {
        "sessions": keys,
        "sums": {
            name: [
                [_plain(value) for value in sums[name].numerator],
                [_plain(value) for value in sums[name].denominator],
            ]
            for name in (*COMPARED, "brier", "amplification")
        },
    }


def compare_runs(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """One row a figure: both values on the common sessions, their difference, its interval, and the verdict.

    Raises:
        RunFolderError: a run without that predictor, or no common session.
    """
    old, new = _sums_of(before, name, "first"), _sums_of(after, name, "second")
    places = {key: place for place, key in enumerate(new["sessions"])}
    common = [(place, places[key]) for place, key in enumerate(old["sessions"]) if key in places]
    if not common:
        raise RunFolderError(
            "the two runs have scored no session in common", next_step="evaluate both on the same held-out logs"
        )
    ours, theirs = (list(column) for column in zip(*common, strict=True))
    draws = weights(len(common))
    rows = []
    for figure in old["sums"]:
        if figure not in new["sums"]:
            continue
        first = [np.array(column, dtype=float)[ours] for column in old["sums"][figure]]
        second = [np.array(column, dtype=float)[theirs] for column in new["sums"][figure]]
        difference = ratio_draws(second[0], second[1], draws) - ratio_draws(first[0], first[1], draws)
        rows.append(_row(figure, _ratio(*first), _ratio(*second), interval(difference) if len(common) > 1 else None))
    return rows


def _row(figure: str, before: float | None, after: float | None, bounds: list[float] | None) -> dict[str, Any]:
    change = None if before is None or after is None else round(after - before, 6)
    verdict = "unknown"
    if bounds is not None:
        rises, falls = bounds[0] > 0, bounds[1] < 0
        better, worse = (falls, rises) if figure in LOWER_IS_BETTER else (rises, falls)
        verdict = "better" if better else "worse" if worse else "no more than noise"
    return {"figure": figure, "before": before, "after": after, "change": change, "ci": bounds, "verdict": verdict}


def _sums_of(evaluation: Mapping[str, Any], name: str, which: str) -> Any:
    found = evaluation.get("predictors", {}).get(name, {}).get("per_session")
    if found is None:
        known = ", ".join(sorted(evaluation.get("predictors", {})))
        raise RunFolderError(
            f"the {which} run has not scored {name!r}", next_step=f"it has scored: {known or 'nothing'}"
        )
    return found


def _ratio(numerator: Any, denominator: Any) -> float | None:
    return round(float(numerator.sum() / denominator.sum()), 6) if denominator.sum() else None


def _plain(value: float) -> float:
    """Whole numbers without a point: the file is smaller and reads better."""
    return int(value) if value == int(value) else round(float(value), 6)
