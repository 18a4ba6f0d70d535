"""Read logs into an events database; the format is recognised by content, and only what is new is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.store.report import IngestReport


_MOST_NAMED = 3


@click.command()
@click.argument("logs", nargs=-1)
@click.option("--db", type=click.Path(path_type=Path, dir_okay=False), help="The events database.")
@click.option("--part", type=click.Choice(["train", "test"]), help="What these sessions are for.")
@click.option("--settings", "path", type=click.Path(path_type=Path), help="TOML file with settings.")
@click.option("--map", "map_", metavar="FILE|auto", help="LOGS are tables with these columns; `auto` proposes a map.")
@click.option("--explain", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Say how this file is understood, and store nothing.")  # fmt: skip  # noqa: E501
@console.json_option
def command(
    logs: tuple[str, ...],
    db: Path | None,
    part: str | None,
    path: Path | None,
    map_: str | None,
    explain: Path | None,
    as_json: bool,
) -> None:
    """Read LOGS (files, folders, globs) into a database; with --explain FILE, say how a file is understood.

    A table of your own (CSV, Parquet, JSON Lines, DuckDB) is read with a map that says which column holds what. With
    --map the map is put beside each table of LOGS, as NAME.map.toml; --map auto without --db only prints a proposal.
    """
    if explain is not None:
        from miner.cli._explaining import explain as say_how

        say_how(explain, as_json=as_json)
        return
    if logs and map_ is not None:
        _map(logs, map_, as_json=as_json, write=db is not None)
        if db is None:
            return
    if not logs or db is None:
        raise click.UsageError("give LOGS and --db FILE, LOGS and --map auto, or --explain FILE")
    from miner.cli._reading import reading
    from miner.settings import load_settings
    from miner.store import Store

    settings = load_settings(path).ingest
    with Store.open(db) as store, reading("reading logs") as tell:
        report = store.ingest(logs, part, tell, settings.max_problem_share)
    if as_json:
        console.say_json(_as_json(report))
    else:
        _say(report, db)


def _map(logs: tuple[str, ...], given: str, *, as_json: bool, write: bool) -> None:
    """Put the map beside each table, or only say what it would be."""
    from miner.errors import LogError, UsageError
    from miner.readers.map_placing import place, proposed, tables_of
    from miner.readers.span_maps import load_map, own_map_of
    from miner.store.discovery import discover

    if given != "auto":
        load_map(Path(given))
    elif not write and len(logs) > 1:
        raise UsageError("a proposal is printed for one table at a time", next_step="give --db FILE, or one table")
    tables = tables_of(discover(logs).files)
    if not tables and not (given == "auto" and write):
        raise LogError("none of these is a table", where=", ".join(logs), next_step="see docs/formats/platforms.md")
    if given == "auto" and write:
        tables = [table for table in tables if not own_map_of(table).exists()]
    for table in tables:
        text = proposed(table) if given == "auto" else Path(given).read_text(encoding="utf-8")
        if write:
            console.note(f"map: {place(text, table)}" + (" (proposed: look through it)" if given == "auto" else ""))
        elif as_json:
            console.say_json({"table": str(table), "map": text})
        else:
            console.say(text.rstrip("\n"))


def _as_json(report: IngestReport) -> dict[str, Any]:
    found = dataclasses.asdict(report)
    return {**found, "unrecognised": [str(path) for path in report.unrecognised]}


def _say(report: IngestReport, db: Path) -> None:
    rows = [
        ("sessions", report.sessions),
        ("calls", report.calls),
        ("events", report.events),
        ("rows added", report.events_added),
        ("rows replaced", report.events_removed),
        ("files read", report.files_read),
        ("files unchanged", report.files_unchanged),
        ("problems", report.problems),
        *((f"  {reason.replace('_', ' ')}", count) for reason, count in sorted(report.by_reason.items())),
        *((f"files passed over: {rule}", count) for rule, count in sorted(report.passed_over.items())),
        *([("files of no known format", len(report.unrecognised))] if report.unrecognised else []),
    ]
    console.table(("", "count"), rows, right=(1,))
    if report.unwrapped:
        wrapped = [(each["logged"], each["rule"], each["calls"], each["tools"]) for each in report.unwrapped]
        console.say("")
        console.table(("taken apart", "by the rule", "calls", "tools"), wrapped, right=(2, 3))
    if report.unrecognised:
        named = ", ".join(str(path) for path in report.unrecognised[:_MOST_NAMED])
        more = len(report.unrecognised) - _MOST_NAMED
        console.note(f"of no known format: {named}{f' and {more} more' if more > 0 else ''} (see --explain FILE)")
    if report.problems:
        console.note(f"the table `problems` of {db.name} says of each in which file and line it is")
    for words in report.recovery:
        console.note(words)
    console.say(f"\nwritten: {db}")
