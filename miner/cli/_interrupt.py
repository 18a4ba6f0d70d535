"""Ctrl-C as a request: the first asks the work to end with what it has, the second ends the program."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from miner.cli import console


@contextmanager
def stoppable(doing: str) -> Iterator[threading.Event]:
    """A flag that the first Ctrl-C sets while the block runs; only the main thread can be asked that way."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        console.note(f"{doing} ends with what it has; Ctrl-C again to give up")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
