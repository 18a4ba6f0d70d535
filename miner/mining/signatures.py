"""Which argument of which tool a context should see: chosen from the data by how much it tells about the next call.

For each tool, every argument and every class function competes. A class name is told apart when doing so shortens
the description of what came next by more than the name costs to state; each task (or session, where tasks are not
known) counts once for each outcome, so that one long session cannot make a rule. Goes in: sessions. Comes out: a
refinement for each tool that deserves one.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from miner.events import Event, SessionLog
from miner.mining.decisions import is_asked_for
from miner.runtime.argument_class import CLASS_FUNCTIONS
from miner.runtime.shell import program_and_verbs
from miner.runtime.signature import Refinement, signature_of_call

_END = ""
_ACTIONS = frozenset({"shell"})
"""Class functions that name what a call does rather than what it acts on: for those the class of the next call of the
same tool is part of what is predicted. What a call acts on stays the same through a session and predicts itself."""
_OPTION = re.compile(r"\S\s+--?[A-Za-z]")
_ORDER = {name: place for place, name in enumerate(CLASS_FUNCTIONS)}
_WEIGHT = 0.5
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefinementGain:
    """What one way of seeing a tool's calls is worth."""

    tool: str
    refinement: Refinement
    bits: float
    """By how much it shortens the description of the next calls, its own cost taken off."""
    bits_per_call: float


def asked_calls(log: SessionLog) -> list[Event]:
    """The calls of a session that the model asked for, in order."""
    return [event for event in log.events if is_asked_for(event) and event.tool]


