"""One writer or several readers of a store, by ``flock`` on a side file.

DuckDB's own lock is a POSIX record lock, which vanishes when anything in the process opens and closes the database
file; this one does not. The side file also says who writes and which batch was last acknowledged.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from miner.errors import StoreError


class StoreLock:
    """The side file of a store, held until ``release``."""

    def __init__(self, database: Path, *, read_only: bool) -> None:
        self.path = database.with_name(database.name + ".lock")
        self.was_there = False
        """True when somebody opened the store before."""
        self._stream = _open(self.path, read_only=read_only)
        if self._stream is None:
            return
        try:
            fcntl.flock(self._stream, (fcntl.LOCK_SH if read_only else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._read().get("process")
            self._stream.close()
            who = "this program itself" if holder == os.getpid() else f"process {holder or 'that only reads'}"
            raise StoreError(
                f"the store is in use by {who}",
                where=str(database),
                next_step="wait until it has finished, or end it; two runs on one run folder need two folders",
            ) from None
        self.was_there = bool(self._read())
        if not read_only:
            self._write(os.getpid(), self.acknowledged)

    @property
    def acknowledged(self) -> int:
        """Number of the last batch that was committed, as far as is known."""
        return int(self._read().get("batch") or 0)

    def acknowledge(self, batch: int) -> None:
        """Remember, on disk, that a batch was committed."""
        self._write(os.getpid(), batch)

    def release(self) -> None:
        """Let others in."""
        if self._stream is None:
            return
        if self._stream.writable():
            self._write(None, self.acknowledged)
        self._stream.close()
        self._stream = None

    def _read(self) -> dict[str, int | None]:
        if self._stream is None:
            return {}
        text = os.pread(self._stream.fileno(), 4096, 0)
        try:
            value = json.loads(text or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, process: int | None, batch: int) -> None:
        if self._stream is None:
            return
        text = json.dumps({"process": process, "batch": batch}).ljust(64).encode()
        os.pwrite(self._stream.fileno(), text, 0)
        os.fsync(self._stream.fileno())


def _open(path: Path, *, read_only: bool) -> IO[bytes] | None:
    """The side file; None for a reader in a folder where none can be made, which nobody can write to either."""
    if read_only:
        try:
            return path.open("rb")
        except OSError:
            return None
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0)
    except OSError as error:
        raise StoreError(
            f"cannot write beside the store: {error.strerror}",
            where=str(path.parent),
            next_step="choose a folder that you may write to",
        ) from error
