"""What runs in a worker: recognise files, and read sources into Arrow files that the parent stores.

Nothing but small summaries passes through the pipe, so the memory of neither side grows with a log.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import miner.readers
from miner.errors import MinerError
from miner.events import Caller, Event, EventKind, Session
from miner.readers import load_reader, recognise
from miner.readers.record import Account
from miner.readers.source import Source
from miner.readers.unrecognised import is_binary
from miner.store.rows import (
    Row,
    arrow_schema,
    digested_batch,
    event_row,
    problem_row,
    record_batch,
    session_row,
)

BATCH_ROWS = 4096
BATCH_BYTES = 4 << 20
CHUNK_BYTES = 1 << 20
SPILLED = ("all_events", "all_sessions", "problems")

READER_SLIPS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    OSError,
    MinerError,
)
"""What a reader may raise on a log that nobody foresaw: that source is given up, the others go on."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is."""

    path: str
    reader: str | None = None
    content: str = ""
    """Digest of its bytes up to the size it had when it was first looked at."""
    binary: bool = False
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A source to read."""

    source: int
    reader: str
    paths: tuple[str, ...]
    bytes: int


@dataclass(slots=True)
class Told:
    """What reading a source came to; its rows are in the spill files."""

    source: int
    version: int
    account: Account = field(default_factory=Account)
    sessions: int = 0
    events: int = 0
    calls: int = 0
    problems: int = 0
    rows_digest: int = 0


def prepare(reader_folders: list[str]) -> None:
    """Let this process find the readers that its parent finds."""
    miner.readers.__path__[:] = reader_folders
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def load_arrow() -> None:
    """Load what every reading needs, while the parent still finds out what there is to read."""
    import pyarrow.ipc  # noqa: F401


def recognise_files(files: list[tuple[str, int]]) -> list[Recognised]:
    """The reader and content digest of each (path, size)."""
    return [_recognise(path, size) for path, size in files]


def _recognise(path: str, size: int) -> Recognised:
    try:
        reader = recognise(Path(path))
        with Path(path).open("rb") as stream:
            binary = reader is None and is_binary(stream.read(8192))
        content = content_digest(path, size) if reader else ""
    except (OSError, MinerError) as error:
        return Recognised(path, unreadable=type(error).__name__)
    return Recognised(path, reader, content, binary)


def content_digest(path: str, size: int) -> str:
    """Digest of the first ``size`` bytes of a file: what is appended meanwhile belongs to the next run."""
    state = hashlib.blake2b(digest_size=16)
    with Path(path).open("rb") as stream:
        while size > 0 and (chunk := stream.read(min(size, CHUNK_BYTES))):
            state.update(chunk)
            size -= len(chunk)
    return state.hexdigest()


def read_sources(tasks: list[Task], folder: str, name: str) -> list[Told]:
    """Read sources into ``folder/name.<table>.arrow`` and say what each came to."""
    with _rare_collections(), Spill(Path(folder), name) as spill:
        told = [_SourceReading(task, spill).read() for task in tasks]
    for item in told:
        item.rows_digest = spill.digests[item.source]
    return told


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Parsed logs are millions of small objects without cycles: looking for cycles costs a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Spill:
    """Arrow files being written, one for each table; rows are handed on in batches of bounded size."""

    def __init__(self, folder: Path, name: str) -> None:
        import pyarrow as pa

        self._rows: dict[str, list[Row]] = {table: [] for table in SPILLED}
        self._bytes = dict.fromkeys(SPILLED, 0)
        self.digests: Counter[int] = Counter()
        """Sum of the row digests of each source, complete once the spill is closed."""
        self._files = {table: pa.OSFile(str(spill_path(folder, name, table)), "wb") for table in SPILLED}
        self._writers = {table: pa.ipc.new_stream(self._files[table], arrow_schema(table)) for table in SPILLED}

    def add(self, table: str, row: Row, size: int = 0) -> None:
        """Take a row of about ``size`` bytes of text."""
        rows = self._rows[table]
        rows.append(row)
        self._bytes[table] += size
        if len(rows) >= BATCH_ROWS or self._bytes[table] >= BATCH_BYTES:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = self._rows[table]
        if not rows:
            return
        if table == "problems":
            batch = record_batch(table, rows)
        else:
            batch, digests = digested_batch(table, rows)
            for row, number in zip(rows, digests, strict=True):
                self.digests[row[0]] += number
        self._writers[table].write_batch(batch)
        rows.clear()
        self._bytes[table] = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for table in SPILLED:
            if kind is None:
                self._flush(table)
            self._writers[table].close()
            self._files[table].close()


def spill_path(folder: Path, name: str, table: str) -> Path:
    """Where a task's rows of a table lie."""
    return folder / f"{name}.{table}.arrow"


