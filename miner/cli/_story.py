"""What a run found, told on a terminal: what the agents do, what is predictable, what it could save, what was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.evaluation.sections import Section, Table
    from miner.journey.outcome import Journey


def say_story(run: Journey) -> None:
    """The end of ``miner run``."""
    from miner.evaluation.overview import overview_section

    say_section(overview_section(run.overview))
    if run.evaluation:
        _say_predictable(run.evaluation)
    if run.savings:
        _say_savings(run.savings)
    _say_files(run)


def say_section(section: Section) -> None:
    """A section of a report: its words, then its tables; charts are for the page."""
    title(section.title)
    for words in section.words:
        console.paragraph(words)
    for table in section.tables:
        draw(table)


def title(text: str) -> None:
    """A heading, bold on a terminal."""
    console.say()
    console.say(click.style(text, bold=True))
    console.say()


def draw(table: Table) -> None:
    """A table of a report, numbers at the right."""
    if table.rows:
        console.say()
        numbers = [column for column in range(len(table.headings)) if column not in table.words]
        console.table(table.headings, table.rows, right=numbers)


def _say_predictable(evaluation: Mapping[str, Any]) -> None:
    from miner.evaluation.report import main_predictor
    from miner.evaluation.sections import Table, of_all, percent, with_interval

    predictors = evaluation["predictors"]
    name = main_predictor(evaluation)
    best = predictors[name]["overall"]
    title("What is predictable")
    console.paragraph(
        f"{best['calls']:,} calls in {best['sessions']} held-out sessions ({evaluation['split']['how']}). "
        f"Right means the tool and every argument: {with_interval(best, 'exact_top1')} at the first try, "
        f"{with_interval(best, 'exact_top5')} within five; {percent(best['ceiling'])} could have come "
        "from some form and rule of the bundle."
    )
    sure, plain = ("exact_top1", "exact_top5"), ("tool_top1", "precision", "recall")
    rows = [
        (
            known,
            *(with_interval(figures["overall"], figure) for figure in sure),
            *(percent(figures["overall"][figure]) for figure in plain),
        )
        for known, figures in predictors.items()
    ]
    draw(Table(("predictor", *(figure.replace("_", " ") for figure in (*sure, *plain))), list(rows)))
    tools = sorted(predictors[name]["by_tool"].items(), key=lambda item: -item[1]["calls"])[:8]
    parts = [(tool, f"{part['calls']:,}", percent(part["exact_top1"]), percent(part["exact_top5"]), percent(part["ceiling"])) for tool, part in tools]  # fmt: skip  # noqa: E501
    first = of_all(len(parts), len(predictors[name]["by_tool"]), f"{name}, by tool")
    draw(Table((first, "calls", "exact top1", "exact top5", "ceiling"), list(parts)))
    if not best["launched"]:
        console.say()
        console.paragraph(
            "Nothing passes the gate, so a runtime would start nothing early: no threshold kept the precision that "
            "the setting mining.precision asks for."
        )


def _say_savings(savings: Mapping[str, Any]) -> None:
    from miner.evaluation.report_savings import bound_section, saved_section

    for section in (bound_section(savings["bound"], savings["conditions"]), saved_section(savings)):
        say_section(section)


def _say_files(run: Journey) -> None:
    title("What was made")
    for words in run.notes:
        console.paragraph(f"Note: {words}.")
    did = ", ".join(run.done) if run.done else "nothing, all of it was there already"
    console.paragraph(f"Done now: {did}.")
    weight = console.size(run.bundle_bytes)
    console.paragraph(
        f"Bundle: {run.run / 'bundle.json'}, {run.patterns:,} patterns in {weight}; "
        f"readable as {run.run / 'bundle.txt'}."
    )
    console.paragraph(f"Report: {run.run / 'report.html'}. Look around: miner dashboard {run.run}")
