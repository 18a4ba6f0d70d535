"""The samples of an Inspect log: members of a ``.eval`` archive, however they are packed, or of one JSON document."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from miner.errors import MissingExtraError
from miner.readers.source import Source, head_of
from miner.readers.tolerant import lenient
from miner.readers.values import listing, mapping
from miner.readers.whole import chunks_of, refuse

ZIP = b"PK\x03\x04"
_ZSTD = 93
_IN_MEMORY = 32 << 20
_LOCAL_HEADER = 30
_HEADERS = ("header.json", "_journal/start.json")


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample, the log that it belongs to, and where it stood."""

    value: dict[str, Any]
    log: dict[str, Any]
    path: Path
    line: int


def samples_of(source: Source, path: Path) -> Iterator[Sample]:
    """Every sample of a log."""
    if head_of(path, 8).start.startswith(ZIP):
        yield from _archived(source, path)
        return
    log = source.members("eval", "status", "results")
    for record in source.elements("samples"):
        if isinstance(record.value, dict) and record.value.keys() & {"events", "messages"}:
            yield Sample(record.value, log, path, record.line)


def _archived(source: Source, path: Path) -> Iterator[Sample]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        size = 0
        for chunk in chunks_of(source, path):
            size += file.write(chunk)
        try:
            with zipfile.ZipFile(file) as archive:
                yield from _members(source, path, _Archive(archive, file, source.limits.document_bytes))
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
            refuse(source, path, "not_zip", size, detail=type(error).__name__, fatal=True)


@dataclass(slots=True)
class _Archive:
    """Members as JSON values; the standard library reads the directory, but not members packed with Zstandard."""

    zip: zipfile.ZipFile
    file: IO[bytes]
    limit: int

    def json(self, name: str) -> tuple[Any, str]:
        """(value, "") of a member, or (None, why not)."""
        try:
            info = self.zip.getinfo(name)
        except KeyError:
            return None, "missing"
        if info.file_size > self.limit:
            return None, "too_long"
        try:
            data = self._unpacked(info) if info.compress_type == _ZSTD else self.zip.read(info)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
            return None, "not_zip" if isinstance(error, zipfile.BadZipFile) else "cut_compression"
        if len(data) > self.limit:
            return None, "too_long"
        try:
            return orjson.loads(data), ""
        except orjson.JSONDecodeError:
            value, reason, _ = lenient(data, 256)
            return value, reason

    def _unpacked(self, info: zipfile.ZipInfo) -> bytes:
        try:
            import zstandard
        except ImportError:
            raise MissingExtraError("mining", "zstandard") from None
        self.file.seek(info.header_offset)
        header = self.file.read(_LOCAL_HEADER)
        if not header.startswith(ZIP):
            raise zipfile.BadZipFile
        name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
        self.file.seek(info.header_offset + _LOCAL_HEADER + name + extra)
        packed = io.BytesIO(self.file.read(info.compress_size))
        try:
            # The frame may not state its size, and a damaged or hostile one may grow to any.
            with zstandard.ZstdDecompressor().stream_reader(packed) as stream:
                return stream.read(self.limit + 1)
        except zstandard.ZstdError as error:
            raise zipfile.BadZipFile from error


def _members(source: Source, path: Path, archive: _Archive) -> Iterator[Sample]:
    names = archive.zip.namelist()
    log = next((mapping(archive.json(name)[0]) for name in _HEADERS if name in names), {})
    for number, name in enumerate(sorted(set(names)), 1):
        folder, _, rest = name.removeprefix("samples/").partition("/")
        if not name.startswith("samples/") or not name.endswith(".json") or (rest and rest != "sample.json"):
            continue
        value, reason = archive.json(name)
        if not isinstance(value, dict):
            source.problem(reason or "unknown_record", "a sample", path=path, line=number)
            continue
        source.account.records += 1
        if rest:
            value = {**value, **_chunks(archive, names, f"samples/{folder}/")}
        yield Sample(value, log, path, number)


def _chunks(archive: _Archive, names: list[str], folder: str) -> dict[str, Any]:
    """The parts of a large sample, which lie in folders of their own."""
    found: dict[str, Any] = {}
    for part in ("events", "messages"):
        items: list[Any] = []
        for name in sorted(n for n in names if n.startswith(f"{folder}{part}/") and n.endswith(".json")):
            value = archive.json(name)[0]
            items += listing(value) if isinstance(value, list) else [value] if isinstance(value, dict) else []
        if items:
            found[part] = items
    place = f"{folder}attachments/"
    attached = {n.removeprefix(place).removesuffix(".json"): archive.json(n)[0] for n in names if n.startswith(place)}
    return {**found, "attachments": attached} if attached else found
