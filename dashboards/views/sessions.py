"""Sessions: one session on its clock, and what would have been predicted at each of its decisions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards import frame
from dashboards.charts import session as charts
from dashboards.queries import activity, walks
from dashboards.queries.masking import shortened


def _headed(guess: dict[str, Any]) -> None:
    """A prediction's first line: what became of it, how sure it was, which tool."""
    fate, colour = ("came", "green") if guess["came"] else ("not asked for", "gray")
    if guess["starts"]:
        fate, colour = ("started, hit", "green") if guess["came"] else ("started, wasted", "orange")
    elif guess["sure"]:
        fate += f"; refused: {(guess['refusal'] or '').replace('_', ' ')}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(fate, color=colour)
        st.markdown(f"**{guess['probability']:.0%}** {frame.plain(guess['tool'])}", width="stretch")


WINDOW = 30
"""Decisions walked at a time: predicting takes milliseconds each, and a session may have thousands."""

frame.opening("Sessions", "What happened when, what would have been started early, and why.")
run = frame.current_run()
tools = [tool["tool"] for tool in frame.ask(activity.totals)["tools"]]
a, b, c = st.columns([3, 2, 1])
text = a.text_input("Search", key="search", bind="query-params", placeholder="session, application")
tool = b.selectbox(
    "Calls the tool", ["", *tools], key="with", bind="query-params", format_func=lambda name: name or "any"
)
page = c.number_input("Page", 1, 100_000, 1, key="page", bind="query-params")
rows = frame.ask(walks.session_rows, text or "", tool or "", int(page) - 1)
if not rows:
    frame.empty("No session fits", "Clear the search, choose another tool, or go back to the first page.")
columns = {"began": st.column_config.DatetimeColumn("began (UTC)", format="YYYY-MM-DD HH:mm:ss")}
place = frame.table(rows, "sessions", columns, select=True, height=260, names=["session"]) if rows else None
if place is not None:
    st.query_params["session"] = rows[place]["session"]
key = st.query_params.get("session") or (rows[0]["session"] if rows else "")
if not key:
    st.stop()

log = frame.ask(walks.session_log, key)
st.subheader("Timeline")
st.code(key, language=None)
spans = walks.event_rows(log)
timed = [span for span in spans if span["start s"] is not None and span["end s"] is not None]
last = max((span["end s"] for span in timed), default=0.0)
if timed:
    st.altair_chart(charts.happened(timed, last), alt="What happened, on the session's clock")
else:
    frame.empty("This session carries no times", "Its order is known; see the events below.")

first = 0
if "bundle.json" in run.parts and len(log.events) > WINDOW:
    first = st.number_input(
        f"Decisions from this one on, {WINDOW} at a time", 0, 1_000_000, 0, WINDOW, key="from", bind="query-params"
    )
known = frame.ask(walks.predictions, key, int(first), WINDOW) if "bundle.json" in run.parts else None
moments = known.rows if known else []
if known and known.of > WINDOW:
    st.caption(f"Decisions {first:,} to {min(known.of, first + WINDOW) - 1:,} of {known.of:,}, counted from 0.")
if known and known.of and not moments:
    frame.empty("There are no such decisions", f"This session has {known.of:,}: begin earlier.")
elif not moments:
    frame.empty("There is nothing to predict with", "This run has no bundle yet.", f"miner export {run.path}")
launches = walks.launches(log, moments)
if launches and timed:
    st.caption("Sure enough to start early, at the moment the model starts to think; the starter policy decides:")
    st.altair_chart(charts.early(launches, last), alt="What would have been started early")
if moments:
    right = sum(bool(moment["predicted"]) and moment["predicted"][0]["came"] for moment in moments)
    started = [launch for launch in launches if launch["fate"] != "refused by the policy"]
    hits = sum(launch["fate"] == "hit" for launch in started)
    st.caption(
        f"{right} of {len(moments)} first predictions came true; {hits} of {len(started)} started ones were asked for."
    )
    st.subheader("Decisions")
    table = [
        {
            "decision": moment["decision"],
            "predicted": " · ".join(f"{guess['tool']} {guess['probability']:.0%}" for guess in moment["predicted"][:3]),
            "came": ", ".join(call["tool"] for call in moment["came"]) or "no call",
            "first was right": bool(moment["predicted"]) and moment["predicted"][0]["came"],
            "started": sum(guess["starts"] for guess in moment["predicted"]),
        }
        for moment in moments
    ]
    chosen = frame.table(table, "decisions", select=True)
    telling = next((place for place, row in enumerate(table) if row["started"] or row["first was right"]), 0)
    wanted = chosen if chosen is not None else telling
    moment = moments[min(wanted, len(moments) - 1)]
    with st.container(border=True):
        st.markdown(f"**Decision {moment['decision']}**: what was predicted, and from what")
        for guess in moment["predicted"]:
            _headed(guess)
            st.code(frame.shown(shortened(guess["arguments"], 300)), language=None)
            st.caption(f"Pattern: {frame.plain(frame.shown(shortened(guess['pattern'], 160)))}")
            for name, rule in guess["rules"].items():
                st.caption(f"{frame.plain(name)}: {frame.plain(frame.shown(rule))}")
        st.markdown("**What came**")
        for call in moment["came"]:
            st.code(f"{call['tool']} {frame.shown(shortened(call['arguments'], 300))}", language=None)
        if not moment["came"]:
            st.caption("No call.")
with st.expander("Events"):
    short = [
        {**span, "arguments": shortened(span["arguments"], 300), "text": shortened(span["text"], 300)} for span in spans
    ]
    frame.table(short, "events")
