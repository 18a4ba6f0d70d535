"""Where opencode keeps its conversations: a database, an export, or, before 2026, a folder of small JSON files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from miner.readers.content import parsed
from miner.readers.head import Head, head_of
from miner.readers.source import Source
from miner.readers.sqlite_copy import Tables, opened
from miner.readers.values import count, listing, mapping, word

_SESSION = ("id", "parent_id", "directory", "version")
_MESSAGE = ("id", "session_id", "time_created", "data")
_PART = ("id", "message_id", "data")
_PLACE = re.compile(r"(session|message|part)/([^/]+)/([^/]+)\.json$")
"""``session/<project>/<session>.json``, ``message/<session>/<message>.json``, ``part/<message>/<part>.json``."""
_KEYS = {
    "session": (b'"id"', b'"time"', b'"version"'),
    "message": (b'"sessionID"', b'"role"'),
    "part": (b'"messageID"', b'"type"'),
}


@dataclass(slots=True)
class Talk:
    """A session with its messages, each with its parts, oldest first."""

    identity: str
    info: dict[str, Any]
    messages: list[tuple[dict[str, Any], list[dict[str, Any]]]] = field(default_factory=list)


def kind_of(path: Path) -> str | None:
    """Whether a file lies where a session, a message or a part does."""
    place = _PLACE.search(path.as_posix())
    return place[1] if place else None


def is_one(head: Head) -> bool:
    """By its place, and by the keys of what lies there."""
    kind = kind_of(head.path)
    return kind is not None and all(key in head.start for key in _KEYS[kind])


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """The files of a session, whose place names it, or names the message that it belongs to."""
    placed = {path: _PLACE.search(path.as_posix()) for path in paths}
    session_of = {
        (path.parents[2], place[3]): place[2] for path, place in placed.items() if place and place[1] == "message"
    }
    found: dict[tuple[object, ...], list[Path]] = {}
    for path, place in placed.items():
        if place is None:
            found[path,] = [path]
            continue
        named = place[3] if place[1] == "session" else place[2]
        store = path.parents[2]
        session = session_of.get((store, named), named) if place[1] == "part" else named
        found.setdefault((store, session), []).append(path)
    return [tuple(sorted(files)) for files in found.values()]


def talks(source: Source) -> Iterator[Talk]:
    """The conversations of exports, databases, and folders of JSON files, one at a time."""
    loose = [path for path in source.paths if kind_of(path)]
    if loose:
        yield from _kept_apart(replace(source, paths=tuple(loose)))
    for path in source.paths:
        if path in loose:
            continue
        one = replace(source, paths=(path,))
        yield from _exported(one) if head_of(path, 64).start.lstrip()[:1] == b"{" else _stored(one, path)


def _exported(source: Source) -> Iterator[Talk]:
    for record in source.elements():
        value = mapping(record.value)
        info = mapping(value.get("info"))
        messages = [mapping(message) for message in listing(value.get("messages"))]
        told = [(mapping(m.get("info")), [mapping(part) for part in listing(m.get("parts"))]) for m in messages]
        if messages:
            yield Talk(word(info.get("id")) or source.path.stem, info, told)


def _stored(source: Source, path: Path) -> Iterator[Talk]:
    """The sessions of a database, one at a time: a long history does not fit into memory."""
    with opened(source, path) as connection:
        if connection is None:
            return
        tables = Tables(source, path, connection)
        tables.index("message", "session_id")
        tables.index("part", "message_id")
        known = list(tables.rows("session", _SESSION, "id"))
        for row in known:
            talk = Talk(str(row.get("id")), row)
            for message in tables.rows("message", _MESSAGE, "time_created id", ("session_id", row.get("id"))):
                data = _data(source, path, message)
                parts = tables.rows("part", _PART, "id", ("message_id", message.get("id")))
                talk.messages.append((data, [_data(source, path, part) for part in parts]))
            if talk.messages:
                yield talk
        sessions, messages = {row.get("id") for row in known}, set(tables.values("message", "id"))
        # What hangs on nothing belongs to no session.
        lost = sum(session not in sessions for session in tables.values("message", "session_id"))
        lost += sum(message not in messages for message in tables.values("part", "message_id"))
        if lost:
            source.problem("unknown_record", f"messages or parts of {lost} ids that are not there", path=path)


def _data(source: Source, path: Path, row: dict[str, Any]) -> dict[str, Any]:
    """What a row of messages or parts says, with its id."""
    data = parsed(str(row.get("data")))
    if not isinstance(data, dict):
        source.problem("not_json", "a message or a part", path=path)
        return {}
    return {"id": row.get("id"), **data}


def _kept_apart(source: Source) -> Iterator[Talk]:
    """The sessions of these files; messages in the order of their times, parts in the order of their names."""
    abouts: dict[str, dict[str, Any]] = {}
    messages: dict[str, dict[str, dict[str, Any]]] = {}
    parts: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(source.paths):
        place = _PLACE.search(path.as_posix())
        for record in replace(source, paths=(path,)).elements("\0"):
            value, stem = mapping(record.value), path.stem
            if not value or place is None:
                source.problem("unknown_record", "no object", path=path)
            elif place[1] == "session":
                abouts[word(value.get("id")) or stem] = value
            elif place[1] == "message":
                messages.setdefault(word(value.get("sessionID")) or place[2], {})[word(value.get("id")) or stem] = value
            else:
                parts.setdefault(word(value.get("messageID")) or place[2], []).append(value)
    for session in sorted(messages):
        ordered = sorted(messages[session].items(), key=lambda item: (_created(item[1]), item[0]))
        told = [(value, parts.pop(name, [])) for name, value in ordered]
        yield Talk(session, abouts.get(session, {}), told)
    for name in sorted(parts):
        source.problem("unknown_record", "parts without their message", path=source.path, length=len(parts[name]))


def _created(message: dict[str, Any]) -> int:
    return count(mapping(message.get("time")).get("created")) or 0
