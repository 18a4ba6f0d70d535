"""evaluation.json as rows: predictors, tools, curves."""

from __future__ import annotations

from typing import Any

from dashboards.queries.folder import Run, document

FIGURES = ("exact_top1", "exact_top3", "exact_top5", "tool_top1", "precision", "recall")
_KINDS = {"shipped": "shipped", "oracle": "ceiling", "shuffled_arguments": "control"}


def kind_of(predictor: str) -> str:
    """What a predictor is in the colour language: shipped, ceiling, control or baseline."""
    return _KINDS.get(predictor, "baseline")


def evaluation(run: Run) -> dict[str, Any] | None:
    """evaluation.json; None when nothing was scored, as in a run with too few sessions to hold some out."""
    found = document(run, "evaluation.json")
    return found if found and found.get("predictors") else None


def predictor_rows(found: dict[str, Any], figure: str) -> list[dict[str, Any]]:
    """Each predictor's figure with its interval."""
    rows = []
    for name, scores in found["predictors"].items():
        overall = scores["overall"]
        if overall.get(figure) is None:
            continue
        low, high = overall.get(f"{figure}_ci") or (overall[figure], overall[figure])
        rows.append({"predictor": name, "kind": kind_of(name), "value": overall[figure], "low": low, "high": high})
    return rows


def overall_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Every predictor with its main figures."""
    names = (
        *FIGURES,
        "served_top1",
        "served_top5",
        "seconds_top5",
        "coverage",
        "amplification",
        "ceiling",
        "brier",
        "ece",
    )
    return [
        {"predictor": name, **{figure: scores["overall"].get(figure) for figure in names}}
        for name, scores in found["predictors"].items()
    ]


def group_rows(found: dict[str, Any], by: str, predictor: str) -> list[dict[str, Any]]:
    """One predictor's figures by tool, source, position or policy level, most calls first."""
    groups = found["predictors"][predictor].get(by, {})
    rows = [
        {by.removeprefix("by_"): name, "calls": scores["calls"], **{figure: scores.get(figure) for figure in FIGURES}}
        | {"ceiling": scores.get("ceiling")}
        for name, scores in groups.items()
        if scores.get("calls")
    ]
    return sorted(rows, key=lambda row: -row["calls"])


def curve_rows(found: dict[str, Any], predictors: list[str]) -> list[dict[str, Any]]:
    """Precision and recall at every gate."""
    return [
        {"predictor": name, "kind": kind_of(name), **point}
        for name in predictors
        for point in found["predictors"][name].get("precision_recall") or ()
        if point.get("precision") is not None
    ]


def shipped_gate(found: dict[str, Any]) -> dict[str, Any] | None:
    """What would ship at its own gate; None where nothing passes that."""
    shipped = found["predictors"].get("shipped") or {"overall": {}}
    figures = shipped["overall"]
    if not figures.get("launched"):
        return None
    return {"predictor": "shipped", "gate": shipped.get("gate")} | {
        key: figures[key] for key in ("precision", "recall")
    }


def calibration_rows(found: dict[str, Any], predictor: str) -> list[dict[str, Any]]:
    """How often predictions of a probability come true."""
    return [dict(bin_) for bin_ in found["predictors"][predictor].get("reliability") or ()]


def learning_rows(found: dict[str, Any], figure: str) -> list[dict[str, Any]]:
    """The score after parts of the training sessions; empty unless a learning curve was asked for."""
    rows = []
    for part in found.get("learning_curve") or ():
        for name, scores in part["predictors"].items():
            if scores.get(figure) is not None:
                low, high = scores.get(f"{figure}_ci") or (scores[figure], scores[figure])
                row = {"sessions": part["sessions"], "predictor": name, "kind": kind_of(name)}
                rows.append({**row, "value": scores[figure], "low": low, "high": high})
    return rows
