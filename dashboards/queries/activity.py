"""What the agents did: totals, tools, where the time went, sessions by day."""

from __future__ import annotations

from typing import Any, NamedTuple

from dashboards.queries.folder import Run, document, events_of

_TIME = """
    -- one row is one kind of event: the time between what was known before and its end
    with moments as (
        select kind, caller, coalesce(end_us, time_us) as at_us, coalesce(wait_us, 0) as wait_us,
               max(coalesce(end_us, time_us)) over (
                   partition by session order by seq rows between unbounded preceding and 1 preceding) as before_us
        from events),
    spent as (select kind, greatest(0, at_us - before_us) as us, wait_us from moments)
    select kind, sum(us) / 1e6, sum(least(us, wait_us)) / 1e6 from spent where us is not null group by kind
"""
_DAYS = """
    -- one row is one day and format
    select strftime(make_timestamp(started_us), '%Y-%m-%d') as day, reader, count(*) as sessions, sum(calls) as calls
    from sessions where started_us is not null group by all order by all
"""


class Spent(NamedTuple):
    """Where the time of all sessions went, in seconds."""

    model_s: float
    tool_s: float
    person_s: float
    other_s: float


def totals(run: Run) -> dict[str, Any]:
    """What overview.json says, or the same counted now where a run was cut short before it was written."""
    from miner.evaluation.overview import overview

    found = document(run, "overview.json")
    if found is not None:
        return found
    with events_of(run) as store:
        return overview(store)


def time_spent(run: Run) -> Spent:
    """Each gap of a session's clock belongs to what ended it; waiting for permission is a person's."""
    with events_of(run) as store:
        rows = {kind: (seconds, waited) for kind, seconds, waited in store.query(_TIME)}
    model, _ = rows.pop("model_step", (0.0, 0.0))
    tool, waited = rows.pop("tool_call", (0.0, 0.0))
    person, _ = rows.pop("user_message", (0.0, 0.0))
    return Spent(model, tool - waited, person + waited, sum(seconds for seconds, _ in rows.values()))


def sessions_by_day(run: Run) -> list[dict[str, Any]]:
    """How many sessions of each format began on each day."""
    with events_of(run) as store:
        names = ("day", "format", "sessions", "calls")
        return [dict(zip(names, row, strict=True)) for row in store.query(_DAYS)]


def tool_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of an overview with shares, most called first."""
    calls, seconds = max(1, found["calls"]), found["tool_s"]
    return [
        {
            "tool": tool["tool"],
            "calls": tool["calls"],
            "share of calls": tool["calls"] / calls,
            "sessions": tool["sessions"],
            "failed": tool["failed"] / max(1, tool["calls"]),
            "median s": tool["p50_s"],
            "p95 s": tool["p95_s"],
            "tool seconds": tool["seconds"],
            "share of tool time": tool["seconds"] / seconds if seconds else None,
        }
        for tool in found["tools"]
    ]


def headline(run: Run) -> dict[str, Any]:
    """The figures of the front page that rest on held-out sessions; None where a step has not been done."""
    scored, saved = document(run, "evaluation.json"), document(run, "savings.json")
    shipped = (scored or {}).get("predictors", {}).get("shipped", {}).get("overall", {})
    names = ("exact_top1", "exact_top5", "tool_top1", "ceiling", "exact_top1_ci", "exact_top5_ci")
    return {
        **{name: shipped.get(name) for name in names},
        "held_out_sessions": (scored or {}).get("split", {}).get("test_sessions"),
        "reduction": (saved or {}).get("reduction"),
        "reduction_ci": (saved or {}).get("reduction_ci"),
        "hidden_share": (saved or {}).get("tool_stall_hidden_share"),
        "hidden_s": (saved or {}).get("tool_stall_hidden_s"),
        "bound": (saved or {}).get("bound"),
        "policy": ((saved or {}).get("conditions") or {}).get("policy"),
    }
