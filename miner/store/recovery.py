"""Opening a store that may have been left in any state: sound, interrupted, damaged, or not a store at all.

The ladder, each rung tried only when the one before failed, originals kept beside the store:

1. It opens. After an unclean end the batches since the last checkpoint are checked against their row digests.
2. The log of changes (WAL) is damaged at a stated position: it is cut there, and everything is checked.
3. The first metadata block was torn by a crash in the middle of a checkpoint, which leaves sound data under a wrong
   checksum: the checksum is worked out anew, and everything is checked.
4. A new store is begun; the logs will be read again.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import StoreError
from miner.store.connection import attach, close, explained
from miner.store.lock import StoreLock
from miner.store.schema import EARLIER, fingerprint, statements
from miner.store.verification import verify
from miner.store.writing import Writing

if TYPE_CHECKING:
    import duckdb

_MAGIC_AT = 8
_MAGIC = b"DUCK"
_FIRST_BLOCK = 12288
_BLOCK_BYTES = 262144
_CHECKSUM_SEED = 5381
_CHECKSUM_FACTOR = 0xBF58476D1CE4E5B9
_REFUSALS = ("could not set lock", "permission denied", "read-only file system", "no space left", "not a directory")
"""What the operating system says; anything else that keeps the file from opening is damage."""
_WAL_POSITION = re.compile(r"position (\d+)")


def opened(path: Path, lock: StoreLock, *, read_only: bool) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """A connection to a sound store, and what had to be done to have one, in words."""
    with explained(path):
        tried = _try(path, read_only=True) if read_only else _try_checked(path, everything=False)
        if isinstance(tried, str):
            ours = _is_store_file(path, lock)
            if read_only or not ours:
                raise _unusable(path, repairable=ours)
            connection, said = _repaired(path, tried)
        elif isinstance(tried, tuple):
            connection, said = tried
        else:
            return tried, []
        Writing(connection, path).derive_if_stale()
        said += _lost(connection, lock)
    return connection, said


def _try_checked(path: Path, *, everything: bool) -> tuple[duckdb.DuckDBPyConnection, list[str]] | str:
    """A connection whose rows were checked where there is reason to, or in what words the database refuses."""
    import duckdb

    unclean = _size(_wal(path)) > 0
    connection = _try(path, read_only=False)
    if isinstance(connection, str) or not (unclean or everything):
        return connection if isinstance(connection, str) else (connection, [])
    try:
        return connection, verify(connection, path, everything=everything)
    except duckdb.Error as error:
        close(connection)
        return str(error)


def _try(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection | str:
    """A connection, or in what words the database refuses to open.

    Raises:
        StoreError: it opens but is not a store of this version.
        duckdb.IOException: the operating system refuses.
    """
    import duckdb

    try:
        connection = attach(path, read_only=read_only)
    except duckdb.Error as error:
        if any(words in str(error).lower() for words in _REFUSALS):
            raise
        return str(error)
    try:
        _check_or_make(connection, path, read_only=read_only)
    except duckdb.Error as error:
        close(connection)
        return str(error)
    except StoreError:
        close(connection)
        raise
    return connection


def _check_or_make(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    tables = {
        row[0]
        for row in connection.execute("select table_name from duckdb_tables() where database_name = 'store'").fetchall()
    }
    if not tables and not read_only:
        connection.execute("begin")
        for statement in statements():
            connection.execute(statement)
        connection.execute("commit")
        return
    if "store_facts" not in tables:
        raise _unusable(path, repairable=False)
    facts = dict(connection.execute("select name, value from store_facts").fetchall())
    if facts.get("fingerprint") not in {fingerprint(), *EARLIER}:
        raise StoreError(
            "the store was made by another version of miner",
            where=str(path),
            next_step="delete it and ingest the logs again, or use the version that made it",
        )
    if read_only and not facts["derived"]:
        raise StoreError(
            "the last ingest into this store did not finish",
            where=str(path),
            next_step="run the same `miner ingest` or `miner run` again: it completes what is missing",
        )


def _unusable(path: Path, *, repairable: bool) -> StoreError:
    if repairable:
        return StoreError(
            "the store is damaged", where=str(path), next_step="run `miner ingest` or `miner run` again: it repairs it"
        )
    return StoreError(
        "this file is not a store of events", where=str(path), next_step="name another file; this one is left as it is"
    )


def _is_store_file(path: Path, lock: StoreLock) -> bool:
    """True for a database that this program began: only such a file may be repaired or set aside."""
    with path.open("rb") as stream:
        head = stream.read(_MAGIC_AT + len(_MAGIC))
    return lock.was_there and (head[_MAGIC_AT:] == _MAGIC or not head.strip(b"\0"))


def _repaired(path: Path, refusal: str) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    kept = _keep_original(path)
    said = [f"the store did not open; the original is kept as {kept.name}"]
    at = _WAL_POSITION.search(refusal)
    tried: tuple[duckdb.DuckDBPyConnection, list[str]] | str = refusal
    if "WAL" in refusal and at and _size(_wal(path)) > int(at.group(1)):
        said.append("its log of changes was cut where it was damaged")
        with _wal(path).open("r+b") as stream:
            stream.truncate(int(at.group(1)))
        tried = _try_checked(path, everything=True)
    if isinstance(tried, str) and "checksum" in tried and str(_FIRST_BLOCK) in tried:
        said.append("a block that a crash had left half written was restored")
        _restore_checksum(path)
        tried = _try_checked(path, everything=True)
    if isinstance(tried, str):
        said.append("it stayed unreadable, so a new store was begun: logs that still exist will be read again")
        path.unlink()
        _wal(path).unlink(missing_ok=True)
        tried = _try_checked(path, everything=False)
    if isinstance(tried, str):
        raise StoreError("no new store could be begun", where=str(path), next_step="name another file")
    return tried[0], [*said, *tried[1]]


def _keep_original(path: Path) -> Path:
    """Copy the database and its log aside, under a name that is free; nothing has them open now."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    shutil.copyfile(path, kept)
    if _wal(path).exists():
        shutil.copyfile(_wal(path), _wal(kept))
    return kept


def _restore_checksum(path: Path) -> None:
    """DuckDB rewrites its first block in place; torn, it holds the old or new halves of nearly equal contents."""
    with path.open("r+b") as stream:
        stream.seek(_FIRST_BLOCK)
        block = stream.read(_BLOCK_BYTES)
        if len(block) == _BLOCK_BYTES:
            stream.seek(_FIRST_BLOCK)
            stream.write(block_checksum(block[8:]).to_bytes(8, "little"))


def block_checksum(data: bytes) -> int:
    """DuckDB's checksum of a block's contents."""
    import numpy as np

    words = np.frombuffer(data, dtype="<u8") * np.uint64(_CHECKSUM_FACTOR)
    return _CHECKSUM_SEED ^ int(np.bitwise_xor.reduce(words))


def _lost(connection: duckdb.DuckDBPyConnection, lock: StoreLock) -> list[str]:
    """Compare with the side file: a missing log of changes is something the database itself does not notice."""
    batch = connection.execute("select value from store_facts where name = 'batch'").fetchall()[0][0]
    missing = lock.acknowledged - batch
    if missing <= 0:
        return []
    lock.acknowledge(batch)
    return [f"{missing} batches that had been stored are gone: logs that still exist will be read again"]


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
