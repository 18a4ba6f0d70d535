"""Rows and ledger into the database, in transactions that each leave it whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miner.errors import StoreError
from miner.store.ledger import Identity
from miner.store.plan import Plan, Reading
from miner.store.reading import SPILLED, Told, spill_path
from miner.store.rows import arrow_schema, record_batch
from miner.store.schema import derivations

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SPARE_BYTES = 32 << 20
"""What must stay free on the disk beside the rows themselves."""
_SOURCE_TABLES = ("all_events", "all_sessions", "problems", "files", "sources")


class Writing:
    """The statements that change a store; uniqueness is kept by deleting a source's rows before inserting them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self.events_added = 0
        self.events_removed = 0

    def commit(self, told: dict[str, list[Told]], readings: dict[int, Reading], folder: Path, part: str | None) -> int:
        """Rows and ledger of some sources in one transaction.

        Args:
            told: what was read, by name of its spill.
            readings: what was to be read, by source.
            folder: where the spills lie; they are deleted once their rows are safe.
            part: what the sessions are for.

        Returns:
            The number of the batch.
        """
        spills = {table: [spill_path(folder, name, table) for name in told] for table in SPILLED}
        self._check_space(sum(path.stat().st_size for paths in spills.values() for path in paths))
        items = [item for group in told.values() for item in group]
        done = [readings[item.source] for item in items]
        replaced = sorted({number for reading in done for number in reading.replaces})
        with self._transaction():
            for table, paths in spills.items():
                self._store(table, paths, replaced)
            batch = self._next_batch()
            self._delete("sources", replaced)
            self._insert_rows("sources", [_source_row(item, readings[item.source], batch, part) for item in items])
            self._write_files([(reading.task.source, item, False) for reading in done for item in reading.files])
        for paths in spills.values():
            for path in paths:
                path.unlink()
        return batch

    def finish(self, todo: Plan, part: str | None) -> None:
        """Copies, moved files and parts; then what the views leave out; then one checkpoint."""
        moved, named = sorted(todo.moved), sorted(todo.named)
        with self._transaction():
            for table in _SOURCE_TABLES:
                self._delete(table, sorted(todo.dropped))
            self._connection.execute(
                "delete from files where not is_copy and source in (select unnest(?))",
                [moved],
            )
            self._write_files(todo.refreshed)
            self._connection.execute(
                "update sources set path = (select min(path) from files f where f.source = sources.source "
                "and not is_copy) where source in (select unnest(?))",
                [moved],
            )
            changed = self._count(
                "update sources set part = ? where source in (select unnest(?)) and part is distinct from ?",
                [part, named, part],
            )
            stale = self._is_stale()
            if stale or changed or todo.dropped:
                self._derive()
        if stale or changed or todo.dropped or todo.refreshed:
            self.checkpoint()

    def derive_if_stale(self) -> None:
        """Work out what the views leave out, where an ingest was stopped before it could."""
        if self._is_stale():
            with self._transaction():
                self._derive()

    def _is_stale(self) -> bool:
        return self._count("select count(*) from store_facts where name = 'derived' and value = 0") > 0

    def _derive(self) -> None:
        for statement in derivations():
            self._connection.execute(statement)

    def checkpoint(self) -> None:
        """Write everything into the main file; from then on an unclean end needs no check of what is there now."""
        self._connection.execute("checkpoint store")
        self._connection.execute(
            "update store_facts set value = (select value from store_facts where name = 'batch') "
            "where name = 'checked_batch'"
        )

    def drop(self, sources: list[int]) -> None:
        """Forget sources: the next ingest of their files reads them again."""
        with self._transaction():
            for table in _SOURCE_TABLES:
                self._delete(table, sources)
            self._next_batch()

    def forget(self, keys: Sequence[str]) -> int:
        """Delete sessions, whoever tells them, as if their sources had never held them; the number of the batch."""
        with self._transaction():
            for table, column, counted in (("all_events", "session", "events"), ("all_sessions", "key", "sessions")):
                self._connection.execute(
                    f"update sources set rows_digest = rows_digest - gone.digests, {counted} = {counted} - gone.rows "
                    f"from (select source, sum(digest::hugeint) as digests, count(*) as rows from {table} "
                    f"where {column} in (select unnest(?)) group by source) gone where sources.source = gone.source",
                    [list(keys)],
                )
                self._connection.execute(f"delete from {table} where {column} in (select unnest(?))", [list(keys)])
            batch = self._next_batch()
            self._derive()
        self.checkpoint()
        return batch

    def _store(self, table: str, spills: list[Path], replaced: list[int]) -> None:
        """Of events only what differs from the rows that are there: an appended file adds its tail."""
        if table != "all_events":
            self._delete(table, replaced)
            self._insert(table, _spilled(table, spills))
        elif not replaced:
            self.events_added += self._insert(table, _spilled(table, spills))
        else:
            same = "a.source = b.source and a.session = b.session and a.seq = b.seq and a.digest = b.digest"
            with self._incoming(_spilled(table, spills)):
                self.events_removed += self._count(
                    "delete from all_events a where source in (select unnest(?)) "
                    f"and not exists (select 1 from incoming b where {same})",
                    [replaced],
                )
            with self._incoming(_spilled(table, spills)):
                self.events_added += self._count(
                    "insert into all_events select a.* from incoming a "
                    f"where not exists (select 1 from all_events b where {same})"
                )

    @contextmanager
    def _incoming(self, rows: pa.RecordBatchReader) -> Iterator[None]:
        self._connection.register("incoming", rows)
        try:
            yield
        finally:
            self._connection.unregister("incoming")

    def _insert(self, table: str, rows: pa.RecordBatchReader) -> int:
        with self._incoming(rows):
            return self._count(f"insert into {table} select * from incoming")

    def _insert_rows(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        import pyarrow as pa

        if rows:
            self._insert(table, pa.RecordBatchReader.from_batches(arrow_schema(table), [record_batch(table, rows)]))

    def _delete(self, table: str, sources: list[int]) -> None:
        if sources:
            self._connection.execute(f"delete from {table} where source in (select unnest(?))", [sources])

    def _count(self, sql: str, parameters: Iterable[object] = ()) -> int:
        return int(self._connection.execute(sql, list(parameters)).fetchall()[0][0])

    def _write_files(self, rows: list[tuple[int, Identity, bool]]) -> None:
        """Ledger rows of files; a file has one."""
        if not rows:
            return
        paths = [item.path for _, item, _ in rows]
        self._connection.execute("delete from files where path in (select unnest(?))", [paths])
        self._insert_rows("files", [(source, *item.row(), is_copy) for source, item, is_copy in rows])

    def _next_batch(self) -> int:
        self._connection.execute(
            "update store_facts set value = case name when 'batch' then value + 1 else 0 end "
            "where name in ('batch', 'derived')"
        )
        return self._count("select value from store_facts where name = 'batch'")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self._connection.execute("commit")

    def _roll_back(self) -> None:
        import duckdb

        try:
            self._connection.execute("rollback")
        except duckdb.Error:
            # A failed write of the log has ended the transaction already.
            return

    def _check_space(self, size: int) -> None:
        """Stop before the disk is full rather than in the middle of a write."""
        free = shutil.disk_usage(self._path.parent).free
        if free < size + SPARE_BYTES:
            raise StoreError(
                f"the disk is nearly full: {free >> 20} MB are left",
                where=str(self._path.parent),
                next_step="everything committed before is safe: free some space and run the same command again",
            )


def _spilled(table: str, paths: list[Path]) -> pa.RecordBatchReader:
    """The rows of spill files, batch by batch, so that a large log costs no more memory than a small one."""
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        for path in paths:
            with pa.OSFile(str(path)) as stream:
                yield from pa.ipc.open_stream(stream)

    return pa.RecordBatchReader.from_batches(arrow_schema(table), batches())


def _source_row(told: Told, reading: Reading, batch: int, part: str | None) -> tuple[Any, ...]:
    account = told.account
    return (
        told.source,
        batch,
        part,
        reading.task.paths[0],
        reading.task.reader,
        told.version,
        reading.content,
        account.accepted,
        account.broken,
        account.blank,
        account.tail,
        account.records,
        account.scrubbed,
        told.sessions,
        told.events,
        told.problems,
        str(told.rows_digest),
    )
