"""A session boiled down to what weighing needs, so that logs are read once: messages as marks, calls as calls."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from miner.events import EventKind, SessionLog
from miner.mining.decisions import decisions
from miner.mining.selection import Selection
from miner.mining.survey import arguments_of, environment_of, group_of
from miner.runtime.contexts import context_keys, setting_of
from miner.runtime.forms import Form, form_of
from miner.runtime.patterns import NO_CALL
from miner.runtime.signature import coarse_status, signature
from miner.runtime.succession import state, step


class Call(NamedTuple):
    """A call and how it ended."""

    tool: str
    arguments: dict[str, Any]
    ended: str


class Trace(NamedTuple):
    """One session: at each decision, what came before (None for a word of the user) and what was asked for."""

    group: str
    fold: int
    setting: tuple[str, str]
    decisions: list[tuple[list[Call | None], list[Call]]]


def fold_of(group: str, folds: int) -> int:
    """The fold of a group of sessions: the same on every machine."""
    return int.from_bytes(hashlib.md5(group.encode(), usedforsecurity=False).digest()[:4], "big") % folds


def trace_of(log: SessionLog, folds: int) -> Trace:
    """Boil a session down."""
    group = group_of(log)
    found: list[tuple[list[Call | None], list[Call]]] = []
    for decision in decisions(log):
        before: list[Call | None] = []
        for event in decision.observed:
            if event.kind is EventKind.TOOL_CALL:
                before.append(Call(event.tool or "", arguments_of(event), coarse_status(event.status, event.text)))
            elif event.kind is EventKind.USER_MESSAGE:
                before.append(None)
        found.append((before, [Call(call.tool or "", arguments_of(call), "") for call in decision.calls]))
    return Trace(group, fold_of(group, folds), setting_of(environment_of(log)), found)


class Forms:
    """The forms of a selection, numbered, and the contexts in which they followed."""

    def __init__(self, selection: Selection, traces: Iterable[Trace], least_groups: int) -> None:
        self._selection = selection
        groups: defaultdict[Form, set[str]] = defaultdict(set)
        traces = list(traces)
        for trace in traces:
            for _, calls in trace.decisions:
                for call in calls:
                    groups[self.form(call)].add(trace.group)
        kept = [form for form, found in groups.items() if form.slots is not None and len(found) >= least_groups]
        tools = sorted({form.tool for form in groups})
        self.forms = [*(Form(tool, None) for tool in tools), *sorted(kept, key=repr)]
        self.numbers = {form: number for number, form in enumerate(self.forms)}
        self.contexts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._steps: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._step_counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for trace in traces:
            self._count(trace)
            self._count_steps(trace)

    def successions(self, least_groups: int) -> dict[str, dict[str, int]]:
        """State -> step -> how often, for steps taken in enough groups; "" gathers all others."""
        kept: dict[str, dict[str, int]] = {}
        for at, counts in sorted(self._step_counts.items()):
            known = {
                text: count
                for text, count in sorted(counts.items())
                if text and len(self._steps[at][text]) >= least_groups
            }
            if known:
                kept[at] = {"": sum(counts.values()) - sum(known.values()), **known}
        return kept

    def form(self, call: Call) -> Form:
        """The form of a call."""
        return form_of(call.tool, call.arguments, self._selection.is_literal, self._selection.is_hole)

    def number(self, call: Call) -> int:
        """The number of a call's form, or of its tool's open form; -2 for a tool that is not known."""
        known = self.numbers.get(self.form(call))
        return known if known is not None else self.numbers.get(Form(call.tool, None), -2)

    def _count(self, trace: Trace) -> None:
        history: list[tuple[str, str]] = []
        for before, calls in trace.decisions:
            for call in before:
                if call is None:
                    history.append(("user", "user"))
                else:
                    history.append((signature(call.tool, call.ended), f"{self.number(call)} {call.ended}"))
            outcomes = [self.number(call) for call in calls] or [NO_CALL]
            for key in context_keys(history, trace.setting):
                self.contexts[key].update(outcomes)

    def _count_steps(self, trace: Trace) -> None:
        latest: dict[str, dict[str, Any]] = {}
        for _, calls in trace.decisions:
            for call in calls:
                before = latest.get(call.tool)
                if before is not None:
                    at, taken = state(call.tool, before), step(before, call.arguments) or ""
                    self._step_counts[at][taken] += 1
                    self._steps[at][taken].add(trace.group)
                latest[call.tool] = call.arguments
