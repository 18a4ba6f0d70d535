"""The one place where the database file is attached, and where DuckDB's errors become ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import MissingExtraError, StoreError

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "256MB"
"""Of DuckDB alone; what does not fit is spilled beside the store."""
ROW_GROUP_ROWS = 16384
"""Events carry kilobytes of text each: DuckDB's own 122,880 rows would be hundreds of megabytes at a time."""
MADE_WITH = f"storage_version 'v1.5.0', row_group_size {ROW_GROUP_ROWS}"
CHECKPOINT_BYTES = "1GB"
"""Few checkpoints: the only moment at which a crash was seen to leave a file that does not open."""
_HOLDER = re.compile(r"PID (\d+)")


def attach(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect to the database in a file, made if need be, in a form that DuckDB 1.5 and 2 both read."""
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError("mining", "duckdb") from None
    connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "preserve_insertion_order": False})
    options = "read_only" if read_only else MADE_WITH
    try:
        connection.execute(f"set temp_directory = '{_quoted(path)}.spill'")
        connection.execute(f"set checkpoint_threshold = '{CHECKPOINT_BYTES}'")
        connection.execute(f"attach '{_quoted(path)}' as store ({options})")
        connection.execute("use store")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Leave the other cores to the processes that read: the database's threads would only take turns with them."""
    import duckdb

    connection.execute("set threads = 1")
    try:
        yield
    finally:
        # After a fatal error every statement fails, and there is nothing left to be done faster.
        with suppress(duckdb.Error):
            connection.execute("reset threads")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A second handle on the same store, so that one result may be read while another statement runs."""
    other = connection.cursor()
    other.execute("use store")
    return other


def close(connection: duckdb.DuckDBPyConnection) -> None:
    """Detach, which writes the log of changes into the file, and disconnect."""
    import duckdb

    try:
        connection.execute("use memory")
        connection.execute("detach store")
    except duckdb.Error:
        # After a fatal error every statement fails; what was committed is safe in the file and its log.
        pass
    finally:
        connection.close()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn a failure of DuckDB or of the disk into a StoreError that says what is safe, without quoting a log."""
    import duckdb

    safe = "everything committed before is safe; run the same command again to complete it"
    try:
        yield
    except (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException, OSError) as error:
        if isinstance(error, OSError):
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
        else:
            reason = str(error).splitlines()[0][:300]
        holder = _HOLDER.search(reason)
        if holder and "lock" in reason:
            raise StoreError(
                f"the store is in use by process {holder.group(1)}",
                where=str(path),
                next_step="close the program that has the file open",
            ) from error
        raise StoreError(f"the store could not be written: {reason}", where=str(path), next_step=safe) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise StoreError("there was not enough memory or disk space", where=str(path), next_step=safe) from error
