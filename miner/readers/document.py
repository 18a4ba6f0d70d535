"""A log that is one JSON document: its elements, of a whole that is held, or of a stream where it is too large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from miner.events import Problem
from miner.readers.opening import BOM, CHUNK_BYTES, open_log
from miner.readers.record import Record
from miner.readers.tolerant import concatenated, lenient

if TYPE_CHECKING:
    from miner.readers.source import Source


class Document:
    """The document of one file, as far as it can be had; what cannot is told to the source."""

    def __init__(self, source: Source, path: Path) -> None:
        self._source, self._path = source, path
        data = self._whole()
        self._value = _TOO_LARGE if data is None else self._parsed(data)

    def elements(self, prefixes: tuple[str, ...]) -> Iterator[Record]:
        """Elements of the first array at one of these places, else the document itself."""
        if self._value is _TOO_LARGE:
            yield from self._streamed(prefixes)
        elif self._value is not _REFUSED:
            several = self._value.values if isinstance(self._value, _Several) else self._array(prefixes)
            for number, value in enumerate(several, 1):
                self._source.account.records += 1
                yield Record(value, self._path, number)

    def members(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Those of these top-level members that are there."""
        if self._value is _TOO_LARGE:
            return self._streamed_members(frozenset(names))
        value = self._value
        return {name: value[name] for name in names if name in value} if isinstance(value, dict) else {}

    def _whole(self) -> bytes | None:
        """The file's bytes, or None when there are too many to hold."""
        parts, size = [], 0
        with open_log(self._path) as stream:
            for chunk in self._source.chunks(self._path, stream):
                parts.append(chunk)
                size += len(chunk)
                if size > self._source.limits.document_bytes:
                    return None
        return b"".join(parts)

    def _parsed(self, data: bytes) -> Any:
        account, bare = self._source.account, data.removeprefix(BOM)
        try:
            value = orjson.loads(bare)
        except orjson.JSONDecodeError:
            value, reason, detail = lenient(bare, self._source.limits.depth)
            if reason == "not_json" and (found := concatenated(bare)).values:
                length = len(data) - len(bare) + found.length
                account.accepted += length
                if found.damage:
                    # Whoever writes them one after another may still be writing the last.
                    self._refuse("not_json", found.damage, len(data) - length, length)
                return _Several(found.values) if len(found.values) > 1 else found.values[0]
            if reason:
                self._refuse(reason, detail, len(data))
                return _REFUSED
            account.scrubbed += 1
        account.accepted += len(data)
        return value

    def _refuse(self, reason: str, detail: str, length: int, offset: int = 0) -> None:
        self._source.account.broken += length
        self._source.problem(reason, detail, path=self._path, offset=offset, length=length, fatal=True)

    def _array(self, prefixes: tuple[str, ...]) -> list[Any]:
        for prefix in prefixes:
            found = self._value
            for key in filter(None, prefix.split(".")):
                found = found.get(key) if isinstance(found, dict) else None
            if isinstance(found, list):
                return found
        return [self._value]

    def _streamed(self, prefixes: tuple[str, ...]) -> Iterator[Record]:
        import ijson

        source, path = self._source, self._path
        size = 0
        told: list[Problem] = []
        for prefix in prefixes:
            before, number, good = len(source.problems), 0, 0
            with open_log(path) as stream:
                counted = _Counted(source.chunks(path, stream))
                try:
                    for element in ijson.items(counted, f"{prefix}.item" if prefix else "item", use_float=True):
                        number += 1
                        source.account.records += 1
                        good = counted.position
                        yield Record(element, path, number)
                    good = counted.position
                except ijson.JSONError as error:
                    detail = type(error).__name__
                    source.problem("not_json", detail, path=path, line=number + 1, offset=counted.position, fatal=True)
                counted.drain()
            size = counted.position
            if number:
                source.account.accepted += good
                source.account.broken += size - good
                return
            # Every way to read the file meets the same damage: it is told once, and another list may stand before it.
            told = source.problems[before:]
            del source.problems[before:]
        if told:
            source.problems += told
            source.account.broken += size
        else:
            self._refuse_as_too_large()

    def _refuse_as_too_large(self) -> None:
        source = self._source
        with open_log(self._path) as stream:
            counted = _Counted(source.chunks(self._path, stream))
            counted.drain()
        length, limit = counted.position, source.limits.document_bytes
        detail = f"{length} bytes without an array that could be read in parts; the limit is {limit}"
        self._refuse("too_long", detail, length)

    def _streamed_members(self, names: frozenset[str]) -> dict[str, Any]:
        import ijson

        found: dict[str, Any] = {}
        name, builder = "", None
        with open_log(self._path) as stream:
            try:
                chunks = iter(partial(stream.read, CHUNK_BYTES), b"")
                for prefix, event, value in ijson.parse(_Counted(chunks), use_float=True):
                    if prefix == "" and event == "map_key":
                        name, builder = value, ijson.ObjectBuilder() if value in names else None
                    elif builder is not None and prefix:
                        builder.event(event, value)
                        found[name] = getattr(builder, "value", None)
            except (ijson.JSONError, OSError, EOFError):
                # Reading the elements meets the same damage and reports it.
                return found
        return found


_REFUSED = object()
_TOO_LARGE = object()


@dataclass(frozen=True, slots=True)
class _Several:
    """Documents that stand one after another in a file, as pretty-printing exporters append them."""

    values: list[Any]


class _Counted:
    """Chunks as a file that can be read, without a byte order mark, and how far it was read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.position = 0

    def read(self, size: int = -1) -> bytes:
        """The next chunk, of whatever size; a size of 0 reads nothing."""
        data = next(self._chunks, b"") if size else b""
        begins = not self.position
        self.position += len(data)
        return data.removeprefix(BOM) if begins else data

    def drain(self) -> None:
        """Count what is left."""
        while self.read():
            pass
