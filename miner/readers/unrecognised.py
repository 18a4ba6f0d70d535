"""What a file that no reader recognises looks like, and what can be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from miner.readers.head import Head, head_of
from miner.readers.opening import is_compressed
from miner.readers.tables import DUCKDB, columns_of

_MOST_NAMES = 12
_FORMATS = "`miner formats` lists what is read; docs/formats says how each is exported"
_MAP = "if a row is a call: miner ingest FILE --map auto proposes a map for it"
_BINARY = {b"SQLite format 3\0": "an SQLite database of no agent that is known", b"PK\x03\x04": "a zip archive"}


class Look(NamedTuple):
    """What can be seen of a file, and what to do next."""

    what: str
    next_step: str


def look_at(path: Path) -> Look:
    """What a file seems to be."""
    head = head_of(path)
    if not head.start:
        if is_compressed(path) and path.stat().st_size:
            return Look("it cannot be decompressed", "check that the file was copied as a whole")
        return Look("it is empty", "give another file")
    if head.start[8:12] == DUCKDB:
        return Look("it is a DuckDB database", _MAP)
    for magic, what in _BINARY.items():
        if head.start.startswith(magic):
            return Look(f"it is {what}", _FORMATS)
    columns = sorted(columns_of(head))
    if columns:
        kind = "JSON with the members" if head.start.lstrip()[:1] in (b"{", b"[") else "a table with the columns"
        more = f" and {len(columns) - _MOST_NAMES} more" if len(columns) > _MOST_NAMES else ""
        return Look(f"it is {kind} {', '.join(columns[:_MOST_NAMES])}{more}", f"{_FORMATS}; {_MAP}")
    return Look(f"it is {_words_of(head)}", _FORMATS)


def _words_of(head: Head) -> str:
    if b"\0" in head.start:
        return "no text"
    if head.start.lstrip()[:1] in (b"{", b"["):
        return "JSON that cannot be read, or holds no objects" if head.complete else "a large JSON document"
    return "text of no known layout"
