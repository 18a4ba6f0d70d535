"""Charts of what the agents did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards.charts.colours import TOOL, WHOSE, scale


def time_bar(parts: dict[str, float]) -> alt.Chart:
    """One bar: whose time it was."""
    rows = [{"who": who, "seconds": seconds, "order": place} for place, (who, seconds) in enumerate(parts.items())]
    whole = sum(parts.values()) or 1.0
    for row in rows:
        row["share"] = row["seconds"] / whole
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(height=34, cornerRadius=3)
        .encode(
            x=alt.X("share:Q", stack="zero", title=None, axis=alt.Axis(format="%", grid=False, tickCount=5)),
            color=alt.Color("who:N", scale=scale(WHOSE), title=None, legend=alt.Legend(orient="top")),
            order="order:O",
            tooltip=["who:N", alt.Tooltip("seconds:Q", format=",.1f"), alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(height=130)
    )


def ranked_bars(rows: Sequence[dict[str, Any]], name: str, value: str, title: str, most: int = 15) -> alt.Chart:
    """The greatest rows as bars, greatest first."""
    shown = sorted((row for row in rows if row[value]), key=lambda row: -row[value])[:most]
    values = [{"name": str(row[name]), "value": row[value]} for row in shown]
    return (
        alt.Chart(alt.Data(values=values))
        .mark_bar(color=TOOL, cornerRadiusEnd=3)
        .encode(
            x=alt.X("value:Q", title=title),
            y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
            tooltip=[alt.Tooltip("name:N", title=name), alt.Tooltip("value:Q", title=title, format=",.3~f")],
        )
        .properties(height=60 + 28 * len(values))
    )


def days(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    """Sessions begun on each day, by format."""
    greens = alt.Scale(range=["#0d9488", "#5eb5ac", "#33658a", "#8fb8de", "#6b7f93", "#b3c4d1"])
    return (
        alt.Chart(alt.Data(values=list(rows)))
        .mark_bar()
        .encode(
            x=alt.X("utcyearmonthdate(day):T", title=None, axis=alt.Axis(format="%d %b", labelOverlap=True)),
            y=alt.Y("sum(sessions):Q", title="sessions", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("format:N", scale=greens, title=None, legend=alt.Legend(orient="top")),
            tooltip=["day:N", "format:N", "sessions:Q", "calls:Q"],
        )
        .properties(height=260)
    )
