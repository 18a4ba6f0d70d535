"""Survey: for every argument of every call, where its value had been seen before (value provenance).

One pass over sessions. What is counted adds up: surveys of disjoint groups of sessions merge by ``add``, so mining is
parallel, incremental, and can leave any fold out.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from miner.events import Event, EventKind, SessionLog
from miner.mining.decisions import decisions
from miner.mining.indexed_memory import AROUND, PAIRS, TRANSFORMS, IndexedMemory, latest_first
from miner.mining.serving_counts import ServingCounts
from miner.runtime.atoms import LONGEST, Row
from miner.runtime.memory import Memory, leaves, path_text, value_key
from miner.runtime.ranking import word_traits
from miner.runtime.rules import Rule

STREAMS_TRIED = 24
"""Places of one value that are tried, newest first: a value seen everywhere is explained well enough by these."""
PAIRED_VALUES = 3
"""Latest values of a stream that are paired with a target, for transforms that cannot be looked up."""
LEVELS_UP = 3
NESTED = 60
"""Arguments whose containers stand in each other more often are text."""
GENERAL = "*"
"""Stands for the tool where an argument of the same name is pooled over tools."""


class Tally:
    """How often, and in which groups of sessions."""

    __slots__ = ("count", "groups")

    def __init__(self) -> None:
        self.count = 0
        self.groups: set[str] = set()

    def note(self, group: str) -> None:
        """Once more."""
        self.count += 1
        self.groups.add(group)

    def add(self, other: Tally) -> None:
        """Merge."""
        self.count += other.count
        self.groups |= other.groups


def _tallies() -> defaultdict[Any, Tally]:
    return defaultdict(Tally)


class Survey:
    """Counts by hole (tool and argument path), and by general hole (argument path over all tools)."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        """Hole -> calls that had the argument."""
        self.seen: Counter[str] = Counter()
        """Hole -> calls whose value had been seen elsewhere than in earlier arguments of the same hole."""
        self.general: dict[str, str] = {}
        """Hole -> its general hole; names of tools hold dots too, so a hole's name alone does not tell."""
        self.values: defaultdict[str, defaultdict[str, Tally]] = defaultdict(_tallies)
        self.explained: defaultdict[str, defaultdict[Rule, Tally]] = defaultdict(_tallies)
        self.words: defaultdict[str, set[str]] = defaultdict(set)
        self.groups: set[str] = set()
        self.serving = ServingCounts()
        """Which results followed from those of broader calls."""

    def add(self, other: Survey) -> None:
        """Merge the survey of other sessions into this one."""
        self.calls.update(other.calls)
        self.seen.update(other.seen)
        self.general.update(other.general)
        for hole, tallies in other.values.items():
            for key, tally in tallies.items():
                self.values[hole][key].add(tally)
        for hole, explained in other.explained.items():
            for rule, tally in explained.items():
                self.explained[hole][rule].add(tally)
        for word, groups in other.words.items():
            self.words[word] |= groups
        self.groups |= other.groups
        self.serving.add(other.serving)


_rule: Callable[[tuple[Any, ...]], Rule] = partial(tuple.__new__, Rule)
"""``Rule`` of all its parts, in a third of the time: most of what is counted is rules."""
SPEAKERS = {EventKind.USER_MESSAGE: "user", EventKind.MODEL_STEP: "said"}


def environment_of(log: SessionLog) -> dict[str, str]:
    """What a session's surroundings offer to arguments."""
    session = log.session
    found = {
        "cwd": session.cwd,
        "branch": session.branch,
        "application": session.application,
        "agent": session.agent,
        "model": session.model,
    }
    return {name: value for name, value in found.items() if value}


def group_of(log: SessionLog) -> str:
    """Sessions that may share content count once: runs of one task, a session and its forks and sub-agents."""
    session = log.session
    return session.task or session.parent or session.key


def arguments_of(call: Event) -> dict[str, Any]:
    """A call's arguments; what no call could ask for again (no JSON, NaN, nesting without end) is one text."""
    text = call.arguments or "{}"
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return {"input": text}
    if text.count("[") + text.count("{") > NESTED and _is_nested_further(value, NESTED):
        return {"input": text}
    return value if isinstance(value, dict) else {"input": value}


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refused("infinity")


_DECODER = json.JSONDecoder(parse_constant=_refused, parse_float=_finite)


