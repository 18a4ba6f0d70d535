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
from miner.mining.counts import CALLS, RULE, VALUE, WORD, Part, rule_of, text_of
from miner.mining.counts_schema import opened
from miner.mining.selection import FIXED, Thresholds
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
        connection.execute("delete from things where thing not in (select thing from tallies)")
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
        """The sums over some sessions: over all of them, then without each fold in turn.

        Args:
            keys: the sessions.
            thresholds: much of what these would not let be chosen is left out, which is most of what large logs hold;
                without them, the sums hold everything.
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
        self._sum_items(found, thresholds)
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

    def _sum_items(self, found: list[Sums], thresholds: Thresholds | None) -> None:
        least_share = thresholds.least_rule_share if thresholds else 0
        cursor = self._connection.execute(self._items(found, thresholds))
        names: dict[str, str] = {}
        least_counts: dict[str, list[float]] = {}
        size = len(found)
        anything = [0.0] * size
        while rows := cursor.fetchmany(10_000):
            for kind, hole, item, *counted in rows:
                name = names.get(hole)
                if name is None:
                    name = names[hole] = json.loads(hole) if hole else ""
                    share = 0 if name.startswith(GENERAL) else least_share
                    least_counts[name] = [share * sums.calls[name] for sums in found]
                enough = least_counts[name] if kind == RULE else anything
                into = [at for at in range(size) if counted[size + at] and counted[at] >= enough[at]]
                if not into:
                    continue
                what = rule_of(item) if kind == RULE else json.loads(item)
                for at in into:
                    _note(found[at], kind, name, what, Support(counted[at], range(counted[size + at])))

    def _items(self, found: list[Sums], thresholds: Thresholds | None) -> str:
        """The query for values, rules and words: a row has the counts of each sum, then its groups."""
        without = [f"filter (fold <> {fold})" for fold in range(self._folds)]
        counts = [f"sum(n) {which}" for which in ("", *without)]
        groups = [f"count(*) {which}" for which in ("", *without)]
        named = [f"coalesce({count}, 0)::bigint as n{at}" for at, count in enumerate(counts)]
        named += [f"{group} as g{at}" for at, group in enumerate(groups)]
        if thresholds is None:
            return _ITEMS.format(columns=", ".join(named), wanted=f"kind >= {VALUE}", strongest="")
        fixed = ", ".join(f"'{text_of(key)}'" for key in sorted(FIXED))
        words = min(thresholds.least_word_groups(len(sums.groups)) for sums in found)
        ranks = [
            f"rank() over (partition by hole, g{at} >= {thresholds.rule_groups} order by n{at} desc)"
            for at in range(len(found))
        ]
        return _ITEMS.format(
            columns=", ".join(named),
            wanted=f"""kind >= {VALUE} and (g0 >= {thresholds.least_groups} or item in ({fixed}))
                and (kind <> {WORD} or g0 >= {words})""",
            strongest=f"qualify least({', '.join(ranks)}) <= {thresholds.pooled_looked_at}",
        )

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
_CHOSEN = """
    -- one row is one session that is summed over
    create or replace temp table chosen as
    select number, dense_rank() over (order by group_name) as group_number, fold,
        count(*) over (partition by group_name) = 1 as alone
    from surveyed where key in (select key from asked)
"""
_CALLS_BY_FOLD = f"""
    with counted as (select * from things where kind < {VALUE})
    select kind, hole, item, fold, sum(n)::bigint
    from tallies join chosen using (number) join counted using (thing) group by all
"""
_ITEMS = f"""
    with by_group as (
        -- most sessions are a group of their own, which need not be gathered first
        select thing, fold, n from tallies join chosen using (number) where alone
        union all
        select thing, fold, n from (
            select thing, fold, group_number, sum(n)::bigint as n
            from tallies join chosen using (number) where not alone group by all)),
    by_thing as (select thing, {{columns}} from by_group group by thing),
    found as (select kind, hole, item, by_thing.* exclude (thing)
              from by_thing join things using (thing) where {{wanted}}),
    shared as (select * from found where kind = {RULE} and starts_with(hole, '"{GENERAL}'))
    select * from found where not (kind = {RULE} and starts_with(hole, '"{GENERAL}'))
    union all
    select * from shared {{strongest}}
"""
_DISTINCT = """
    -- one row is a hole, some folds, and how many of its values were seen in just those
    with counted as (select thing, hole from things where kind = ?)
    select hole, folds, count(*) from (
        select thing, bit_or(1::uinteger << fold) as folds from tallies join chosen using (number) group by thing)
    join counted using (thing) group by hole, folds
"""


class _Unpickler(pickle.Unpickler):
    """Loads counts of serving and nothing that would run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module == ServingCounts.__module__ or (module, name) in _PLAIN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no count")


_PLAIN = {("collections", "defaultdict"), ("builtins", "set")}
