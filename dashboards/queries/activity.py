"""What the agents did: totals, tools, where the time went, sessions by day."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from dashboards.queries.folder import Run, document, events_of

_DAYS = """
    -- one row is one day and format
    select strftime(make_timestamp(started_us), '%Y-%m-%d') as day, reader, count(*) as sessions, sum(calls) as calls
    from sessions where started_us is not null group by all order by all
"""


def totals(run: Run) -> dict[str, Any]:
    """What overview.json says, or the same counted now where a run was cut short before it was written."""
    found = document(run, "overview.json")
    return found if found is not None else _counted(run)


@lru_cache(maxsize=2)
def _counted(run: Run) -> dict[str, Any]:
    from miner.evaluation.overview import overview

    with events_of(run) as store:
        return overview(store)


def time_spent(run: Run) -> dict[str, float]:
    """Where the time of all sessions went, in seconds, as the run counted it, else as it is counted now."""
    from miner.evaluation.overview import time_spent as counted

    found = totals(run).get("time")
    if found is not None:
        return dict(found)
    with events_of(run) as store:
        return counted(store)


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
            "tool seconds": tool["seconds"] if tool["timed"] else None,
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
        "tier": (saved or {}).get("tier"),
        "policy": ((saved or {}).get("conditions") or {}).get("policy"),
    }
