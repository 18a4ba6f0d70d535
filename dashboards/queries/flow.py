"""Which call follows which: the tool graph, and frequent sequences with the sessions behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.queries.folder import Run, events_of

if TYPE_CHECKING:
    from miner.mining.sequence_sessions import SessionSequences

MOST_EDGES = 1000
_EDGES = """
    -- one row is one tool directly after another within a session
    with following as (
        select session, tool, start_us, lead(tool) over w as next, lead(start_us) over w as next_us
        from calls window w as (partition by session order by seq))
    select tool, next, count(*) as times, count(distinct session) as sessions,
           count(*) / sum(count(*)) over (partition by tool) as share,
           median(next_us - start_us) filter (where next_us >= start_us) / 1e6 as median_s
    from following where next is not null and tool is not null
    group by tool, next order by times desc, tool, next limit ?
"""
_STEP = """
    tool || case when status in ('error', 'denied', 'timeout') then ' (error)' else '' end
"""
_ITEMS = f"""
    -- one row is one call, its session and step as numbers
    select (dense_rank() over (order by session) - 1)::integer as session,
           (dense_rank() over (order by {_STEP}) - 1)::integer as step,
           coalesce(start_us, -1) as start_us, coalesce(end_us, -1) as end_us
    from calls where tool is not null order by session, seq
"""


def transitions(run: Run) -> list[dict[str, Any]]:
    """The direct transitions between tools, most frequent first."""
    names = ("from", "to", "times", "sessions", "share", "median s")
    with events_of(run) as store:
        return [dict(zip(names, row, strict=True)) for row in store.query(_EDGES, [MOST_EDGES])]


def step_sequences(run: Run) -> SessionSequences:
    """Every session's calls as steps (tool, and whether it failed), as numbers: a few bytes a call."""
    import numpy as np

    from miner.mining.sequence_database import SequenceDatabase
    from miner.mining.sequence_evidence import StepTimes
    from miner.mining.sequence_sessions import SessionSequences

    with events_of(run) as store:
        table = store.rows(_ITEMS)
        keys = store.query("select distinct session from calls where tool is not null order by session")
        steps = store.query(f"select distinct {_STEP} as step, tool from calls where tool is not null order by step")
    owner = table["session"].to_numpy()
    offsets = np.searchsorted(owner, np.arange(len(keys) + 1)).astype(np.int64)
    items = table["step"].to_numpy().astype(np.int32)
    times = StepTimes(table["start_us"].to_numpy().astype(np.int64), table["end_us"].to_numpy().astype(np.int64))
    tools: dict[str, set[str]] = {}
    for step, tool in steps:
        tools.setdefault(tool, set()).add(step)
    names = tuple(dict.fromkeys(step for step, _ in steps))
    database = SequenceDatabase(items, offsets, names)
    return SessionSequences(
        database, times, tuple(key for (key,) in keys), {tool: frozenset(of) for tool, of in tools.items()}
    )


def frequent_sequences(
    seen: SessionSequences, share: float, gap: int, least: int, contains: tuple[str, ...], most: int
) -> list[dict[str, Any]]:
    """Closed frequent sequences with their evidence, most sessions first."""
    from miner.mining.sequences import SequenceLimits, mine_sequences

    if not len(seen.database.items):
        return []
    limits = SequenceLimits(
        min_sessions=max(2, round(share * seen.database.sessions)),
        kind="closed",
        max_gap=gap,
        min_length=least,
        max_length=12,
        contains=contains,
        budget=200_000,
    )
    mined = mine_sequences(seen.database, limits, times=seen.times)
    rows = []
    for pattern in mined.patterns[:most]:
        evidence = mined.evidence(pattern)
        known = [wait for wait in evidence.step_medians_us if wait is not None]
        rows.append(
            {
                "sequence": list(pattern.steps),
                "sessions": pattern.sessions,
                "share": pattern.share,
                "times": evidence.occurrences,
                "median s": sum(known) / 1e6 if len(known) == len(evidence.step_medians_us) else None,
                "in tools": evidence.tool_share,
                "found in": [seen.keys[number] for number in evidence.sessions[:200]],
            }
        )
    return rows
