"""The store: opened, written by ``ingest``, and read back as sessions or as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from miner.errors import StoreError
from miner.events import Session, SessionLog
from miner.store import logs
from miner.store.connection import close, cursor
from miner.store.lock import StoreLock
from miner.store.report import IngestReport, Progress

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Store:
    """An open store. Use ``Store.open``, in a ``with`` block."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, lock: StoreLock, *, read_only: bool) -> None:
        self.path = path
        self.connection = connection
        self.lock = lock
        self.read_only = read_only
        self.recovery: list[str] = []
        """What had to be repaired when it was opened, in words."""

    @classmethod
    def open(cls, path: Path | str, read_only: bool = False) -> Self:
        """Open the store in a file; unless ``read_only``, make it when it is not there and repair it when damaged.

        Raises:
            StoreError: it is in use, damaged, of another version, not a store, or cannot be written.
        """
        from miner.store.recovery import opened

        path = Path(path).expanduser().absolute()
        if read_only and not path.exists():
            raise StoreError(
                "there is no store", where=str(path), next_step="make one with `miner ingest LOGS --db FILE`"
            )
        if not read_only:
            _make_folder(path.parent)
        lock = StoreLock(path, read_only=read_only)
        try:
            connection, recovery = opened(path, lock, read_only=read_only)
        except BaseException:
            lock.release()
            raise
        store = cls(path, connection, lock, read_only=read_only)
        store.recovery = recovery
        return store

    def close(self) -> None:
        """Write everything to the one file and let others in."""
        close(self.connection)
        self.lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ingest(
        self,
        paths: Iterable[Path | str],
        part: str | None = None,
        progress: Callable[[Progress], None] | None = None,
        max_problem_share: float = 0.05,
    ) -> IngestReport:
        """Read logs (files, folders, globs) into the store; only what is new or changed is read.

        Args:
            paths: where the logs are.
            part: what their sessions are for, ``train`` or ``test``; a source keeps the part given last.
            progress: called now and then.
            max_problem_share: above this share of unusable records the ingest fails, after storing the usable ones.

        Raises:
            LogError: a path that is not there, no logs, or too many problems.
            StoreError: the store cannot be written; says what is safe.
        """
        from miner.store.ingest import Ingest

        return Ingest(self, part, progress or _ignore).run(paths, max_problem_share)

    def sessions(self, part: str | None = None) -> list[Session]:
        """The sessions (of a part), by start and key."""
        return logs.sessions(self, part)

    def session_logs(self, part: str | None = None) -> Iterator[SessionLog]:
        """The sessions (of a part) with their events, by start and key; memory holds a few megabytes at a time."""
        return logs.session_logs(self, part)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a select."""
        with cursor(self.connection) as handle:
            return handle.execute(sql, list(parameters)).fetchall()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """The rows of a select as an Arrow table (``polars.from_arrow`` takes it as it is)."""
        with cursor(self.connection) as handle:
            return handle.execute(sql, list(parameters)).to_arrow_table()


def _ignore(_: Progress) -> None:
    return


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder of the store: {error.strerror}",
            where=str(folder),
            next_step="choose a folder that you may write to",
        ) from error
