"""The file of counts: a DuckDB database beside the store, or in memory.

It holds rows by session, and sums them where they lie; what does not fit in memory is spilled beside it.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from miner.mining.counted_rows import unpacked
from miner.mining.counts import CALLS, RULE, VALUE, Part, rule_of, text_of
from miner.mining.counts_schema import opened
from miner.mining.selection import FIXED
from miner.mining.serving_counts import ServingCounts
from miner.mining.sums import Sums, Support
from miner.mining.survey import GENERAL
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
            connection.execute("insert into tallies select place + ?, kind, hole, item, n from new_rows", [first])
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

    def sums(self, keys: Sequence[str], least: int, least_share: float = 0) -> list[Sums]:
        """The sums over some sessions: over all of them, then without each fold in turn.

        Args:
            keys: the sessions.
            least: values, rules and words of fewer groups are left out.
            least_share: so are rules of one tool's argument that explain a smaller share of its calls; they are most
                of what large logs hold.
        """
        import pyarrow as pa

        connection = self._connection
        connection.register("asked", pa.table({"key": pa.array(list(keys), pa.string())}))
        connection.execute(_CHOSEN)
        connection.unregister("asked")
        found = [Sums() for _ in range(self._folds + 1)]
        groups = dict(
            connection.execute("select fold, count(distinct group_number) from chosen group by fold").fetchall()
        )
        for sums, counted in zip(found, self._leaving_out(groups), strict=True):
            sums.groups = range(counted)
        self._sum_calls(found)
        self._sum_items(found, least, least_share)
        self._count_distinct(found)
        connection.execute("drop table chosen")
        return found

    def _sum_calls(self, found: list[Sums]) -> None:
        rows = self._connection.execute(_CALLS_BY_FOLD).fetchall()
        by_item: dict[tuple[int, str, str], dict[int, int]] = {}
        for kind, hole, item, fold, count in rows:
            by_item.setdefault((kind, hole, item), {})[fold] = count
        # Of a hole that could belong to two general holes, the one that was meant most often counts.
        for (kind, hole, item), counts in sorted(by_item.items(), key=lambda one: (sum(one[1].values()), one[0])):
            name, general = json.loads(hole), json.loads(item) if item else ""
            for sums, count in zip(found, self._leaving_out(counts), strict=True):
                if count:
                    (sums.calls if kind == CALLS else sums.seen)[name] += count
                    if general:
                        sums.general[name] = general

    def _sum_items(self, found: list[Sums], least: int, least_share: float) -> None:
        folds = range(self._folds)
        columns = ", ".join(f"sum(n) filter (fold = {fold}), count(*) filter (fold = {fold})" for fold in folds)
        fixed = ", ".join(f"'{text_of(key)}'" for key in sorted(FIXED))
        cursor = self._connection.execute(_ITEMS.format(columns=columns, fixed=fixed, value=VALUE), [least])
        names: dict[str, str] = {}
        least_counts: dict[str, list[float]] = {}
        while rows := cursor.fetchmany(10_000):
            for kind, hole, item, *counted in rows:
                name = names.get(hole)
                if name is None:
                    name = names[hole] = json.loads(hole) if hole else ""
                    share = 0 if name.startswith(GENERAL) else least_share
                    least_counts[name] = [share * sums.calls[name] for sums in found]
                counts = self._leaving_out({fold: counted[2 * fold] or 0 for fold in folds})
                groups = self._leaving_out({fold: counted[2 * fold + 1] for fold in folds})
                enough = least_counts[name] if kind == RULE else [0] * len(found)
                into = [at for at, size in enumerate(groups) if size and counts[at] >= enough[at]]
                if not into:
                    continue
                what = rule_of(item) if kind == RULE else json.loads(item)
                for at in into:
                    _note(found[at], kind, name, what, Support(counts[at], range(groups[at])))

    def _count_distinct(self, found: list[Sums]) -> None:
        for hole, mask, count in self._connection.execute(_DISTINCT, [VALUE]).fetchall():
            name = json.loads(hole)
            for at, sums in enumerate(found):
                if mask & ~(1 << (at - 1) if at else 0):
                    sums.distinct[name] = sums.distinct.get(name, 0) + count

    def _leaving_out(self, counts: Mapping[int, int]) -> list[int]:
        """The sum over all folds, then without each in turn."""
        whole = sum(counts.values())
        return [whole, *(whole - counts.get(fold, 0) for fold in range(self._folds))]

    def _delete(self, keys: Sequence[str]) -> None:
        """The rows of sessions."""
        gone = self._connection.execute(
            "select number from surveyed where key in (select unnest(?))", [list(keys)]
        ).fetchall()
        if gone:
            numbers = [number for (number,) in gone]
            self._connection.execute("delete from tallies where number in (select unnest(?))", [numbers])
            self._connection.execute("delete from surveyed where number in (select unnest(?))", [numbers])

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self._connection.execute("begin")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")


def _note(sums: Sums, kind: int, name: str, what: Any, support: Support) -> None:
    if kind == RULE:
        sums.explained.setdefault(name, {})[what] = support
    elif kind == VALUE:
        sums.values.setdefault(name, {})[what] = support
    else:
        sums.words[what] = support.groups


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
_CHOSEN = """
    -- one row is one session that is summed over
    create or replace temp table chosen as
    select number, dense_rank() over (order by group_name) as group_number, fold
    from surveyed where key in (select key from asked)
"""
_CALLS_BY_FOLD = f"""
    select kind, hole, item, fold, sum(n)::bigint from tallies join chosen using (number) where kind < {VALUE}
    group by all
"""
_ITEMS = """
    with by_group as (
        select kind, hole, item, fold, group_number, sum(n)::bigint as n
        from tallies join chosen using (number) where kind >= {value}
        group by all)
    select kind, hole, item, {columns} from by_group group by kind, hole, item
    having count(*) >= ? or item in ({fixed})
"""
_DISTINCT = """
    -- one row is a hole, some folds, and how many of its values were seen in just those
    select hole, folds, count(*) from (
        select hole, item, bit_or(1::uinteger << fold) as folds
        from tallies join chosen using (number) where kind = ? group by hole, item)
    group by hole, folds
"""


class _Unpickler(pickle.Unpickler):
    """Loads counts of serving and nothing that would run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module == ServingCounts.__module__ or (module, name) in _PLAIN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no count")


_PLAIN = {("collections", "defaultdict"), ("builtins", "set")}
