"""An asyncio loop on virtual time: nothing sleeps, a wait ends when all else is done, and every run is repeatable."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class DeadlockError(Exception):
    """Every task waits for something that will never happen."""


class _NoSelector(selectors.BaseSelector):
    """Instead of waiting for descriptors, lets time pass."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise DeadlockError
        self._loop.now += max(0.0, timeout)
        return []

    def get_map(self) -> dict[Any, selectors.SelectorKey]:  # type: ignore[override]
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time moves only when nothing can run."""

    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__(_NoSelector(self))

    def time(self) -> float:
        return self.now
