"""The embedded engine: sessions of a DuckDB store, a process for each core of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from miner.engines import Kernel, Logs, Sharded
from miner.engines._processes import Processes
from miner.events import SessionLog
from miner.store.workers import available_cores

Part = TypeVar("Part")
Item = TypeVar("Item")
Result = TypeVar("Result")

SHARDS_PER_WORKER = 8
"""Sessions differ in cost: with a few shards for each process, none waits long for another."""
EVENTS_GIVEN = 2_000
"""Sessions that no other process can read are handed over in portions of so many events; fewer are worked on here."""
EVENTS_HERE = 20_000
"""Where there is one process, a portion is what may be in memory: each begins a kernel anew."""


class Engine:
    """Applies kernels on the cores of this machine.

    Args:
        workers: processes; 0 for as many as there are cores, 1 for this one alone.
    """

    def __init__(self, workers: int = 0) -> None:
        self._processes = Processes(workers or available_cores())

    def __enter__(self) -> Self:
        self._processes.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._processes.__exit__(kind, error, at)

    def parts(self, kernel: Kernel[Part], logs: Logs) -> Iterator[Part]:
        """What a kernel makes of consecutive runs of the sessions, in their order."""
        count = self._processes.count
        alone = count < 2
        shards = logs.shards(1 if alone else SHARDS_PER_WORKER * count) if isinstance(logs, Sharded) else []
        return self._processes.map(_Applied(kernel), shards or portions(logs(), EVENTS_HERE if alone else EVENTS_GIVEN))

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of a function, in the order of the items."""
        return self._processes.map(function, items)


@dataclass(frozen=True, slots=True)
class Given:
    """Sessions that are handed over as they are."""

    logs: tuple[SessionLog, ...]

    def __call__(self) -> Iterator[SessionLog]:
        """Each of them."""
        return iter(self.logs)


@dataclass(frozen=True, slots=True)
class _Applied(Generic[Part]):
    kernel: Kernel[Part]

    def __call__(self, shard: Logs) -> Part:
        return self.kernel(shard())


def portions(logs: Iterator[SessionLog], most: int = EVENTS_GIVEN) -> Iterator[Logs]:
    """Sessions in portions of about so many events; one empty portion when there is none."""
    portion: list[SessionLog] = []
    events = 0
    given = False
    for log in logs:
        portion.append(log)
        events += len(log.events)
        if events >= most:
            yield Given(tuple(portion))
            portion, events, given = [], 0, True
    if portion or not given:
        yield Given(tuple(portion))
