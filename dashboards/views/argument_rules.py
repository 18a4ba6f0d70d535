"""Argument rules: where arguments come from, how good each rule is, and what a person says about it."""

from __future__ import annotations

import streamlit as st

from dashboards import frame
from dashboards.charts import rules as charts
from dashboards.queries import rules

frame.opening("Argument rules", "How each argument of a call can be known before the model asks for it.")
run = frame.current_run()
rows = frame.ask(rules.rule_rows)
if not rows:
    frame.empty(
        "No argument rule has been mined",
        "Mine this run; rules need at least two sessions that agree.",
        f"miner mine {run.path}",
    )
    st.stop()

judged = sum(row["verdict"] is not None for row in rows)
rejected = sum(row["verdict"] == "rejected" for row in rows)
cells = st.columns(4)
cells[0].metric("Rules", f"{len(rows):,}", border=True)
cells[1].metric("Arguments they fill", f"{len({(row['tool'], row['argument']) for row in rows}):,}", border=True)
cells[2].metric("Reviewed", f"{judged:,}", border=True)
cells[3].metric("Rejected", f"{rejected:,}", border=True)

st.subheader("Which field feeds which argument")
tools = sorted({row["tool"] for row in rows})
left, right = st.columns([2, 3])
chosen_tools = left.multiselect("Only these tools", tools, key="tools", bind="query-params")
most = right.slider("Strongest sources shown", 5, 60, 25, key="flows", bind="query-params")
wanted = [row for row in rows if not chosen_tools or row["tool"] in chosen_tools]
flows = [{**row, "from": frame.shown(row["from"])} for row in rules.source_flows(wanted, most)]
if flows:
    height = max(220, 24 * max(len({row["from"] for row in flows}), len({row["to"] for row in flows})))
    st.echarts_chart(
        charts.source_map(flows), height=height, alt="Sources of values at the left, arguments at the right"
    )
    st.caption(
        "As wide as values came right in mining. Ochre: from a person; indigo: the model's or fixed; teal: from tools."
    )
else:
    frame.empty("No rule was ever right here", "Choose other tools, or give mining more sessions.")

st.subheader("Rules")
a, b, c = st.columns(3)
least = a.slider("Right at least so many times", 0, 50, 1, key="right", bind="query-params")
precise = b.slider("Precision at least, %", 0, 100, 0, key="precision", bind="query-params")
state = c.segmented_control(
    "Review", ["all", "open", "accepted", "rejected"], default="all", required=True, key="state", bind="query-params"
)
shown = [
    row
    for row in wanted
    if row["right"] >= least
    and (row["precision"] or 0) * 100 >= precise
    and (state == "all" or (row["verdict"] or "open") == state)
]
if not shown:
    frame.empty("No rule fits these filters", "Lower the thresholds, or show all reviews.")
    st.stop()
columns = {
    "precision": frame.share_column("precision when fired"),
    "weight": st.column_config.NumberColumn("weight", format="%.2f"),
}
place = frame.table(shown, "rules", columns, hide=["key", "counter-examples"], select=True)
if place is None:
    st.caption("Choose a row to see its counter-examples and to accept, reject or annotate it.")
    st.stop()

row = shown[place]
with st.container(border=True):
    st.markdown(
        f"**{frame.plain(row['tool'])} · {frame.plain(row['argument'])}** from "
        + frame.plain(frame.shown(", ".join(part for part in (row["from"], row["which"], row["then"]) if part)))
    )
    st.caption(f"Right {row['right']:,} of {row['fired']:,} times it fired, in {row['sessions']:,} sessions.")
    if row["counter-examples"]:
        st.markdown("Counter-examples: it fired and was wrong")
        for example in row["counter-examples"]:
            key, _, event = example.partition("#")
            st.page_link("views/sessions.py", label=f"{key}, event {event}", query_params={"session": key})
    with st.form(f"review_{row['key']}", border=False):
        verdicts = [None, "accepted", "rejected"]
        verdict = st.radio(
            "Verdict",
            verdicts,
            index=verdicts.index(row["verdict"]),
            horizontal=True,
            format_func=lambda word: word or "open",
        )
        note = st.text_input("Note", row["note"], placeholder="Why")
        if st.form_submit_button("Save", type="primary"):
            rules.save_verdict(run, row["key"], verdict, note)
            st.rerun()
if rejected:
    st.info("Rejected rules are left out of the next export.")
    st.code(f"miner export {run.path}", language="bash")
