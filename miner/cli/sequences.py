"""Show the frequent sequences of tool calls in a run, what follows them, and where they were seen."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from miner.cli import console
from miner.errors import MissingExtraError, RunFolderError, UsageError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--min-sessions", type=int, help="Fewest sessions that hold a sequence. [default: a twentieth, at least 2]"
)
@click.option("--min-share", type=float, help="The same as a share of all sessions, above 0 and at most 1.")
@click.option("--kind", default="closed", show_default=True, help="all, closed or maximal.")
@click.option("--max-gap", type=int, help="Most other calls between two steps; 0 for none. [default: 1]")
@click.option("--any-gap", is_flag=True, help="Any number of other calls between two steps.")
@click.option("--max-span", type=int, help="Most calls from the first step to the last, both included.")
@click.option("--min-length", type=int, default=2, show_default=True)
@click.option("--max-length", type=int)
@click.option("--contains", multiple=True, help="A tool or signature that must be in it; may be repeated.")
@click.option("--starts-with", help="The signature it must start with.")
@click.option("--ends-with", help="The signature it must end with.")
@click.option("--only", multiple=True, help="The only tools or signatures that may be in it.")
@click.option("--without", multiple=True, help="Tools or signatures that may not be in it.")
@click.option("--top", type=int, help="Only so many, those of most sessions.")
@click.option("--budget", type=int, default=1_000_000, show_default=True, help="Stop after so many sequences.")
@click.option("--engine", default="miner", show_default=True)
@click.option("--plain", is_flag=True, help="Signatures of tool and status alone, no argument classes.")
@click.option("--show", type=int, default=20, show_default=True, help="Rows of each table.")
@click.option("--export", "exports", type=click.Path(path_type=Path), multiple=True, help="FILE.csv or FILE.parquet.")
@click.option("--graph", "graphs", type=click.Path(path_type=Path), multiple=True, help="FILE.graphml or FILE.dot.")
@console.json_option
def command(run: Path, **chosen: Any) -> None:
    """Frequent sequences of the tool calls in a RUN folder, with their evidence and what follows them."""
    from miner.mining.sequence_rules import rules_of
    from miner.mining.transition_graph import transition_graph, write_graph

    for path in chosen["exports"]:
        _check_export(path)
    seen = _read(run, plain=chosen["plain"])
    mined = _mine(seen, chosen)
    if mined.interrupted:
        console.note(f"warning: {mined.interrupted}; the sequences shown are exact, others are missing")
    rows = [_row(pattern, mined) for pattern in mined.patterns[: chosen["show"]]]
    rules = rules_of(mined.patterns[:1000], seen.database, max_gap=mined.limits.max_gap, min_sessions=2)
    for path in chosen["exports"]:
        _export(path, [_row(pattern, mined) for pattern in mined.patterns])
    if chosen["graphs"]:
        graph = transition_graph(seen.database, seen.times)
        for path in chosen["graphs"]:
            write_graph(graph, path)
    if chosen["as_json"]:
        console.say_json(_as_json(mined, rows, rules[: chosen["show"]], seen.keys))
    else:
        _say(mined, rows, rules[: chosen["show"]])


def _read(run: Path, *, plain: bool) -> Any:
    """The sessions of a run folder under the signatures that its data asks for."""
    from miner.mining.sequence_sessions import session_sequences
    from miner.mining.signatures import find_refinements
    from miner.store import Store

    path = run / "events.duckdb"
    if not path.is_file():
        raise RunFolderError(
            "this run folder has no events", where=str(path), next_step="miner ingest LOGS --db " + str(path)
        )
    with Store.open(path, read_only=True) as store:
        refinements = {} if plain else find_refinements(store.session_logs())
        return session_sequences(store.session_logs(), refinements)


def _mine(seen: Any, chosen: Mapping[str, Any]) -> Any:
    """Mines with a bar; Ctrl-C ends the search and keeps what it has."""
    from threading import Event

    from miner.mining.sequences import SequenceLimits, mine_sequences

    if chosen["any_gap"] and chosen["max_gap"] is not None:
        raise UsageError("--any-gap and --max-gap contradict each other", next_step="give one of them")
    sessions, share = chosen["min_sessions"], chosen["min_share"]
    if sessions is None and share is None:
        sessions = max(2, seen.database.sessions // 20)
    gap = None if chosen["any_gap"] else 1 if chosen["max_gap"] is None else chosen["max_gap"]
    limits = SequenceLimits(
        min_sessions=sessions,
        min_share=share,
        kind=chosen["kind"],
        max_gap=gap,
        max_span=chosen["max_span"],
        min_length=chosen["min_length"],
        max_length=chosen["max_length"],
        contains=chosen["contains"],
        starts_with=chosen["starts_with"],
        ends_with=chosen["ends_with"],
        only=_signatures(chosen["only"], seen.tools),
        without=_signatures(chosen["without"], seen.tools),
        top=chosen["top"],
        budget=chosen["budget"],
    )
    with console.progress("mining sequences", total=None) as advance:
        stop, reported = Event(), [0]

        def progress(_done: int, _total: int, found: int) -> None:
            advance(max(0, found - reported[0]))
            reported[0] = max(found, reported[0])

        return mine_sequences(
            seen.database, limits, engine=chosen["engine"], times=seen.times, stop=stop, progress=progress
        )


def _signatures(names: tuple[str, ...], tools: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """A filter may name a tool and mean all its signatures."""
    return tuple(sorted({signature for name in names for signature in tools.get(name, {name})}))


def _row(pattern: Any, mined: Any) -> dict[str, Any]:
    """A pattern with its evidence, flat."""
    evidence = mined.evidence(pattern)
    known = [wait for wait in evidence.step_medians_us if wait is not None]
    return {
        "steps": list(pattern.steps),
        "sessions": pattern.sessions,
        "share": pattern.share,
        "occurrences": evidence.occurrences,
        "step_medians_us": list(evidence.step_medians_us),
        "median_us": sum(known) if known and len(known) == len(evidence.step_medians_us) else None,
        "tool_share": evidence.tool_share,
        "session_numbers": list(evidence.sessions),
        "first_positions": [list(places) for places in evidence.first_positions],
    }


def _as_json(mined: Any, rows: list[dict[str, Any]], rules: list[Any], keys: tuple[str, ...]) -> dict[str, Any]:
    for row in rows:
        row["session_keys"] = [keys[number] for number in row.pop("session_numbers")]
    return {
        "sessions": mined.database.sessions,
        "min_sessions": mined.least,
        "found": len(mined.patterns),
        "complete": not mined.interrupted,
        "interrupted": mined.interrupted or None,
        "sequences": rows,
        "rules": [asdict(rule) for rule in rules],
    }


def _say(mined: Any, rows: list[dict[str, Any]], rules: list[Any]) -> None:
    total = mined.database.sessions
    console.say(f"{len(mined.patterns):,} sequences in at least {mined.least:,} of {total:,} sessions")
    cells = [
        (
            row["sessions"],
            console.share(row["share"]),
            row["occurrences"],
            _seconds(row["median_us"]),
            console.share(row["tool_share"]),
            " → ".join(row["steps"]),
        )
        for row in rows
    ]
    if cells:
        console.say()
        console.table(("sessions", "share", "times", "median", "in tools", "sequence"), cells, right=range(5))
    after = [
        (
            console.share(rule.confidence),
            f"{100 * rule.low:.0f}–{100 * rule.high:.0f}",
            rule.lift,
            rule.sessions,
            rule.when,
            f"{' → '.join(rule.context)} ⇒ {rule.consequent}",
        )
        for rule in rules
    ]
    if after:
        console.say("\nwhat follows")
        console.table(("sure", "95 %", "lift", "sessions", "when", "rule"), after, right=range(4))


def _seconds(micros: int | None) -> str:
    return "-" if micros is None else f"{micros / 1e6:,.1f} s"


def _check_export(path: Path) -> None:
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"sequences cannot be written as {path.name}", next_step="name it .csv or .parquet")


def _export(path: Path, rows: list[dict[str, Any]]) -> None:
    """One row a sequence; nested values as JSON text in CSV."""
    if path.suffix == ".csv":
        import json

        fields = ("steps", "sessions", "share", "occurrences", "median_us", "step_medians_us", "tool_share")
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(fields)
            for row in rows:
                writer.writerow(
                    [json.dumps(row[name]) if isinstance(row[name], list) else row[name] for name in fields]
                )
        return
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError("mining", "polars") from error
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
