"""A session taken out of a store for good, as when a person asks for it: its rows, and its traces in the file.

A database marks rows as deleted and reuses their space some day; until then their bytes can be read in the file. So
the store is written anew without them, and the new file takes the place of the old one in one step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from miner.store.connection import MADE_WITH, close, explained
from miner.store.database import Store
from miner.store.writing import Writing


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken out."""

    sessions: int
    events: int
    linked: tuple[str, ...]
    """Sessions that are still there and came from one that is not: sub-agents, forks, continuations."""


def forget(path: Path, keys: Sequence[str]) -> Forgotten:
    """Take sessions out of a store; keys that it does not hold are passed over.

    Raises:
        StoreError: it is in use, or cannot be written.
    """
    with Store.open(path) as store:
        asked = [list(keys)]
        (sessions,) = store.query("select count(distinct key) from all_sessions where key in (select unnest(?))", asked)
        (events,) = store.query("select count(*) from all_events where session in (select unnest(?))", asked)
        linked = store.query(
            "select key from sessions where parent in (select unnest(?)) and key not in (select unnest(?)) "
            "order by key",
            [*asked, *asked],
        )
        if sessions[0]:
            with explained(path):
                store.lock.acknowledge(Writing(store.connection, path).forget(keys))
    if sessions[0]:
        rewrite(path)
    return Forgotten(sessions[0], events[0], tuple(key for (key,) in linked))


def rewrite(path: Path) -> None:
    """Write a store anew with nothing but its rows, and put it in the place of the old file."""
    fresh = path.with_name(path.name + ".part")
    fresh.unlink(missing_ok=True)
    with Store.open(path) as store, explained(path):
        quoted = str(fresh).replace("'", "''")
        store.connection.execute(f"attach '{quoted}' as fresh ({MADE_WITH})")
        store.connection.execute("copy from database store to fresh")
        store.connection.execute("detach fresh")
        close(store.connection)
        fresh.replace(path)


def mark_of(key: str) -> str:
    """What may be kept of a forgotten session, so that the next reading of its log does not bring it back."""
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16, person=b"forgotten").hexdigest()


def returned(store: Store, marks: Iterable[str]) -> list[str]:
    """Sessions that were forgotten and are there again, because their log is and has changed."""
    known = frozenset(marks)
    keys = store.query("select distinct key from all_sessions order by key") if known else []
    return [key for (key,) in keys if mark_of(key) in known]
