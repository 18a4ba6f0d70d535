"""evaluation.json and savings.json -> report.md and report.html: the bound first, the limits last, nothing left out.

The report is a list of sections, each with words, tables and charts; Markdown leaves the charts out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from miner.evaluation.report_savings import bound_section, otherwise_section, saved_section
from miner.evaluation.sections import Section, Table, of_all, percent, with_interval
from miner.evaluation.svg import Line, bars, chart

_MAIN = ("tool_top1", "tool_top3", "exact_top1", "exact_top3", "exact_top5", "precision", "recall", "coverage", "ece")
_MOST_PARTS = 40
_STYLES = ("a", "b", "c", "d")


def sections(evaluation: Mapping[str, Any] | None, savings: Mapping[str, Any] | None) -> list[Section]:
    """The report of whatever has been measured."""
    found = []
    if savings:
        found.append(bound_section(savings["bound"], savings["conditions"]))
    if evaluation:
        name = main_predictor(evaluation)
        found += [_scores(evaluation), _slices(evaluation, name), _trust(evaluation, name)]
        if evaluation.get("learning_curve"):
            found.append(_learning(evaluation, name))
        if evaluation.get("leave_one_application_out"):
            found.append(_elsewhere(evaluation, name))
    if savings:
        found += [saved_section(savings), otherwise_section(savings)]
    found.append(_limits(evaluation, savings))
    return found


def main_predictor(evaluation: Mapping[str, Any]) -> str:
    """The predictor the report is about: what would be shipped, else the best of the others."""
    names = [name for name in evaluation["predictors"] if name not in ("oracle", "shuffled_arguments")]
    if "shipped" in names:
        return "shipped"
    best: str = max(names, key=lambda name: (evaluation["predictors"][name]["overall"]["exact_top1"] or 0, name))
    return best


def _scores(evaluation: Mapping[str, Any]) -> Section:
    predictors = evaluation["predictors"]
    overall = predictors[main_predictor(evaluation)]["overall"]
    words = [
        (
            f"{overall['calls']} calls at {overall['decisions']} decisions in {overall['sessions']} held-out sessions; "
            f"split: {evaluation['split']['how']}. An exact hit has the tool and every argument right."
        ),
        (
            f"Of these calls {percent(overall['ceiling'])} could have come from some form and rule of the "
            "bundle, however unlikely: the ceiling of its ranking."
        ),
        *_filtered_said(overall),
        *_served_said(overall, evaluation.get("serving", {})),
    ]
    rows = [
        (name, *(with_interval(figures["overall"], figure) for figure in _MAIN)) for name, figures in predictors.items()
    ]
    headings = ("predictor", *(figure.replace("_", " ") for figure in _MAIN))
    return Section("How much is predicted", words, [Table(headings, list(rows))])


def _filtered_said(overall: Mapping[str, Any]) -> list[str]:
    """What parallel calls hide: only one of them can be first; nothing where that makes no difference."""
    if overall["filtered_top1"] == overall["exact_top1"]:
        return []
    return [
        (
            "Calls that are asked for side by side share one list, so only one of them can be first: with the others "
            f"left out, {with_interval(overall, 'filtered_top1')} are right at the first try and "
            f"{with_interval(overall, 'filtered_top3')} within three (filtered ranks)."
        )
    ]


def _served_said(overall: Mapping[str, Any], serving: Mapping[str, Any]) -> list[str]:
    """What serving rules add, beside the exact hits and never among them; nothing without rules."""
    if not serving.get("rules"):
        return []
    held = f"right in {serving['right']} of {serving['checked']} held-out calls where a recorded result tells"
    return [
        (
            f"Counting calls that the result of a broader predicted call answers, "
            f"{with_interval(overall, 'served_top1')} are answered at the first try and "
            f"{with_interval(overall, 'served_top5')} within five (serving rules: {serving['rules']}, {held}; of "
            f"{serving['narrower_calls']} calls that select a part, {serving['answerable']} are within their reach)."
        )
    ]


def _slices(evaluation: Mapping[str, Any], name: str) -> Section:
    figures, tables, charts = evaluation["predictors"][name], [], []
    for title, key in (
        ("tool", "by_tool"),
        ("source", "by_source"),
        ("decision in the session", "by_position"),
        ("arguments", "by_arguments"),
        ("policy level", "by_policy"),
    ):
        parts = sorted(figures[key].items(), key=lambda item: (key == "by_tool") * -item[1]["calls"])
        columns = ("exact_top1", "exact_top3", "exact_top5", "ceiling", "recall")
        rows = [
            (label, f"{part['calls']:,}", *(with_interval(part, column) for column in columns)) for label, part in parts
        ]
        first = of_all(min(_MOST_PARTS, len(rows)), len(rows), title)
        headings = (first, "calls", *(column.replace("_", " ") for column in columns))
        tables.append(Table(headings, list(rows[:_MOST_PARTS])))
    tools = sorted(figures["by_tool"].items(), key=lambda item: -item[1]["calls"])[:12]
    shown = [(tool, part["exact_top5"] or 0.0, percent(part["exact_top5"])) for tool, part in tools]
    charts.append(bars("Exact Top-5 of the commonest tools", shown))
    return Section(f"Where {name} is right", ["Calls are the denominator of every share here."], tables, charts)


def _trust(evaluation: Mapping[str, Any], name: str) -> Section:
    figures = evaluation["predictors"][name]
    overall = figures["overall"]
    brier = "–" if overall["brier"] is None else f"{overall['brier']:.3f}"
    words = [
        _gate_said(figures["gate"], overall),
        f"Brier {brier}, expected calibration error {with_interval(overall, 'ece')}.",
    ]
    points = [(row["probability"], row["hit_rate"]) for row in figures["reliability"]]
    curve = [(row["recall"], row["precision"]) for row in figures["precision_recall"]]
    charts = [
        chart(
            "Reliability",
            "stated probability",
            "came true",
            [Line("as stated", [(0, 0), (1, 1)], "grid"), Line(name, points, "a", dots=True)],
        ),
        chart("Precision and recall along the gate", "recall", "precision", [Line(name, curve, "a")]),
    ]
    rows = [
        (control, str(verdict["must"]), {True: "yes", False: "NO", None: "cannot tell"}[verdict["passed"]])
        for control, verdict in evaluation["controls"].items()
    ]
    return Section(
        "Can it be trusted", words, [Table(("control", "must", "does"), list(rows), words=(0, 1, 2))], charts
    )


def _gate_said(gate: float, overall: Mapping[str, Any]) -> str:
    if not overall["launched"]:
        return "No prediction passes the gate: on calibration sessions no threshold kept the precision asked for."
    return (
        f"Launched from a probability of {gate:.3f} on, precision is {with_interval(overall, 'precision')} and recall "
        f"{with_interval(overall, 'recall')}; {overall['launched']} launches make the calls executed "
        f"{overall['amplification'] or 0:.3f} times those asked for."
    )


def _learning(evaluation: Mapping[str, Any], name: str) -> Section:
    curve = evaluation["learning_curve"]
    names = [known for known in curve[-1]["predictors"] if known == name or len(curve[-1]["predictors"]) <= 4]
    lines = [
        Line(known, [(row["share"], row["predictors"][known]["exact_top1"] or 0) for row in curve], style, dots=True)
        for known, style in zip(names, _STYLES, strict=False)
    ]
    rows = [
        (
            percent(row["share"]),
            str(row["sessions"]),
            *(with_interval(row["predictors"][n], "exact_top1") for n in names),
        )
        for row in curve
    ]
    top = max((point[1] for line in lines for point in line.points), default=0) * 1.2 or 1.0
    words = ["Exact Top-1 after learning from a part of the training sessions."]
    drawn = chart("Learning curve", "share of training", "exact Top-1", lines, top=top)
    return Section("Would more logs help", words, [Table(("training", "sessions", *names), list(rows))], [drawn])


def _elsewhere(evaluation: Mapping[str, Any], name: str) -> Section:
    rows: list[Sequence[str]] = []
    for row in evaluation["leave_one_application_out"]:
        known = row["predictors"].get(name) or next(iter(row["predictors"].values()))
        rows.append(
            (row["application"], str(known["calls"]), *(with_interval(known, k) for k in ("exact_top1", "exact_top5")))
        )
    words = ["Each application scored by what all the others teach: what a shipped bundle is worth to a stranger."]
    return Section("Does it carry over", words, [Table(("application", "calls", "exact top1", "exact top5"), rows)])


def _limits(evaluation: Mapping[str, Any] | None, savings: Mapping[str, Any] | None) -> Section:
    words = []
    if evaluation:
        leak = evaluation["split"]["leakage"]
        words += [
            (
                f"Intervals: {evaluation['interval']}. They tell how other sessions of the same kind would score, "
                "not other people, tools or models."
            ),
            (
                f"Leakage: {leak['checked']} held-out sessions looked up in training; "
                f"{leak['left_out_same_content']} with the same content and {leak['left_out_copied_history']} with "
                "copied records were left out of the score."
            ),
        ]
        if evaluation["ignored_arguments"]:
            words.append(
                f"Arguments left out of the comparison, as the settings say: {evaluation['ignored_arguments']}."
            )
    if savings:
        words += [
            f"Not modelled in the replay: {savings['conditions']['not_modelled']}.",
            "The model is taken to act as it did, whatever it was served early.",
            "Times between two log lines hold everything between them, a person's permission included.",
        ]
    return Section("Limits", words)
