"""Puts a map beside each table of spans, where the reader finds it: one that a user wrote, or one that is proposed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from miner.errors import LogError
from miner.readers.head import head_of
from miner.readers.map_proposal import ROWS, as_toml, propose
from miner.readers.source import Source
from miner.readers.span_maps import MAP_SUFFIX, load_map, own_map_of
from miner.readers.tables import is_table, rows

NEEDED = ("title", "start")
_JOINING = ("session", "trace", "id")
"""One of these says which rows belong together."""


def tables_of(paths: Iterable[Path]) -> list[Path]:
    """The files that are tables, in whichever container; maps are none."""
    return [path for path in paths if not path.name.endswith(MAP_SUFFIX) and is_table(head_of(path))]


def proposed(table: Path) -> str:
    """A map for a table, from the names of its columns and what stands in them.

    Raises:
        LogError: a part that every span has is in none of its columns.
    """
    source = Source((table,))
    found = list(islice(rows(source, table), ROWS))
    if not found:
        why = "; ".join(f"{problem.reason} {problem.detail}".strip() for problem in source.problems[:1])
        raise LogError(f"no row can be read: {why or 'there is none'}", where=str(table), next_step="check the file")
    proposal = propose(found)
    missing = [part for part in NEEDED if part not in proposal]
    missing += [] if any(part in proposal for part in _JOINING) else ["session"]
    if missing:
        columns = sorted({name for row in found for name in row})
        raise LogError(
            f"no column looks like the {' or the '.join(missing)} of a call: there are {', '.join(columns[:20])}",
            where=str(table),
            next_step="a table has a row for each call; write a map yourself: see docs/formats/platforms.md",
        )
    return as_toml(proposal)


def place(text: str, table: Path) -> Path:
    """Write a map beside a table; the same map may be there already.

    Raises:
        LogError: another map is there, or none can be written.
    """
    target = own_map_of(table)
    try:
        if target.exists() and target.read_text(encoding="utf-8") != text:
            raise LogError(
                "there is another map already", where=str(target), next_step="look through it, or remove it first"
            )
        target.write_text(text, encoding="utf-8")
        load_map(target)
    except OSError as error:
        raise LogError(
            f"the map cannot be put beside its table: {error.strerror}",
            where=str(target),
            next_step="copy the table into a folder of your own",
        ) from error
    return target
