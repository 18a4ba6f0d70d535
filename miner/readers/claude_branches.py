"""Which events lie on branches that a conversation abandoned: told by each line's parent, in bounded bookkeeping.

A leaf-to-root walk alone loses parallel calls, because every result hangs on its own call and the next answer hangs on
only one of the results. So the walk decides about messages, a call follows its message, and what the host injected
follows its parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Part(IntEnum):
    """What a line is to the tree."""

    MODEL = 0
    """A block of a model message."""
    HUMAN = 1
    """A message that starts a turn: the place at which people rewind."""
    OTHER = 2
    """A result, or something the host wrote."""


@dataclass(slots=True)
class _Entry:
    uuid: str
    part: Part
    message: str | None
    first: int
    end: int


class Branches:
    """The tree of one conversation. Parents always lie earlier in the file, so there can be no cycle."""

    def __init__(self) -> None:
        self._parents: dict[str, str | None] = {}
        self._entries: list[_Entry] = []
        self._last: str | None = None
        self.leaf: str | None = None
        """The newest message that a conversation can go on from."""

    def knows(self, uuid: str) -> bool:
        """True for a line that was added."""
        return uuid in self._parents

    def add(self, uuid: str, parent: str | None, *, root: bool = False) -> bool:
        """Note a line; False when the same line was there before.

        A parent that is not known (cut away, written later, or the other half of a compaction's loop) is replaced by
        the line before, since a log is written in order. ``root`` says that a line without parent starts anew.
        """
        parents = self._parents
        if uuid in parents:
            return False
        if parent not in parents:
            parent = None if root and parent is None else self._last
        parents[uuid] = parent
        self._last = uuid
        return True

    def holds(self, uuid: str, part: Part, message: str | None, first: int, end: int) -> None:
        """Note that a line gave the events ``first`` to ``end`` (exclusive)."""
        if part is not Part.OTHER:
            self.leaf = uuid
        if end > first:
            self._entries.append(_Entry(uuid, part, message, first, end))

    def go_back_to(self, uuid: object) -> None:
        """The log says which line the conversation stands at."""
        if isinstance(uuid, str) and uuid in self._parents:
            self.leaf = uuid

    def abandoned(self) -> tuple[int, ...]:
        """``seq`` of the events on abandoned branches."""
        path = self._path()
        messages = {entry.message for entry in self._entries if entry.part is Part.MODEL and entry.uuid in path}
        off: set[str] = set()
        found: list[int] = []
        for entry in self._entries:
            if entry.uuid in path:
                continue
            if entry.part is Part.OTHER:
                gone = self._hangs_on(entry.uuid, path, off)
            else:
                gone = entry.part is Part.HUMAN or entry.message not in messages
            if gone:
                off.add(entry.uuid)
                found.extend(range(entry.first, entry.end))
        return tuple(found)

    def _path(self) -> set[str]:
        path: set[str] = set()
        at = self.leaf
        while at is not None:
            path.add(at)
            at = self._parents[at]
        return path

    def _hangs_on(self, uuid: str, path: set[str], off: set[str]) -> bool:
        """True when the nearest ancestor that is known to be on or off the path is off it."""
        at = self._parents[uuid]
        while at is not None and at not in path:
            if at in off:
                return True
            at = self._parents[at]
        return False