def _is_nested_further(value: Any, levels: int) -> bool:
    """Whether containers stand in each other more often than so; level by level, for recursion would have its end."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def remember(memory: Memory, event: Event) -> None:
    """Take one observed event into a memory, as the runtime does."""
    if event.kind is EventKind.TOOL_CALL:
        memory.call(event.tool or "", arguments_of(event), event.text)
    elif event.text:
        memory.message(SPEAKERS.get(event.kind, "host"), event.text)


def survey_session(log: SessionLog, survey: Survey) -> None:
    """Count one session."""
    group = group_of(log)
    survey.groups.add(group)
    environment = environment_of(log)
    made = list(decisions(log))
    asked = [[(call.tool or "", _leaves_of(call)) for call in decision.calls] for decision in made]
    wanted = [value for calls in asked for _, values in calls for value in values.values() if _is_looked_up(value)]
    memory = IndexedMemory(environment, environment.get("cwd", ""), wanted)
    for decision, calls in zip(made, asked, strict=True):
        for event in decision.observed:
            remember(memory, event)
            if event.kind is EventKind.USER_MESSAGE and event.text:
                for word in word_traits(event.text):
                    survey.words[word].add(group)
        for tool, values in calls:
            _survey_call(tool, values, memory, survey, group)


def _leaves_of(call: Event) -> dict[str, Any]:
    """The values that a call's arguments take, by path."""
    return {path_text(path): value for path, value in leaves(arguments_of(call))}


def _is_looked_up(value: Any) -> bool:
    """Whether it is asked where a value was seen: what there are only two of is everywhere."""
    return not isinstance(value, bool) and value is not None


def _survey_call(tool: str, values: dict[str, Any], memory: IndexedMemory, survey: Survey, group: str) -> None:
    for place, value in values.items():
        hole, general = tool + place, GENERAL + place
        survey.calls[hole] += 1
        survey.calls[general] += 1
        survey.general[hole] = general
        key = value_key(value)
        if len(key) > LONGEST:
            continue
        survey.values[hole][key].note(group)
        if not _is_looked_up(value):
            continue
        sources = dict.fromkeys(_sources(memory, key, value))
        own = f"arg:{hole}"
        if any(stream != own and transform not in AROUND for stream, transform, _ in sources):
            survey.seen[hole] += 1
        for source in sources:
            _note_policies(survey, memory, group, hole, general, key, source)
        for rule in dict.fromkeys(_beside(memory, hole, place, key, values)):
            survey.explained[hole][rule].note(group)


def _sources(memory: IndexedMemory, key: str, value: Any) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """(stream, transform, options) that have the value, newest places first."""
    streams_of = memory.streams_of
    for stream in latest_first(streams_of.get(key, {}), STREAMS_TRIED):
        yield stream, "copy", ()
    for source, transform, options in islice(memory.reached.get(key, ()), STREAMS_TRIED):
        for stream in latest_first(streams_of.get(source, {}), STREAMS_TRIED):
            yield stream, transform, options
    if key not in streams_of:
        # What was seen as it stands needs no text around it.
        for source, name, options in memory.inverting(key, value):
            for stream in latest_first(streams_of.get(source, {}), STREAMS_TRIED):
                yield stream, name, options
    for name, fits in PAIRS.items():
        if not fits.target(value):
            continue
        induce = TRANSFORMS[name].induce
        for where in memory.paired[name]:
            for source in islice(memory.indexed[where].latest().values(), PAIRED_VALUES):
                for options in induce(source, value):
                    yield where, name, options


def _note_policies(
    survey: Survey,
    memory: IndexedMemory,
    group: str,
    hole: str,
    general: str,
    key: str,
    source: tuple[str, str, tuple[Any, ...]],
) -> None:
    """Count every policy with which a source gives the value: for this hole, and pooled over tools."""
    where, transform, options = source
    used, change = memory.used, memory.change(transform, options)
    always, unused, unpooled = memory.indexed[where].policies(key, change, used.get(hole, ()), used.get(general, ()))
    own, pooled = survey.explained[hole], survey.explained[general]
    for policy in always:
        own[_rule((hole, where, policy, transform, options, "", ""))].note(group)
        pooled[_rule((general, where, policy, transform, options, "", ""))].note(group)
    for policy in unused:
        own[_rule((hole, where, policy, transform, options, "", ""))].note(group)
    for policy in unpooled:
        rule = _rule((general, where, policy, transform, options, "", ""))
        own[rule].note(group)
        pooled[rule].note(group)


def _beside(memory: Memory, hole: str, place: str, key: str, values: dict[str, Any]) -> Iterator[Rule]:
    """Rules that find the value in the object where another argument's value stands, or in one around it."""
    is_number_or_list = key.startswith("\0")
    for anchor, other in values.items():
        if anchor == place or isinstance(other, list | dict | bool) or other is None:
            continue
        above: Row | None
        for row in memory.rows_of(value_key(other)):
            above, level = row, 0
            while above is not None and level < LEVELS_UP:
                for field, value in above.items():
                    if value == key if type(value) is str else is_number_or_list and value_key(value) == key:
                        yield Rule(hole, "beside", f"{above.where}\x1f{field}", "copy", (), anchor)
                above, level = above.parent, level + 1