@dataclass(slots=True)
class _Seen:
    """What is known of one session while its source is read."""

    session: Session | None = None
    numbers: set[int] = field(default_factory=set)
    events: int = 0
    calls: int = 0
    bytes: int = 0


class _SourceReading:
    """One source being read: rows to the spill, counts and digest kept."""

    def __init__(self, task: Task, spill: Spill) -> None:
        self._task = task
        self._spill = spill
        self._source = Source(tuple(Path(path) for path in task.paths))
        self._seen: dict[str, _Seen] = {}
        self._told = Told(task.source, 0)

    def read(self) -> Told:
        """Read to the end, or to where the reader gives up."""
        before = [_stamp(path) for path in self._task.paths]
        reader = load_reader(self._task.reader)
        self._told.version = reader.VERSION
        try:
            for item in reader.read(self._source):
                if isinstance(item, Session):
                    self._seen.setdefault(item.key, _Seen()).session = item
                else:
                    self._event(item)
                if self._source.problems:
                    self._problems()
        except READER_SLIPS as error:
            self._source.problem("reader_failed", _where(error), fatal=True)
        for path, stamp in zip(self._task.paths, before, strict=True):
            if _stamp(path) < stamp:
                self._source.problem("cut_while_read", "the file became shorter", path=Path(path), fatal=True)
        self._sessions()
        if self._source.account.unknown:
            self._source.problem("unknown_kind", f"{self._source.account.unknown} records, or parts of one")
        self._problems()
        self._told.account = self._source.account
        return self._told

    def _event(self, event: Event) -> None:
        seen = self._seen.get(event.session)
        if seen is None:
            seen = self._seen[event.session] = _Seen()
        if event.seq in seen.numbers:
            self._source.problem("duplicate_seq", "two events of a session have one number", line=event.line)
            return
        seen.numbers.add(event.seq)
        size = len(event.text or "") + len(event.arguments or "") + len(event.result or "")
        seen.events += 1
        seen.bytes += size
        if event.kind is EventKind.TOOL_CALL and event.caller in (Caller.MODEL, None):
            seen.calls += 1
        self._spill.add("all_events", (self._task.source, *event_row(event)), size)

    def _sessions(self) -> None:
        for key, seen in self._seen.items():
            if seen.session is None:
                self._source.problem("no_session", "events of a session that the reader did not describe")
            session = seen.session or Session(key, self._task.reader, key)
            row = (self._task.source, *session_row(session), seen.events, seen.calls, seen.bytes)
            self._spill.add("all_sessions", row)
            self._told.sessions += 1
            self._told.events += seen.events
            self._told.calls += seen.calls

    def _problems(self) -> None:
        for problem in self._source.problems:
            self._spill.add("problems", (self._task.source, *problem_row(problem)))
        self._told.problems += len(self._source.problems)
        self._source.problems.clear()


def _stamp(path: str) -> int:
    """Size now; -1 when the file is gone."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


def _where(error: BaseException) -> str:
    """Kind and place of an error in the reader, without its words, which may quote the log."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f" at {Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at is not None else ""
    return f"{type(error).__name__}{place}"
