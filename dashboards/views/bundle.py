"""Bundle: what is shipped, how it differs, what its policy allows, and whether new logs still fit it."""

from __future__ import annotations

import streamlit as st

from dashboards import frame
from dashboards.charts import activity as bars
from dashboards.charts import drift as charts
from dashboards.queries import bundles

frame.opening("Bundle", "The pattern set that a runtime loads: small, versioned, readable.")
run = frame.current_run()
if "bundle.json" not in run.parts:
    frame.empty(
        "There is no bundle in this run yet", "Mine and export it:", f"miner mine {run.path}\nminer export {run.path}"
    )
    st.stop()
facts = frame.ask(bundles.facts)
cells = st.columns(5)
cells[0].metric("Size", f"{facts['bytes'] / 1000:,.1f} kB", border=True)
cells[1].metric("Patterns", f"{facts['patterns']:,}", border=True)
cells[2].metric("Argument rules", f"{facts['rules']:,}", border=True)
cells[3].metric("Tools", f"{facts['tools']:,}", border=True)
cells[4].metric(
    "Gate",
    frame.percent(facts["gate"]) if facts["gate"] < 1 else "closed",
    border=True,
    help="Least probability at which a speculation starts; closed where no prediction was sure enough.",
)
whose = "its owner alone" if facts["audience"] == "private" else "others: no value that stands in few sessions is in it"
st.caption(f"Format {facts['version']}, for {whose}. {facts['digest']}")
a, b, _ = st.columns([1, 1, 3])
a.download_button(
    "bundle.json",
    (run.path / "bundle.json").read_bytes(),
    "bundle.json",
    "application/json",
    key="get_bundle",
    on_click="ignore",
    type="primary",
)
twin = run.path / "bundle.txt"
if twin.is_file():
    b.download_button("readable twin", twin.read_bytes(), "bundle.txt", "text/plain", key="get_twin", on_click="ignore")
if facts["held_back"]:
    st.subheader("Held back")
    frame.table([{"what": what, "texts": count} for what, count in facts["held_back"].items()], "held_back")

st.subheader("Policy and figures, tool by tool")
if "events.duckdb" in run.parts:
    shares = {name: frame.share_column(name) for name in ("exact top 1", "exact top 5")}
    frame.table(frame.ask(bundles.tool_rows), "bundle_tools", shares)
    st.caption("Early: what the starter policy lets be done before the model asks. Your own policy may say otherwise.")
left, right = st.columns(2)
with left:
    st.subheader("Where the bytes are")
    st.altair_chart(bars.ranked_bars(frame.ask(bundles.size_rows), "part", "bytes", "bytes"), alt="Bytes by part")
with right:
    st.subheader("Compared with another")
    other = st.text_input(
        "Another bundle.json or run folder", key="other", bind="query-params", placeholder="/path/to/run"
    )
    if other:
        changes = bundles.differences(run, other)
        st.caption("The same bundle." if changes["same"] else "Added: in this bundle only. Gone: in the other only.")
        if changes["rows"]:
            frame.table(changes["rows"], "changes")
    else:
        st.caption("Name one to see what was added and what is gone.")

st.subheader("Drift")
st.caption("Does the bundle keep its promise on logs it has never seen? Probabilities promise hits; these came.")
logs = st.text_input("New logs (file or folder); empty for this run's own sessions", key="logs", bind="query-params")
if st.toggle("Look for drift", key="drift", bind="query-params"):
    with st.spinner("Walking the sessions …"):
        found = frame.ask(bundles.drift_of_logs, logs) if logs else frame.ask(bundles.drift_of_run)
    if not found["decisions"]:
        frame.empty(
            "Nothing was predicted there",
            "No prediction of these sessions reaches the gate, so there is no promise to keep.",
        )
    else:
        frame.verdict(
            found["broken"] is None,
            "The bundle keeps its promise on these sessions."
            if found["broken"] is None
            else f"The bundle's promise is broken from session {found['broken'] + 1} on: mine these logs, too.",
        )
        st.altair_chart(charts.promise(found["points"]), alt="Hits promised and hits that came")
        if found["retired"]:
            frame.table([{"pattern that broke its promise": text} for text in found["retired"]], "retired")
