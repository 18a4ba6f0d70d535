"""Propose a map for a table of spans, so that a format nobody described can be read without code."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from miner.cli import console
from miner.errors import LogError


@click.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Write the map beside the table, where `miner ingest` finds it.")
@console.json_option
def command(table: Path, write: bool, as_json: bool) -> None:
    """Propose which columns of TABLE (JSON, JSON Lines, CSV or Parquet) hold the parts of a span.

    Look through the proposal: a map that is wrong gives wrong calls. An existing map is never overwritten.
    """
    from miner.readers.map_proposal import ROWS, as_toml, propose
    from miner.readers.source import Source
    from miner.readers.span_maps import own_map_of
    from miner.readers.tables import rows

    proposal = propose(list(islice(rows(Source((table,)), table), ROWS)))
    if "id" not in proposal or "start" not in proposal:
        raise LogError(
            "this does not look like a table of spans",
            where=str(table),
            next_step="a table has a row for each call, with an id and a start time; see docs/formats/platforms.md",
        )
    target = own_map_of(table)
    if write:
        if target.exists():
            raise LogError("there is a map already", where=str(target), next_step="look through it, or remove it first")
        target.write_text(as_toml(proposal), encoding="utf-8")
    if as_json:
        console.say_json({"map": proposal, "written": str(target) if write else None})
    else:
        console.say(as_toml(proposal) if not write else f"written to {target}")
