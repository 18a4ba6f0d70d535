"""Opening a store that may have been left in any state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import StoreError
from miner.store.connection import attach, close, explained
from miner.store.lock import StoreLock
from miner.store.schema import fingerprint, statements

if TYPE_CHECKING:
    import duckdb


def opened(path: Path, lock: StoreLock, *, read_only: bool) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """A connection to a sound store, and what had to be done to have one."""
    with explained(path):
        connection = attach(path, read_only=read_only)
        try:
            _check_or_make(connection, path, read_only=read_only)
        except BaseException:
            close(connection)
            raise
    return connection, []


def _check_or_make(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    tables = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if not tables and not read_only:
        connection.execute("begin")
        for statement in statements():
            connection.execute(statement)
        connection.execute("commit")
        return
    if "store_facts" not in tables:
        raise StoreError(
            "this database is not a store of events",
            where=str(path),
            next_step="name another file; this one is left as it is",
        )
    facts = dict(connection.execute("select name, value from store_facts").fetchall())
    if facts.get("fingerprint") != fingerprint():
        raise StoreError(
            "the store was made by another version of miner",
            where=str(path),
            next_step="delete it and ingest the logs again, or use the version that made it",
        )
