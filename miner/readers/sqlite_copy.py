"""An agent's SQLite database, read from a private copy with its write-ahead log, and only the columns that are stated.

The agent may be writing, and its database may hold credentials: nothing is opened in place, nothing is selected that a
reader does not name, and the copy is gone when the reading ends.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from miner.readers.source import Head, Source, strip_compression
from miner.readers.whole import copy_to, refuse

MAGIC = b"SQLite format 3\0"


def has_tables(head: Head, *names: str) -> bool:
    """Whether a database's schema, which stands in its first pages, holds these tables."""
    if not head.start.startswith(MAGIC):
        return False
    return all(
        re.search(rb"CREATE TABLE (?:IF NOT EXISTS )?[\"'`\[]?" + name.encode() + rb"\b", head.start, re.IGNORECASE)
        for name in names
    )


@contextmanager
def opened(source: Source, path: Path) -> Iterator[sqlite3.Connection | None]:
    """The copy, open for reading; None, with a problem told, where there is no database to be had."""
    with tempfile.TemporaryDirectory(prefix="miner-") as folder:
        target = Path(folder, "copy.db")
        size = copy_to(source, path, target)
        journal = path.with_name(path.name + "-wal")
        if strip_compression(path) == path and journal.is_file():
            with journal.open("rb") as log, target.with_name("copy.db-wal").open("wb") as copy:
                while chunk := log.read(1 << 20):
                    copy.write(chunk)
        # Not read-only: a copied log is only applied by a connection that may write, here to the copy.
        with closing(sqlite3.connect(target)) as connection:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("PRAGMA trusted_schema = 0")
            connection.text_factory = _text
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                # A damaged schema is quoted in the error's own message, which then is no text.
                if size:
                    refuse(source, path, "not_sqlite", size, detail=type(error).__name__, fatal=True)
                yield None
                return
            yield connection


def rows(
    source: Source, path: Path, connection: sqlite3.Connection, table: str, columns: Sequence[str], order: str
) -> Iterator[dict[str, Any]]:
    """The rows of a table with these of its columns that it has; a damaged table ends early, with a problem."""
    try:
        there = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        wanted = [column for column in columns if column in there]
        if not wanted:
            return
        sorted_by = ", ".join(f'"{name}"' for name in order.split() if name in there) or "rowid"
        chosen = ", ".join(f'"{name}"' for name in wanted)
        cursor = connection.execute(f'SELECT {chosen} FROM "{table}" ORDER BY {sorted_by}')
        while (row := cursor.fetchone()) is not None:
            source.account.records += 1
            yield dict(zip(wanted, row, strict=True))
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError) as error:
        source.problem("damaged_table", f"{table}: {type(error).__name__}", path=path, fatal=True)


def database(tables: Mapping[str, tuple[str, Sequence[Sequence[object]]]]) -> bytes:
    """A small database as bytes, for examples: name -> (columns, rows)."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA page_size = 512")
        for name, (columns, values) in tables.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" * len(values[0])) if values else ""
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", values)
        connection.commit()
        return connection.serialize()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
