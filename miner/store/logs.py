"""Reading back: sessions with their events, in a stated order and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from miner.events import Caller, Event, EventKind, Session, SessionLog, Status, TimeSource
from miner.store.schema import EVENT_FIELDS, SESSION_FIELDS

if TYPE_CHECKING:
    from miner.store.database import Store

CHUNK_BYTES = 16 << 20
CHUNK_SESSIONS = 512
SCATTERED, SCATTERED_BYTES = 8, 96 << 20
"""Sessions whose sources lie so many times further apart than there are of them, and what is then read at once."""
SPARSE = 64
"""Sources that are read over in about the time that a look at one source takes."""

_WORDS: dict[str, dict[str, Any]] = {
    "kind": {word.value: word for word in EventKind},
    "status": {word.value: word for word in Status},
    "caller": {word.value: word for word in Caller},
    "time_source": {word.value: word for word in TimeSource},
}
_ENUMS = tuple((EVENT_FIELDS.index(name), words) for name, words in _WORDS.items())
_KEY = SESSION_FIELDS.index("key")
BY_START = "started_us nulls last, key"
"""The usual order of sessions, as SQL."""
SIZE = "bytes + 200 * events"
"""About what a session takes in memory, as SQL."""
_SELECT_LYING = ", ".join((*SESSION_FIELDS, SIZE, "source"))
_SELECT_EVENTS = ", ".join(EVENT_FIELDS)
_OFF_PATH = SESSION_FIELDS.index("off_path")


class _Lying(NamedTuple):
    """A session, its size, and the source that tells it: its events lie where the source's do."""

    session: Session
    size: int
    source: int


def sessions(store: Store, part: str | None) -> list[Session]:
    """The sessions of a part, by start and key; those without a time last."""
    return [one.session for one in _lying_sessions(store, part)]


def session_logs_of(store: Store, keys: Sequence[str]) -> Iterator[SessionLog]:
    """The sessions with these keys, in the order of the keys; keys that the store does not hold are passed over."""
    return _in_chunks(store, _lying_of(store, keys))


def _lying_of(store: Store, keys: Sequence[str]) -> Iterator[_Lying]:
    for start in range(0, len(keys), CHUNK_SESSIONS):
        wanted = list(keys[start : start + CHUNK_SESSIONS])
        marks = ", ".join("?" * len(wanted))
        rows = store.query(f"select {_SELECT_LYING} from sessions where key in ({marks})", wanted)
        found = {row[_KEY]: _lying(row) for row in rows}
        yield from (found[key] for key in wanted if key in found)


def _lying_sessions(store: Store, part: str | None) -> list[_Lying]:
    rows = store.query(
        f"select {_SELECT_LYING} from sessions where ? is null or part = ? order by {BY_START}",
        [part, part],
    )
    return [_lying(row) for row in rows]


def _lying(row: tuple[Any, ...]) -> _Lying:
    *values, size, source = row
    return _Lying(session_of(tuple(values)), size, source)


def session_logs(store: Store, part: str | None) -> Iterator[SessionLog]:
    """The sessions of a part with their events."""
    return _in_chunks(store, _lying_sessions(store, part))


def _in_chunks(store: Store, lying: Iterable[_Lying]) -> Iterator[SessionLog]:
    chunk: list[_Lying] = []
    sources: set[int] = set()
    size = first = last = 0
    for one in lying:
        # Where most of what lies between the sources is others', each look at it should bring many sessions.
        scattered = last - first > SCATTERED * len(sources)
        full = size + one.size > (SCATTERED_BYTES if scattered else CHUNK_BYTES)
        if chunk and (full or (len(chunk) >= CHUNK_SESSIONS and not scattered)):
            yield from _logs(store, chunk)
            chunk, size = [], 0
            sources.clear()
        first, last = (min(first, one.source), max(last, one.source)) if chunk else (one.source, one.source)
        chunk.append(one)
        sources.add(one.source)
        size += one.size
    if chunk:
        yield from _logs(store, chunk)


def one_session_log(store: Store, key: str) -> SessionLog | None:
    """One session with its events, by its key; None when the store does not hold it."""
    rows = store.query(f"select {_SELECT_LYING} from sessions where key = ?", [key])
    return next(_logs(store, [_lying(rows[0])]), None) if rows else None


def _logs(store: Store, chunk: Sequence[_Lying]) -> Iterator[SessionLog]:
    found: dict[str, list[Event]] = {one.session.key: [] for one in chunk}
    for first, last, keys in _runs(chunk):
        marks = ", ".join("?" * len(keys))
        # The sources bound what is read: the sessions' keys alone are compared only after all columns have been.
        rows = store.query(
            f"select {_SELECT_EVENTS} from events where source between ? and ? and session in ({marks}) "
            "order by session, seq",
            [first, last, *keys],
        )
        for row in rows:
            found[row[0]].append(event_of(row))
        del rows
    for one in chunk:
        yield SessionLog(one.session, tuple(found.pop(one.session.key)))


def _runs(chunk: Sequence[_Lying]) -> Iterator[tuple[int, int, list[str]]]:
    """First and last source of each look at the events, and the keys that are looked for: one look at all that lies
    between, or, where that would be mostly other sessions, one at each source.
    """
    by_source: dict[int, list[str]] = {}
    for one in chunk:
        by_source.setdefault(one.source, []).append(one.session.key)
    first, last = min(by_source), max(by_source)
    if last - first < SPARSE * len(by_source):
        yield first, last, [one.session.key for one in chunk]
    else:
        yield from ((source, source, keys) for source, keys in sorted(by_source.items()))


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
