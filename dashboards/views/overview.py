"""Overview: the one page that someone forwards to a colleague."""

from __future__ import annotations

import streamlit as st

from dashboards import frame
from dashboards.charts import activity as charts
from dashboards.queries import activity
from miner.evaluation.report_savings import simulation

frame.opening(
    "What these agents do", "Sessions, calls, where the time goes, what is predictable and what could be hidden."
)
seen = frame.ask(activity.totals)
if not seen["calls"]:
    frame.empty(
        "There is no tool call in this run yet",
        "Give logs of an agent that calls tools; any known format, files or folders:",
        f"miner run ~/.claude/projects --out {frame.current_run().path}",
    )
    st.stop()

head = frame.ask(activity.headline)
cells = st.columns(4)
frame.card(
    cells[0],
    "Sessions",
    f"{seen['sessions']:,}",
    f"{seen['sub_agents']:,} sub-agents",
)
frame.card(
    cells[1],
    "Tool calls",
    f"{seen['calls']:,}",
    f"{len(seen['tools']):,} tools",
)
frame.card(
    cells[2],
    "Predicted exactly, first try",
    frame.percent(head["exact_top1"]),
    frame.interval(head["exact_top1_ci"]) or "not scored",
    help="Tool and every argument right, on sessions that nothing was learnt from.",
)
frame.card(
    cells[3],
    "Predicted within five",
    frame.percent(head["exact_top5"]),
    f"possible at most {frame.percent(head['ceiling'])}" if head["ceiling"] else "not scored",
)

st.subheader("Where the time goes")
spent = frame.ask(activity.time_spent)
parts = {who: spent[f"{who}_s"] for who in ("model", "tool", "person", "host")}
if sum(parts.values()):
    st.altair_chart(charts.time_bar(parts), alt="Share of time of model, tools, people and host")
    working = parts["model"] + parts["tool"]
    st.caption(
        f"Model {frame.lasting(parts['model'])}, tools {frame.lasting(parts['tool'])}, waiting for a person "
        f"{frame.lasting(parts['person'])}. While the agent works, tools are "
        f"{frame.percent(parts['tool'] / working if working else None)} of the time."
    )
else:
    frame.empty(
        "These logs carry no times",
        "Savings can still be simulated with stated times:",
        simulation(frame.current_run().path),
    )

st.subheader("What could be hidden")
bound = head["bound"]
if bound and not bound["serial_s"]:
    frame.empty("Nothing can be said about seconds", "The held-out sessions carry no times.")
elif bound:
    most = max((row["hidden_s"] for row in bound["horizons"]), default=0.0)
    cells = st.columns(3)
    frame.card(
        cells[0],
        "Waiting for tools",
        frame.lasting(bound["tool_stall_s"]),
        f"in {bound['sessions']} held-out sessions",
    )
    frame.card(
        cells[1],
        "Perfect prediction would hide",
        frame.lasting(most),
        "under the policy",
    )
    frame.card(
        cells[2],
        "What ships would hide",
        frame.lasting(head["hidden_s"]),
        f"{frame.percent(head['hidden_share'])} of the waiting",
    )
    st.caption(
        f"Tier: {frame.plain(head['tier'] or '')}, under this policy: {frame.plain(head['policy'] or '')}. "
        "Try other policies on the Savings page."
    )
else:
    frame.empty(
        "Nothing has been replayed yet",
        "This needs held-out sessions: more logs, or --test LOGS.",
        f"miner replay {frame.current_run().path}",
    )

left, right = st.columns(2)
tools = activity.tool_rows(seen)
with left:
    st.subheader("Most called")
    st.altair_chart(charts.ranked_bars(tools, "tool", "calls", "calls"), alt="Calls by tool")
with right:
    st.subheader("Most waited for")
    if seen["tool_s"]:
        st.altair_chart(charts.ranked_bars(tools, "tool", "tool seconds", "seconds"), alt="Seconds by tool")
    else:
        frame.empty("No tool times", "These logs do not say how long calls took.")
st.subheader("Every tool")
shares = {name: frame.share_column(name) for name in ("share of calls", "failed", "share of tool time")}
numbers = {name: st.column_config.NumberColumn(name, format="%.3f") for name in ("median s", "p95 s", "tool seconds")}
frame.table(tools, "tools", shares | numbers)

days = frame.ask(activity.sessions_by_day)
if days:
    st.subheader("When")
    st.altair_chart(charts.days(days), alt="Sessions by day")
if seen["not_read"]:
    st.subheader("What could not be read")
    frame.table([{"reason": reason, "records": count} for reason, count in seen["not_read"].items()], "problems")
