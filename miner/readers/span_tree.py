"""Spans as a tree: which of them count, and which agent each belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from miner.readers.span_dialects import text_attribute, tool_call, work_of
from miner.readers.span_names import AGENT_NAME, Work
from miner.readers.span_rows import Span


@dataclass(slots=True)
class Lane:
    """What one agent did, oldest first."""

    id: str
    """Empty for the session's own agent."""
    agent: Span | None
    parent: str | None = None
    spawner: Span | None = None
    """The tool span that the agent ran inside."""
    models: list[Span] = field(default_factory=list)
    tools: list[Span] = field(default_factory=list)
    nested: set[str] = field(default_factory=set)
    """Ids of tool spans that ran inside another tool."""


def lanes_of(spans: Sequence[Span]) -> list[Lane]:
    """Each agent's spans. Agents that only structure a trace, having no model or tool of their own, are no agents."""
    tree = _Tree(spans)
    owners = {span.id: tree.owner(span) for span in tree.order if tree.work[span.id] is not Work.AGENT}
    working = {owner.id for owner in owners.values() if owner is not None}
    lanes: dict[str, Lane] = {}
    names: dict[str | None, str] = {}
    for span in tree.order:
        if span.id not in owners:
            continue
        lane = _lane(tree, owners[span.id], working, lanes, names)
        if tree.work[span.id] is Work.MODEL:
            lane.models.append(span)
        else:
            lane.tools.append(span)
            if any(tree.work.get(above.id) is Work.TOOL for above in tree.above(span, stop=Work.AGENT)):
                lane.nested.add(span.id)
    return list(lanes.values())


def _lane(
    tree: _Tree, agent: Span | None, working: set[str], lanes: dict[str, Lane], names: dict[str | None, str]
) -> Lane:
    outer = next((a for a in tree.agents(agent) if a.id in working), None) if agent is not None else None
    if agent is not None and outer is not None:
        if agent.id not in lanes:
            parent = _lane(tree, outer, working, lanes, names)
            spawner = next((s for s in tree.above(agent) if tree.work.get(s.id) is Work.TOOL), None)
            lanes[agent.id] = Lane(agent.id, agent, parent.id, spawner)
        return lanes[agent.id]
    # One agent has a span in every trace of its session: it is known by its name.
    name = (text_attribute(agent, AGENT_NAME) or agent.name) if agent is not None else None
    identity = names.setdefault(name, "" if not names else name or "-")
    return lanes.setdefault(identity, Lane(identity, agent))


class _Tree:
    """Ancestors and meaning of every span, without those that tell the same twice."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.by_id = {span.id: span for span in spans}
        found = {span.id: work_of(span) for span in self.by_id.values()}
        self.work: dict[str, Work] = {identity: work for identity, work in found.items() if work is not None}
        self._merge_tools()
        self._merge_models()
        self.order = sorted(
            (self.by_id[identity] for identity in self.work),
            key=lambda span: (span.start_us or 0, len(list(self.above(span))), span.id),
        )

    def above(self, span: Span, stop: Work | None = None) -> Iterator[Span]:
        """Ancestors from the nearest, as far as they are known; a damaged trace may run in a circle."""
        seen = {span.id}
        while span.parent is not None and span.parent not in seen and span.parent in self.by_id:
            span = self.by_id[span.parent]
            seen.add(span.id)
            if stop is not None and self.work.get(span.id) is stop:
                return
            yield span

    def agents(self, span: Span) -> Iterator[Span]:
        """Agent spans above."""
        return (above for above in self.above(span) if self.work.get(above.id) is Work.AGENT)

    def owner(self, span: Span) -> Span | None:
        """The nearest agent above."""
        return next(self.agents(span), None)

    def _merge_tools(self) -> None:
        """A call's client span and the server's inside it are one call."""
        for span in list(self.by_id.values()):
            if self.work.get(span.id) is not Work.TOOL:
                continue
            above = next((s for s in self.above(span, stop=Work.AGENT) if self.work.get(s.id) is Work.TOOL), None)
            if above is not None and tool_call(above).name == tool_call(span).name:
                del self.work[span.id]
                merged = {**span.attributes, **above.attributes}
                failed = span.failed if above.failed is None else above.failed
                self.by_id[above.id] = replace(above, attributes=merged, failed=failed)

    def _merge_models(self) -> None:
        """Two instrumentations of one request nest: the outer tells; an outer span around several requests does not."""
        inner: dict[str, list[str]] = {}
        for span in self.by_id.values():
            if self.work.get(span.id) is Work.MODEL:
                above = next((s for s in self.above(span) if s.id in self.work), None)
                if above is not None and self.work[above.id] is Work.MODEL:
                    inner.setdefault(above.id, []).append(span.id)
        for outer, children in inner.items():
            for identity in children if len(children) == 1 else [outer]:
                self.work.pop(identity, None)
