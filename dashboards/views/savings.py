"""Savings: the held-out sessions replayed under what the sliders say, at once."""

from __future__ import annotations

import streamlit as st

from dashboards import frame
from dashboards.charts import savings as charts
from dashboards.queries import activity, replays
from dashboards.queries.folder import document
from miner.errors import SplitError
from miner.evaluation.report_savings import simulation

_SAID = {
    "no_speculation": "Without any speculation the replay gives back the recorded times",
    "all_wrong": "Predictions that are all wrong slow no session by more than their own bound",
}

frame.opening(
    "Savings", "What speculation would have hidden and wasted. Tier: replay of recorded sessions; nothing is executed."
)
run = frame.current_run()
if "bundle.json" not in run.parts:
    frame.empty(
        "There is nothing to replay yet", "This run has no bundle.", f"miner mine {run.path}\nminer export {run.path}"
    )
    st.stop()
tools = [tool["tool"] for tool in frame.ask(activity.totals)["tools"]]
try:
    recording = frame.hold(replays.kept)
except SplitError as error:
    frame.empty(
        f"Nothing can be replayed: {error.what}", error.next_step or "", f"miner run LOGS --test LOGS --out {run.path}"
    )
    st.stop()
if not len(recording.workload.call_us):
    frame.empty("The held-out sessions hold no call", "Give more logs, or logs of their own to score with --test.")
    st.stop()
if not replays.is_timed(recording):
    frame.empty(
        "These logs carry no times",
        "So there is nothing to replay here. Savings can be simulated with stated times; the Overview and the report "
        "then show them.",
        simulation(run.path),
    )
    st.stop()
with st.container(border=True):
    a, b, c = st.columns(3)
    gate = a.slider("Gate: least probability to start", 0.0, 1.0, 0.2, 0.05, key="gate", bind="query-params")
    in_flight = a.slider("Speculations at once", 1, 16, 4, key="in_flight", bind="query-params")
    per_decision = b.slider("Started at one decision", 1, 8, 4, key="per_decision", bind="query-params")
    capacity = b.slider("Host slots for all calls, 0 for no limit", 0, 32, 0, key="capacity", bind="query-params")
    think = c.slider("Model time, times", 0.1, 2.0, 1.0, 0.1, key="think", bind="query-params")
    tool = c.slider("Tool time, times", 0.1, 8.0, 1.0, 0.1, key="tool", bind="query-params")
    d, e = st.columns([3, 1], vertical_alignment="bottom")
    allow = d.multiselect(
        "Policy: tools that may also run early",
        tools,
        key="allow",
        bind="query-params",
        help="You vouch that these only read: the replay then treats them as local reads.",
    )
    marked = e.toggle("Trust read-only marks", key="marked", bind="query-params")

policy = (tuple(sorted(allow)), marked)
setting = replays.Setting(gate, in_flight, per_decision, capacity or None, think, tool)
budget = setting._replace(gate=0.0)
prepared = frame.made(replays.prepare, recording, *policy, budget)
found = {name: frame.derive(replays.replayed, prepared, policy, name, setting) for name in replays.PREDICTORS}
best, oracle = found["shipped"], found["oracle"]

cells = st.columns(4)
frame.card(
    cells[0],
    "Time saved",
    frame.percent(best["reduction"], 2),
    f"perfect: {frame.percent(oracle['reduction'], 2)}",
)
frame.card(
    cells[1],
    "Waiting hidden",
    frame.lasting(best["hidden_s"]),
    f"{frame.percent(best['hidden_share'])} of {frame.lasting(best['tool_stall_s'])}",
)
frame.card(
    cells[2],
    "Answered early",
    f"{best['hits'] + best['joins']:,}",
    f"of {best['calls']:,} calls",
)
frame.card(
    cells[3],
    "Run for nothing",
    f"{best['wasted']:,}",
    frame.lasting(best["wasted_s"]),
)
st.altair_chart(
    charts.before_after(best["serial_s"] - best["tool_stall_s"], best["tool_stall_s"], best["hidden_s"]),
    alt="Time before and after",
)
said = prepared.recording.said
st.caption(
    frame.plain(said[:1].upper() + said[1:])
    + ". Markov1 and the oracle stand beside what would ship, under the same policy and budget."
)

left, right = st.columns(2)
with left:
    st.subheader("Benefit against cost")
    curve = frame.derive(replays.frontier, prepared, policy, setting)
    st.altair_chart(charts.frontier(curve, gate), alt="Seconds hidden against seconds wasted")
    with st.expander("The curve as a table"):
        frame.table(curve, "frontier", {"reduction": frame.share_column("time saved")})
with right:
    st.subheader("By tool")
    if best["by_tool"]:
        st.altair_chart(charts.fates(best["by_tool"]), alt="Answered and wasted calls by tool")
        with st.expander("By tool as a table"):
            frame.table(best["by_tool"], "savings_by_tool")
    else:
        frame.empty("Nothing is started under this policy", "Lower the gate, or let more tools run early above.")

st.subheader("Why the others were not started")
refused = sorted(best["refused"].items(), key=lambda item: -item[1])
if refused:
    frame.table([{"reason": reason.replace("_", " "), "predictions": count} for reason, count in refused], "refused")
    if refused[0][0] == "not_listed":
        st.caption("Not listed: the starter policy does not know these tools. Allow those above that only read.")
saved = document(run, "savings.json")
if saved and saved.get("controls"):
    st.subheader("Controls, from the run itself")
    for name, control in saved["controls"].items():
        frame.verdict(control["passed"], _SAID.get(name, frame.plain(name)))
    words = {
        "serial_s": "as recorded, s",
        "speculative_s": "with speculation, s",
        "tool_stall_hidden_s": "hidden, s",
        "reduction": "time saved",
        "oracle_reduction": "by a perfect one",
    }
    shares = {words[name]: frame.share_column(words[name]) for name in ("reduction", "oracle_reduction")}
    rows = [{words.get(name, name): value for name, value in row.items()} for row in saved["sensitivity"]]
    frame.table(rows, "sensitivity", shares)
