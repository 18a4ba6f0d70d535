"""A progress bar over the bytes of logs being read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from miner.cli import console

if TYPE_CHECKING:
    from miner.store.report import Progress

Tell = Callable[["Progress"], None]


@contextmanager
def reading(doing: str) -> Iterator[Tell]:
    """Gives what ``Store.ingest`` tells its progress to."""
    if not console.on_terminal(sys.stderr):
        console.note(f"{doing} …")
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda now: bar.update(
            task, total=now.bytes, completed=now.bytes_done, description=f"{doing}: {now.events:,} events"
        )
