"""The tables and views of the store, derived from the canonical dataclasses so that the two cannot drift.

Tables hold rows as they were read, by source. The views ``sessions``, ``events``, ``calls`` and ``steps`` are what
everybody reads: without abandoned branches, histories copied from another session, and sessions read twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import NamedTuple

from miner.events import Event, Problem, Session

FORMAT = 1
"""Raised when a store of an older version can no longer be read."""


class Column(NamedTuple):
    """A column and its SQL type."""

    name: str
    sql_type: str


_SQL_TYPES = {"str": "varchar", "int": "bigint", "bool": "boolean", "float": "double", "tuple[int, ...]": "bigint[]"}


def _columns(record: type) -> tuple[Column, ...]:
    """The fields of a dataclass as columns; enumerations are kept as their words."""
    found = []
    for item in fields(record):
        annotation = str(item.type).removesuffix(" | None")
        found.append(Column(item.name, _SQL_TYPES.get(annotation, "varchar")))
    return tuple(found)


SESSION_FIELDS = tuple(column.name for column in _columns(Session))
EVENT_FIELDS = tuple(column.name for column in _columns(Event))
PROBLEM_FIELDS = tuple(column.name for column in _columns(Problem))

_SOURCE = Column("source", "integer")
_DIGEST = Column("digest", "ubigint")

TABLES: dict[str, tuple[Column, ...]] = {
    # One row is one thing that was stated about the store: format, batch numbers, whether views are up to date.
    "store_facts": (Column("name", "varchar"), Column("value", "bigint")),
    # One row is one group of files read together: the ledger.
    "sources": (
        _SOURCE,
        Column("batch", "integer"),
        Column("part", "varchar"),
        Column("path", "varchar"),
        Column("reader", "varchar"),
        Column("version", "integer"),
        Column("content", "varchar"),
        Column("accepted", "bigint"),
        Column("broken", "bigint"),
        Column("blank", "bigint"),
        Column("tail", "bigint"),
        Column("records", "bigint"),
        Column("scrubbed", "bigint"),
        Column("sessions", "bigint"),
        Column("events", "bigint"),
        Column("problems", "bigint"),
        Column("rows_digest", "hugeint"),
    ),
    # One row is one file of a source, as it was when it was read; a copy names the source that holds its content.
    "files": (
        _SOURCE,
        Column("path", "varchar"),
        Column("size", "bigint"),
        Column("mtime_ns", "bigint"),
        Column("ctime_ns", "bigint"),
        Column("device", "ubigint"),
        Column("inode", "ubigint"),
        Column("edges", "varchar"),
        Column("content", "varchar"),
        Column("is_copy", "boolean"),
    ),
    # One row is one session as one source tells it.
    "all_sessions": (
        _SOURCE,
        *_columns(Session),
        Column("events", "bigint"),
        Column("calls", "bigint"),
        Column("bytes", "bigint"),
        _DIGEST,
    ),
    # One row is one event as one source tells it.
    "all_events": (_SOURCE, *_columns(Event), _DIGEST),
    # One row is one record that could not be used.
    "problems": (_SOURCE, *_columns(Problem)),
    # One row is one event on a branch that the conversation abandoned.
    "off_path": (_SOURCE, Column("session", "varchar"), Column("seq", "bigint")),
    # One row is one event whose record an earlier session already holds.
    "replays": (_SOURCE, Column("session", "varchar"), Column("seq", "bigint"), Column("original", "varchar")),
    # One row is one session that another source tells more fully.
    "duplicates": (_SOURCE, Column("session", "varchar"), Column("kept", "integer")),
}

EARLIER = frozenset({66259730175526942})
"""Fingerprints of stores whose views say the same with ``not exists``, which takes thirty times an anti join."""
_VIEWS = (
    """
    -- one row is one session, once
    create view sessions as
    select s.*, f.part, f.path
    from all_sessions s join sources f using (source)
    anti join duplicates d on d.source = s.source and d.session = s.key
    """,
    """
    -- one row is one event that counts
    create view events as
    select e.*
    from all_events e
    anti join duplicates d on d.source = e.source and d.session = e.session
    anti join off_path o on o.source = e.source and o.session = e.session and o.seq = e.seq
    anti join replays r on r.source = e.source and r.session = e.session and r.seq = e.seq
    """,
    """
    -- one row is one call that the model asked for
    create view calls as
    select e.session, s.part, s.reader, s.application, s.agent, s.model as session_model, s.task, s.relation,
           e.seq, e.turn, e.step, e.call_index, e.call_id, e.tool, e.raw_tool, e.server, e.arguments, e.arguments_ok,
           e.status, e.native_error, e.exit_code, e.read_only, e.text, e.result, e.truncated,
           coalesce(e.text_bytes, strlen(e.text)) as result_bytes,
           e.time_us, e.start_us, e.end_us, e.time_source, e.wait_us, e.end_us - e.start_us as duration_us,
           count(*) over (partition by e.session, e.step) as calls_in_step,
           count(*) over (partition by e.session, e.step) > 1 as parallel,
           e.line, s.path
    from events e join sessions s on s.source = e.source and s.key = e.session
    where e.kind = 'tool_call' and (e.caller is null or e.caller = 'model')
    """,
    """
    -- one row is one answer of the model, with the calls it asked for
    create view steps as
    select e.session, s.part, e.turn, e.step, min(e.seq) as seq,
           any_value(e.model) filter (where e.kind = 'model_step') as model,
           max(e.tokens_in) filter (where e.kind = 'model_step') as tokens_in,
           max(e.tokens_out) filter (where e.kind = 'model_step') as tokens_out,
           min(e.start_us) filter (where e.kind = 'model_step') as start_us,
           max(e.end_us) filter (where e.kind = 'model_step') as end_us,
           count(*) filter (where e.kind = 'tool_call') as calls
    from events e join sessions s on s.source = e.source and s.key = e.session
    where e.kind = 'model_step' or (e.kind = 'tool_call' and (e.caller is null or e.caller = 'model'))
    group by e.session, s.part, e.turn, e.step
    """,
)


def fingerprint() -> int:
    """A number that changes with any table or view: a store with another one was made by another version."""
    text = repr((FORMAT, sorted(TABLES.items()), _VIEWS))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())


def statements() -> list[str]:
    """The SQL that makes an empty store."""
    made = []
    for table, columns in TABLES.items():
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns)
        made.append(f"create table {table} ({listed})")
    facts = {"format": FORMAT, "fingerprint": fingerprint(), "batch": 0, "checked_batch": 0, "derived": 1}
    made.extend(f"insert into store_facts values ('{name}', {value})" for name, value in facts.items())
    return [*made, *_VIEWS]


def derivations() -> list[str]:
    """The SQL that works out anew which sessions and events are left out; it follows from the tables alone.

    Of a session told by several sources the held-out one counts, else the fullest. Of a record told by several
    sessions the earliest counts, and a session that was started as a copy gives way to the one it was copied from.
    """
    return [
        "delete from duplicates",
        """
        insert into duplicates
        select source, key, kept from (
            select s.source, s.key,
                   first_value(s.source) over (
                       partition by s.key
                       order by (f.part is not distinct from 'test') desc, s.events desc, s.digest, s.source
                   ) as kept
            from all_sessions s join sources f using (source))
        where source <> kept
        """,
        "delete from off_path",
        """
        insert into off_path
        select s.source, s.key, seq from (
            select source, key, unnest(off_path) as seq from all_sessions where len(off_path) > 0) s
        """,
        "delete from replays",
        """
        insert into replays
        with shared as (
            select uid from all_events where uid is not null group by uid having min(session) <> max(session)),
        told as (
            select e.source, e.session, e.seq,
                   first_value(e.session) over (
                       partition by e.uid
                       order by s.started_us nulls last, s.relation in ('fork', 'resume'), e.session
                   ) as original
            from all_events e semi join shared using (uid)
            join all_sessions s on s.source = e.source and s.key = e.session
            where not exists (select 1 from duplicates d where d.source = e.source and d.session = e.session))
        select source, session, seq, original from told where session <> original
        """,
        "update store_facts set value = 1 where name = 'derived'",
    ]
