"""The samples of an Inspect log: members of a ``.eval`` archive, however they are packed, or of one JSON document."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from miner.errors import MissingExtraError
from miner.readers.head import head_of
from miner.readers.source import Source
from miner.readers.tolerant import lenient
from miner.readers.unpacked import most_unpacked
from miner.readers.values import listing
from miner.readers.whole import chunks_of, refuse

ZIP = b"PK\x03\x04"
_ZSTD = 93
_IN_MEMORY = 32 << 20
_UTF8 = 0x800
_LOCAL_HEADER = 30
_END, _END_BYTES = b"PK\x05\x06", (1 << 16) + 22
_IN_ANOTHER_PLACE = 0xFFFF
"""What an archive with too many members for its end says of their number."""
_HEADERS = ("header.json", "_journal/start.json")
_SAMPLES = "samples/"
_SILENT = re.compile(r"header\.json|summaries\.json|reductions\.json|_journal/.*")
"""Members that hold no sample."""


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
                limit = source.limits.document_bytes
                yield from _members(source, path, _Archive(archive, file, limit, most_unpacked(size)))
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
            refuse(source, path, "not_zip", size, detail=type(error).__name__, fatal=True)


@dataclass(slots=True)
class _Archive:
    """Members as JSON values; the standard library reads the directory, but not members packed with Zstandard."""

    zip: zipfile.ZipFile
    file: IO[bytes]
    limit: int
    """Bytes that one member may unpack to."""
    left: int
    """Bytes that all members together may still unpack to."""

    def json(self, name: str) -> tuple[Any, str]:
        """(value, "") of a member, or (None, why not)."""
        try:
            info = self.zip.getinfo(name)
        except KeyError:
            return None, "missing"
        self.left -= info.file_size
        if info.file_size > self.limit or self.left < 0:
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
        if self.file.read(name) != info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437"):
            raise zipfile.BadZipFile
        self.file.seek(extra, io.SEEK_CUR)
        packed = io.BytesIO(self.file.read(info.compress_size))
        try:
            # The frame may not state its size, and a damaged or hostile one may grow to any.
            with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as stream:
                data = stream.read(self.limit + 1)
        except zstandard.ZstdError as error:
            raise zipfile.BadZipFile from error
        if len(data) <= self.limit and (len(data) != info.file_size or zlib.crc32(data) != info.CRC):
            raise zipfile.BadZipFile
        return data


def _members(source: Source, path: Path, archive: _Archive) -> Iterator[Sample]:
    listed = archive.zip.namelist()
    names = sorted(set(listed))
    if len(names) < len(listed):
        source.problem("repeated_member", f"{len(listed) - len(names)} earlier ones of the same name", path=path)
    stated = _stated_members(archive.file)
    if stated is not None and stated != len(listed):
        source.problem("missing_member", f"{stated} are stated, and {len(listed)} are listed", path=path, fatal=True)
    log = _log_of(source, path, archive, names)
    taken: set[str] = set()
    for number, name in enumerate(names, 1):
        folder, _, rest = name.removeprefix(_SAMPLES).partition("/")
        if not name.startswith(_SAMPLES) or not name.endswith(".json") or (rest and rest != "sample.json"):
            continue
        taken.add(name)
        value, reason = archive.json(name)
        if not isinstance(value, dict):
            source.problem(reason or "unknown_record", "a sample", path=path, line=number)
            continue
        source.account.records += 1
        if rest:
            parts = _Parts(source, path, archive, names, f"{_SAMPLES}{folder}/", taken)
            value = {**value, **parts.read()}
        yield Sample(value, log, path, number)
    others = (name for name in names if name not in taken and not _SILENT.fullmatch(name))
    source.account.unknown += sum(not name.endswith("/") or archive.zip.getinfo(name).file_size > 0 for name in others)


def _stated_members(file: IO[bytes]) -> int | None:
    """How many members the end of the archive says there are, which the library does not compare with its list."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_BYTES))
    end = file.read()
    at = end.rfind(_END)
    count = int.from_bytes(end[at + 10 : at + 12], "little")
    return count if at >= 0 and count != _IN_ANOTHER_PLACE else None


def _log_of(source: Source, path: Path, archive: _Archive, names: list[str]) -> dict[str, Any]:
    """What the archive says of all its samples."""
    for name in _HEADERS:
        if name in names:
            value, reason = archive.json(name)
            if isinstance(value, dict):
                return value
            source.problem(reason or "unknown_record", "the header", path=path)
    source.account.unknown += not any(name in names for name in _HEADERS)
    return {}


@dataclass(slots=True)
class _Parts:
    """The parts of a large sample, which lie in folders of their own."""

    source: Source
    path: Path
    archive: _Archive
    names: list[str]
    folder: str
    taken: set[str]

    def read(self) -> dict[str, Any]:
        """What they say, by the part of the sample that it is."""
        found: dict[str, Any] = {}
        for part in ("events", "messages"):
            items: list[Any] = []
            for value in self._in(part).values():
                items += listing(value) if isinstance(value, list) else [value]
            if items:
                found[part] = items
        attached = self._in("attachments")
        return {**found, "attachments": attached} if attached else found

    def _in(self, part: str) -> dict[str, Any]:
        """Name -> value of the members of one folder; those that cannot be had are told."""
        place, found = f"{self.folder}{part}/", {}
        for name in self.names:
            if not name.startswith(place) or not name.endswith(".json"):
                continue
            self.taken.add(name)
            value, reason = self.archive.json(name)
            if reason or not isinstance(value, dict | list | str):
                self.source.problem(reason or "unknown_record", "a part of a sample", path=self.path)
            else:
                found[name.removeprefix(place).removesuffix(".json")] = value
        return found
