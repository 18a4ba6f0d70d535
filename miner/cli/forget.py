"""Forget sessions, as when a person asks for it: rows, counts, and everything that was learnt from them."""

from __future__ import annotations

from pathlib import Path

import click

from miner.cli import console


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("sessions", nargs=-1, required=True, metavar="SESSION...")
@click.option("--settings", "path", type=click.Path(path_type=Path), help="TOML file; else those of the last run.")
@console.json_option
def command(run: Path, sessions: tuple[str, ...], path: Path | None, as_json: bool) -> None:
    """Forget each SESSION (its key) of a RUN folder, and make the run anew as if it had never been read.

    Their log files are yours to delete: while they lie there they are passed over, also when they change.
    """
    from miner.journey.folder import open_run
    from miner.journey.forgetting import forget
    from miner.journey.outcome import Journey
    from miner.settings import load_settings, settings_from

    with open_run(run) as folder:
        last = folder.facts.get("settings")
        settings = settings_from(last, str(run / "run.json")) if last and path is None else load_settings(path)
        told = forget(folder, sessions, settings, console.note, Journey(run))
    if as_json:
        console.say_json({"run": str(run), "sessions": told.sessions, "events": told.events, "linked": told.linked})
        return
    console.say(f"forgotten: {told.sessions:,} sessions with {told.events:,} events; the run was made anew")
    for key in told.linked:
        console.say(f"  still there, and came from one of them: {key}")
