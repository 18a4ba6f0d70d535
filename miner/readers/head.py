"""The beginning of a log, by which its format is recognised."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from miner.readers.opening import BOM, CHUNK_BYTES, open_log, strip_compression
from miner.readers.record import Limits
from miner.readers.tolerant import lenient

HEAD_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Head:
    """What recognition may look at: the name and the first bytes, decompressed and without a byte order mark."""

    path: Path
    start: bytes
    complete: bool
    """True when ``start`` is the whole file."""
    _read: dict[int | None, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was decoded, by how many records, None for the document: every reader is asked about the same head."""

    @property
    def name(self) -> str:
        """File name in lower case without its compression suffix."""
        return strip_compression(self.path).name.lower()

    def records(self, most: int = 40) -> list[Any]:
        """The first complete lines that are JSON, decoded; other lines are left out."""
        if most not in self._read:
            self._read[most] = self._records(most)
        return list(self._read[most])

    def _records(self, most: int) -> list[Any]:
        lines = self.start.split(b"\n", most)
        if len(lines) > most or not self.complete:
            lines.pop()
        found = []
        for line in lines[:most]:
            try:
                found.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                continue
        return found

    def document(self) -> Any:
        """The whole file as one JSON value, when it is small enough to be in the head; else None."""
        if not self.complete:
            return None
        if None not in self._read:
            try:
                self._read[None] = orjson.loads(self.start)
            except orjson.JSONDecodeError:
                self._read[None] = None
        return self._read[None]


def head_of(path: Path, size: int = HEAD_BYTES) -> Head:
    """Read what recognition needs."""
    parts, length = [], 0
    with open_log(path) as stream:
        while length <= size:
            try:
                chunk = stream.read(size + 1 - length)
            except (EOFError, OSError, ValueError):
                break
            if not chunk:
                break
            parts.append(chunk)
            length += len(chunk)
    data = b"".join(parts)
    return Head(path, data[:size].removeprefix(BOM), len(data) <= size)


def is_lines(path: Path, limits: Limits) -> bool:
    """Whether a file holds JSON Lines rather than one JSON document.

    A line that is a whole object or list by itself, at the left edge, with more to follow, tells JSON Lines; damaged
    first lines do not matter.
    """
    head = head_of(path)
    start, complete = head.start, head.complete
    if b"\n" not in start and not complete:
        rest = _after_first_line(path)
        return rest.lstrip().startswith((b'{"', b"[{", b'["'))
    lines = start.split(b"\n")
    whole = lines if complete else lines[:-1]
    if not any(line.startswith((b"{", b"[")) and _is_json(line, limits) for line in whole):
        return False
    alone = sum(1 for line in lines if line.strip()) == 1
    return not alone or start.lstrip().startswith(b"{")


def _after_first_line(path: Path) -> bytes:
    """What follows a first line that is longer than a head."""
    with open_log(path) as stream:
        try:
            while chunk := stream.read(CHUNK_BYTES):
                _, newline, rest = chunk.partition(b"\n")
                if newline:
                    return rest + stream.read(HEAD_BYTES)
        except (EOFError, OSError, ValueError):
            # Reading the records meets the same damage and reports it.
            return b""
    return b""


def _is_json(line: bytes, limits: Limits) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return not lenient(line, limits.depth)[1]
    return True