def call_arguments(call: Event) -> dict[str, Any]:
    """The arguments of a call; none where the log holds no JSON object that can be read."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return {}
    return arguments if isinstance(arguments, dict) else {}


def signatures_of(log: SessionLog, refinements: Mapping[str, Refinement]) -> Iterator[tuple[str, Event]]:
    """Each call of a session with its signature."""
    for call in asked_calls(log):
        arguments = call_arguments(call)
        yield signature_of_call(call.tool or "", arguments, call.status, call.text, refinements), call


def find_refinements(
    sessions: Iterable[SessionLog], *, min_sessions: int = 3, max_names: int = 24
) -> dict[str, Refinement]:
    """The refinement of each tool that earns one."""
    return {gain.tool: gain.refinement for gain in refinement_gains(sessions, min_sessions, max_names)}


def refinement_gains(
    sessions: Iterable[SessionLog], min_sessions: int = 3, max_names: int = 24
) -> list[RefinementGain]:
    """The best refinement of each tool with what it is worth, by tool; tools that are best seen plain are left out."""
    tallies = _tally(sessions)
    best: dict[str, RefinementGain] = {}
    ways = Counter(tool for tool, _, _ in tallies)
    for (tool, argument, function), tally in sorted(tallies.items(), key=_simplest_first):
        names, bits = _worth_telling_apart(tally, min_sessions, max_names)
        bits -= math.log2(ways[tool])
        if names and bits > 0 and (tool not in best or bits > best[tool].bits + 1e-9):
            outcomes = sum(sum(nexts.values()) for nexts in tally.nexts.values())
            best[tool] = RefinementGain(tool, Refinement(argument, function, names), bits, bits / outcomes)
    return [best[tool] for tool in sorted(best)]


def _simplest_first(entry: tuple[tuple[str, str, str], Any]) -> tuple[str, str, int]:
    """By tool and argument, and then in the order of the class functions: a tie goes to the simpler one."""
    tool, argument, function = entry[0]
    return tool, argument, _ORDER[function]


@dataclass(slots=True)
class _Tally:
    """One way of seeing a tool's calls."""

    nexts: dict[Names, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """What came next after calls of each class, once a session."""
    sessions: Counter[str] = field(default_factory=Counter)
    """In how many sessions each class name was seen."""


Seen = tuple[str, str, str, Names, str]
"""A tool, an argument of it, a class function, the names it gave, and what came next."""


def _tally(sessions: Iterable[SessionLog]) -> dict[tuple[str, str, str], _Tally]:
    """Counts what came next, for each tool, argument and class function, once a task or session."""
    tallies: dict[tuple[str, str, str], _Tally] = defaultdict(_Tally)
    absent: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    given: dict[str, set[str]] = defaultdict(set)
    commands = _CommandSpotter()
    by_task: dict[str, set[Seen]] = defaultdict(set)
    for log in sessions:
        seen = set(_seen_in(log, given, commands))
        if log.session.task is not None:
            earlier = by_task[log.session.task]
            seen -= earlier
            earlier |= seen
        held = {(tool, argument, name, one) for tool, argument, name, classes, _ in seen for one in classes}
        for tool, argument, name, classes, following in seen:
            if name:
                tallies[tool, argument, name].nexts[classes][following] += 1
            else:
                absent[tool, argument][following] += 1
        for tool, argument, name, one in held:
            tallies[tool, argument, name].sessions[one] += 1
    for (tool, argument, _), tally in tallies.items():
        tally.nexts[()].update(absent[tool, argument])
    return {way: tally for way, tally in tallies.items() if way[2] != "shell" or commands.are_commands(*way[:2])}


def _seen_in(log: SessionLog, given: dict[str, set[str]], commands: _CommandSpotter) -> Iterator[Seen]:
    """What one session shows; an argument left out is seen with no class function."""
    calls = [(call.tool or "", call_arguments(call)) for call in asked_calls(log)]
    for (tool, arguments), (following, next_arguments) in zip(calls, [*calls[1:], (_END, {})], strict=False):
        given[tool].update(arguments)
        for argument in given[tool] - arguments.keys():
            yield tool, argument, "", (), following
        for argument, value in arguments.items():
            commands.note(tool, argument, value)
            for name, function in CLASS_FUNCTIONS.items():
                seen_next = following
                if name in _ACTIONS and following == tool and argument in next_arguments:
                    seen_next = " ".join((following, *function(next_arguments[argument])[-1:]))
                yield tool, argument, name, function(value), seen_next


class _CommandSpotter:
    """Tells arguments that hold shell commands from other texts: commands have options."""

    def __init__(self) -> None:
        self.values: Counter[tuple[str, str]] = Counter()
        self.with_option: Counter[tuple[str, str]] = Counter()

    def note(self, tool: str, argument: str, value: Any) -> None:
        """Looks at one value."""
        text = " ".join(map(str, value)) if isinstance(value, list) else value
        self.values[tool, argument] += 1
        if isinstance(text, str) and _OPTION.search(text) and program_and_verbs(text):
            self.with_option[tool, argument] += 1

    def are_commands(self, tool: str, argument: str) -> bool:
        """True when a fifth of the values have an option."""
        return self.with_option[tool, argument] * 5 >= self.values[tool, argument]


def _worth_telling_apart(tally: _Tally, min_sessions: int, max_names: int) -> tuple[frozenset[str], float]:
    """The names that pay for themselves, coarse ones first, and the bits they save together."""
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    coarser: dict[str, Names] = {}
    everything: Counter[str] = Counter()
    for names, nexts in sorted(tally.nexts.items()):
        everything.update(nexts)
        for depth, name in enumerate(names):
            if tally.sessions[name] >= min_sessions:
                totals[name].update(nexts)
                coarser[name] = names[depth + 1 :]
    pools = {"": everything}
    outcomes = len(everything)
    kept: dict[str, float] = {}
    for name in sorted(totals, key=lambda name: (len(coarser[name]), -sum(totals[name].values()), name)):
        pool = next((above for above in coarser[name] if above in pools), "")
        rest = pools[pool] - totals[name]
        gain = _bits(pools[pool], outcomes) - _bits(totals[name], outcomes) - _bits(rest, outcomes)
        gain -= math.log2(len(totals) + 1)
        if gain > 0 and rest:
            kept[name], pools[name], pools[pool] = gain, totals[name], rest
    if len(kept) > max_names:
        kept = dict(sorted(kept.items(), key=lambda item: (-item[1], item[0]))[:max_names])
    return frozenset(kept), sum(kept.values())


def _bits(nexts: Counter[str], outcomes: int) -> float:
    """The length of a description of outcomes that learns their shares as it goes (Krichevsky and Trofimov's)."""
    total = sum(nexts.values())
    length = math.lgamma(total + _WEIGHT * outcomes) - math.lgamma(_WEIGHT * outcomes)
    for _, number in sorted(nexts.items()):
        length -= math.lgamma(number + _WEIGHT) - math.lgamma(_WEIGHT)
    return length / math.log(2)
