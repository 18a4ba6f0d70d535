"""Logs that are not JSON: the lines of a text, all bytes of a small file, a private copy of a database or archive.

Each way keeps the source's byte account, so that nothing is lost in silence here either.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from miner.readers.opening import BOM, open_log
from miner.readers.source import Source


def chunks_of(source: Source, path: Path) -> Iterator[bytes]:
    """The file's bytes as far as they can be decompressed, all of them accounted as accepted."""
    with open_log(path) as stream:
        for chunk in source.chunks(path, stream):
            source.account.accepted += len(chunk)
            yield chunk


def text_lines(source: Source, path: Path) -> Iterator[tuple[int, str]]:
    """(number, line without its end) of a text file; bytes that are no UTF-8 are replaced, too long lines left out."""
    rest, number, limit = b"", 0, source.limits.line_bytes
    for place, chunk in enumerate(chunks_of(source, path)):
        parts = (rest + (chunk if place else chunk.removeprefix(BOM))).split(b"\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            if len(part) > limit:
                refuse(source, path, "too_long", len(part) + 1, line=number)
            else:
                source.account.records += bool(part.strip())
                yield number, part.removesuffix(b"\r").decode("utf-8", "replace")
        if len(rest) > limit:
            refuse(source, path, "too_long", len(rest), line=number + 1)
            rest = b""
    if rest:
        source.account.records += 1
        yield number + 1, rest.removesuffix(b"\r").decode("utf-8", "replace")


def refuse(
    source: Source,
    path: Path,
    reason: str,
    length: int,
    *,
    line: int | None = None,
    detail: str = "",
    fatal: bool = False,
) -> None:
    """Bytes that were read and could not be used: a problem, and off the account of what was accepted."""
    source.account.accepted -= length
    source.account.broken += length
    source.problem(reason, detail, path=path, line=line, length=length, fatal=fatal)


def copy_to(source: Source, path: Path, target: Path) -> int:
    """Copy a file, decompressed, to where a library may open it by name; returns its size."""
    size = 0
    with target.open("wb") as file:
        for chunk in chunks_of(source, path):
            size += file.write(chunk)
    return size
