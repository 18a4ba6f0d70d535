"""Puts a map beside each table of spans, where the reader finds it: one that a user wrote, or one that is proposed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from miner.errors import LogError
from miner.events import Problem
from miner.readers.head import head_of
from miner.readers.map_proposal import ROWS, as_toml, propose
from miner.readers.source import Source
from miner.readers.span_maps import MAP_SUFFIX, lacking, map_from, own_map_of
from miner.readers.tables import is_table, rows


def tables_of(paths: Iterable[Path]) -> list[Path]:
    """The files that are tables, in whichever container; maps are none."""
    return [path for path in paths if not path.name.endswith(MAP_SUFFIX) and is_table(head_of(path))]


def proposed(table: Path) -> str:
    """A map for a table, from the names of its columns and what stands in them.

    Raises:
        LogError: it has no rows, or a part that every call has is in none of its columns.
    """
    source = Source((table,))
    found = list(islice(rows(source, table), ROWS))
    if not found:
        raise _without_rows(table, source.problems)
    proposal = propose(found)
    missing = [part for part in lacking(proposal) if part != "tools"]
    if missing:
        columns = sorted({name for row in found for name in row})
        raise LogError(
            f"no column looks like the {' or the '.join(missing)} of a call: there are {', '.join(columns[:20])}",
            where=str(table),
            next_step="a table has a row for each call; write a map yourself: see docs/formats/platforms.md",
        )
    return as_toml(proposal)


def _without_rows(table: Path, problems: Sequence[Problem]) -> LogError:
    if not problems:
        return LogError("the table has no rows", where=str(table), next_step="give one that has")
    several = problems[0].reason == "which_table"
    return LogError(
        f"no row can be read: {problems[0].reason} {problems[0].detail}".rstrip(),
        where=str(table),
        next_step="write a map yourself: see docs/formats/platforms.md" if several else "give a whole copy of the file",
    )


def place(text: str, table: Path) -> Path:
    """Write a map beside a table; the same map may be there already.

    Raises:
        LogError: another map is there, or none can be written.
        UsageError: the text is no map, or one that still lacks something.
    """
    target = own_map_of(table)
    try:
        if target.exists() and target.read_text(encoding="utf-8") != text:
            raise LogError(
                "there is another map already", where=str(target), next_step="look through it, or remove it first"
            )
        map_from(text, target)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LogError(
            f"the map cannot be put beside its table: {error.strerror}",
            where=str(target),
            next_step="copy the table into a folder of your own",
        ) from error
    return target
