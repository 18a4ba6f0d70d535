"""Score what a run predicts on sessions that it has not learnt from, beside baselines and controls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from miner.cli import console

_FIGURES = ("exact_top1", "exact_top3", "exact_top5", "precision", "recall", "coverage")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--settings", type=click.Path(path_type=Path), help="TOML file with settings.")
@click.option("--split", help="given, session, time or source; by default as given, else by session.")
@click.option("--predictor", "names", multiple=True, help="Score only these; may be given several times.")
@click.option("--learning-curve", is_flag=True, help="Also score after parts of the training sessions.")
@click.option(
    "--leave-one-application-out", "elsewhere", is_flag=True, help="Also score each application by the others."
)
@console.json_option
def command(
    run: Path,
    settings: Path | None,
    split: str | None,
    names: tuple[str, ...],
    learning_curve: bool,
    elsewhere: bool,
    as_json: bool,
) -> None:
    """Score a RUN folder's predictor on held-out sessions; writes evaluation.json and the report."""
    from miner.evaluation.run_folder import write_result
    from miner.journey.folder import open_run
    from miner.journey.single import note_scores
    from miner.settings import load_settings

    chosen = load_settings(settings)
    found = _evaluated(run, chosen.evaluation, split, names, learning_curve=learning_curve, elsewhere=elsewhere)
    write_result(run, "evaluation.json", found)
    if split is None and not names:
        with open_run(run) as folder:
            note_scores(folder, chosen)
    if as_json:
        console.say_json(found)
    else:
        _say(run, found)


def _evaluated(
    run: Path, chosen: Any, split: str | None, names: tuple[str, ...], *, learning_curve: bool, elsewhere: bool
) -> dict[str, Any]:
    from miner.evaluation.evaluate import Options, evaluate
    from miner.evaluation.learning_curve import learning_curve as curve
    from miner.evaluation.learning_curve import leave_one_application_out
    from miner.evaluation.parts import parts_of
    from miner.evaluation.replay.permits import default_permits
    from miner.evaluation.run_folder import CURVES, fits_of, fitted_predictors, open_store

    with open_store(run) as store:
        parts = parts_of(store, split, chosen.held_out_share)
        permits = default_permits(store.sessions())
        predictors = fitted_predictors(run, parts.train, names or None, anew=split is not None)
        options = Options(
            how=parts.how,
            level_of=permits.level,
            policy=permits.said,
            ignored=chosen.ignored_arguments,
            base=next(iter(predictors)),
            draws=chosen.resamples,
        )
        found = evaluate(parts.train, parts.test, predictors, options)
        if learning_curve:
            found["learning_curve"] = curve(parts.train, parts.test, fits_of(names or CURVES), options)
        if elsewhere:
            found["leave_one_application_out"] = leave_one_application_out(
                store.session_logs, fits_of(names or CURVES), options
            )
    return found


def _say(run: Path, found: dict[str, Any]) -> None:
    rows = [
        (name, figures["overall"]["calls"], *(console.share(figures["overall"][figure]) for figure in _FIGURES))
        for name, figures in found["predictors"].items()
    ]
    headings = ("predictor", "calls", *(figure.replace("_", " ") for figure in _FIGURES))
    console.table(headings, rows, right=range(1, len(headings)))
    failed = [name for name, verdict in found["controls"].items() if verdict["passed"] is False]
    if failed:
        console.say(f"controls that did not come out as they must: {', '.join(failed)}")
    console.say(f"\nwritten: {run / 'evaluation.json'}, {run / 'report.html'}")
