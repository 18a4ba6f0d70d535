"""What the store knows of each file, and what that means for a file found on disk."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

EDGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Identity:
    """A file as it was at one moment."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    device: int
    inode: int
    edges: str
    """Digest of its first and last 4 KiB."""
    content: str = ""
    """Digest of all of it, once somebody has read it."""

    def row(self) -> tuple[str, int, int, int, int, int, str, str]:
        """Its columns in the table ``files``."""
        return (
            self.path,
            self.size,
            self.mtime_ns,
            self.ctime_ns,
            self.device,
            self.inode,
            self.edges,
            self.content,
        )

    def looks_like(self, other: Identity) -> bool:
        """True when nothing about the file has changed, so that reading it again would be idle.

        The time of the last change of the inode is among it: unlike the time of modification no program sets it.
        """
        return self.row()[1:-1] == other.row()[1:-1]


@dataclass(frozen=True, slots=True)
class Known:
    """A file in the ledger."""

    source: int
    identity: Identity
    is_copy: bool


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source in the ledger."""

    number: int
    reader: str
    version: int
    content: str
    part: str | None


def identity(path: Path) -> Identity:
    """Look at a file: what the file system says, and its edges.

    Raises:
        OSError: it is gone or may not be read.
    """
    with path.open("rb") as stream:
        facts = os.fstat(stream.fileno())
        size = facts.st_size
        state = hashlib.blake2b(stream.read(min(EDGE_BYTES, size)), digest_size=16)
        if size > EDGE_BYTES:
            start = max(EDGE_BYTES, size - EDGE_BYTES)
            stream.seek(start)
            state.update(stream.read(size - start))
    return Identity(
        str(path), size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_dev, facts.st_ino, state.hexdigest()
    )


def group_content(contents: list[str]) -> str:
    """The content digest of a source: of its files together, whatever their names."""
    if len(contents) == 1:
        return contents[0]
    return hashlib.blake2b("".join(sorted(contents)).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the store knows: files by path, and sources by number."""

    files: dict[str, Known]
    sources: dict[int, KnownSource]

    @property
    def next_source(self) -> int:
        """A number that no source has."""
        return max(self.sources, default=0) + 1

    def paths(self, source: int) -> set[str]:
        """The files a source was read from, copies left out."""
        return {path for path, known in self.files.items() if known.source == source and not known.is_copy}


def load_ledger(connection: duckdb.DuckDBPyConnection) -> Ledger:
    """Read the ledger of a store."""
    files = {}
    for source, is_copy, *facts in connection.execute(
        "select source, is_copy, path, size, mtime_ns, ctime_ns, device, inode, edges, content from files"
    ).fetchall():
        files[facts[0]] = Known(source, Identity(*facts), is_copy)
    rows = connection.execute("select source, reader, version, content, part from sources").fetchall()
    return Ledger(files, {row[0]: KnownSource(*row) for row in rows})
