"""Charts of what speculation hides and wastes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards.charts.colours import BASELINE, CEILING, HIT, MODEL, SHIPPED, TOOL, WASTE

_WHO = alt.Scale(domain=["shipped", "markov1", "oracle"], range=[SHIPPED, BASELINE, CEILING])


def frontier(rows: Sequence[dict[str, Any]], gate: float) -> alt.LayerChart:
    """Seconds hidden against seconds wasted as the gate moves; the chosen gate is a diamond."""
    base = alt.Chart(alt.Data(values=list(rows)))
    who = alt.Color("predictor:N", scale=_WHO, title=None, legend=alt.Legend(orient="top"))
    x = alt.X("wasted_s:Q", title="tool seconds wasted")
    y = alt.Y("hidden_s:Q", title="seconds of waiting hidden")
    tips = ["predictor:N", *(alt.Tooltip(f"{name}:Q", format=",.3~f") for name in ("gate", "hidden_s", "wasted_s"))]
    tips += ["hits:Q", "wasted:Q"]
    lines = base.mark_line(strokeWidth=2, opacity=0.7).encode(x=x, y=y, color=who, order="gate:Q")
    points = base.mark_circle(size=70).encode(x=x, y=y, color=who, tooltip=tips)
    near = min((row["gate"] for row in rows), key=lambda value: abs(value - gate), default=None)
    chosen = [row for row in rows if row["gate"] == near and row["predictor"] == "shipped"]
    mark = alt.Chart(alt.Data(values=chosen)).mark_point(shape="diamond", size=260, strokeWidth=2.5, color=SHIPPED)
    return (lines + points + mark.encode(x=x, y=y, tooltip=tips)).properties(height=390)


def before_after(think_s: float, stall_s: float, hidden_s: float) -> alt.Chart:
    """Two bars: the sessions one call after another, and with what is known started early."""
    rows = [
        {"when": "as recorded", "part": "model thinks", "seconds": think_s, "order": 0},
        {"when": "as recorded", "part": "waits for tools", "seconds": stall_s, "order": 1},
        {"when": "with speculation", "part": "model thinks", "seconds": think_s, "order": 0},
        {"when": "with speculation", "part": "waits for tools", "seconds": stall_s - hidden_s, "order": 1},
        {"when": "with speculation", "part": "hidden", "seconds": max(0.0, hidden_s), "order": 2},
    ]
    colours = alt.Scale(domain=["model thinks", "waits for tools", "hidden"], range=[MODEL, TOOL, HIT])
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("seconds:Q", stack="zero", title="seconds"),
            y=alt.Y("when:N", sort=None, title=None),
            color=alt.Color("part:N", scale=colours, title=None, legend=alt.Legend(orient="top")),
            opacity=alt.condition("datum.part == 'hidden'", alt.value(0.55), alt.value(1)),
            order="order:O",
            tooltip=["when:N", "part:N", alt.Tooltip("seconds:Q", format=",.2f")],
        )
        .properties(height=190)
    )


def fates(rows: Sequence[dict[str, Any]], most: int = 15) -> alt.Chart:
    """Which tools' calls were answered early, and which were run for nothing."""
    ranked = sorted(rows, key=lambda row: -(row["answered"] + row["wasted"]))[:most]
    values = [
        {"tool": row["tool"], "what": what, "calls": row[key]}
        for row in ranked
        for what, key in (("answered early", "answered"), ("run for nothing", "wasted"))
    ]
    colours = alt.Scale(domain=["answered early", "run for nothing"], range=[HIT, WASTE])
    return (
        alt.Chart(alt.Data(values=values))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("calls:Q", stack="zero", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("tool:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
            color=alt.Color("what:N", scale=colours, title=None, legend=alt.Legend(orient="top")),
            tooltip=["tool:N", "what:N", "calls:Q"],
        )
        .properties(height=150 + 28 * len(ranked))
    )
