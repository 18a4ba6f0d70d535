"""Show the frequent sequences of tool calls in a run, what follows them, and where they were seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from miner.cli import _sequence_report as report
from miner.cli import console
from miner.cli._interrupt import stoppable
from miner.errors import RunFolderError, UsageError

if TYPE_CHECKING:
    from miner.mining.sequence_sessions import SessionSequences
    from miner.mining.sequences import MinedSequences, SequenceLimits

INTERRUPTED = 130
_SAME = (
    *("min_share", "kind", "max_span", "min_length", "max_length", "top", "budget"),
    *("contains", "starts_with", "ends_with", "only", "without"),
)
"""Options that are named as the limits they set."""


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
@click.option("--min-length", type=int, default=2, show_default=True, help="Fewest steps.")
@click.option("--max-length", type=int, help="Most steps.")
@click.option("--contains", multiple=True, help="A tool or signature that must be in it; may be repeated.")
@click.option("--starts-with", help="The tool or signature it must start with.")
@click.option("--ends-with", help="The tool or signature it must end with.")
@click.option("--only", multiple=True, help="The only tools or signatures that may be in it.")
@click.option("--without", multiple=True, help="Tools or signatures that may not be in it.")
@click.option("--top", type=int, help="Only so many, those of most sessions.")
@click.option("--budget", type=int, default=1_000_000, show_default=True, help="Stop after so many sequences.")
@click.option("--engine", default="miner", show_default=True, help="miner, or prefixspan: slow, without gap limits.")
@click.option("--plain", is_flag=True, help="Signatures of tool and status alone, no argument classes.")
@click.option("--show", type=click.IntRange(min=0), default=20, show_default=True, help="Rows of each table and list.")
@click.option(
    "--export",
    "exports",
    type=click.Path(path_type=Path),
    multiple=True,
    help="All of them to FILE.csv or FILE.parquet.",
)
@click.option(
    "--graph",
    "graphs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="What directly follows what, to FILE.graphml or FILE.dot.",
)
@console.json_option
def command(run: Path, **chosen: Any) -> int:
    """Frequent sequences of the tool calls in a RUN folder, with their evidence and what follows them.

    Ctrl-C ends the search and shows what was found so far; the exit code is then 130.
    """
    from miner.mining.sequence_rules import rules_beside
    from miner.mining.transition_graph import check_graph, transition_graph, write_graph

    for path in chosen["exports"]:
        report.check_export(path)
    for path in chosen["graphs"]:
        check_graph(path)
    seen = _read(run, plain=chosen["plain"])
    with stoppable("the search") as stop:
        mined = _mine(seen, _limits(chosen, seen), chosen["engine"], stop)
    if mined.interrupted:
        console.note(_warning(mined))
    rows = [report.row_of(pattern, mined, seen.keys) for pattern in mined.patterns[: chosen["show"]]]
    if chosen["exports"]:
        every = _all_rows(mined, seen, rows)
        for path in chosen["exports"]:
            report.export(path, every)
    if chosen["graphs"]:
        graph = transition_graph(seen.database, seen.times)
        for path in chosen["graphs"]:
            write_graph(graph, path)
    rules = report.shown_rules(rules_beside(mined), chosen["show"])
    if chosen["as_json"]:
        console.say_json(report.as_json(mined, rows, rules))
    else:
        report.say(mined, rows, rules)
        written = [str(path) for path in (*chosen["exports"], *chosen["graphs"])]
        if written:
            console.say(f"\nwritten: {', '.join(written)}")
    return INTERRUPTED if stop.is_set() else 0


def _read(run: Path, *, plain: bool) -> SessionSequences:
    """The sessions of a run folder under the signatures that its data asks for."""
    from miner.mining.sequence_cache import stored_sequences
    from miner.store import Store

    path = run / "events.duckdb"
    if not path.is_file():
        raise RunFolderError(
            "this run folder has no events", where=str(path), next_step="miner ingest LOGS --db " + str(path)
        )
    with Store.open(path, read_only=True) as store:
        return stored_sequences(store, plain=plain)


def _limits(chosen: Mapping[str, Any], seen: SessionSequences) -> SequenceLimits:
    """The options as limits; a filter may name a tool and mean all its signatures."""
    from miner.mining.sequences import SequenceLimits

    if chosen["any_gap"] and chosen["max_gap"] is not None:
        raise UsageError("--any-gap and --max-gap contradict each other", next_step="give one of them")
    sessions, gap = chosen["min_sessions"], chosen["max_gap"]
    if sessions is None and chosen["min_share"] is None:
        sessions = max(2, seen.database.sessions // 20)
    if gap is None and not chosen["any_gap"] and chosen["engine"] == "miner":
        gap = 1
    plain = {name: chosen[name] for name in _SAME}
    return SequenceLimits(min_sessions=sessions, max_gap=gap, groups=seen.tools, **plain)


def _mine(seen: SessionSequences, limits: SequenceLimits, engine: str, stop: Event) -> MinedSequences:
    """Mines with a bar."""
    from miner.mining.sequence_loops.compiled import is_compiled
    from miner.mining.sequences import mine_sequences

    if not is_compiled():
        console.note("first use on this machine: the sequence miner is compiled once, which takes about half a minute")
    with console.progress("mining sequences", total=100) as advance:
        reported = 0

        def progress(done: int, total: int, _found: int) -> None:
            nonlocal reported
            reached = 100 * done // max(1, total)
            advance(reached - reported)
            reported = reached

        return mine_sequences(seen.database, limits, engine=engine, times=seen.times, stop=stop, progress=progress)


def _warning(mined: MinedSequences) -> str:
    """Why sequences are missing, and how to get them."""
    return (
        f"warning: {mined.interrupted}; the counts shown are exact, but sequences are missing\n"
        "  next:  raise --min-sessions or --budget, or set --max-length or a smaller --max-gap"
    )


def _all_rows(mined: MinedSequences, seen: SessionSequences, rows: list[report.Row]) -> list[report.Row]:
    """The rows of every sequence; those that are made already are taken over."""
    rest = mined.patterns[len(rows) :]
    with console.progress("gathering evidence", total=len(rest)) as advance:
        made = []
        for pattern in rest:
            made.append(report.row_of(pattern, mined, seen.keys))
            advance(1)
    return rows + made
