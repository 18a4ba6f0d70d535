"""Pattern set, settings and held-out figures -> the bytes of a bundle, its readable twin, and what was held back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from miner.errors import UsageError
from miner.export.audience import LEAST_SESSIONS, Logs, refuses_for, support_of
from miner.export.prune import harshness_for, prune
from miner.export.twin import twin_of
from miner.export.vectors import vectors_of
from miner.mining.withhold import compact, keep_rules, withhold
from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.runtime.patterns import PatternSet
from miner.settings import ExportSettings

FIGURES = ("exact_top1", "exact_top3", "exact_top5", "tool_top1", "precision", "recall", "coverage", "ceiling", "ece")


class Exported(NamedTuple):
    """What is written."""

    data: bytes
    twin: str
    held_back: dict[str, int]


def export_bundle(
    patterns: PatternSet,
    settings: ExportSettings,
    *,
    created_from: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None = None,
    logs: Logs | None = None,
    fingerprints: Mapping[str, str] | None = None,
) -> Exported:
    """Hold back what the audience may not see, prune to the budget, add vectors and figures.

    Args:
        patterns: with the evidence of its rules.
        settings: budget and audience.
        created_from: digests of inputs and settings; no clock, so that the same input gives the same bytes.
        evaluation: content of evaluation.json, of this very bundle.
        fingerprints: tool -> digest of its input schema, where that is known.
        logs: the sessions that trained; needed for ``shared``, which counts in how many of them a text stands.

    Raises:
        UsageError: not even the smallest bundle fits the budget, or ``shared`` without logs.
    """
    support = None
    if settings.audience == "shared":
        if logs is None:
            raise UsageError("a shared bundle needs the logs", next_step="run `miner export` on the run folder")
        support = support_of(patterns, logs)
    kept, held_back = withhold(patterns, refuses_for(settings.audience, support))
    if settings.audience == "shared":
        kept = _supported(kept)
    facts: dict[str, Any] = {
        "audience": settings.audience,
        "created_from": created_from,
        "metrics": metrics_of(evaluation),
    }
    room = settings.budget_bytes - _overhead(kept)
    while True:
        harshness = harshness_for(kept, room)
        pruned = prune(kept, harshness)
        left_out = {**held_back, **({"pruned": harshness} if harshness else {})}
        vectors = vectors_of(load_bundle(bundle_bytes(pruned)).model)
        data = bundle_bytes(pruned, **facts, held_back=left_out, vectors=vectors, fingerprints=fingerprints)
        if len(data) <= settings.budget_bytes:
            return Exported(data, twin_of(load_bundle(data), pruned.evidence), left_out)
        room -= len(data) - settings.budget_bytes


def metrics_of(evaluation: Mapping[str, Any] | None) -> dict[str, Any]:
    """Held-out figures in parts per million, overall and by tool, with their number of calls."""
    if not evaluation or "shipped" not in evaluation["predictors"]:
        return {}
    shipped = evaluation["predictors"]["shipped"]
    by_tool = [
        [tool, figures["calls"], *(_millionths(figures.get(name)) for name in ("exact_top1", "exact_top5"))]
        for tool, figures in sorted(shipped["by_tool"].items())
    ]
    overall = shipped["overall"]
    return {
        "calls": overall["calls"],
        "sessions": overall["sessions"],
        **{name: _millionths(overall.get(name)) for name in FIGURES},
        "by_tool": by_tool,
    }


def _millionths(share: float | None) -> int:
    """A share in parts per million; -1 where there is none."""
    return -1 if share is None else round(1e6 * share)


def _overhead(patterns: PatternSet) -> int:
    """Bytes kept free for facts and vectors, which are made last."""
    return 4_000 + 150 * len(patterns.tools()) + min(16_000, 40 * len(patterns.forms))


def _supported(patterns: PatternSet) -> PatternSet:
    """For others: no rule of fewer than twenty sessions, no rare context, and counts of two digits."""
    known = patterns.evidence

    def often(number: int) -> bool:
        return bool(known) and known[number].sessions >= LEAST_SESSIONS

    contexts = {
        key: {form: _two_digits(count) for form, count in counts.items()}
        for key, counts in patterns.contexts.items()
        if not key or sum(counts.values()) >= LEAST_SESSIONS
    }
    holes = {
        name: keep_rules(hole, lambda place, rules=tuple(hole.rules): often(rules[place]))  # type: ignore[misc]
        for name, hole in patterns.holes.items()
    }
    patterns.contexts, patterns.holes = contexts, holes
    patterns.serving = [rule for rule in patterns.serving if rule.sessions >= LEAST_SESSIONS]
    return compact(patterns)


def _two_digits(count: int) -> int:
    unit: int = 10 ** max(0, len(str(count)) - 2)
    return round(count / unit) * unit
