"""The gates: may this run's bundle take the place of the published one?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.evaluation.compare import compare_runs
from miner.evaluation.evaluate import Options, evaluate
from miner.evaluation.parts import parts_of
from miner.evaluation.run_folder import SHIPPED, fitted_predictors, open_store
from miner.journey.outcome import BUNDLE
from miner.runtime.bundle import load_bundle
from miner.runtime.conformance import failures
from pipelines.settings import PipelineSettings

_SAID = ("decisions", "calls", "exact_top1", "exact_top5", "precision", "precision_ci", "recall", "coverage")


@dataclass(slots=True)
class Verdict:
    """What the gates found; no reason means that nothing stands against publishing."""

    reasons: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    comparison: list[dict[str, Any]] = field(default_factory=list)
    not_compared: str | None = None
    """Why the bundle was not held to the published one, where there is one."""


def judge(
    run: Path, evaluation: Mapping[str, Any] | None, published: Path | None, settings: PipelineSettings
) -> Verdict:
    """Hold a run's bundle to the promise, to its own vectors, and to the published one on the same held-out sessions.

    Both bundles are scored on all sessions that are held out now, tonight's among them: the split is by a stable
    hash, so neither has learnt from one of them.
    """
    verdict = Verdict()
    bundle = load_bundle(run / BUNDLE)
    if wrong := failures(bundle.model, bundle.vectors):
        verdict.reasons.append(f"{len(wrong)} of {len(bundle.vectors)} of its own vectors come out otherwise")
    if evaluation is None:
        verdict.reasons.append("too few sessions to hold any out, so it was not scored")
        return verdict
    overall = evaluation["predictors"][SHIPPED]["overall"]
    verdict.figures = {name: overall.get(name) for name in _SAID}
    precision = overall["precision"]
    if precision is not None and precision < settings.gates.min_precision:
        verdict.reasons.append(f"precision {precision:.3f} is below the promise of {settings.gates.min_precision:g}")
    if published and (scored := _with_calls(evaluation)) < settings.gates.min_held_out_sessions:
        least = settings.gates.min_held_out_sessions
        verdict.not_compared = f"not compared: {scored} held-out sessions with calls are too few to tell, {least} tell"
    elif published:
        verdict.comparison = compare_runs(rescored(published, run, settings), evaluation, SHIPPED)
        verdict.reasons += [_worse(row) for row in verdict.comparison if _counts(row, settings)]
    return verdict


def rescored(published: Path, run: Path, settings: PipelineSettings) -> dict[str, Any]:
    """The published bundle's evaluation on the sessions that are held out now."""
    chosen = settings.evaluation
    with open_store(run) as store:
        parts = parts_of(store, None, chosen.held_out_share)
        fitted = fitted_predictors(published, parts.train, [SHIPPED])
        options = Options(how=parts.how, ignored=chosen.ignored_arguments, base=SHIPPED, draws=0)
        return evaluate(parts.train, parts.test, fitted, options)


def _with_calls(evaluation: Mapping[str, Any]) -> int:
    """Sessions that say anything about the figures."""
    _, calls = evaluation["predictors"][SHIPPED]["per_session"]["sums"]["exact_top1"]
    return sum(count > 0 for count in calls)


def _counts(row: dict[str, Any], settings: PipelineSettings) -> bool:
    return row["verdict"] == "worse" and row["figure"] in settings.gates.figures


def _worse(row: dict[str, Any]) -> str:
    low, high = row["ci"]
    return (
        f"{row['figure']} is worse than the published bundle's beyond noise: {row['before']:.3f} before, "
        f"{row['after']:.3f} now (95 % of the difference: {low:+.3f} to {high:+.3f})"
    )
