"""Events -> what the agents do: sessions, calls, where tool time goes, habits, and what could not be read and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from miner.evaluation.sections import Section, Table, lasting, of_all, percent
from miner.evaluation.times import CAP_S

if TYPE_CHECKING:
    from miner.store.database import Store

FORMAT = 1
MOST_TOOLS = 12
MOST_HABITS = 8
MOST_TRANSITIONS = 1000

_CALLS = """
    -- one row is one call that the model asked for: the view without what takes a window or a text
    (select session, seq, step, tool, arguments, status, time_source, start_us, end_us, wait_us,
            end_us - start_us as duration_us
     from events where kind = 'tool_call' and (caller is null or caller = 'model')) calls
"""
_TIMED = f"""
    time_source in ('native', 'span', 'log_delta') and coalesce(status, '') <> 'running'
    and duration_us - coalesce(wait_us, 0) >= 0
    and not (time_source = 'log_delta' and wait_us is null and duration_us > {CAP_S * 1e6:.0f})
"""
_TOOLS = f"""
    -- one row is one tool
    select tool, count(*) as calls, count(distinct session) as sessions,
           count(*) filter (where status in ('error', 'denied', 'timeout')) as failed,
           count(*) filter (where {_TIMED}) as timed,
           coalesce(sum(duration_us - coalesce(wait_us, 0)) filter (where {_TIMED}), 0) / 1e6 as seconds,
           quantile_cont(duration_us - coalesce(wait_us, 0), [0.5, 0.95]) filter (where {_TIMED}) as points
    from {_CALLS} group by tool order by calls desc, tool
"""
_HABITS = f"""
    -- one row is one tool after another within a session
    with following as (
        select session, tool, lead(tool) over (partition by session order by seq) as next from {_CALLS})
    select tool, next, count(*) as times, count(distinct session) as sessions,
           count(*) / sum(count(*)) over (partition by tool) as share
    from following where next is not null
    group by tool, next order by sessions desc, times desc, tool, next limit ?
"""
_WHOLE = f"""
    -- one row is everything
    select (select count(*) from sessions), (select count(*) from {_CALLS}),
           (select coalesce(sum(times), 0)
            from (select count(*) as times from {_CALLS} group by session, step having times > 1)),
           (select count(*) from steps),
           (select count(*) from sessions where parent is not null),
           (select coalesce(sum(times - 1), 0)
            from (select count(*) as times from {_CALLS} group by hash(session, tool, arguments)))
"""
_TRANSITIONS = f"""
    -- one row is one tool directly after another within a session
    with following as (
        select session, tool, start_us, lead(tool) over w as next, lead(start_us) over w as next_us
        from {_CALLS}
        window w as (partition by session order by seq))
    select tool, next, count(*) as times, count(distinct session) as sessions,
           count(*) / sum(count(*)) over (partition by tool) as share,
           median(next_us - start_us) filter (where next_us >= start_us) / 1e6 as median_s
    from following where next is not null and tool is not null
    group by tool, next order by times desc, tool, next limit ?
"""
_TIME = """
    -- one row is one kind of event: the time between what was known before and its end
    with moments as (
        select kind, coalesce(end_us, time_us) as at_us, coalesce(wait_us, 0) as wait_us,
               max(coalesce(end_us, time_us)) over (
                   partition by session order by seq rows between unbounded preceding and 1 preceding) as before_us
        from events),
    spent as (select kind, greatest(0, at_us - before_us) as us, wait_us from moments)
    select kind, sum(us) / 1e6, sum(least(us, wait_us)) / 1e6 from spent where us is not null group by kind
"""
_SOURCES = """
    -- one row is one format and application
    select reader, application, count(*) as sessions
    from sessions group by all order by sessions desc, reader, application
