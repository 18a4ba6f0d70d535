"""The whole journey: read logs, mine them, score and replay the result, write a bundle and a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.journey.outcome import Journey
    from miner.settings import Settings
    from miner.store.report import IngestReport


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The run folder.")
@click.option("--test", multiple=True, help="Logs that are scored; all of LOGS then trains. May be given again.")
@click.option("--engine", help="Where mining runs: duckdb, on this machine, or spark; else as the settings say.")
@click.option("--settings", "path", type=click.Path(path_type=Path), help="TOML file with settings.")
@console.json_option
def command(logs: tuple[str, ...], out: Path, test: tuple[str, ...], engine: str | None, path: Path | None, as_json: bool) -> None:  # fmt: skip  # noqa: E501
    """Read LOGS (files, folders, globs), learn from them, and write everything to a run folder.

    LOGS are recognised by content. Running again does only what is new.
    """
    from miner.settings import load_settings

    settings = load_settings(path)
    if engine is not None:
        settings = replace(settings, mining=replace(settings.mining, engine=engine))
    run = _journey(logs, out, test, settings)
    if as_json:
        console.say_json(_as_json(run))
    else:
        _say(run)


def _journey(logs: tuple[str, ...], out: Path, test: tuple[str, ...], settings: Settings) -> Journey:
    from miner.cli._reading import reading
    from miner.engines import load_engine
    from miner.journey.folder import open_run
    from miner.journey.outcome import Inputs, Journey
    from miner.journey.steps import ingest, whole_journey

    load_engine(settings.mining.engine)  # what it lacks is said before logs are read
    run = Journey(out)
    with open_run(out, make=True) as folder:
        with reading("reading logs") as tell:
            run.reports = ingest(folder, Inputs(logs, test), settings, tell)
        for report in run.reports:
            _warn(report)
        return whole_journey(folder, settings, console.note, run)


def _warn(report: IngestReport) -> None:
    for words in report.recovery:
        console.note(words)
    for each in report.unwrapped:
        console.note(
            f"taken apart: {each['calls']} calls of {each['logged']} as {each['tools']} tools ({each['rule']})"
        )
    if report.unrecognised:
        shown = ", ".join(str(path) for path in report.unrecognised[:3])
        console.note(f"{len(report.unrecognised)} files are in no known format: {shown}")


def _as_json(run: Journey) -> dict[str, Any]:
    return {
        "run": str(run.run),
        "did": run.done,
        "notes": run.notes,
        "overview": run.overview,
        "evaluation": _overall(run.evaluation),
        "savings": run.savings and {k: v for k, v in run.savings.items() if k not in ("load", "sensitivity")},
        "bundle": {"bytes": run.bundle_bytes, "patterns": run.patterns},
    }


def _overall(evaluation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if evaluation is None:
        return None
    return {name: figures["overall"] for name, figures in evaluation["predictors"].items()}


def _say(run: Journey) -> None:
    from miner.cli._story import say_story

    say_story(run)
