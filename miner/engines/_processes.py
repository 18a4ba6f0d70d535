"""Processes that work side by side: started afresh, fed in order, and loud when one of them dies.

They are started, not forked: a fork beside an open database and its threads may hang. What all tasks need is written
to a file once and loaded once by each process; only items and results pass through the pipe.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from miner.errors import MiningError
from miner.store.reading import prepare
from miner.store.workers import main_left_out

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Items for each process that are under way or waiting: enough that none stands still, few enough for memory."""
COLLECTED_AFTER = 50_000
"""Kernels make objects by the million and hardly a cycle: looked for as often as usual, cycles would cost a tenth."""


class Processes:
    """A number of processes, started when there is something for a second one to do."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._functions = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results, in the order of the items; a single item is worked on here.

        Raises:
            MiningError: a process was ended from outside.
        """
        waiting = iter(items)
        first = list(islice(waiting, 2))
        if self.count < 2 or len(first) < 2:
            for item in chain(first, waiting):
                with collected_seldom():
                    result = function(item)
                yield result
            return
        place = self._written(function)
        running: deque[Future[Result]] = deque()
        try:
            for item in chain(first, waiting):
                running.append(self._submit(place, item))
                if len(running) >= AHEAD * self.count:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise MiningError(
                "a mining process was ended from outside, perhaps for want of memory",
                next_step="run the same command again with more memory free, or with fewer processes: mining.workers",
            ) from error
        finally:
            for future in running:
                future.cancel()
            Path(place).unlink(missing_ok=True)

    def _submit(self, place: str, item: Any) -> Future[Any]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.count,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=prepare,
                initargs=(_reader_folders(),),
            )
        with main_left_out():
            return self._pool.submit(_apply, place, item)

    def _written(self, function: Callable[[Any], Any]) -> str:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="miner-")
        self._functions += 1
        place = Path(self._folder.name) / f"{os.getpid()}-{self._functions}"
        place.write_bytes(pickle.dumps(function, pickle.HIGHEST_PROTOCOL))
        return str(place)


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Let Python look for cycles less often for a while."""
    before = gc.get_threshold()
    if 0 < before[0] < COLLECTED_AFTER:
        gc.set_threshold(COLLECTED_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _reader_folders() -> list[str]:
    import miner.readers

    return list(miner.readers.__path__)


_held: dict[str, Callable[[Any], Any]] = {}
"""The function that this process was given last, by its place."""


def _apply(place: str, item: Any) -> Any:
    """Work on one item, in a process of the pool."""
    if place not in _held:
        _held.clear()
        _held[place] = pickle.loads(Path(place).read_bytes())  # noqa: S301 - written by the parent
    with collected_seldom():
        return _held[place](item)
