"""Write a run's bundle and its readable twin, for its owner or for others, within a budget of bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.settings import Audience


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the bundle here instead; its twin beside it.")  # fmt: skip  # noqa: E501
@click.option("--audience", type=click.Choice(["private", "shared"]), help="Who will see it.")
@click.option("--budget", type=click.IntRange(1), help="Bytes that the bundle may have.")
@click.option("--tools", multiple=True, metavar="[PREFIX=]FILE", help="A list of tools with their schemas; PREFIX stands before their names in the logs. Kept in RUN. May be given again.")  # fmt: skip  # noqa: E501
@click.option("--settings", "path", type=click.Path(path_type=Path), help="TOML file with settings.")
@console.json_option
def command(run: Path, out: Path | None, audience: str | None, budget: int | None, tools: tuple[str, ...], path: Path | None, as_json: bool) -> None:  # fmt: skip  # noqa: E501
    """Export the patterns of a RUN folder.

    A shared bundle keeps no value, name or word from a log unless many sessions and projects have it. With --tools, a
    runtime that is told the tools' schemas makes no early call of a tool that has changed since.
    """
    from miner.journey.folder import open_run
    from miner.journey.single import export_only
    from miner.settings import load_settings

    settings = load_settings(path)
    chosen = replace(
        settings.export,
        audience=cast("Audience", audience or settings.export.audience),
        budget_bytes=budget or settings.export.budget_bytes,
    )
    with open_run(run) as folder:
        _keep_tools(run, tools)
        found = export_only(folder, replace(settings, export=chosen), out)
    if as_json:
        console.say_json(found)
        return
    console.say(
        f"{found['bundle']}: {found['patterns']:,} patterns in {console.size(found['bytes'])}, {found['digest']}"
    )
    for what, count in found["held_back"].items():
        console.say(f"held back: {what} ({count})")
    if not found["scored"]:
        console.say(f"without held-out figures: miner evaluate {run} scores it, and exporting again takes them in")


def _keep_tools(run: Path, lists: tuple[str, ...]) -> None:
    """Takes the fingerprints of the tools in each list into the run folder."""
    from miner.export.tools import fingerprints_in, keep_fingerprints, placed

    for given in lists:
        keep_fingerprints(run, fingerprints_in(*placed(given)))
