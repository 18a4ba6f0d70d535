"""The tool graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.charts.colours import HOST, TOOL

MOST_EDGES = 40
_NAMES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": " ", "\r": " ", "\t": " "})


def process_map(edges: Sequence[dict[str, Any]], calls: dict[str, int], show: str) -> str:
    """The strongest transitions, edges as thick as they are frequent; ``show`` is what stands on them."""
    strongest = max((edge["times"] for edge in edges), default=1)
    tools = list(dict.fromkeys(tool for edge in edges for tool in (edge["from"], edge["to"])))
    number = {tool: place for place, tool in enumerate(tools)}
    most = max((calls.get(tool, 0) for tool in tools), default=0) or 1
    lines = [
        "digraph calls {",
        '  bgcolor="transparent"; rankdir=LR; nodesep=0.3; ranksep=0.6;',
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12, fontcolor="white", penwidth=0];',
        f'  edge [fontname="Helvetica", fontsize=10, color="{HOST}", fontcolor="{HOST}", arrowsize=0.7];',
    ]
    for tool in tools:
        count = calls.get(tool, 0)
        label = f"{_quoted(tool)}\\n{count:,} calls"
        alpha = round(0xC8 + 0x37 * count / most)
        lines.append(f'  n{number[tool]} [label="{label}", fillcolor="{TOOL}{alpha:02x}"];')
    for edge in edges:
        width = 0.8 + 5 * edge["times"] / strongest
        label = _label(edge, show)
        lines.append(f'  n{number[edge["from"]]} -> n{number[edge["to"]]} [penwidth={width:.2f}, label="{label}"];')
    return "\n".join([*lines, "}"])


def _label(edge: dict[str, Any], show: str) -> str:
    if show == "time":
        return "–" if edge["median s"] is None else f"{edge['median s']:,.1f} s"
    if show == "share":
        return f"{edge['share']:.0%}"
    return f"{edge['times']:,}"


def _quoted(name: str) -> str:
    """A name as Graphviz text: quoted, on one line, cut when nobody could read it anyway."""
    short = name if len(name) <= 40 else name[:39] + "…"
    return short.translate(_NAMES)
