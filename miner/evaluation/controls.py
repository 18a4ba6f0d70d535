"""Do the controls come out as they should? A score is believed only beside controls that fail where they must."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLLAPSE = 0.5
"""Shuffled arguments must lose at least this share of the exact hits among calls that have arguments."""


def controls(predictors: Mapping[str, Any], base: str) -> dict[str, Any]:
    """Verdicts on the controls of an evaluation; ``base`` is the predictor whose arguments were shuffled."""
    found: dict[str, Any] = {}
    if base in predictors and "shuffled_arguments" in predictors:
        found["shuffled_arguments"] = _shuffled(predictors, base)
    if "oracle" in predictors:
        found["oracle"] = _oracle(predictors)
    for name in ("repeat_last", "markov1"):
        if name in predictors and base in predictors:
            found[name] = _beaten(predictors, base, name)
    return found


def _shuffled(predictors: Mapping[str, Any], base: str) -> dict[str, Any]:
    real, shuffled = (
        predictors[name]["by_arguments"]["some"]["counts"]["exact_top5"] for name in (base, "shuffled_arguments")
    )
    left = shuffled[0] / real[0] if real[0] else None
    return {
        "of": base,
        "must": f"lose at least {COLLAPSE:.0%} of the exact Top-5 hits among calls that have arguments",
        "hits": shuffled[0],
        "hits_unshuffled": real[0],
        "calls": real[1],
        "left": None if left is None else round(left, 6),
        "passed": None if left is None else left <= COLLAPSE,
    }


def _oracle(predictors: Mapping[str, Any]) -> dict[str, Any]:
    ceiling = predictors["oracle"]["overall"]["ceiling"]
    above = sorted(
        name
        for name, figures in predictors.items()
        if name != "oracle" and (figures["overall"]["exact_top5"] or 0) > (ceiling or 0)
    )
    return {"must": "lie above every predictor's exact Top-5", "ceiling": ceiling, "above": above, "passed": not above}


def _beaten(predictors: Mapping[str, Any], base: str, name: str) -> dict[str, Any]:
    ours, theirs = predictors[base]["overall"], predictors[name]["overall"]
    lower, upper = ours.get("exact_top1_ci"), theirs.get("exact_top1_ci")
    return {
        "must": f"be beaten by {base} beyond both intervals of exact Top-1",
        "exact_top1": theirs["exact_top1"],
        f"{base}_exact_top1": ours["exact_top1"],
        "passed": None if lower is None or upper is None else lower[0] > upper[1],
    }
