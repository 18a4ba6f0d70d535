"""Check the rows of a store against the digests that were taken before they were stored."""

from __future__ import annotations

from pathlib import Path

import click

from miner.cli import console


@click.command()
@click.argument("store", type=click.Path(exists=True, path_type=Path), metavar="STORE")
@click.option("--full", is_flag=True, help="Check every row, not only those stored since the last checkpoint.")
@click.option("--forget", is_flag=True, help="Forget damaged sources, so that the next ingest reads their logs again.")
@console.json_option
@click.pass_context
def command(context: click.Context, store: Path, full: bool, forget: bool, as_json: bool) -> None:
    """Check the rows of STORE (a database, or a run folder) against the digests that were taken when they were read.

    Nothing is changed without --forget. Ends with 1 when rows are found that are not what was read.
    """
    from miner.store import Store
    from miner.store.verification import checked, verify

    path = store / "events.duckdb" if store.is_dir() else store
    with Store.open(path, read_only=not forget) as opened:
        found = checked(opened.connection, everything=full)
        if forget:
            verify(opened.connection, path, everything=full)
    if as_json:
        console.say_json({"sources": found.sources, "damaged": found.damaged, "forgotten": forget})
    else:
        span = "" if full else " since the last checkpoint (--full: all of them)"
        console.say(
            f"{found.sources:,} sources{span} checked, {len(found.damaged):,} hold rows that are not what was read"
        )
        for source in found.damaged:
            console.say(f"  {source}")
        if found.damaged and not forget:
            console.say(f"  next:  miner verify {store} --forget, then read these logs again")
    context.exit(1 if found.damaged else 0)
