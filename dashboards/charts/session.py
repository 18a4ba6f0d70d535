"""The timeline of one session: who was at work when, and what would have been started early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards.charts.colours import FATES, WHOSE, scale


def happened(spans: Sequence[dict[str, Any]], last: float) -> alt.Chart:
    """What happened: one lane for the person, the model, the tools."""
    rows = [
        {"lane": span["kind"], "what": span["what"], "from": span["start s"], "to": _seen(span, last)} for span in spans
    ]
    lanes = [lane for lane in WHOSE if any(row["lane"] == lane for row in rows)]
    return _strip(rows, last, alt.Color("lane:N", scale=scale(WHOSE), title=None, legend=None), lanes, [])


def early(launches: Sequence[dict[str, Any]], last: float) -> alt.Chart:
    """What would have been started early on the same clock: one lane a tool."""
    rows = [
        {"lane": launch["tool"], "what": launch["tool"], "from": launch["start s"], "to": _seen(launch, last)}
        | {"fate": launch["fate"], "probability": launch["probability"]}
        for launch in launches
    ]
    colour = alt.Color("fate:N", scale=scale(FATES), title=None, legend=alt.Legend(orient="top"))
    tips = [alt.Tooltip("fate:N"), alt.Tooltip("probability:Q", format=".0%")]
    return _strip(rows, last, colour, list(dict.fromkeys(row["lane"] for row in rows)), tips)


def _seen(span: dict[str, Any], last: float) -> float:
    """The end of a span, wide enough to be seen."""
    return float(max(span["end s"], span["start s"] + last / 250))


def _strip(
    rows: list[dict[str, Any]], last: float, colour: alt.Color, lanes: list[str], tips: list[alt.Tooltip]
) -> alt.Chart:
    times = [alt.Tooltip("from:Q", format=",.2f", title="from s"), alt.Tooltip("to:Q", format=",.2f", title="to s")]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(cornerRadius=2, height=alt.RelativeBandSize(0.7))
        .encode(
            x=alt.X("from:Q", title="seconds", scale=alt.Scale(domain=[0, last * 1.01 or 1])),
            x2="to:Q",
            y=alt.Y("lane:N", sort=lanes, title=None, axis=alt.Axis(labelLimit=140, minExtent=110)),
            color=colour,
            tooltip=[alt.Tooltip("what:N"), *times, *tips],
        )
        .properties(height=32 * max(1, len(lanes)) + (130 if tips else 70))
    )
