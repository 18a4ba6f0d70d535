"""One record of a log, what it may cost, and where the bytes of all of them went."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """What one record may cost before it is refused."""

    line_bytes: int = 16 << 20
    """A longer line is refused."""
    document_bytes: int = 64 << 20
    """A whole JSON document larger than this is streamed instead of parsed at once."""
    depth: int = 256
    """A record that the strict parser refuses, and that is nested deeper than this, gets no second look."""


@dataclass(slots=True)
class Account:
    """Where every decompressed byte went."""

    accepted: int = 0
    broken: int = 0
    blank: int = 0
    tail: int = 0
    records: int = 0
    scrubbed: int = 0
    """Records accepted after replacing lone surrogates or non-finite numbers, which JSON does not allow."""
    unknown: int = 0
    """Records accepted whose kind the reader does not know, and so passed over."""

    @property
    def total(self) -> int:
        """All bytes read."""
        return self.accepted + self.broken + self.blank + self.tail


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value and where it stood."""

    value: Any
    path: Path
    line: int
    """1-based line; for elements of a document, the 1-based ordinal."""
