"""Zstandard files decompressed frame by frame: the library's own file object takes a cut file for a whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miner.errors import MissingExtraError
from miner.readers.unpacked import UnpackedFile, most_unpacked

_INPUT_BYTES = 1 << 17
_PIECE_BYTES = 1 << 11
"""Fed at once: four bytes may stand for a block of 128 KB, so that a piece unpacks to 64 MB at the most."""


class UnzstdFile(UnpackedFile):
    """The decompressed bytes of a Zstandard file, of all its frames one after another.

    Reads as ``GunzipFile`` does. Damage is an ``OSError``, a file that was cut an ``EOFError``; what stands before
    either is given first.
    """

    def __init__(self, path: Path) -> None:
        try:
            import zstandard
        except ImportError:
            raise MissingExtraError("mining", "zstandard") from None
        self._damage = zstandard.ZstdError
        self._begin = zstandard.ZstdDecompressor().decompressobj
        super().__init__(path)
        self._frame: Any = None
        """The frame that is being read; None where the file may end."""
        self._packed, self._packed_at = b"", 0
        self._ready, self._ready_at = b"", 0
        self._failed: EOFError | OSError | None = None
        self._taken = self._given = 0

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, fewer only before the end or before damage; all that is left without a size."""
        if size is None or size < 0:
            return self.readall()
        parts: list[bytes] = []
        while size and self._filled(fresh=not parts):
            part = self._ready[self._ready_at : self._ready_at + size]
            self._ready_at += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _filled(self, *, fresh: bool) -> bool:
        """Whether there are bytes to give; damage is raised when there are none before it."""
        if self._ready_at < len(self._ready):
            return True
        if self._failed is None:
            try:
                self._ready, self._ready_at = self._unpacked(), 0
            except (EOFError, OSError) as error:
                self._failed = error
            else:
                return bool(self._ready)
        if fresh:
            raise self._failed
        return False

    def _unpacked(self) -> bytes:
        """What the next pieces of the file hold; nothing only at its end."""
        while piece := self._piece():
            if self._frame is None:
                self._frame = self._begin()
            try:
                data: bytes = self._frame.decompress(piece)
            except self._damage as error:
                raise OSError("the compressed data is damaged") from error
            if self._frame.eof:
                self._packed_at -= len(self._frame.unused_data)
                self._frame = None
            self._given += len(data)
            if self._given > most_unpacked(self._taken):
                raise OSError("the compressed data unpacks to far more than any log")
            if data:
                return data
        if self._frame is not None:
            raise EOFError("the compressed file ends in the middle")
        return b""

    def _piece(self) -> bytes:
        if self._packed_at == len(self._packed):
            self._packed, self._packed_at = self._file.read(_INPUT_BYTES) or b"", 0
            self._taken += len(self._packed)
        piece = self._packed[self._packed_at : self._packed_at + _PIECE_BYTES]
        self._packed_at += len(piece)
        return piece
