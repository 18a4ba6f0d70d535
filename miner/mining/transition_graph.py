"""Which call directly follows which: a networkx graph with counts, probabilities and times, as GraphML or DOT."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from miner.errors import MissingExtraError, UsageError
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_evidence import StepTimes

_DOT = (".dot", ".gv")
_DOT_NAMES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": " "})


def transition_graph(database: SequenceDatabase, times: StepTimes | None = None) -> Any:
    """A node for each step with ``count`` and ``sessions``; an edge for each direct transition.

    Edges carry ``count``, ``sessions``, ``probability`` (of the places of the first step) and, where times are
    known, ``median_us`` from start to start.
    """
    try:
        import networkx as nx
    except ImportError as error:
        raise MissingExtraError("mining", "networkx") from error
    counts: Counter[int] = Counter()
    holding: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    pair_sessions: Counter[tuple[int, int]] = Counter()
    waits: dict[tuple[int, int], list[int]] = defaultdict(list)
    for low, high in pairwise(database.offsets.tolist()):
        items = database.items[low:high].tolist()
        steps = list(pairwise(items))
        counts.update(items)
        holding.update(set(items))
        pairs.update(steps)
        pair_sessions.update(set(steps))
        if times is not None:
            starts = times.starts_us[low:high].tolist()
            for step, (before, after) in zip(steps, pairwise(starts), strict=True):
                if before >= 0 and after >= 0:
                    waits[step].append(after - before)
    graph = nx.DiGraph()
    names = database.names
    for item in sorted(counts):
        graph.add_node(names[item], count=counts[item], sessions=holding[item])
    for (first, second), count in sorted(pairs.items()):
        facts: dict[str, int | float] = {
            "count": count,
            "sessions": pair_sessions[first, second],
            "probability": count / counts[first],
        }
        if waits[first, second]:
            facts["median_us"] = int(median(waits[first, second]))
        graph.add_edge(names[first], names[second], **facts)
    return graph


def check_graph(path: Path) -> None:
    """Refuses a file whose name does not say how to write a graph."""
    if path.suffix not in (".graphml", *_DOT):
        raise UsageError(f"a graph cannot be written as {path.name}", next_step="name it .graphml or .dot")


def write_graph(graph: Any, path: Path) -> None:
    """Writes a graph as its file's name says: ``.graphml`` or ``.dot``."""
    check_graph(path)
    if path.suffix in _DOT:
        path.write_text(dot_of(graph), encoding="utf-8")
        return
    import networkx as nx

    nx.write_graphml_xml(graph, path)


def dot_of(graph: Any) -> str:
    """The graph in the language of Graphviz, edges as thick as they are probable."""
    lines = ["digraph transitions {", "  rankdir=LR;", "  node [shape=box];"]
    for name, facts in graph.nodes(data=True):
        label = f"{_quoted(name)}\\n{facts['count']} calls, {facts['sessions']} sessions"
        lines.append(f'  "{_quoted(name)}" [label="{label}", {_facts(facts)}];')
    for first, second, facts in graph.edges(data=True):
        label = f"{facts['count']} ({facts['probability']:.0%})"
        if "median_us" in facts:
            label += f"\\n{facts['median_us'] / 1e6:.1f} s"
        width = f"penwidth={0.5 + 4 * facts['probability']:.2f}"
        lines.append(f'  "{_quoted(first)}" -> "{_quoted(second)}" [label="{label}", {width}, {_facts(facts)}];')
    return "\n".join([*lines, "}", ""])


def _quoted(name: str) -> str:
    return name.translate(_DOT_NAMES)


def _facts(facts: dict[str, Any]) -> str:
    return ", ".join(
        f'{name}="{value:g}"' if isinstance(value, float) else f'{name}="{value}"' for name, value in facts.items()
    )
