"""The tables of the counts, and how their file is opened: sound and of this version, or begun anew."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import StoreError
from miner.mining.code_digest import code_digest

if TYPE_CHECKING:
    import duckdb

FORMAT = 2
MEMORY = "1GB"
"""Of the sums alone; what does not fit is spilled beside the file."""
_COUNTED_BY = ("events.py", "runtime", "mining")
"""The code that a session's rows depend on."""

_TABLES = (
    # One row is one thing that was stated when the file was made.
    "create table facts (name varchar, value varchar)",
    # One row is one session whose rows are kept.
    """create table surveyed (
        number uinteger, key varchar, content varchar, group_name varchar, fold utinyint, calls uinteger,
        serving blob)""",
    # One row is one thing that was seen in any session. Its digest finds it again: texts are compared only once.
    "create table things (thing uinteger, digest uhugeint, kind utinyint, hole varchar, item varchar)",
    # One row is one thing that was seen in one session, and how often.
    "create table tallies (number uinteger, thing uinteger, n uinteger)",
)


def opened(path: Path | None, folds: int) -> duckdb.DuckDBPyConnection:
    """A connection to sound rows of this version; others are dropped, for they can be counted again."""
    import duckdb

    spill = path.with_name(path.name + ".spill") if path else Path(tempfile.gettempdir()) / f"miner-{os.getpid()}.spill"
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "preserve_insertion_order": False,
        "temp_directory": str(spill),
    }
    if path is None:
        connection = duckdb.connect(config=settings)
        _make(connection, folds)
        return connection
    if path.exists():
        try:
            connection = duckdb.connect(str(path), config=settings)
        except duckdb.Error as error:
            if "set lock" in str(error):
                raise StoreError(
                    "the counts of this run are in use by another process",
                    where=str(path),
                    next_step="wait until it has finished, or end it",
                ) from error
        else:
            if _is_sound(connection, folds):
                return connection
            connection.close()
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    connection = duckdb.connect(str(path), config=settings)
    _make(connection, folds)
    return connection


def _is_sound(connection: duckdb.DuckDBPyConnection, folds: int) -> bool:
    import duckdb

    try:
        return connection.execute("select value from facts where name = 'version'").fetchone() == (version_of(folds),)
    except duckdb.Error:
        # No counts of ours: what they said is in the store, and is counted again.
        return False


def _make(connection: duckdb.DuckDBPyConnection, folds: int) -> None:
    connection.execute("begin")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("insert into facts values ('version', ?)", [version_of(folds)])
    connection.execute("commit")


@cache
def version_of(folds: int) -> str:
    """Of the format, of the code that rows depend on, and of the folds."""
    return f"{FORMAT} {folds} {code_digest(_COUNTED_BY)[:32]}"
