"""The processes that read: as many as there are cores, started afresh, never forked beside an open database."""

from __future__ import annotations

import multiprocessing
import os
import sys
import types
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import miner.readers
from miner.errors import LogError
from miner.readers.opening import is_compressed
from miner.store.reading import Recognised, Task, Told, load_arrow, prepare, read_sources, recognise_files

P = ParamSpec("P")
R = TypeVar("R")

SMALL_BYTES = 1 << 20
"""Below this, starting processes costs more than it saves."""
TASK_BYTES = 16 << 20
COMPRESSED_WEIGHT = 6
"""How much larger a compressed log is, about, once it is opened."""
MANY_CORES = 4
"""From here on this process has enough to do with storing; on fewer cores it reads too, in place of one of them."""
FEW_FILES = 512
FEW_BYTES = 64 << 20
"""So much is recognised sooner by this process, while the others start, than by others that load every reader."""


class Workers:
    """A pool of reading processes, or this process when there is little to do or only one core."""

    def __init__(self, files: list[Path]) -> None:
        size = sum(_weight(str(path), path.stat().st_size) for path in files if path.exists())
        cores = min(available_cores(), len(files))
        self._cores = cores if size > SMALL_BYTES else 1
        self._helpers = self._cores - 1 if self._cores < MANY_CORES else self._cores
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._helpers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=prepare,
                initargs=(list(miner.readers.__path__),),
            )
        with main_left_out():
            return self._pool.submit(work, *args, **kwargs)

    def recognise(self, files: list[tuple[str, int]]) -> list[Recognised]:
        """What each (path, size) is."""
        if self._cores < 2 or len(files) < 2:
            return recognise_files(files)
        if len(files) <= FEW_FILES and sum(size for _, size in files) <= FEW_BYTES:
            with _explained():
                for _ in range(self._helpers):
                    self._submit(load_arrow)
            return recognise_files(files)
        chunk = max(1, min(64, len(files) // (4 * self._cores)))
        chunks = [files[start : start + chunk] for start in range(0, len(files), chunk)]
        with _explained():
            running = [self._submit(recognise_files, part) for part in chunks]
            return [item for future in running for item in future.result()]

    def read(self, tasks: list[Task], folder: Path) -> Iterator[tuple[str, list[Told]]]:
        """Read sources; yields the name of each spill as it is complete, with what its sources came to.

        A few more groups than there are cores are under way, so that no process waits and the disk does not fill.
        """
        groups = list(enumerate(grouped(tasks)))
        names = {number: f"{os.getpid()}-{number}" for number, _ in groups}
        if self._cores < 2 or len(groups) < 2:
            for number, group in groups:
                yield names[number], read_sources(group, str(folder), names[number])
            return
        running: dict[Future[list[Told]], str] = {}
        with _explained():
            while groups or running:
                while groups and len(running) <= self._helpers:
                    number, group = groups.pop(0)
                    running[self._submit(read_sources, group, str(folder), names[number])] = names[number]
                own = bool(groups) and self._helpers < self._cores
                if own:
                    number, group = groups.pop(0)
                    yield names[number], read_sources(group, str(folder), names[number])
                for future in wait(running, 0 if own else None, FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        if self._pool is not None:
            # They end while the last rows are stored.
            self._pool.shutdown(wait=False)


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grouped(tasks: list[Task]) -> Iterator[list[Task]]:
    """Sources in groups that are worth a trip, the largest first so that no core is left waiting at the end."""
    group: list[Task] = []
    size = 0
    for task in sorted(tasks, key=lambda item: (-_task_weight(item), item.source)):
        weight = _task_weight(task)
        if group and size + weight > TASK_BYTES:
            yield group
            group, size = [], 0
        group.append(task)
        size += weight
    if group:
        yield group


def _task_weight(task: Task) -> int:
    return _weight(task.paths[0], task.bytes)


def _weight(path: str, size: int) -> int:
    return size * (COMPRESSED_WEIGHT if is_compressed(Path(path)) else 1)


@contextmanager
def main_left_out() -> Iterator[None]:
    """Start processes without the caller's main module, which none of them needs.

    It may be heavy (a dashboard), may do its work on import (a script without a guard), or may lie in no file at all
    (standard input, a notebook), and then a process that wants it dies before it begins.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _explained() -> Iterator[None]:
    """Say what it means that a process of the pool is gone."""
    try:
        yield
    except BrokenProcessPool as error:
        raise LogError(
            "a reading process could not start or was ended from outside, perhaps for want of memory",
            next_step="run the same command again: what was stored is kept; free memory, ingest fewer logs at a time, "
            "or let this program use one core only",
        ) from error
