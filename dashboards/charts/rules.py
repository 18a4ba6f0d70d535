"""The parameter-source map: which field feeds which argument."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dashboards.charts.colours import HOST, MODEL, PERSON, TOOL

ROOM = ((0, 280, 12), (880, 200, 12), (640, 132, 11))
"""On charts up to so wide (0: any) the pixels for labels at each side, and their size."""


def source_map(flows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An ECharts sankey from sources to arguments, as wide as values came right."""
    sources = list(dict.fromkeys(flow["from"] for flow in flows))
    arguments = list(dict.fromkeys(flow["to"] for flow in flows))
    nodes = [
        {"name": f"s{place}", "depth": 0, "itemStyle": {"color": _colour(name)}, **_told(name, "left")}
        for place, name in enumerate(sources)
    ] + [
        {"name": f"a{place}", "depth": 1, "itemStyle": {"color": TOOL}, **_told(name, "right")}
        for place, name in enumerate(arguments)
    ]
    links = [
        {
            "source": f"s{sources.index(flow['from'])}",
            "target": f"a{arguments.index(flow['to'])}",
            "value": flow["right"],
            "tooltip": {"formatter": _literal(f"{flow['from']} → {flow['to']}: {flow['right']:,}")},
        }
        for flow in flows
    ]
    series = {
        "type": "sankey",
        "data": nodes,
        "links": links,
        "top": 8,
        "bottom": 8,
        "nodeWidth": 12,
        "nodeGap": 9,
        "emphasis": {"focus": "adjacency"},
        "lineStyle": {"color": "source", "opacity": 0.35, "curveness": 0.5},
    }
    base = {"series": [series | _sides(*ROOM[0][1:])], "animation": False, "tooltip": {"confine": True}}
    narrow = [
        {"query": {"maxWidth": width}, "option": {"series": [_sides(pixels, size)]}} for width, pixels, size in ROOM[1:]
    ]
    return {"baseOption": base, "media": narrow}


def _sides(pixels: int, size: int) -> dict[str, Any]:
    """Room for labels at both sides; what does not fit is cut with a sign, and stands whole under the mouse."""
    label = {"color": HOST, "fontSize": size, "width": pixels - 10, "overflow": "truncate", "ellipsis": "…"}
    return {"left": pixels, "right": pixels, "label": label}


def _told(name: str, side: str) -> dict[str, Any]:
    """A node's text: beside it, and under the mouse."""
    text = _literal(name, html=False)
    return {"label": {"position": side, "formatter": text}, "tooltip": {"formatter": _literal(name)}}


def _literal(text: str, *, html: bool = True) -> str:
    """Text that means itself: braces would be a template of ECharts, and what is under the mouse is HTML."""
    plain = text.replace("{", "(").replace("}", ")")
    return escape(plain) if html else plain


def _colour(source: str) -> str:
    if source.startswith("a person"):
        return PERSON
    return MODEL if source.startswith(("the model", "a fixed")) else TOOL
