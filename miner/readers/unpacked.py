"""What compressed files have in common: how they are read as files, and how much they may unpack to."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FREELY_BYTES = 1 << 30
_MOST_TIMES = 1000


def most_unpacked(packed_bytes: int) -> int:
    """What a log of this size may unpack to: what gives more than a GiB, and a thousand times its size, is none."""
    return max(_FREELY_BYTES, _MOST_TIMES * packed_bytes)


class UnpackedFile(io.RawIOBase):
    """The decompressed bytes of a file; a kind of compression says how to ``read`` them."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)

    def readable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Close the file beneath."""
        self._file.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer as far as one read does."""
        view = memoryview(buffer)
        data = self.read(len(view)) or b""
        view[: len(data)] = data
        return len(data)
