"""Ends what hangs, by the processor time that it takes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

MOST_SECONDS = 5
"""What one log of a few kilobytes may take."""


class HungError(BaseException):
    """A reading took far too long; no reader can catch it."""


class Watch:
    """Ends a reading that takes too much processor time; a busy machine does not matter."""

    def __init__(self) -> None:
        self._seconds = 0

    def begin(self) -> None:
        """Another reading."""
        self._seconds = 0

    def _tick(self, *_: object) -> None:
        self._seconds += 1
        if self._seconds > MOST_SECONDS:
            raise HungError

    @contextmanager
    def set(self) -> Iterator[None]:
        """Look every second."""
        before = signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, 1, 1)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
