"""Sums of the kept rows, made where they lie: over all sessions, and without each fold in turn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from miner.mining.counts import CALLS, RULE, VALUE, WORD, rule_of, text_of
from miner.mining.selection import FIXED, Thresholds
from miner.mining.sums import Sums, Support
from miner.mining.survey import GENERAL

if TYPE_CHECKING:
    import duckdb


def summed(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[str], folds: int, thresholds: Thresholds | None
) -> list[Sums]:
    """The sums over some sessions: over all of them, then without each fold in turn.

    Args:
        connection: where the rows are.
        keys: the sessions.
        folds: how many there are.
        thresholds: much of what these would not let be chosen is left out, which is most of what large logs hold;
            without them, the sums hold everything.
    """
    import pyarrow as pa

    connection.register("asked", pa.table({"key": pa.array(list(keys), pa.string())}))
    connection.execute(_CHOSEN)
    connection.unregister("asked")
    found = [Sums() for _ in range(folds + 1)]
    groups = dict(connection.execute("select fold, count(distinct group_number) from chosen group by fold").fetchall())
    for sums, counted in zip(found, _leaving_out(groups, folds), strict=True):
        sums.groups = range(counted)
    _sum_calls(connection, found)
    _sum_items(connection, found, thresholds)
    _count_distinct(connection, found)
    connection.execute("drop table chosen")
    return found


def _sum_calls(connection: duckdb.DuckDBPyConnection, found: list[Sums]) -> None:
    rows = connection.execute(_CALLS_BY_FOLD).fetchall()
    by_item: dict[tuple[int, str, str], dict[int, int]] = {}
    for kind, hole, item, fold, count in rows:
        by_item.setdefault((kind, hole, item), {})[fold] = count
    # Of a hole that could belong to two general holes, the one that was meant most often counts.
    for (kind, hole, item), counts in sorted(by_item.items(), key=lambda one: (sum(one[1].values()), one[0])):
        name, general = json.loads(hole), json.loads(item) if item else ""
        for sums, count in zip(found, _leaving_out(counts, len(found) - 1), strict=True):
            if count:
                (sums.calls if kind == CALLS else sums.seen)[name] += count
                if general:
                    sums.general[name] = general


def _sum_items(connection: duckdb.DuckDBPyConnection, found: list[Sums], thresholds: Thresholds | None) -> None:
    least_share = thresholds.least_rule_share if thresholds else 0
    cursor = connection.execute(_items(found, thresholds))
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


def _items(found: list[Sums], thresholds: Thresholds | None) -> str:
    """The query for values, rules and words: a row has the counts of each sum, then its groups."""
    without = [f"filter (fold <> {fold})" for fold in range(len(found) - 1)]
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


def _count_distinct(connection: duckdb.DuckDBPyConnection, found: list[Sums]) -> None:
    for hole, mask, count in connection.execute(_DISTINCT, [VALUE]).fetchall():
        name = json.loads(hole)
        for at, sums in enumerate(found):
            if mask & ~(1 << (at - 1) if at else 0):
                sums.distinct[name] = sums.distinct.get(name, 0) + count


def _leaving_out(counts: Mapping[int, int], folds: int) -> list[int]:
    """The sum over all folds, then without each in turn."""
    whole = sum(counts.values())
    return [whole, *(whole - counts.get(fold, 0) for fold in range(folds))]


def _note(sums: Sums, kind: int, name: str, what: Any, support: Support) -> None:
    if kind == RULE:
        sums.explained.setdefault(name, {})[what] = support
    elif kind == VALUE:
        sums.values.setdefault(name, {})[what] = support
    else:
        sums.words[what] = support.groups


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
