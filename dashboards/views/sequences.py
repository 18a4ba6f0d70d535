"""Sequences: the tool graph, and what recurs, down to the sessions behind it."""

from __future__ import annotations

import streamlit as st

from dashboards import frame
from dashboards.charts import flow as charts
from dashboards.queries import activity, flow

MOST = 200
SHOWN = 25

frame.opening("Sequences", "Which call follows which, how often and how fast, and the sequences that recur.")
edges = frame.ask(flow.transitions)
if not edges:
    frame.empty("No call follows another in this run", "Sequences need sessions of two calls or more.")
    st.stop()

calls = {tool["tool"]: tool["calls"] for tool in frame.ask(activity.totals)["tools"]}
st.subheader("Tool graph")
left, right = st.columns([3, 2], vertical_alignment="bottom")
most = min(charts.MOST_EDGES, len(edges))
detail = left.slider(
    "Detail: strongest transitions shown", 1, max(2, most), min(18, max(2, most)), key="detail", bind="query-params"
)
show = right.segmented_control(
    "On the edges", ["times", "share", "time"], default="times", required=True, key="edges", bind="query-params",
    format_func={"times": "how often", "share": "of what follows", "time": "median time"}.get,
)  # fmt: skip
st.graphviz_chart(
    charts.process_map(edges[:detail], calls, show), width="stretch", alt="Graph of tools that follow one another"
)
st.caption(f"{min(detail, len(edges))} of {len(edges):,} transitions. Times are from start to start.")
with st.expander("All transitions as a table"):
    frame.table(edges, "transitions", {"share": frame.share_column("share of what follows")})

st.subheader("Frequent sequences")
a, b, c, d, e = st.columns([2, 1, 1, 1, 3])
share = a.slider("In at least this share of sessions, %", 1, 60, 5, key="share", bind="query-params")
gap = b.number_input("Calls between", 0, 5, 1, key="gap", bind="query-params")
least = c.number_input("Steps at least", 2, 8, 2, key="least", bind="query-params")
seen = frame.hold(flow.step_sequences)
most = d.number_input("Rows", 10, MOST, SHOWN, 5, key="rows", bind="query-params")
contains = e.multiselect("Must contain", list(seen.seen.database.names), key="contains", bind="query-params")
found = frame.derive(flow.frequent_sequences, seen, (), share / 100, int(gap), int(least), tuple(contains), int(most))
if not found.rows:
    frame.empty(
        "No sequence is that frequent",
        "Lower the share of sessions, allow other calls in between, or ask for fewer steps.",
    )
    st.stop()
rows = [{**row, "sequence": " → ".join(row["sequence"])} for row in found.rows]
columns = {
    "sequence": st.column_config.TextColumn("sequence", width="large"),
    "share": frame.share_column("of sessions"),
    "in tools": frame.share_column("time in its tools"),
    "median s": st.column_config.NumberColumn("median s", format="%.2f"),
}
drawn = (
    ""
    if seen.is_whole
    else f"Counted in {seen.seen.database.sessions:,} of {seen.of_sessions:,} sessions, drawn by hash. "
)
chosen = frame.table(rows, "sequences", columns, hide=["found in"], select=True)
st.caption(
    f"{len(rows):,} of {found.of:,} sequences, those of most sessions first; none is part of a longer one with the "
    f"same support. {drawn}Choose a row to see its sessions."
)
if chosen is not None:
    row = found.rows[chosen]
    st.markdown(f"**Found in {row['sessions']:,} sessions**")
    for key in row["found in"][:12]:
        st.page_link("views/sessions.py", label=key, query_params={"session": key})
