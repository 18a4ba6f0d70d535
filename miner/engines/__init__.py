"""Where mining runs: one file an engine, each gives the same bytes.

An engine applies a kernel to runs of sessions. A kernel is a pure function, fit to be pickled, from sessions to a part
of a result; parts of consecutive runs, put together in their order, are the part of the whole, so it does not matter
where one run ends and the next begins, nor who works on which.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self, TypeVar, cast, runtime_checkable

from miner.errors import UsageError
from miner.events import SessionLog

EMBEDDED = "duckdb"

Part = TypeVar("Part")
Item = TypeVar("Item")
Result = TypeVar("Result")
Logs = Callable[[], Iterator[SessionLog]]
"""Reads sessions anew, in the same order, each time it is called."""
Kernel = Callable[[Iterable[SessionLog]], Part]


@runtime_checkable
class Sharded(Protocol):
    """Sessions that other processes can read themselves."""

    def __call__(self) -> Iterator[SessionLog]:
        """All of them, in order."""
        ...

    def shards(self, most: int) -> list[Logs]:
        """Consecutive runs of them, each fit to be pickled; empty when this process alone can read them."""
        ...


@runtime_checkable
class Digested(Protocol):
    """Sessions that can be told apart, and chosen, without being read."""

    def __call__(self) -> Iterator[SessionLog]:
        """All of them, in order."""
        ...

    def contents(self) -> dict[str, str]:
        """Session key -> digest of the session, in the order of the sessions."""
        ...

    def present(self) -> set[str]:
        """Keys of all sessions that are there, also of those that are not among these."""
        ...

    def only(self, keys: frozenset[str]) -> Logs:
        """Those of them that have one of these keys."""
        ...


@runtime_checkable
class Lying(Protocol):
    """Sessions that lie somewhere in an order of their own."""

    def as_they_lie(self) -> Logs:
        """The same sessions in that order, which is the fastest to read."""
        ...


class Engine(Protocol):
    """What mining asks of an engine; to be used in a ``with`` block."""

    def __enter__(self) -> Self:
        """Ready."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None, /
    ) -> None:
        """All processes ended."""
        ...

    def parts(self, kernel: Kernel[Part], logs: Logs) -> Iterator[Part]:
        """What a kernel makes of consecutive runs of the sessions, in their order."""
        ...

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of a function, in the order of the items."""
        ...


def restricted(logs: Logs, keys: frozenset[str]) -> Logs:
    """The sessions that have one of these keys."""
    if isinstance(logs, Digested):
        return logs.only(keys)
    return lambda: (log for log in logs() if log.session.key in keys)


def in_any_order(logs: Logs) -> Logs:
    """The same sessions in the order that is the fastest to read."""
    return logs.as_they_lie() if isinstance(logs, Lying) else logs


def engine_names() -> list[str]:
    """Every engine: the files of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def refuse_unknown(name: str) -> None:
    """Refuse an engine that is not there.

    Raises:
        UsageError: with the known ones.
    """
    if name not in engine_names():
        raise UsageError(f"there is no engine called {name!r}", next_step="known: " + ", ".join(engine_names()))


def load_engine(name: str = EMBEDDED, workers: int = 0) -> Engine:
    """An engine by its name; ``workers`` processes, 0 for as many as there are cores.

    Raises:
        UsageError: there is none of that name.
    """
    refuse_unknown(name)
    return cast("Engine", importlib.import_module(f"{__name__}.{name}").Engine(workers))
