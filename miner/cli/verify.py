"""Check the rows of a store against the digests that were taken before they were stored."""

from __future__ import annotations

from pathlib import Path

import click

from miner.cli import console


@click.command()
@click.argument("store", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="STORE")
@click.option("--full", is_flag=True, help="Check every row, not only those stored since the last checkpoint.")
@click.option("--forget", is_flag=True, help="Forget damaged sources, so that the next ingest reads their logs again.")
@console.json_option
@click.pass_context
def command(context: click.Context, store: Path, full: bool, forget: bool, as_json: bool) -> None:
    """Check the rows of STORE (a run's events.duckdb) against the digests that were taken when they were read.

    Nothing is changed without --forget. Ends with 1 when rows are found that are not what was read.
    """
    from miner.store import Store
    from miner.store.verification import checked, verify

    with Store.open(store, read_only=not forget) as opened:
        found = checked(opened.connection, everything=full)
        if forget:
            verify(opened.connection, store, everything=full)
    if as_json:
        console.say_json({"sources": found.sources, "damaged": found.damaged, "forgotten": forget})
    else:
        console.say(f"{found.sources:,} sources checked, {len(found.damaged):,} hold rows that are not what was read")
        for path in found.damaged:
            console.say(f"  {path}")
    context.exit(1 if found.damaged else 0)
