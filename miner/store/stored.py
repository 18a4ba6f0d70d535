"""Sessions of a store as whoever learns from them wants them: read anew at each call, whole or in shards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from miner.events import SessionLog
from miner.store import logs
from miner.store.database import Store

SHARD_BYTES = 32 << 20
"""A shard is no larger, but for a single session: what it comes to is held in memory until its turn."""
AS_THEY_LIE = "source, key"
"""An order of sessions, as SQL: their events lie where their sources do."""
CALLS_WORTH_A_SHARD = 150
"""Fewer are mined sooner than a process starts."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of sessions, by key, that any process reads from the store's file."""

    path: Path
    keys: tuple[str, ...]

    def __call__(self) -> Iterator[SessionLog]:
        """The sessions, in the order of their keys."""
        with Store.open(self.path, read_only=True) as store:
            yield from logs.session_logs_of(store, self.keys)


class StoredLogs:
    """The sessions of a store, or those with some keys; by start and key unless another order is given.

    Args:
        store: an open store.
        part: only its sessions.
        keys: only those with these keys.
        order: the order of the sessions, as SQL.
    """

    def __init__(
        self, store: Store, part: str | None = None, keys: frozenset[str] | None = None, order: str = logs.BY_START
    ) -> None:
        self._store = store
        self._part = part
        self._keys = keys
        self._order = order

    def only(self, keys: frozenset[str]) -> StoredLogs:
        """Those of them that have one of these keys."""
        return StoredLogs(self._store, self._part, keys if self._keys is None else keys & self._keys, self._order)

    def as_they_lie(self) -> StoredLogs:
        """The same sessions, source by source: each is read where the one before it was."""
        return StoredLogs(self._store, self._part, self._keys, AS_THEY_LIE)

    def contents(self) -> dict[str, str]:
        """Session key -> digest of the session and of those of its events that count, in order."""
        rows = self._store.query(
            "select s.key, s.digest, coalesce(sum(e.digest::hugeint), 0)::varchar, count(e.digest) "
            "from sessions s left join events e on e.source = s.source and e.session = s.key "
            "where ? is null or s.part = ? group by s.key, s.digest, s.started_us "
            "order by s.started_us nulls last, s.key",
            [self._part, self._part],
        )
        return {
            key: f"{session:x} {events} {count}"
            for key, session, events, count in rows
            if self._keys is None or key in self._keys
        }

    def present(self) -> set[str]:
        """Keys of all sessions of the store."""
        return {key for (key,) in self._store.query("select key from sessions")}

    def __call__(self) -> Iterator[SessionLog]:
        """All of them, in order; some megabytes are in memory at a time, a hundred where they lie far apart."""
        return logs.session_logs_of(self._store, self.keys())

    def keys(self) -> list[str]:
        """Their keys, in order."""
        return [key for key, _, _ in self._sized()]

    def shards(self, most: int) -> list[Shard]:
        """Up to so many runs of about the same size, more of them where they would be large; none while the store is
        open for writing, for then no other process can read it.
        """
        if not self._store.read_only:
            return []
        sized = self._sized()
        size, calls = sum(weight for _, weight, _ in sized), sum(calls for _, _, calls in sized)
        most = max(1, min(most, calls // CALLS_WORTH_A_SHARD))
        limit = min(SHARD_BYTES, max(1, -(-size // most)))
        found: list[Shard] = []
        run: list[str] = []
        held = 0
        for key, weight, _ in sized:
            if run and held + weight / 2 > limit:
                found.append(Shard(self._store.path, tuple(run)))
                run, held = [], 0
            run.append(key)
            held += weight
        return [*found, Shard(self._store.path, tuple(run))]

    def _sized(self) -> list[tuple[str, int, int]]:
        """Key, size and calls of each session, in order."""
        rows = self._store.query(
            f"select key, {logs.SIZE}, calls from sessions where ? is null or part = ? order by {self._order}",
            [self._part, self._part],
        )
        return [(key, size, calls) for key, size, calls in rows if self._keys is None or key in self._keys]
