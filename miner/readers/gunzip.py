"""Gzip files decompressed by zlib alone: the ``gzip`` module's file object takes half as long again on small reads."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from miner.readers.unpacked import UnpackedFile

_INPUT_BYTES = 1 << 17
_GZIP = 16 + zlib.MAX_WBITS
"""Header and checksum are zlib's to read and to check."""


class GunzipFile(UnpackedFile):
    """The decompressed bytes of a gzip file, of all its members one after another.

    A read gives what is there, at most as much as asked for, and nothing only at the end. Damage is an ``OSError``,
    a file that was cut an ``EOFError``.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._member = zlib.decompressobj(_GZIP)
        self._waiting = b""
        self._between = True
        """At a place where the file may end: before the first member, or after one."""
        self._begun = False

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; all that is left without a size."""
        if size is None or size < 0:
            return self.readall()
        while size:
            if not self._filled():
                return b""
            try:
                data = self._member.decompress(self._waiting, size)
            except zlib.error as error:
                raise gzip.BadGzipFile("the compressed data is damaged") from error
            self._waiting = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._between, self._begun = self._member.eof, True
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            if data:
                return data
        return b""

    def _filled(self) -> bool:
        """Whether there is input to go on with; False at the end of the last member."""
        if self._between and self._begun:
            # Tapes and block devices fill up with zeros.
            self._waiting = self._waiting.lstrip(b"\0")
        while not self._waiting:
            self._waiting = self._file.read(_INPUT_BYTES) or b""
            if not self._waiting:
                if self._between:
                    return False
                raise EOFError("the compressed file ends in the middle")
            if self._between and self._begun:
                self._waiting = self._waiting.lstrip(b"\0")
        return True
