"""Charts of scores: intervals, precision against recall, calibration, learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards.charts.colours import BASELINE, SCORES, SHIPPED, scale

_KIND = alt.Color("kind:N", scale=scale(SCORES), title=None, legend=alt.Legend(orient="top"))
_SHARE = alt.Axis(format="%")


def compared(rows: Sequence[dict[str, Any]], figure: str) -> alt.LayerChart:
    """Each predictor's score as a point with its 95 % interval."""
    base = alt.Chart(alt.Data(values=list(rows)))
    y = alt.Y("predictor:N", sort=None, title=None, axis=alt.Axis(labelLimit=200))
    tips = ["predictor:N", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("value", "low", "high"))]
    spans = base.mark_rule(strokeWidth=5, opacity=0.35, strokeCap="round").encode(
        x=alt.X("low:Q", title=figure, axis=_SHARE, scale=alt.Scale(domainMin=0)), x2="high:Q", y=y, color=_KIND
    )
    points = base.mark_circle(size=130, opacity=1).encode(x="value:Q", y=y, color=_KIND, tooltip=tips)
    return (spans + points).properties(height=110 + 34 * len(rows))


def precision_recall(rows: Sequence[dict[str, Any]], gate: dict[str, Any] | None) -> alt.LayerChart:
    """Precision against recall as the gate moves; the gate that would ship is marked."""
    base = alt.Chart(alt.Data(values=list(rows)))
    tips = ["predictor:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("gate", "precision", "recall"))]
    lines = base.mark_line(strokeWidth=2.5).encode(
        x=alt.X("recall:Q", axis=_SHARE, title="recall: of all calls"),
        y=alt.Y("precision:Q", axis=_SHARE, title="precision: of what is started", scale=alt.Scale(domain=[0, 1])),
        color=_KIND,
        detail="predictor:N",
        order="gate:Q",
    )
    points = base.mark_circle(size=28).encode(x="recall:Q", y="precision:Q", color=_KIND, tooltip=tips)
    mark = alt.Chart(alt.Data(values=[gate] if gate else [])).mark_point(
        size=220, strokeWidth=2.5, color=SHIPPED, shape="diamond"
    )
    return (lines + points + mark.encode(x="recall:Q", y="precision:Q", tooltip=tips)).properties(height=380)


def calibration(rows: Sequence[dict[str, Any]]) -> alt.LayerChart:
    """What was promised against what came true; on the diagonal, both are equal."""
    diagonal = alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
    line = diagonal.mark_line(strokeDash=[5, 5], color=BASELINE).encode(x="x:Q", y="y:Q")
    tips = [alt.Tooltip(f"{name}:Q", format=".3~f") for name in ("probability", "hit_rate", "predictions")]
    points = (
        alt.Chart(alt.Data(values=list(rows)))
        .mark_circle(color=SHIPPED, opacity=0.8)
        .encode(
            x=alt.X("probability:Q", axis=_SHARE, title="probability given"),
            y=alt.Y("hit_rate:Q", axis=_SHARE, title="came true"),
            size=alt.Size("predictions:Q", legend=None, scale=alt.Scale(range=[50, 420])),
            tooltip=tips,
        )
    )
    return (line + points).properties(height=380)


def learning(rows: Sequence[dict[str, Any]], figure: str) -> alt.LayerChart:
    """The score as training grows, with its interval."""
    base = alt.Chart(alt.Data(values=list(rows)))
    x = alt.X("sessions:Q", title="training sessions")
    band = base.mark_area(opacity=0.15).encode(x=x, y="low:Q", y2="high:Q", color=_KIND, detail="predictor:N")
    line = base.mark_line(point=True).encode(
        x=x,
        y=alt.Y("value:Q", axis=_SHARE, title=figure),
        color=_KIND,
        tooltip=["predictor:N", "sessions:Q", "value:Q"],
    )
    return (band + line).properties(height=280)
