"""Mine a run's training sessions anew: patterns.json, and the bundle made from it."""

from __future__ import annotations

from pathlib import Path

import click

from miner.cli import console


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--settings", "path", type=click.Path(path_type=Path), help="TOML file with settings.")
@console.json_option
def command(run: Path, path: Path | None, as_json: bool) -> None:
    """Mine the training sessions of a RUN folder; writes patterns.json, nothing when it is up to date."""
    from miner.journey.folder import open_run
    from miner.journey.outcome import Journey
    from miner.journey.single import mine_only
    from miner.settings import load_settings

    with open_run(run) as folder:
        found = mine_only(folder, load_settings(path), console.note, Journey(run))
    if as_json:
        console.say_json({"run": str(run), **found})
    else:
        console.table(("", "count"), list(found.items()), right=(1,))
        console.say(f"\nwritten: {run / 'patterns.json'}")
