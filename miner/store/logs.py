"""Reading back: sessions with their events, in a stated order and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from miner.events import Caller, Event, EventKind, Session, SessionLog, Status, TimeSource
from miner.store.schema import EVENT_FIELDS, SESSION_FIELDS

if TYPE_CHECKING:
    from miner.store.database import Store

CHUNK_BYTES = 16 << 20
CHUNK_SESSIONS = 512

_WORDS: dict[str, dict[str, Any]] = {
    "kind": {word.value: word for word in EventKind},
    "status": {word.value: word for word in Status},
    "caller": {word.value: word for word in Caller},
    "time_source": {word.value: word for word in TimeSource},
}
_ENUMS = tuple((EVENT_FIELDS.index(name), words) for name, words in _WORDS.items())
_SELECT_SESSIONS = ", ".join(SESSION_FIELDS)
_SELECT_EVENTS = ", ".join(EVENT_FIELDS)
_OFF_PATH = SESSION_FIELDS.index("off_path")


def sessions(store: Store, part: str | None) -> list[Session]:
    """The sessions of a part, by start and key; those without a time last."""
    return [session for session, _ in _sized_sessions(store, part)]


def _sized_sessions(store: Store, part: str | None) -> list[tuple[Session, int]]:
    rows = store.query(
        f"select {_SELECT_SESSIONS}, bytes + 200 * events from sessions "
        "where ? is null or part = ? order by started_us nulls last, key",
        [part, part],
    )
    return [(_session(row[:-1]), row[-1]) for row in rows]


def session_logs(store: Store, part: str | None) -> Iterator[SessionLog]:
    """The sessions of a part with their events."""
    chunk: list[Session] = []
    size = 0
    for session, weight in _sized_sessions(store, part):
        if chunk and (size + weight > CHUNK_BYTES or len(chunk) >= CHUNK_SESSIONS):
            yield from _logs(store, chunk)
            chunk, size = [], 0
        chunk.append(session)
        size += weight
    if chunk:
        yield from _logs(store, chunk)


def one_session_log(store: Store, key: str) -> SessionLog | None:
    """One session with its events, by its key; None when the store does not hold it."""
    rows = store.query(f"select {_SELECT_SESSIONS} from sessions where key = ?", [key])
    return next(_logs(store, [_session(rows[0])]), None) if rows else None


def _logs(store: Store, chunk: Sequence[Session]) -> Iterator[SessionLog]:
    keys = [session.key for session in chunk]
    marks = ", ".join("?" * len(keys))
    rows = store.query(f"select {_SELECT_EVENTS} from events where session in ({marks}) order by session, seq", keys)
    found: dict[str, list[Event]] = {key: [] for key in keys}
    for row in rows:
        found[row[0]].append(_event(row))
    del rows
    for session in chunk:
        yield SessionLog(session, tuple(found.pop(session.key)))


def _event(row: tuple[Any, ...]) -> Event:
    values = list(row)
    for place, words in _ENUMS:
        if values[place] is not None:
            values[place] = words[values[place]]
    return Event(*values)


def _session(row: tuple[Any, ...]) -> Session:
    values = list(row)
    values[_OFF_PATH] = tuple(values[_OFF_PATH] or ())
    return Session(*values)
