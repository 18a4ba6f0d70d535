"""One log file opened for reading: compression, lines, JSON, limits, and an account of every byte.

A reader asks for ``records()`` (JSON Lines) or ``elements()`` (one JSON document) and never touches the file itself.
Whatever cannot be used becomes a ``Problem`` here, so no reader can lose a record in silence:
``accepted + broken + blank + tail`` equals the decompressed size read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import orjson

from miner.errors import LogError
from miner.events import Problem
from miner.readers.gunzip import GunzipFile
from miner.readers.tolerant import concatenated, lenient
from miner.readers.unzstd import UnzstdFile

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 1 << 18
COMPRESSIONS = (".gz", ".zst")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one record may cost before it is refused."""

    line_bytes: int = 16 << 20
    document_bytes: int = 64 << 20
    """A whole JSON document larger than this is streamed instead of parsed at once."""
    depth: int = 256


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


@dataclass(frozen=True, slots=True)
class Head:
    """What recognition may look at: the name and the first bytes, decompressed."""

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
        lines = self.start.removeprefix(_BOM).split(b"\n", most)
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
                self._read[None] = orjson.loads(self.start.removeprefix(_BOM))
            except orjson.JSONDecodeError:
                self._read[None] = None
        return self._read[None]


@dataclass(slots=True)
class Source:
    """The files that one reader reads together (nearly always one), with their problems and byte account."""

    paths: tuple[Path, ...]
    limits: Limits = field(default_factory=Limits)
    account: Account = field(default_factory=Account)
    problems: list[Problem] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)
    """Identities of the sessions that were told."""
    _parsed: dict[Path, Any] = field(default_factory=dict)
    """A document that ``members`` has read for ``elements`` to go on with."""

    @property
    def path(self) -> Path:
        """The first file: the one that gives the source its name."""
        return self.paths[0]

    def problem(
        self,
        reason: str,
        detail: str = "",
        *,
        path: Path | None = None,
        line: int | None = None,
        offset: int | None = None,
        length: int | None = None,
        fatal: bool = False,
    ) -> None:
        """Note something that could not be used. ``detail`` must not quote the log."""
        where = str(path or self.path)
        self.problems.append(Problem(where, reason, detail, line, offset, length, fatal))

    def repeats(self, session: str, *, path: Path | None = None, line: int | None = None) -> bool:
        """Whether these files have told a session of this identity before: it is told once, and the copy a problem."""
        if session in self._told:
            self.problem("repeated_session", path=path, line=line)
            return True
        self._told.add(session)
        return False

    def records(self) -> Iterator[Record]:
        """Every line of every file that is JSON; the others become problems."""
        for path in self.paths:
            yield from self._records_of(path)

    def _records_of(self, path: Path) -> Iterator[Record]:
        account = self.account
        for number, offset, line, ended in self._lines_of(path):
            if line is None:
                continue
            if not line.strip(b"\0 \t\r"):
                account.blank += len(line) + ended
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                value = self._second_look(path, line, number, offset, ended)
                if value is _REFUSED:
                    continue
            account.accepted += len(line) + ended
            account.records += 1
            yield Record(value, path, number)

    def _second_look(self, path: Path, line: bytes, number: int, offset: int, ended: int) -> Any:
        """Real logs hold escapes cut in the middle of an emoji, which a strict parser refuses; keep those."""
        value, reason, detail = lenient(line, self.limits.depth)
        if not reason:
            self.account.scrubbed += 1
            return value
        if not ended:
            reason, detail = "truncated_tail", "the last line has no end yet"
            self.account.tail += len(line)
        else:
            self.account.broken += len(line) + ended
        self.problem(reason, detail, path=path, line=number, offset=offset, length=len(line))
        return _REFUSED

    def _lines_of(self, path: Path) -> Iterator[tuple[int, int, bytes | None, int]]:
        """(line number, offset, line without its end or None when too long, bytes of its end)."""
        limit = self.limits.line_bytes
        number, offset, rest = 0, 0, b""
        skipped = 0
        with open_log(path) as stream:
            first = True
            for chunk in self._chunks(path, stream):
                if first:
                    first = False
                    if chunk.startswith(_BOM):
                        self.account.blank += len(_BOM)
                        offset += len(_BOM)
                        chunk = chunk[len(_BOM) :]
                parts = chunk.split(b"\n")
                for part in parts[:-1]:
                    number += 1
                    line, rest = (rest + part if rest else part), b""
                    length = len(line) + skipped
                    if length > limit:
                        self._too_long(path, number, offset, length + 1)
                        yield number, offset, None, 1
                    else:
                        yield number, offset, line, 1
                    offset += length + 1
                    skipped = 0
                rest += parts[-1]
                if len(rest) > limit:
                    skipped += len(rest)
                    rest = b""
        if rest or skipped:
            number += 1
            length = len(rest) + skipped
            if length > limit:
                self._too_long(path, number, offset, length)
            else:
                yield number, offset, rest, 0

    def _too_long(self, path: Path, number: int, offset: int, length: int) -> None:
        self.account.broken += length
        self.problem(
            "too_long",
            f"{length} bytes; the limit is {self.limits.line_bytes}",
            path=path,
            line=number,
            offset=offset,
            length=length,
        )

    def _chunks(self, path: Path, stream: IO[bytes]) -> Iterator[bytes]:
        """Read up to the size seen at open: what a live session appends meanwhile is for the next run."""
        left = path.stat().st_size if path.suffix not in COMPRESSIONS else None
        while left is None or left > 0:
            try:
                chunk = stream.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
            except (EOFError, OSError, ValueError) as error:
                self.problem("cut_compression", type(error).__name__, path=path, fatal=True)
                return
            if not chunk:
                return
            if left is not None:
                left -= len(chunk)
            yield chunk

    def elements(self, *prefixes: str) -> Iterator[Record]:
        """Elements of the first array found at one of ``prefixes`` in a JSON document.

        Args:
            prefixes: dotted paths ("simulations"), "" for an array at the top. A document that is no array and has
                none of them is its own only element.

        A document over ``limits.document_bytes`` is streamed, so memory stays at one element.
        """
        for path in self.paths:
            value = self._parsed.pop(path) if path in self._parsed else self._value(path)
            if value is _TOO_LARGE:
                yield from self._streamed(path, prefixes)
            elif isinstance(value, _Several):
                for number, one in enumerate(value.values, 1):
                    self.account.records += 1
                    yield Record(one, path, number)
            elif value is not _REFUSED:
                yield from self._walk(path, value, prefixes)

    def members(self, *names: str) -> dict[str, Any]:
        """Top-level members of the first file's document, for what a file says about all its elements.

        Ask before ``elements``. Of a document too large to hold, only these members are built.
        """
        path = self.path
        value = self._parsed[path] = self._value(path)
        if value is _TOO_LARGE:
            return self._streamed_members(path, frozenset(names))
        return {name: value[name] for name in names if name in value} if isinstance(value, dict) else {}

    def _value(self, path: Path) -> Any:
        data = self._whole(path)
        return _TOO_LARGE if data is None else self._document(path, data)

    def _streamed_members(self, path: Path, names: frozenset[str]) -> dict[str, Any]:
        import ijson

        found: dict[str, Any] = {}
        name, builder = "", None
        with open_log(path) as stream:
            try:
                for prefix, event, value in ijson.parse(stream, use_float=True):
                    if prefix == "" and event == "map_key":
                        name, builder = value, ijson.ObjectBuilder() if value in names else None
                    elif builder is not None and prefix:
                        builder.event(event, value)
                        found[name] = getattr(builder, "value", None)
            except (ijson.JSONError, OSError, EOFError):
                # Reading the elements meets the same damage and reports it.
                return found
        return found

    def _whole(self, path: Path) -> bytes | None:
        """The file's bytes, or None when there are too many to hold."""
        parts, size = [], 0
        with open_log(path) as stream:
            for chunk in self._chunks(path, stream):
                parts.append(chunk)
                size += len(chunk)
                if size > self.limits.document_bytes:
                    return None
        return b"".join(parts)

    def _document(self, path: Path, data: bytes) -> Any:
        bare = data.removeprefix(_BOM)
        try:
            value = orjson.loads(bare)
        except orjson.JSONDecodeError:
            value, reason, detail = lenient(bare, self.limits.depth)
            several = concatenated(bare) if reason == "not_json" else []
            if several:
                self.account.accepted += len(data)
                return _Several(several)
            if reason:
                self.account.broken += len(data)
                self.problem(reason, detail, path=path, line=1, offset=0, length=len(data), fatal=True)
                return _REFUSED
            self.account.scrubbed += 1
        self.account.accepted += len(data)
        return value

    def _walk(self, path: Path, value: Any, prefixes: tuple[str, ...]) -> Iterator[Record]:
        for prefix in prefixes:
            found = value
            for key in filter(None, prefix.split(".")):
                found = found.get(key) if isinstance(found, dict) else None
            if isinstance(found, list):
                for number, element in enumerate(found, 1):
                    self.account.records += 1
                    yield Record(element, path, number)
                return
        self.account.records += 1
        yield Record(value, path, 1)

    def _streamed(self, path: Path, prefixes: tuple[str, ...]) -> Iterator[Record]:
        import ijson

        for prefix in prefixes:
            number, good = 0, 0
            with open_log(path) as stream:
                counted = _Counted(self._chunks(path, stream))
                try:
                    for element in ijson.items(counted, f"{prefix}.item" if prefix else "item", use_float=True):
                        number += 1
                        self.account.records += 1
                        good = counted.position
                        yield Record(element, path, number)
                    good = counted.position
                except ijson.JSONError as error:
                    detail = type(error).__name__
                    self.problem("not_json", detail, path=path, line=number + 1, offset=counted.position, fatal=True)
                counted.drain()
            if number:
                self.account.accepted += good
                self.account.broken += counted.position - good
                return
            if self.problems and self.problems[-1].fatal:
                break
        else:
            self.problem("too_long", "a document without a known array is too large to hold", path=path, fatal=True)
        self.account.broken += counted.position