"""


def overview(store: Store, passed_over: Mapping[str, int] | None = None) -> dict[str, Any]:
    """What a store holds, as plain values: overview.json.

    Args:
        store: the events.
        passed_over: files that were not read, by reason, as ingest tells.
    """
    ((sessions, calls, parallel, steps, children, repeated),) = store.query(_WHOLE)
    names = ("tool", "calls", "sessions", "failed", "timed", "seconds")
    tools = [
        dict(zip(names, row, strict=True)) | dict(zip(("p50_s", "p95_s"), _seconds_of(points), strict=True))
        for *row, points in store.query(_TOOLS)
    ]
    habits = [
        dict(zip(("tool", "next", "times", "sessions", "share"), row, strict=True))
        for row in store.query(_HABITS, [MOST_HABITS])
    ]
    reasons = store.query("select reason, count(*) from problems group by reason order by all")
    ((records,),) = store.query("select coalesce(sum(records), 0)::bigint from sources")
    return {
        "format": FORMAT,
        "sessions": sessions,
        "sub_agents": children,
        "calls": calls,
        "steps": steps,
        "parallel_calls": int(parallel),
        "repeated_calls": int(repeated),
        "tool_s": sum(tool["seconds"] for tool in tools),
        "sources": [
            dict(zip(("reader", "application", "sessions"), row, strict=True)) for row in store.query(_SOURCES)
        ],
        "tools": tools,
        "habits": habits,
        "transitions": transitions(store),
        "time": time_spent(store),
        "records": records,
        "not_read": dict(reasons),
        "files_passed_over": dict(passed_over or {}),
    }


def _seconds_of(points: list[float] | None) -> list[float | None]:
    return [point / 1e6 for point in points] if points else [None, None]


def transitions(store: Store) -> list[dict[str, Any]]:
    """The direct transitions between tools, most frequent first; their time is from start to start."""
    names = ("tool", "next", "times", "sessions", "share", "median_s")
    return [dict(zip(names, row, strict=True)) for row in store.query(_TRANSITIONS, [MOST_TRANSITIONS])]


def time_spent(store: Store) -> dict[str, float]:
    """Whose time it was, in seconds: each gap of a session's clock belongs to what ended it.

    Waiting for permission is a person's time, not the tool's.
    """
    rows = {kind: (seconds, waited) for kind, seconds, waited in store.query(_TIME)}
    model, _ = rows.pop("model_step", (0.0, 0.0))
    tool, waited = rows.pop("tool_call", (0.0, 0.0))
    person, _ = rows.pop("user_message", (0.0, 0.0))
    others = sum(seconds for seconds, _ in rows.values())
    return {"model_s": model, "tool_s": tool - waited, "person_s": person + waited, "host_s": others}


def overview_section(found: Mapping[str, Any]) -> Section:
    """What the agents do, as the opening of a report."""
    calls = found["calls"]
    words = [_sessions_said(found)]
    if calls:
        words.append(
            f"{percent(found['parallel_calls'] / calls)} of the calls are asked for beside others, and "
            f"{percent(found['repeated_calls'] / calls)} are exactly a call that the session has made before."
        )
    words.append(_not_read_said(found))
    if found["files_passed_over"]:
        passed = ", ".join(f"{count:,} {why.replace('_', ' ')}" for why, count in found["files_passed_over"].items())
        words.append(f"Files that were not looked into or are no logs: {passed}.")
    return Section("What your agents do", words, [tools_table(found), habits_table(found)])


def tools_table(found: Mapping[str, Any]) -> Table:
    """The commonest tools and where time goes."""
    whole, calls = found["tool_s"], found["calls"]
    rows = [
        (
            str(tool["tool"]),
            f"{tool['calls']:,}",
            percent(tool["calls"] / calls),
            f"{tool['sessions']:,}",
            percent(tool["failed"] / tool["calls"]),
            _seconds(tool["p50_s"]),
            _seconds(tool["p95_s"]),
            lasting(tool["seconds"]) if tool["timed"] else "–",
            percent(tool["seconds"] / whole) if whole and tool["timed"] else "–",
        )
        for tool in found["tools"][:MOST_TOOLS]
    ]
    first = of_all(len(rows), len(found["tools"]), "tool")
    headings = (first, "calls", "of calls", "sessions", "failed", "median", "p95", "time", "of tool time")
    return Table(headings, list(rows))


def habits_table(found: Mapping[str, Any]) -> Table:
    """What most often follows what."""
    rows = [
        (f"{habit['tool']} → {habit['next']}", f"{habit['times']:,}", f"{habit['sessions']:,}", percent(habit["share"]))
        for habit in found["habits"]
    ]
    return Table(("one after another", "times", "sessions", "of what follows"), list(rows))


def _sessions_said(found: Mapping[str, Any]) -> str:
    named = ", ".join(
        f"{row['sessions']} {row['reader']}{'/' + row['application'] if row['application'] else ''}"
        for row in found["sources"][:6]
    )
    more = len(found["sources"]) - 6
    timed = any(tool["timed"] for tool in found["tools"])
    children = f", {found['sub_agents']} of them sub-agents or continued" if found["sub_agents"] else ""
    return (
        f"{found['sessions']:,} sessions{children} ({named}{f' and {more} more' if more > 0 else ''}), "
        f"{found['steps']:,} model steps, {found['calls']:,} calls of {len(found['tools'])} tools, "
        f"{lasting(found['tool_s']) + ' of tool time' if timed else 'no times of tools'}."
    )


def _not_read_said(found: Mapping[str, Any]) -> str:
    if not found["not_read"]:
        return f"All {found['records']:,} records were read."
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in found["not_read"].items())
    share = sum(found["not_read"].values()) / max(1, found["records"] + sum(found["not_read"].values()))
    return (
        f"Not read, or read with a question: {reasons} ({percent(share)} of the records); "
        "the table `problems` of events.duckdb says which file and line."
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else lasting(value)
