"""The files that one reader reads together: their lines, their documents, and an account of every byte.

A reader asks for ``records()`` (JSON Lines), ``elements()`` (one JSON document) or ``values()`` (either), and never
touches the file itself. Whatever cannot be used becomes a ``Problem`` here, so no reader can lose a record in silence:
``accepted + broken + blank + tail`` equals the decompressed size read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import orjson

from miner.events import Problem
from miner.readers.document import Document
from miner.readers.head import is_lines
from miner.readers.opening import BOM, CHUNK_BYTES, is_compressed, open_log
from miner.readers.record import Account, Limits, Record
from miner.readers.tolerant import lenient

_REFUSED = object()


@dataclass(slots=True)
class Source:
    """The files that one reader reads together (nearly always one), with their problems and byte account."""

    paths: tuple[Path, ...]
    limits: Limits = field(default_factory=Limits)
    account: Account = field(default_factory=Account)
    problems: list[Problem] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)
    """Identities of the sessions that were told."""
    _documents: dict[Path, Document] = field(default_factory=dict)
    """Those that ``members`` has read for ``elements`` to go on with."""

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
            for chunk in self.chunks(path, stream):
                if first:
                    first = False
                    if chunk.startswith(BOM):
                        self.account.blank += len(BOM)
                        offset += len(BOM)
                        chunk = chunk[len(BOM) :]
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

    def chunks(self, path: Path, stream: IO[bytes]) -> Iterator[bytes]:
        """Read up to the size seen at open: what a live session appends meanwhile is for the next run."""
        left = None if is_compressed(path) else path.stat().st_size
        while left is None or left > 0:
            try:
                chunk = stream.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
            except (EOFError, OSError, ValueError) as error:
                self.problem("cut_compression", str(error), path=path, fatal=True)
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
            yield from (self._documents.pop(path, None) or Document(self, path)).elements(prefixes)

    def values(self, *prefixes: str) -> Iterator[Record]:
        """``records`` of the files that hold JSON Lines, ``elements`` of those that are one document."""
        for path in self.paths:
            one = replace(self, paths=(path,))
            yield from one.records() if is_lines(path, self.limits) else one.elements(*prefixes)

    def members(self, *names: str) -> dict[str, Any]:
        """Top-level members of the first file's document, for what a file says about all its elements.

        Ask before ``elements``. Of a document too large to hold, only these members are built.
        """
        document = self._documents[self.path] = Document(self, self.path)
        return document.members(names)
