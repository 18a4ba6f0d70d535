"""Logs that lie in memory: a campaign reads millions of them, and no disk has a part in what it looks for."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_MEMORY = Path("/dev/shm")


class MemoryLog(type(Path())):  # type: ignore[misc]
    """A path whose file is a value; paths made from it are plain ones again."""

    held: bytes | None = None

    def open(self, *given: Any, **options: Any) -> Any:
        """The bytes, as an open file."""
        return super().open(*given, **options) if self.held is None else io.BytesIO(self.held)

    def stat(self, **options: Any) -> os.stat_result:
        """What a reader asks of a file: its size."""
        if self.held is None:
            return super().stat(**options)
        return os.stat_result((0o100600, 0, 0, 1, 0, 0, len(self.held), 0, 0, 0))


@contextmanager
def memory() -> Iterator[Path]:
    """A folder in memory where there is one, for readers' own copies and for logs that libraries open by name."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="miner-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before