_REFUSED = object()
_TOO_LARGE = object()


@dataclass(frozen=True, slots=True)
class _Several:
    """Documents that stand one after another in a file, as pretty-printing exporters append them."""

    values: list[Any]


class _Counted:
    """Chunks as a file that can be read, and how far it was read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.position = 0

    def read(self, size: int = -1) -> bytes:
        """The next chunk, of whatever size; a size of 0 reads nothing."""
        data = next(self._chunks, b"") if size else b""
        self.position += len(data)
        return data

    def drain(self) -> None:
        """Count what is left."""
        while self.read():
            pass


def strip_compression(path: Path) -> Path:
    """The path without ``.gz`` or ``.zst``."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path


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
    return Head(path, data[:size], len(data) <= size)


def is_lines(path: Path, limits: Limits) -> bool:
    """Whether a file holds JSON Lines rather than one JSON document.

    A line that is a whole object or list by itself, at the left edge, with more to follow, tells JSON Lines; damaged
    first lines do not matter.
    """
    head = head_of(path)
    start, complete = head.start.removeprefix(_BOM), head.complete
    if b"\n" not in start and not complete:
        rest = _after_first_line(path)
        return rest.lstrip().startswith((b'{"', b"[{", b'["'))
    lines = start.split(b"\n")
    whole = lines if complete else lines[:-1]
    found = [line for line in whole if line.startswith((b"{", b"[")) and _is_json(line, limits)]
    alone = sum(1 for line in lines if line.strip()) == 1
    return bool(found) and (not alone or start.lstrip().startswith(b"{"))


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
