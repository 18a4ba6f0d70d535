"""Reads a log written by a test, and the real logs, through a reader found by content."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from miner.events import Caller, Event, EventKind, Session
from miner.readers import load_reader, recognise
from miner.readers.record import Limits
from miner.readers.source import Source


class Read(NamedTuple):
    """What a reader said about a log."""

    sessions: dict[str, Session]
    events: list[Event]
    source: Source

    @property
    def session(self) -> Session:
        """The only session."""
        [session] = self.sessions.values()
        return session

    @property
    def calls(self) -> list[Event]:
        """All tool calls in order."""
        return [event for event in self.events if event.kind is EventKind.TOOL_CALL]

    @property
    def kinds(self) -> list[str]:
        """Kinds of all events in order."""
        return [str(event.kind) for event in self.events]

    @property
    def reasons(self) -> list[str]:
        """Reasons of all problems."""
        return [problem.reason for problem in self.source.problems]

    def of(self, kind: EventKind) -> list[Event]:
        """Events of one kind in order."""
        return [event for event in self.events if event.kind is kind]


def read(name: str, *paths: Path, limits: Limits | None = None) -> Read:
    """Everything a reader says about files that are read together."""
    source = Source(paths, limits or Limits())
    found = list(load_reader(name).read(source))
    sessions = {item.key: item for item in found if isinstance(item, Session)}
    return Read(sessions, [item for item in found if isinstance(item, Event)], source)


def document(folder: Path, value: Any, name: str = "log.json") -> Path:
    """A file that holds one JSON document."""
    path = folder / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def lines(folder: Path, values: Iterable[Any], name: str = "log.jsonl") -> Path:
    """A file that holds one JSON value a line."""
    path = folder / name
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def arguments(call: Event) -> Any:
    """The arguments of a call as a value."""
    return json.loads(call.arguments or "null")


def totals(name: str, paths: list[Path]) -> Counter[str]:
    """Sessions, calls of the model, calls of others and problems over many files, each recognised by its content."""
    count: Counter[str] = Counter()
    sessions: set[str] = set()
    for path in paths:
        assert recognise(path) == name
        found = read(name, path)
        sessions |= found.sessions.keys()
        for call in found.calls:
            count["calls" if call.caller is Caller.MODEL else "other calls"] += 1
        count.update(found.reasons)
        assert found.source.account.total == found.source.account.accepted + found.source.account.blank
    count["sessions"] = len(sessions)
    return count
