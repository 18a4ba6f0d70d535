"""Log files -> canonical events. One file per format; a format is found by content, never by a list to edit.

A reader is a module in this folder that defines:

``VERSION``
    An integer; raising it makes the next ingest read its files again.
``TITLE``, ``WHERE``
    One line each for people: what the format is, and where its files lie or how to export them.
``RESTS_ON``
    What its tests rest on: real files, a published schema, the producer's source, a description, hand-made files. The
    same words stand in its page in ``docs/formats``.
``recognises(head) -> float``
    How sure it is, 0 to 1, from a ``Head`` (name and first bytes).
``read(source) -> Iterator[Session | Event]``
    Streams. A ``Session`` may come before, among or after its events and may come again, the last one counts.
    Bad records go to ``source.problem(...)``.
``EXAMPLE_NAME``, ``EXAMPLE``, ``EXAMPLE_CALLS``
    A small log (bytes) under that file name, and the calls it holds as (tool, arguments, status): the contract test
    runs them, damages them, and cuts them short.
``groups(paths) -> list[tuple[Path, ...]]`` (optional)
    For formats whose sessions are spread over several files: which ones are read together.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from miner.errors import LogError
from miner.events import Event, Session
from miner.readers.head import Head, head_of
from miner.readers.source import Source

GLANCE_BYTES = 1 << 15
CERTAIN = 0.95
"""A reader this sure of the first lines is asked no further."""
_MARK = re.compile(r"^def recognises\(", re.MULTILINE)
"""What tells a reader from a module that readers share."""


class Reader(Protocol):
    """What a reader module defines; see the package's docstring."""

    VERSION: int
    TITLE: str
    WHERE: str
    RESTS_ON: str
    EXAMPLE_NAME: str
    EXAMPLE: bytes
    EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]]

    def recognises(self, head: Head) -> float:
        """How sure, 0 to 1."""
        ...

    def read(self, source: Source) -> Iterator[Session | Event]:
        """The sessions and events of a source."""
        ...


@functools.cache
def _names(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Looked up in the files' text, so that no reader is imported before it is asked."""
    files = (file for folder in folders for file in Path(folder).glob("*.py") if not file.name.startswith("_"))
    return tuple(sorted(file.stem for file in files if _MARK.search(file.read_text(encoding="utf-8"))))


def reader_names() -> list[str]:
    """Every format that can be read, by name: each module of this folder that says what it recognises."""
    return list(_names(tuple(__path__)))


def load_reader(name: str) -> Reader:
    """The reader of that name; an unknown name is refused with the known ones."""
    if name not in reader_names():
        raise LogError(f"there is no reader called {name!r}", next_step="known readers: " + ", ".join(reader_names()))
    return cast("Reader", importlib.import_module(f"{__name__}.{name}"))


def scores(path: Path) -> dict[str, float]:
    """How sure each reader is of a file, best first; only those above 0.

    The first lines decide nearly always; only where no reader is certain of them is more of the file looked at.
    """
    head = head_of(path, GLANCE_BYTES)
    sure = _sure(head)
    if not head.complete and max(sure.values(), default=0.0) < CERTAIN:
        sure = _sure(head_of(path))
    return dict(sorted(sure.items(), key=lambda item: (-item[1], item[0])))


def _sure(head: Head) -> dict[str, float]:
    if not head.start.strip():
        return {}
    found = ((name, load_reader(name).recognises(head)) for name in reader_names())
    return {name: share for name, share in found if share > 0}


def recognise(path: Path) -> str | None:
    """The reader for a file, or None when its content is of no known format."""
    return next(iter(scores(path)), None)


def session_key(reader: str, *parts: object) -> str:
    """A key that is the same whenever and wherever the same session is read: 128 bits in hex."""
    text = "\x1f".join((reader, *(str(part) for part in parts)))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
