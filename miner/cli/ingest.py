"""Read logs into an events database; the format is recognised by content, and only what is new is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from miner.cli import console

if TYPE_CHECKING:
    from miner.store.report import IngestReport


_MOST_PROBLEMS = 50


@click.command()
@click.argument("logs", nargs=-1)
@click.option("--db", type=click.Path(path_type=Path, dir_okay=False), help="The events database.")
@click.option("--part", type=click.Choice(["train", "test"]), help="What these sessions are for.")
@click.option("--settings", "path", type=click.Path(path_type=Path), help="TOML file with settings.")
@click.option("--explain", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Say how this file is understood, and store nothing.")  # fmt: skip  # noqa: E501
@console.json_option
def command(logs: tuple[str, ...], db: Path | None, part: str | None, path: Path | None, explain: Path | None, as_json: bool) -> None:  # fmt: skip  # noqa: E501
    """Read LOGS (files, folders, globs) into a database; with --explain FILE, say how a file is understood."""
    if explain is not None:
        _explain(explain, as_json)
        return
    if not logs or db is None:
        raise click.UsageError("give LOGS and --db FILE, or --explain FILE")
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


def _as_json(report: IngestReport) -> dict[str, Any]:
    found = dataclasses.asdict(report)
    return {**found, "unrecognised": [str(path) for path in report.unrecognised]}


def _say(report: IngestReport, db: Path) -> None:
    rows = [
        ("sessions", report.sessions),
        ("calls", report.calls),
        ("events", report.events),
        ("events new", report.events_added),
        ("events replaced", report.events_removed),
        ("files read", report.files_read),
        ("files unchanged", report.files_unchanged),
        ("problems", report.problems),
        *((f"  {reason.replace('_', ' ')}", count) for reason, count in sorted(report.by_reason.items())),
        *((f"files passed over: {rule}", count) for rule, count in sorted(report.passed_over.items())),
        *([("files of no known format", len(report.unrecognised))] if report.unrecognised else []),
    ]
    console.table(("", "count"), rows, right=(1,))
    for words in report.recovery:
        console.note(words)
    console.say(f"\nwritten: {db}")


def _explain(path: Path, as_json: bool) -> None:
    """What each reader thinks of the file, and what the chosen one makes of it."""
    from collections import Counter

    from miner.events import Session
    from miner.readers import load_reader, recognise, scores
    from miner.readers.source import Source

    name, sure = recognise(path), scores(path)
    source = Source((path,))
    kinds: Counter[str] = Counter()
    for item in load_reader(name).read(source) if name else ():
        kinds["sessions" if isinstance(item, Session) else f"{item.kind.value}s"] += 1
    found = {
        "file": str(path),
        "format": name,
        "how_sure": sure,
        "holds": dict(sorted(kinds.items())),
        "problems": [dataclasses.asdict(problem) for problem in source.problems[:_MOST_PROBLEMS]],
    }
    if as_json:
        console.say_json(found)
        return
    console.say(f"{path}: {load_reader(name).TITLE if name else 'no known format'}")
    console.table(("format", "how sure"), list(sure.items()) or [("none", 0.0)], right=(1,))  # fmt: skip
    console.table(("holds", "count"), sorted(kinds.items()), right=(1,))
    for problem in source.problems[:_MOST_PROBLEMS]:
        console.say(f"  line {problem.line or '-'}: {problem.reason} {problem.detail}".rstrip())
