"""Checking stored rows against the digests that were taken before they were stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from miner.store.connection import cursor
from miner.store.rows import digest
from miner.store.schema import TABLES
from miner.store.writing import Writing

if TYPE_CHECKING:
    import duckdb

_FETCH_ROWS = 2000
_DIGESTED = ("all_events", "all_sessions")


def verify(connection: duckdb.DuckDBPyConnection, path: Path, *, everything: bool) -> list[str]:
    """Forget every source whose rows are not what was read, so that it is read again; say so.

    Args:
        connection: the open store.
        path: where it lies.
        everything: check all sources, not only those stored since the last checkpoint.
    """
    facts = dict(connection.execute("select name, value from store_facts").fetchall())
    after = -1 if everything else facts["checked_batch"]
    wrong = damaged_sources(connection, after)
    if not wrong:
        return []
    writing = Writing(connection, path)
    writing.drop(wrong)
    writing.derive_if_stale()
    return [f"{len(wrong)} sources held rows that are not what was read; they will be read again"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    sources: int
    damaged: list[str]
    """Paths of the sources whose rows are not what was read; empty text for rows of a source nobody knows."""


def checked(connection: duckdb.DuckDBPyConnection, *, everything: bool) -> Checked:
    """Check sources and change nothing.

    Args:
        connection: the open store.
        everything: check all sources, not only those stored since the last checkpoint.
    """
    facts = dict(connection.execute("select name, value from store_facts").fetchall())
    after = -1 if everything else facts["checked_batch"]
    wrong = damaged_sources(connection, after)
    paths = dict(connection.execute("select source, path from sources where batch > ?", [after]).fetchall())
    return Checked(len(paths), [paths.get(source, "") for source in wrong])


def damaged_sources(connection: duckdb.DuckDBPyConnection, after_batch: int) -> list[int]:
    """Sources stored after a batch whose rows do not add up to their digest, and rows of sources nobody knows."""
    expected = dict(
        connection.execute("select source, rows_digest from sources where batch > ?", [after_batch]).fetchall()
    )
    found: Counter[int] = Counter(dict.fromkeys(expected, 0))
    for table in _DIGESTED:
        columns = ", ".join(f'"{column.name}"' for column in TABLES[table])
        with cursor(connection) as handle:
            handle.execute(
                f"select {columns} from {table} where source not in (select source from sources where batch <= ?)",
                [after_batch],
            )
            while rows := handle.fetchmany(_FETCH_ROWS):
                for row in rows:
                    found[row[0]] += digest(row[1:-1])
    return sorted(source for source, total in found.items() if total != expected.get(source))
