"""Say what got better between two runs over the same held-out sessions, and whether it is more than noise."""

from __future__ import annotations

from pathlib import Path

import click

from miner.cli import console


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--predictor", help="Which predictor; by default the one that both reports are about.")
@console.json_option
def command(before: Path, after: Path, predictor: str | None, as_json: bool) -> None:
    """Compare the evaluations of two run folders, BEFORE and AFTER, by sessions that both have scored."""
    from miner.errors import RunFolderError
    from miner.evaluation.compare import compare_runs
    from miner.evaluation.report import main_predictor
    from miner.evaluation.run_folder import read_result

    results = []
    for run in (before, after):
        found = read_result(run, "evaluation.json")
        if found is None:
            raise RunFolderError("this run was never scored", where=str(run), next_step=f"miner evaluate {run}")
        results.append(found)
    name = predictor or main_predictor(results[1])
    rows = compare_runs(results[0], results[1], name)
    if as_json:
        console.say_json({"predictor": name, "figures": rows})
        return
    shown = [
        (row["figure"], row["before"], row["after"], row["change"], _interval(row["ci"]), row["verdict"])
        for row in rows
    ]
    console.table((name, "before", "after", "change", "95 %", "verdict"), shown, right=(1, 2, 3, 4))


def _interval(bounds: list[float] | None) -> str:
    return "-" if bounds is None else f"{bounds[0]:+.4f} to {bounds[1]:+.4f}"
