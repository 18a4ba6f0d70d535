"""When a result becomes old: conflict groups, and a tick that counts the changes begun in each."""

from __future__ import annotations

from collections.abc import Mapping

from .effects import EVERYTHING


class World:
    """What several sessions look at and change together, such as one working copy.

    A call that changes something makes results old from its start to its end: what was read before it started is
    old, and what is read before it ended may be. ``mined`` (tool -> tools whose answers it was seen to change) only
    ever adds conflicts to those that the policy declares.
    """

    def __init__(self, mined: Mapping[str, frozenset[str]] | None = None) -> None:
        self._mined = mined or {}
        self._tick = 0
        self._changed: dict[str, int] = {}
        self._open: dict[str, int] = {}

    @property
    def tick(self) -> int:
        """The present, in changes begun or ended."""
        return self._tick

    def groups_changed_by(self, tool: str, writes: frozenset[str]) -> frozenset[str]:
        """Everything that a call of this tool makes old: what it declares, and what mining saw."""
        readers = self._mined.get(tool)
        return writes | {_of_tool(reader) for reader in readers} if readers else writes

    def begin(self, groups: frozenset[str]) -> None:
        """A call that changes these groups starts."""
        self._touch(groups)
        for group in groups:
            self._open[group] = self._open.get(group, 0) + 1

    def end(self, groups: frozenset[str]) -> None:
        """That call is over, however it ended."""
        self._touch(groups)
        for group in groups:
            left = self._open.get(group, 0) - 1
            if left > 0:
                self._open[group] = left
            else:
                self._open.pop(group, None)

    def is_changing(self, tool: str, reads: frozenset[str]) -> bool:
        """True while a call runs that changes what this tool reads."""
        return any(conflict(open_group, tool, reads) for open_group in self._open)

    def changed_since(self, tick: int, tool: str, reads: frozenset[str]) -> bool:
        """True if anything that this tool reads may have changed after that tick."""
        return any(at > tick and conflict(group, tool, reads) for group, at in self._changed.items())

    def _touch(self, groups: frozenset[str]) -> None:
        self._tick += 1
        for group in groups:
            self._changed[group] = self._tick


def conflict(group: str, tool: str, reads: frozenset[str]) -> bool:
    """True when a change of that group concerns a tool that reads these groups."""
    return group == EVERYTHING or group in reads or EVERYTHING in reads or group == _of_tool(tool)


def _of_tool(tool: str) -> str:
    """The group of one tool's own answers, which only a mined conflict changes."""
    return f"tool:{tool}"
