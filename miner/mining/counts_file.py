"""The file of counts: a DuckDB database beside the store, or in memory.

It holds rows by session, and sums them where they lie; what does not fit in memory is spilled beside it.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from miner.mining.counted_rows import unpacked
from miner.mining.counts import Part
from miner.mining.counts_schema import opened
from miner.mining.selection import Thresholds
from miner.mining.serving_counts import ServingCounts
from miner.mining.summing import summed
from miner.mining.sums import Sums
from miner.mining.trace import fold_of

if TYPE_CHECKING:
    import duckdb


class Counts:
    """The kept rows; use it in a ``with`` block.

    Args:
        path: the file, made if need be; None keeps nothing beyond the block.
        folds: parts of the sessions that sums are wanted without.
    """

    def __init__(self, path: Path | None, folds: int) -> None:
        self._path = path
        self._folds = folds
        self._connection = opened(path, folds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def known(self) -> dict[str, str]:
        """Session key -> digest of the content whose rows are kept."""
        return dict(self._connection.execute("select key, content from surveyed").fetchall())

    def add(self, part: Part) -> None:
        """Keep the rows of sessions, in place of those they had before; all of them or none."""
        import pyarrow as pa

        if not part.sessions:
            return
        begin = self._connection.execute("select coalesce(max(number), 0) + 1 from surveyed").fetchone()
        first = int(begin[0]) if begin else 1
        with self._transaction() as connection:
            if self._path is not None:
                self._delete([one.key for one in part.sessions])
            sessions = [
                {"number": number, **one._asdict(), "fold": fold_of(one.group, self._folds)}
                for number, one in enumerate(part.sessions, first)
            ]
            connection.register("new_sessions", pa.Table.from_pylist(sessions))
            connection.execute(_ADD_SESSIONS)
            connection.unregister("new_sessions")
            connection.register("new_rows", unpacked(part.rows))
            connection.execute(_NEW_THINGS)
            connection.execute(_ADD_THINGS)
            connection.execute(_ADD_TALLIES, [first])
            connection.unregister("new_rows")

    def remove(self, keys: Sequence[str]) -> None:
        """Take sessions away, as if they had never been there; keys that are not known are passed over."""
        if keys:
            with self._transaction():
                self._delete(keys)

    def copy(self, path: Path) -> None:
        """Write the rows, and nothing that was deleted, into a new file."""
        connection = self._connection
        (own,) = connection.execute("select current_database()").fetchall()[0]
        quoted = str(path).replace("'", "''")
        connection.execute(f"attach '{quoted}' as fresh")
        connection.execute(f'copy from database "{own}" to fresh')
        connection.execute("detach fresh")

    def calls(self, keys: Iterable[str]) -> dict[str, int]:
        """Session key -> its calls, for those of the sessions whose rows are kept."""
        known = dict(self._connection.execute("select key, calls from surveyed").fetchall())
        return {key: known[key] for key in keys if key in known}

    def serving(self, keys: Iterable[str]) -> ServingCounts:
        """What some sessions showed about serving."""
        found = ServingCounts()
        kept = self._connection.execute("select key, serving from surveyed where octet_length(serving) > 0")
        by_key = dict(kept.fetchall())
        for key in keys:
            if key in by_key:
                found.add(_Unpickler(io.BytesIO(by_key[key])).load())
        return found

    def sums(self, keys: Sequence[str], thresholds: Thresholds | None = None) -> list[Sums]:
        """The sums over some sessions: over all of them, then without each fold in turn; see ``summing``."""
        return summed(self._connection, keys, self._folds, thresholds)

    def _delete(self, keys: Sequence[str]) -> None:
        """The rows of sessions, and the things that no other session has."""
        gone = self._connection.execute(
            "select number from surveyed where key in (select unnest(?))", [list(keys)]
        ).fetchall()
        if gone:
            numbers = [number for (number,) in gone]
            self._connection.execute(_THINGS_OF, [numbers])
            self._connection.execute("delete from tallies where number in (select unnest(?))", [numbers])
            self._connection.execute("delete from surveyed where number in (select unnest(?))", [numbers])
            self._connection.execute(_FORGET_THINGS)

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self._connection.execute("begin")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")


def forget(path: Path, folds: int, keys: Sequence[str]) -> None:
    """Take sessions out for good: the file is written anew, so that nothing of them is left in it."""
    if not path.exists():
        return
    fresh = path.with_name(path.name + ".part")
    fresh.unlink(missing_ok=True)
    with Counts(path, folds) as counts:
        counts.remove(keys)
        counts.copy(fresh)
    fresh.replace(path)


_ADD_SESSIONS = """
    insert into surveyed select number, key, content, "group", fold, calls, serving from new_sessions
"""
_NEW_THINGS = """
    -- one row is one thing that is seen in the new sessions; texts are JSON, in which no line ends
    create or replace temp table new_things as
    select kind, hole, item, md5_number(kind || chr(10) || hole || chr(10) || item) as digest
    from new_rows group by all
"""
_ADD_THINGS = """
    insert into things
    select (select coalesce(max(thing), 0) from things) + row_number() over (), digest, kind, hole, item
    from new_things where digest not in (
        select digest from things where digest in (select digest from new_things))
"""
_ADD_TALLIES = """
    with known as (select thing, digest from things where digest in (select digest from new_things))
    insert into tallies
    select place + ?, thing, n from new_rows join new_things using (kind, hole, item) join known using (digest)
"""
_THINGS_OF = """
    create or replace temp table their_things as
    select distinct thing from tallies where number in (select unnest(?))
"""
_FORGET_THINGS = """
    delete from things where thing in (
        select thing from their_things
        except select thing from tallies where thing in (select thing from their_things))
"""


class _Unpickler(pickle.Unpickler):
    """Loads counts of serving and nothing that would run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module == ServingCounts.__module__ or (module, name) in _PLAIN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no count")


_PLAIN = {("collections", "defaultdict"), ("builtins", "set")}
