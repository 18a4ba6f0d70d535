"""What a file that no reader recognises looks like, and what can be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from miner.readers.head import Head, head_of
from miner.readers.tables import columns_of, is_duckdb

_MOST_NAMES = 12
_FORMATS = "`miner formats` lists what is read; docs/formats says how each is exported"
_MAP = "if a row is a call: miner ingest FILE --map auto proposes a map for it"


class Look(NamedTuple):
    """What can be seen of a file, and what to do next."""

    what: str
    next_step: str


_PACKED = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
_HIDDEN = {
    b"\xff\xfe": Look("it is text in UTF-16", "save it as UTF-8"),
    b"\xfe\xff": Look("it is text in UTF-16", "save it as UTF-8"),
    **{
        magic: Look("it is compressed, and its name does not say so", f"let its name end in {suffix}")
        for suffix, magic in _PACKED.items()
    },
}
"""How files begin that may be logs, if only somebody did something about it -> what they are."""
_MAGIC = _HIDDEN | {
    b"SQLite format 3\0": Look("it is an SQLite database of no agent that is known", _FORMATS),
    b"PK\x03\x04": Look("it is a zip archive", f"give what is in it; {_FORMATS}"),
}
"""How files begin that are no text -> what they are."""


def is_binary(start: bytes) -> bool:
    """Whether a file that begins so is none that people would take for a log."""
    return b"\0" in start and not start.startswith(tuple(_HIDDEN))


def look_at(path: Path) -> Look:
    """What a file seems to be."""
    head = head_of(path)
    if not head.start:
        return _nothing_in(path)
    if is_duckdb(head):
        return Look("it is a DuckDB database", _MAP)
    for magic, look in _MAGIC.items():
        if head.start.startswith(magic):
            return look
    columns = sorted(columns_of(head))
    if columns:
        kind = "JSON with the members" if head.start.lstrip()[:1] in (b"{", b"[") else "a table with the columns"
        more = f" and {len(columns) - _MOST_NAMES} more" if len(columns) > _MOST_NAMES else ""
        return Look(f"it is {kind} {', '.join(columns[:_MOST_NAMES])}{more}", f"{_FORMATS}; {_MAP}")
    return Look(f"it is {_words_of(head)}", _FORMATS)


def _nothing_in(path: Path) -> Look:
    """Of a file in which no byte can be read."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        begins = file.read(4)
    if not begins or suffix not in _PACKED:
        return Look("it is empty", "give another file")
    if begins.startswith(_PACKED[suffix]):
        return Look("it cannot be decompressed", "check that the file was copied as a whole")
    # Browsers decompress what they load, and leave the name as it was.
    return Look(f"it is no {suffix} file, whatever its name says", f"let its name end without {suffix}")


def _words_of(head: Head) -> str:
    if b"\0" in head.start:
        return "no text"
    if head.start.lstrip()[:1] in (b"{", b"["):
        return "JSON that cannot be read, or holds no objects" if head.complete else "a large JSON document"
    return "text of no known layout"
