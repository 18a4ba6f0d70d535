"""Log files as streams of bytes, whatever they are compressed with."""

from __future__ import annotations

from pathlib import Path
from typing import IO, cast

from miner.errors import LogError
from miner.readers.gunzip import GunzipFile
from miner.readers.unzstd import UnzstdFile

CHUNK_BYTES = 1 << 20
"""Read at once."""
_COMPRESSIONS = (".gz", ".zst")
BOM = b"\xef\xbb\xbf"


def is_compressed(path: Path) -> bool:
    """Whether a file's name says so, in capitals or not."""
    return path.suffix.lower() in _COMPRESSIONS


def strip_compression(path: Path) -> Path:
    """The path without ``.gz`` or ``.zst``."""
    return path.with_suffix("") if is_compressed(path) else path


def open_log(path: Path) -> IO[bytes]:
    """Open a plain, gzip or Zstandard file for reading bytes."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".gz":
            return cast("IO[bytes]", GunzipFile(path))
        if suffix == ".zst":
            return cast("IO[bytes]", UnzstdFile(path))
        return path.open("rb")
    except OSError as error:
        raise LogError(
            f"cannot open the log: {error.strerror}",
            where=str(path),
            next_step="check that the file is there and that you may read it",
        ) from error
