"""Log files in, rows out: plan, read in parallel, commit rows and ledger together, work out the views."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miner.errors import LogError, StoreError
from miner.readers.unwrap import NAME_SPACE, rule_of
from miner.store.connection import explained, one_thread
from miner.store.discovery import discover
from miner.store.ledger import load_ledger
from miner.store.plan import Plan, Reading, plan
from miner.store.reading import Told, spill_path
from miner.store.report import IngestReport, Progress, TooManyProblemsError
from miner.store.workers import Workers
from miner.store.writing import Writing

if TYPE_CHECKING:
    from miner.store.database import Store

COMMIT_BYTES = 48 << 20
"""Rows are committed when this much has been read: a killed run loses no more than that of its work."""


class Ingest:
    """One run of ``Store.ingest``."""

    def __init__(self, store: Store, part: str | None, progress: Callable[[Progress], None]) -> None:
        self._store = store
        self._writing = Writing(store.connection, store.path)
        self._part = part
        self._progress = progress
        self._report = IngestReport(recovery=list(store.recovery))
        self._folder = store.path.with_name(store.path.name + ".reading")

    def run(self, paths: Iterable[Path | str], max_problem_share: float) -> IngestReport:
        """Do it.

        Raises:
            LogError: nothing to read, or too many problems.
            StoreError: the store cannot be written.
        """
        if self._store.read_only:
            raise StoreError("the store was opened for reading only", where=str(self._store.path))
        found = discover(paths)
        self._report.passed_over = dict(found.passed_over)
        connection = self._store.connection
        with explained(self._store.path), one_thread(connection), Workers(found.files) as workers:
            todo = plan(found.files, load_ledger(connection), workers.recognise)
            self._note(todo, found.files)
            with _folder(self._folder):
                self._read(todo, workers)
            self._writing.finish(todo, self._part)
            self._summarise(sorted(todo.named))
        if self._report.problem_share > max_problem_share:
            raise TooManyProblemsError(self._report, max_problem_share)
        return self._report

    def _note(self, todo: Plan, files: list[Path]) -> None:
        report = self._report
        report.files_unchanged = todo.unchanged
        report.files_empty = todo.empty
        report.unrecognised = todo.unrecognised
        for rule, count in todo.passed_over.items():
            report.passed_over[rule] = report.passed_over.get(rule, 0) + count
        if not todo.named:
            looked = [f"{len(files):,} file{'' if len(files) == 1 else 's'} looked into", f"{todo.empty:,} empty"]
            looked.append(f"{len(todo.unrecognised):,} of no known format")
            looked += [
                f"{count:,} passed over as {rule.replace('_', ' ')}" for rule, count in report.passed_over.items()
            ]
            raise LogError(
                f"no logs found: {', '.join(looked)}",
                where=", ".join(str(path) for path in (todo.unrecognised or files)[:3]) or None,
                next_step="`miner ingest --explain FILE` says what a file looks like, `miner formats` what is read",
            )

    def _read(self, todo: Plan, workers: Workers) -> None:
        """Read and commit, a few dozen megabytes at a time."""
        readings = {reading.task.source: reading for reading in todo.readings}
        step = _Step(self._progress, todo)
        pending: dict[str, list[Told]] = {}
        size = 0
        for name, told in workers.read([reading.task for reading in todo.readings], self._folder):
            pending[name] = told
            size += spill_path(self._folder, name, "all_events").stat().st_size
            step.done([readings[item.source] for item in told], sum(item.events for item in told))
            if size >= COMMIT_BYTES:
                self._commit(pending, readings)
                pending, size = {}, 0
        if pending:
            self._commit(pending, readings)

    def _commit(self, pending: dict[str, list[Told]], readings: dict[int, Reading]) -> None:
        batch = self._writing.commit(pending, readings, self._folder, self._part)
        self._store.lock.acknowledge(batch)
        self._report.files_read += sum(len(readings[item.source].files) for told in pending.values() for item in told)

    def _summarise(self, named: list[int]) -> None:
        """Figures for the named sources, from the store itself."""
        report = self._report
        report.events_added, report.events_removed = self._writing.events_added, self._writing.events_removed
        sources = self._select(
            "select reader, count(*), sum(accepted + broken + blank + tail), sum(records) from sources "
            "where source in (select unnest(?)) group by reader order by reader",
            named,
        )
        report.by_reader = {row[0]: row[1] for row in sources}
        report.bytes = sum(int(row[2]) for row in sources)
        report.records = sum(int(row[3]) for row in sources)
        problems = "select reason, count(*) from problems where source in (select unnest(?)) group by all order by all"
        report.by_reason = dict(self._select(problems, named))
        report.problems = sum(report.by_reason.values())
        parts = "select coalesce(part, 'none'), count(*) from sessions where source in (select unnest(?)) group by all"
        report.parts = dict(sorted(self._select(parts, named)))
        report.sessions = sum(report.parts.values())
        report.events, report.calls = self._select(
            "select count(*), count(*) filter (where kind = 'tool_call' and (caller is null or caller = 'model')) "
            "from events where source in (select unnest(?))",
            named,
        )[0]
        report.unwrapped = self._unwrapped(named)
        report.files_gone = sum(not Path(path).exists() for (path,) in self._store.query("select path from files"))

    def _unwrapped(self, named: list[int]) -> list[dict[str, str | int]]:
        """Which wrappers were taken off, by which rule."""
        pairs = self._select(
            "select raw_tool, tool, server, count(*) from events where kind = 'tool_call' and raw_tool is not null "
            "and raw_tool <> tool and source in (select unnest(?)) group by all order by all",
            named,
        )
        found: dict[tuple[str, str], list[int]] = {}
        for logged, tool, server, calls in pairs:
            rule = rule_of(logged, tool, server)
            if rule is not None:
                found.setdefault((rule, logged if rule != NAME_SPACE else "any"), []).append(calls)
        return [
            {"rule": rule, "logged": logged, "calls": sum(calls), "tools": len(calls)}
            for (rule, logged), calls in sorted(found.items())
        ]

    def _select(self, sql: str, named: list[int]) -> list[tuple[Any, ...]]:
        return self._store.query(sql, [named])


class _Step:
    """Counts what has been read and tells the caller."""

    def __init__(self, tell: Callable[[Progress], None], todo: Plan) -> None:
        self._tell = tell
        self._files = sum(len(reading.files) for reading in todo.readings)
        self._bytes = sum(reading.task.bytes for reading in todo.readings)
        self._now = Progress(0, self._files, 0, self._bytes, 0)
        tell(self._now)

    def done(self, readings: list[Reading], events: int) -> None:
        now = self._now
        self._now = Progress(
            now.files_done + sum(len(reading.files) for reading in readings),
            now.files,
            now.bytes_done + sum(reading.task.bytes for reading in readings),
            now.bytes,
            now.events + events,
        )
        self._tell(self._now)


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """A folder for rows on their way into the store; a killed run may have left its own behind."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)
