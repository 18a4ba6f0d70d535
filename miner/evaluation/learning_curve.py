"""How a score grows with training, and how it carries over to an application that training never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from miner.evaluation.baselines import Fitted
from miner.evaluation.evaluate import Options, score_all
from miner.evaluation.metrics import metrics
from miner.evaluation.split import Logs, families, leave_one_out, select, share_of

SHARES = (0.125, 0.25, 0.5, 1.0)
_FIGURES = ("exact_top1", "exact_top1_ci", "exact_top5", "exact_top5_ci", "tool_top1", "calls")

Fit = Callable[[Logs], Fitted]
"""Learns from training sessions, gate included."""


def learning_curve(
    train: Logs, test: Logs, fits: Mapping[str, Fit], options: Options | None = None
) -> list[dict[str, Any]]:
    """Scores after an eighth, a quarter, half and all of the training families; each part contains the one before."""
    family = families(log.session for log in train())
    rows = []
    for share in SHARES:
        part = frozenset(key for key, name in family.items() if share_of("curve" + name) < share)
        if part:
            rows.append({"share": share, "sessions": len(part), **_scores(select(train, part), test, fits, options)})
    return rows


def leave_one_application_out(
    logs: Logs, fits: Mapping[str, Fit], options: Options | None = None
) -> list[dict[str, Any]]:
    """Each application scored by what all others teach; nothing when there is only one."""
    sessions = [log.session for log in logs()]
    application = {session.key: session.application for session in sessions if session.application}
    return [
        {
            "application": name,
            "sessions": len(split.test),
            **_scores(select(logs, split.train), select(logs, split.test), fits, options),
        }
        for name, split in leave_one_out(sessions, application)
    ]


def _scores(train: Logs, test: Logs, fits: Mapping[str, Fit], options: Options | None) -> dict[str, Any]:
    scored = score_all(test, {name: fit(train) for name, fit in fits.items()}, options)
    found = {}
    for name, table in scored.tables.items():
        figures = metrics(table, scored.gates[name])
        found[name] = {figure: figures[figure] for figure in _FIGURES}
    return {"predictors": found}
