"""Evaluation: what would ship against baselines and controls, on sessions that nothing was learnt from."""

from __future__ import annotations

import streamlit as st

from dashboards import frame, work
from dashboards.charts import scores as charts
from dashboards.queries import scores

WORDS = {
    "exact_top1": "exact, first try",
    "exact_top3": "exact, within three",
    "exact_top5": "exact, within five",
    "tool_top1": "tool alone, first try",
    "precision": "precision at the gate",
    "recall": "recall at the gate",
}

MORE = {
    "served_top1": "exact or served, first try",
    "served_top5": "exact or served, within five",
    "seconds_top5": "tool time, within five",
    "coverage": "decisions acted on",
    "ceiling": "possible at most",
}

frame.opening("Evaluation", "Exact means the tool and every argument, on sessions that nothing was learnt from.")
found = frame.ask(scores.evaluation)
if found is None:
    frame.empty(
        "Nothing has been scored in this run",
        "Scoring holds sessions out, so it needs several of them: give more logs, or logs of their own to score.",
        f"miner run LOGS --test LOGS --out {frame.current_run().path}",
    )
    st.stop()

split = found["split"]
st.caption(
    f"{split['test_sessions']:,} held-out sessions beside {split['train_sessions']:,} that train "
    f"({frame.plain(str(split['how']))}). Bars are {frame.plain(str(found['interval']))}."
)
figure = st.segmented_control(
    "Figure", list(WORDS), default="exact_top1", required=True, key="figure", bind="query-params", format_func=WORDS.get
)
rows = scores.predictor_rows(found, figure)
st.altair_chart(charts.compared(rows, WORDS[figure]), alt=f"{WORDS[figure]} of every predictor with its interval")
shares = {name: frame.share_column(words) for name, words in {**WORDS, **MORE}.items()}
with st.expander("All figures of all predictors"):
    frame.table(scores.overall_rows(found), "predictors", shares)

controls = found.get("controls") or {}
if controls:
    st.subheader("Controls")
    for name, control in controls.items():
        words = f"**{frame.plain(name.replace('_', ' '))}** must {frame.plain(control['must'])}"
        frame.verdict(control["passed"], words)

left, right = st.columns(2)
predictors = list(found["predictors"])
with left:
    st.subheader("Precision and recall")
    curves = scores.curve_rows(found, [name for name in predictors if name != "oracle"])
    if curves:
        gate = scores.shipped_gate(found)
        st.altair_chart(charts.precision_recall(curves, gate), alt="Precision against recall")
        st.caption("The diamond is the gate that ships." if gate else "Nothing passes the gate that ships.")
    else:
        frame.empty(
            "No predictor gives probabilities here",
            "Score what would ship.",
            f"miner evaluate {frame.current_run().path}",
        )
with right:
    st.subheader("Calibration")
    bins = scores.calibration_rows(found, predictors[0])
    if bins:
        st.altair_chart(charts.calibration(bins), alt="Probability given against share that came true")
        st.caption("On the dashed line a probability means what it says.")

st.subheader("Learning curve")
learnt = scores.learning_rows(found, figure)
if learnt:
    st.altair_chart(charts.learning(learnt, WORDS[figure]), alt="Score as training grows")
else:
    frame.empty(
        "Would more logs help?",
        "Not measured in this run yet: it learns from an eighth, a quarter, half and all of the training sessions, so "
        "it takes about twice as long as mining did.",
    )
    place = frame.current_run().path
    work.offered(f"curve of {place}", "Work it out now", "dashboards.curve", [str(place)])

st.subheader("In parts")
a, b = st.columns(2)
by = a.segmented_control(
    "By",
    ["by_tool", "by_source", "by_position", "by_arguments", "by_policy"],
    default="by_tool",
    required=True,
    key="by",
    bind="query-params",
    format_func=lambda name: name[3:],
)
who = b.selectbox("Predictor", predictors, key="who", bind="query-params")
parts = scores.group_rows(found, by, who)
if parts:
    frame.table(parts, by, shares)
else:
    frame.empty("There are no parts of this kind", "Choose another division.")
