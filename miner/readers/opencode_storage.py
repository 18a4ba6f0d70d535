"""opencode before 2026: a folder of JSON files, one for each session, message and part, read together by session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from miner.readers.head import Head
from miner.readers.source import Source
from miner.readers.values import count, mapping, word

Told = tuple[str, dict[str, Any], list[tuple[dict[str, Any], list[dict[str, Any]]]]]
"""(session's id, what is said of it, its messages with their parts)."""
_PLACE = re.compile(r"(session|message|part)/([^/]+)/([^/]+)\.json$")
"""``session/<project>/<session>.json``, ``message/<session>/<message>.json``, ``part/<message>/<part>.json``."""
_KEYS = {
    "session": (b'"id"', b'"time"', b'"version"'),
    "message": (b'"sessionID"', b'"role"'),
    "part": (b'"messageID"', b'"type"'),
}


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


def talks(source: Source) -> Iterator[Told]:
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
        yield session, abouts.get(session, {}), [(value, parts.pop(name, [])) for name, value in ordered]
    for name in sorted(parts):
        source.problem("unknown_record", "parts without their message", path=source.path, length=len(parts[name]))


def _created(message: dict[str, Any]) -> int:
    return count(mapping(message.get("time")).get("created")) or 0
