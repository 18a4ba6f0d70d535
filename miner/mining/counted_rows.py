"""Rows of counts as they travel between processes: an Arrow stream, a tenth of what they are as Python's objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[int, str, str, int]
"""Kind, hole, item and how often."""
COLUMNS = ("place", "kind", "hole", "item", "n")
BATCH_ROWS = 20_000
"""So many are held as Python's objects."""


class Packing:
    """Gathers the rows of sessions, which are told apart by a number."""

    def __init__(self) -> None:
        import pyarrow as pa

        self._schema = pa.schema(list(zip(COLUMNS, _types(), strict=True)))
        self._sink = pa.BufferOutputStream()
        compressed = pa.ipc.IpcWriteOptions(compression="lz4")
        self._stream = pa.ipc.new_stream(self._sink, self._schema, options=compressed)
        self._rows: list[tuple[int, int, str, str, int]] = []

    def add(self, place: int, rows: Iterable[Row]) -> None:
        """Take in the rows of one session."""
        self._rows += [(place, *row) for row in rows]
        if len(self._rows) >= BATCH_ROWS:
            self._write()

    def packed(self) -> bytes:
        """All of them; nothing can be added any more."""
        self._write()
        self._stream.close()
        data: bytes = self._sink.getvalue().to_pybytes()
        return data

    def _write(self) -> None:
        import pyarrow as pa

        if self._rows:
            columns = zip(zip(*self._rows, strict=True), self._schema.types, strict=True)
            self._stream.write_batch(pa.record_batch([pa.array(*column) for column in columns], schema=self._schema))
            self._rows = []


def unpacked(data: bytes) -> pa.Table:
    """The rows, as a table with ``COLUMNS``."""
    import pyarrow as pa

    return pa.ipc.open_stream(data).read_all()


def _types() -> tuple[Any, ...]:
    import pyarrow as pa

    return pa.uint32(), pa.uint8(), pa.string(), pa.string(), pa.uint32()
