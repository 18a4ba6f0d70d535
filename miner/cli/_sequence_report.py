"""Mined sequences as rows, tables, JSON and files."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miner.cli import console
from miner.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from miner.mining.sequence_rules import SequenceRule
    from miner.mining.sequences import MinedSequences, SequencePattern

Row = dict[str, Any]
_WHENS = {"next": "what comes next", "later": "what comes later"}
_LEGEND = (
    "times: places where it ends; median: from the start of its first step to the start of its last;\n"
    "in tools: how much of its time its own calls took"
)
_FIELDS = ("steps", "sessions", "share", "occurrences", "median_us", "step_medians_us", "tool_share")


def row_of(pattern: SequencePattern, mined: MinedSequences, keys: Sequence[str]) -> Row:
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
        "session_keys": [keys[number] for number in evidence.sessions],
        "first_positions": [list(places) for places in evidence.first_positions],
    }


def shown_rules(rules: Sequence[SequenceRule], most: int) -> list[SequenceRule]:
    """The strongest rules about the next step, then the strongest about later ones."""
    return [rule for when in _WHENS for rule in [rule for rule in rules if rule.when == when][:most]]


def as_json(mined: MinedSequences, rows: Sequence[Row], rules: Sequence[SequenceRule]) -> dict[str, Any]:
    """What was found as one object."""
    return {
        "sessions": mined.database.sessions,
        "min_sessions": mined.least,
        "max_gap": mined.limits.max_gap,
        "kind": mined.limits.kind,
        "found": len(mined.patterns),
        "complete": not mined.interrupted,
        "interrupted": mined.interrupted or None,
        "sequences": list(rows),
        "rules": [asdict(rule) for rule in rules],
    }


def say(mined: MinedSequences, rows: Sequence[Row], rules: Sequence[SequenceRule]) -> None:
    """Prints what was found as tables."""
    console.say(_headline(mined, len(rows)))
    if rows:
        console.say()
        headings = ("sessions", "share", "times", "median", "in tools", "sequence")
        console.table(headings, [_cells(row) for row in rows], right=range(5))
        console.say(_LEGEND)
    for when, title in _WHENS.items():
        cells = [_rule_cells(rule) for rule in rules if rule.when == when]
        if cells:
            console.say(f"\n{title}")
            console.table(("chance", "95 %", "lift", "sessions", "after ⇒ comes"), cells, right=range(4))


def _headline(mined: MinedSequences, shown: int) -> str:
    """How many were found of what, and what to change when there are none."""
    total, limits = mined.database.sessions, mined.limits
    if not total:
        return "No session of this run calls a tool, so there are no sequences."
    kind = "" if limits.kind == "all" else f"{limits.kind} "
    between = {0: "each step directly after the one before", None: "any number of other calls between two steps"}
    some = "1 other call" if limits.max_gap == 1 else f"{limits.max_gap} other calls"
    gap = between.get(limits.max_gap, f"at most {some} between two steps")
    found = len(mined.patterns)
    text = (
        f"{found:,} {kind}sequence{'' if found == 1 else 's'} in at least {mined.least:,} of {total:,} sessions, {gap}"
    )
    if mined.least > total:
        return f"{text}.\nThere are only {total:,} sessions: lower --min-sessions."
    if not found:
        return f"{text}.\nLower --min-sessions or --min-length, allow a larger --max-gap, or drop a filter."
    return f"{text}; the first {shown:,}:" if shown < found else f"{text}:"


def _cells(row: Row) -> tuple[object, ...]:
    return (
        row["sessions"],
        console.share(row["share"]),
        row["occurrences"],
        _lasting(row["median_us"]),
        console.share(row["tool_share"]),
        " → ".join(row["steps"]),
    )


def _rule_cells(rule: SequenceRule) -> tuple[object, ...]:
    interval = f"{100 * rule.low:.0f}–{100 * rule.high:.0f}"
    steps = f"{' → '.join(rule.context)} ⇒ {rule.consequent}"
    return console.share(rule.confidence), interval, f"{rule.lift:,.1f}", rule.sessions, steps


def _lasting(micros: int | None) -> str:
    """A time in the unit people read."""
    if micros is None:
        return "-"
    from miner.evaluation.sections import lasting

    return f"{micros / 1000:.0f} ms" if 0 < micros < 100_000 else lasting(micros / 1e6)


def check_export(path: Path) -> None:
    """Refuses a file whose name does not say how to write it, before anything is mined."""
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"sequences cannot be written as {path.name}", next_step="name it .csv or .parquet")


def export(path: Path, rows: Sequence[Row]) -> None:
    """One row a sequence; nested values as JSON text in CSV."""
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_FIELDS)
            writer.writerows([_csv_cell(row, name) for name in _FIELDS] for row in rows)
        return
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError("mining", "polars") from error
    kinds: dict[str, Any] = {
        "steps": pl.List(pl.String),
        "sessions": pl.Int64,
        "share": pl.Float64,
        "occurrences": pl.Int64,
        "step_medians_us": pl.List(pl.Int64),
        "median_us": pl.Int64,
        "tool_share": pl.Float64,
        "session_keys": pl.List(pl.String),
        "first_positions": pl.List(pl.List(pl.Int64)),
    }
    pl.DataFrame(list(rows), schema=kinds).write_parquet(path)


def _csv_cell(row: Mapping[str, Any], name: str) -> object:
    value = row[name]
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
