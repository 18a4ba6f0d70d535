"""Whether a bundle keeps its promise, session by session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards.charts.colours import BASELINE, SHIPPED


def promise(points: Sequence[dict[str, Any]]) -> alt.Chart:
    """How many hits the probabilities promised, and how many came."""
    rows = [
        {"session": point["session"], "what": what, "calls": point[key]}
        for point in points
        for what, key in (("promised", "promised"), ("came", "came"))
    ]
    colours = alt.Scale(domain=["promised", "came"], range=[BASELINE, SHIPPED])
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("session:Q", title="sessions seen", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("calls:Q", title="calls asked for"),
            color=alt.Color("what:N", scale=colours, title=None, legend=alt.Legend(orient="top")),
            tooltip=["session:Q", "what:N", alt.Tooltip("calls:Q", format=",.1f")],
        )
        .properties(height=240)
    )
