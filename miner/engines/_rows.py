"""Sessions as Arrow rows and back: one row tells a session, the rows that follow it tell its events.

``place`` is the session's number in the order of all sessions; rows are sorted by ``place`` and ``seq``, and the row
of the session itself, which has no ``seq``, comes first. Session fields are called ``session_…``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from miner.events import SessionLog
from miner.store.logs import event_of, session_of
from miner.store.rows import arrow_schema, event_row, session_row
from miner.store.schema import EVENT_FIELDS, SESSION_FIELDS

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 2_000
"""A batch holds no more, for each row may hold a large result."""
PLACE = "place"
SESSION_COLUMNS = tuple(f"session_{name}" for name in SESSION_FIELDS)
EVENT_COLUMNS = EVENT_FIELDS
COLUMNS = (PLACE, *EVENT_COLUMNS, *SESSION_COLUMNS)
_SEQ = 1 + EVENT_FIELDS.index("seq")
_END = 1 + len(EVENT_COLUMNS)
_NO_EVENT = (None,) * len(EVENT_COLUMNS)
_NO_SESSION = (None,) * len(SESSION_COLUMNS)


def schema() -> pa.Schema:
    """The Arrow schema of the rows."""
    import pyarrow as pa

    events, sessions = arrow_schema("all_events"), arrow_schema("all_sessions")
    return pa.schema(
        [
            (PLACE, pa.int64()),
            *((name, events.field(name).type) for name in EVENT_FIELDS),
            *((f"session_{name}", sessions.field(name).type) for name in SESSION_FIELDS),
        ]
    )


def batches(logs: Iterable[SessionLog]) -> Iterator[pa.RecordBatch]:
    """Sessions, in their order, as batches of rows."""
    rows: list[tuple[Any, ...]] = []
    for place, log in enumerate(logs):
        rows.append((place, *_NO_EVENT, *session_row(log.session)))
        rows.extend((place, *event_row(event), *_NO_SESSION) for event in log.events)
        while len(rows) >= BATCH_ROWS:
            yield _batch(rows[:BATCH_ROWS])
            del rows[:BATCH_ROWS]
    if rows:
        yield _batch(rows)


def _batch(rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    import pyarrow as pa

    wanted = schema()
    columns = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), wanted.types, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def logs_of(found: Iterable[pa.RecordBatch]) -> Iterator[SessionLog]:
    """Sessions from batches of rows, in the order of the rows; one session is in memory at a time."""
    session, events = None, []
    for batch in found:
        columns = [batch.column(name).to_pylist() for name in COLUMNS]
        for row in zip(*columns, strict=True):
            if row[_SEQ] is not None:
                events.append(event_of(row[1:_END]))
                continue
            if session is not None:
                yield SessionLog(session, tuple(events))
            session, events = session_of(row[_END:]), []
    if session is not None:
        yield SessionLog(session, tuple(events))
