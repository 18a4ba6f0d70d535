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

from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.source import Source
from miner.readers.whole import copy_to, refuse

MAGIC = b"SQLite format 3\0"
_INDEXED = "SELECT 1 FROM pragma_index_list(?) l, pragma_index_info(l.name) i WHERE i.seqno = 0 AND i.name = ?"
_DAMAGE = (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError)


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
                connection.execute("PRAGMA synchronous = 0")
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                # A page that says it holds fewer rows than it does would be believed.
                sound = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            except _DAMAGE as error:
                # A damaged schema is quoted in the error's own message, which then is no text.
                if size:
                    refuse(source, path, "not_sqlite", size, detail=type(error).__name__, fatal=True)
                yield None
                return
            if not sound:
                source.problem("damaged_database", "rows may be missing", path=path, fatal=True)
            yield connection


class Tables:
    """The tables of a copy, a few rows at a time; a damaged one ends early, with one problem."""

    def __init__(self, source: Source, path: Path, connection: sqlite3.Connection) -> None:
        self._source, self._path, self._connection = source, path, connection
        self._columns: dict[str, list[str]] = {}
        self._damaged: set[str] = set()

    def index(self, table: str, column: str) -> None:
        """Let the rows of one value be found at once, in databases that cannot do so yet."""
        if column not in self._columns_of(table) or list(self._selected(table, _INDEXED, (table, column))):
            return
        try:
            self._connection.execute("PRAGMA query_only = 0")
            self._connection.execute(f'CREATE INDEX "miner_{table}_{column}" ON "{table}" ("{column}")')
            self._connection.execute("PRAGMA query_only = 1")
        except _DAMAGE as error:
            self._refuse(table, "damaged_table", type(error).__name__)

    def rows(
        self, table: str, columns: Sequence[str], order: str, only: tuple[str, object] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a table with these of its columns that it has.

        Args:
            table: its name.
            columns: their names.
            order: columns to sort by, with blanks between.
            only: a column and the one value that it is to have.
        """
        there = self._columns_of(table)
        wanted = [column for column in columns if column in there]
        if not wanted or (only is not None and only[0] not in there):
            self._refuse(table, "missing_table", "it, or its columns, are not there")
            return
        sorted_by = ", ".join(f'"{name}"' for name in order.split() if name in there) or "rowid"
        chosen = ", ".join(f'"{name}"' for name in wanted)
        where = f'WHERE "{only[0]}" IS ? ' if only is not None else ""
        given = (only[1],) if only is not None else ()
        for row in self._selected(table, f'SELECT {chosen} FROM "{table}" {where}ORDER BY {sorted_by}', given):
            self._source.account.records += 1
            yield dict(zip(wanted, row, strict=True))

    def values(self, table: str, column: str) -> list[Any]:
        """The different values of a column, in the order in which they came in."""
        if column not in self._columns_of(table):
            self._refuse(table, "missing_table", "it, or its columns, are not there")
            return []
        asked = f'SELECT "{column}" FROM "{table}" GROUP BY "{column}" ORDER BY min(rowid)'
        return [row[0] for row in self._selected(table, asked)]

    def _columns_of(self, table: str) -> list[str]:
        if table not in self._columns:
            self._columns[table] = [row[1] for row in self._selected(table, f'PRAGMA table_info("{table}")')]
        return self._columns[table]

    def _selected(self, table: str, asked: str, given: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(asked, given)
            while (row := cursor.fetchone()) is not None:
                yield row
        except _DAMAGE as error:
            self._refuse(table, "damaged_table", type(error).__name__)

    def _refuse(self, table: str, reason: str, detail: str) -> None:
        if table not in self._damaged:
            self._damaged.add(table)
            self._source.problem(reason, f"{table}: {detail}", path=self._path, fatal=True)


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
