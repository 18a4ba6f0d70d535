"""Reading back: sessions with their events, in a stated order and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
_KEY = SESSION_FIELDS.index("key")
_SELECT_SESSIONS = ", ".join(SESSION_FIELDS)
_SELECT_EVENTS = ", ".join(EVENT_FIELDS)
_OFF_PATH = SESSION_FIELDS.index("off_path")


def sessions(store: Store, part: str | None) -> list[Session]:
    """The sessions of a part, by start and key; those without a time last."""
    return [session for session, _ in _sized_sessions(store, part)]


def session_logs_of(store: Store, keys: Sequence[str]) -> Iterator[SessionLog]:
    """The sessions with these keys, in the order of the keys; keys that the store does not hold are passed over."""
    for start in range(0, len(keys), CHUNK_SESSIONS):
        wanted = list(keys[start : start + CHUNK_SESSIONS])
        marks = ", ".join("?" * len(wanted))
        rows = store.query(
            f"select {_SELECT_SESSIONS}, bytes + 200 * events from sessions where key in ({marks})", wanted
        )
        found = {row[_KEY]: (session_of(row[:-1]), row[-1]) for row in rows}
        yield from _in_chunks(store, (found[key] for key in wanted if key in found))


def _sized_sessions(store: Store, part: str | None) -> list[tuple[Session, int]]:
    rows = store.query(
        f"select {_SELECT_SESSIONS}, bytes + 200 * events from sessions "
        "where ? is null or part = ? order by started_us nulls last, key",
        [part, part],
    )
    return [(session_of(row[:-1]), row[-1]) for row in rows]


def session_logs(store: Store, part: str | None) -> Iterator[SessionLog]:
    """The sessions of a part with their events."""
    return _in_chunks(store, _sized_sessions(store, part))


def _in_chunks(store: Store, sized: Iterable[tuple[Session, int]]) -> Iterator[SessionLog]:
    chunk: list[Session] = []
    size = 0
    for session, weight in sized:
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
    return next(_logs(store, [session_of(rows[0])]), None) if rows else None


def _logs(store: Store, chunk: Sequence[Session]) -> Iterator[SessionLog]:
    keys = [session.key for session in chunk]
    marks = ", ".join("?" * len(keys))
    rows = store.query(f"select {_SELECT_EVENTS} from events where session in ({marks}) order by session, seq", keys)
    found: dict[str, list[Event]] = {key: [] for key in keys}
    for row in rows:
        found[row[0]].append(event_of(row))
    del rows
    for session in chunk:
        yield SessionLog(session, tuple(found.pop(session.key)))


def event_of(row: tuple[Any, ...]) -> Event:
    """An event from the values of ``EVENT_FIELDS``."""
    values = list(row)
    for place, words in _ENUMS:
        if values[place] is not None:
            values[place] = words[values[place]]
    return Event(*values)


def session_of(row: tuple[Any, ...]) -> Session:
    """A session from the values of ``SESSION_FIELDS``."""
    values = list(row)
    values[_OFF_PATH] = tuple(values[_OFF_PATH] or ())
    return Session(*values)
