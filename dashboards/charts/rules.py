"""The parameter-source map: which field feeds which argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.charts.colours import HOST, MODEL, PERSON, TOOL


def source_map(flows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An ECharts sankey from sources to arguments, as wide as values came right."""
    sources = list(dict.fromkeys(flow["from"] for flow in flows))
    arguments = list(dict.fromkeys(flow["to"] for flow in flows))
    nodes = [
        {"name": f"s{place}", "depth": 0, "itemStyle": {"color": _colour(name)}, "label": _label(name, "right")}
        for place, name in enumerate(sources)
    ] + [
        {"name": f"a{place}", "depth": 1, "itemStyle": {"color": TOOL}, "label": _label(name, "left")}
        for place, name in enumerate(arguments)
    ]
    links = [
        {
            "source": f"s{sources.index(flow['from'])}",
            "target": f"a{arguments.index(flow['to'])}",
            "value": flow["right"],
        }
        for flow in flows
    ]
    series = {
        "type": "sankey",
        "data": nodes,
        "links": links,
        "left": 230,
        "right": 230,
        "top": 8,
        "bottom": 8,
        "nodeWidth": 12,
        "nodeGap": 9,
        "emphasis": {"focus": "adjacency"},
        "lineStyle": {"color": "source", "opacity": 0.35, "curveness": 0.5},
    }
    return {"series": [series], "animation": False}


def _label(name: str, side: str) -> dict[str, Any]:
    """Text beside a node; braces would be a template of ECharts."""
    text = name if len(name) <= 34 else name[:33] + "…"
    place = "left" if side == "right" else "right"
    return {"position": place, "formatter": text.replace("{", "(").replace("}", ")"), "color": HOST, "fontSize": 12}


def _colour(source: str) -> str:
    if source.startswith("a person"):
        return PERSON
    return MODEL if source.startswith(("the model", "a fixed")) else TOOL
