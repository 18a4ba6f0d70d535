"""Which value each argument took among those that rules proposed: counted session by session, put together in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from miner.events import Event, EventKind, SessionLog
from miner.mining.choice import Choices
from miner.mining.decisions import decisions
from miner.mining.proposing import JointPlan, Proposing
from miner.mining.selection import Selection
from miner.mining.survey import GENERAL, arguments_of, environment_of, group_of, remember
from miner.mining.trace import Trace, fold_of, trace_of
from miner.runtime.memory import Memory, leaves, path_text, value_key
from miner.runtime.patterns import Evidence
from miner.runtime.plan import AGES, AGREEING, USES, shape_trait
from miner.runtime.rules import Rule
from miner.runtime.signature import coarse_status, signature

COUNTER_EXAMPLES = 3
SEEN = 4
"""Features of an option that come before those of its rules; the last of them says how many rules agree."""
OF_RULE = 3
"""Features of each rule of an option; the last of them says in which hole."""


@dataclass(slots=True)
class HoleCounts:
    """What a run of sessions came to; runs that follow each other are put together by ``extend``."""

    choices: defaultdict[str, Choices] = field(default_factory=lambda: defaultdict(Choices))
    """General hole -> the situations in which one of its values was chosen."""
    evidence: defaultdict[tuple[str, int], Evidence] = field(default_factory=lambda: defaultdict(Evidence))
    """(hole, place of a rule in it) -> what was counted about the rule."""
    together: defaultdict[str, Counter[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(Counter))
    """Hole -> places of rules that proposed the same value -> how often."""
    traces: list[Trace] = field(default_factory=list)

    def extend(self, later: HoleCounts) -> None:
        """Take in the counts of the sessions that follow."""
        for general, choices in later.choices.items():
            self.choices[general].extend(choices)
        for at, one in later.evidence.items():
            known = self.evidence[at]
            known.fired += one.fired
            known.right += one.right
            known.sessions += one.sessions
            known.counter_examples = [*known.counter_examples, *one.counter_examples][:COUNTER_EXAMPLES]
        for hole, together in later.together.items():
            self.together[hole].update(together)
        self.traces += later.traces


@dataclass(frozen=True, slots=True)
class HoleKernel:
    """Counts a run of sessions."""

    rules: Mapping[str, list[Rule]]
    """Hole -> the rules that compete."""
    selection: Selection
    """Values that are fixed in it are no choice."""
    folds: int

    def __call__(self, logs: Iterable[SessionLog]) -> HoleCounts:
        """The counts of the sessions."""
        counting = _Counting(self)
        for log in logs:
            counting.add(log)
        return counting.counted()


Found = Mapping[str, tuple[tuple[int, ...], Any]]
"""Value key -> places of the rules that propose the value, and the value."""


class _Counting:
    def __init__(self, kernel: HoleKernel) -> None:
        self._rules = kernel.rules
        self._selection = kernel.selection
        self._folds = kernel.folds
        self._plan = JointPlan(kernel.rules)
        self._wanted = frozenset(rule.source for rules in kernel.rules.values() for rule in rules)
        self._anonymous = {hole: [anonymous(rule) for rule in rules] for hole, rules in kernel.rules.items()}
        self._cells: dict[tuple[str, str], dict[int, tuple[int, int, int]]] = {}
        """Hole and last signature -> place of a rule -> the numbers of its features."""
        self._joined: dict[tuple[str, str], dict[tuple[int, ...], list[int]]] = {}
        """The same for the rules that propose one value, put together."""
        self._looks: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """General hole -> value key -> the number of the feature that says what the value looks like."""
        self._lacking = {hole: set(range(len(rules))) for hole, rules in kernel.rules.items()}
        """Hole -> places of rules that have fewer counter-examples than are kept."""
        self._marks: dict[tuple[str, int, int, int], list[int]] = {}
        """General hole, age, uses and agreeing rules of a value -> the numbers of the features that say so."""
        self.counts = HoleCounts()

    def add(self, log: SessionLog) -> None:
        """Take in one session."""
        walk = _Walk(log, self._wanted)
        proposing = Proposing(self._plan, walk.memory, walk.cwd)
        fold = fold_of(group_of(log), self._folds)
        right: set[tuple[str, int]] = set()
        for decision in decisions(log):
            walk.observe(decision.observed)
            for call in decision.calls:
                values = {path_text(path): value for path, value in leaves(arguments_of(call))}
                for place, value in values.items():
                    hole, key = (call.tool or "") + place, value_key(value)
                    if hole not in self._rules or self._selection.is_literal(hole, key):
                        continue
                    others = {other: held for other, held in values.items() if other != place}
                    rules, proposed = proposing.proposals(hole, others)
                    found = {one: (tuple(places), proposed[one]) for one, places in rules.items()}
                    right |= self._count(hole, found, key, f"{log.session.key}#{call.seq}")
                    self._choose(hole, GENERAL + place, found, key, walk, fold)
        for at in right:
            self.counts.evidence[at].sessions += 1
        self.counts.traces.append(trace_of(log, self._folds))

    def counted(self) -> HoleCounts:
        """All there is: how often a rule fired follows from what it fired together with."""
        evidence = self.counts.evidence
        for hole, together in self.counts.together.items():
            for places, count in together.items():
                for at in places:
                    evidence[hole, at].fired += count
        return self.counts

    def _count(self, hole: str, found: Found, wanted: str, where: str) -> set[tuple[str, int]]:
        """Note who fired and who was right; those that were."""
        right: set[tuple[str, int]] = set()
        evidence, together, lacking = self.counts.evidence, self.counts.together[hole], self._lacking[hole]
        for key, (places, _) in found.items():
            if places not in together:
                # Rules stand in the order in which they first fired.
                for at in places:
                    evidence[hole, at]
            together[places] += 1
            if key == wanted:
                for at in places:
                    evidence[hole, at].right += 1
                    right.add((hole, at))
            elif not lacking.isdisjoint(places):
                for at in lacking.intersection(places):
                    examples = evidence[hole, at].counter_examples
                    examples.append(where)
                    if len(examples) == COUNTER_EXAMPLES:
                        lacking.discard(at)
        return right

    def _choose(self, hole: str, general: str, found: Found, wanted: str, walk: _Walk, fold: int) -> None:
        """Note the situation: "none of these", and each value with its features."""
        choices, last, age_of = self.counts.choices[general], walk.last, walk.memory.age
        number, looks, all_marks = choices.number, self._looks[general], self._marks
        joined = self._joined.setdefault((hole, last), {})
        used = walk.memory.used.get(hole, {})
        options = [[number("none"), number(("none", last)), number(("none of", hole))]]
        chosen = 0
        for at, (key, (places, value)) in enumerate(found.items(), 1):
            look = looks.get(key)
            if look is None:
                look = looks[key] = number(shape_trait(value))
            seen = general, age_of(key), used.get(key, 0), len(places)
            marks = all_marks.get(seen)
            if marks is None:
                marks = all_marks[seen] = self._marked(*seen)
            of_rules = joined.get(places)
            if of_rules is None:
                of_rules = joined[places] = self._numbered(hole, last, places, choices)
            options.append([look, *marks, *of_rules])
            if key == wanted:
                chosen = at
        choices.add_numbered(options, (chosen,), fold)

    def _marked(self, general: str, age: int, times: int, rules: int) -> list[int]:
        """Numbers of the features that say how new a value is, how often it was used, and how many rules agree."""
        number = self.counts.choices[general].number
        return [number(AGES[age]), number(USES[min(times, 2)]), number(AGREEING[min(rules, 6)])]

    def _numbered(self, hole: str, last: str, places: tuple[int, ...], choices: Choices) -> list[int]:
        """Numbers of the features that say, for each rule: this rule, after such a call, and in this hole."""
        cells, number = self._cells.setdefault((hole, last), {}), choices.number
        found: list[int] = []
        for at in places:
            cell = cells.get(at)
            if cell is None:
                rule = self._anonymous[hole][at]
                cell = cells[at] = number(rule), number((rule, last)), number((hole, rule))
            found += cell
        return found


class _Walk:
    """A session's memory as it grows, and the last signature."""

    def __init__(self, log: SessionLog, wanted: frozenset[str]) -> None:
        environment = environment_of(log)
        self.memory = Memory(environment, wanted)
        self.cwd = environment.get("cwd", "")
        self.last = "^"

    def observe(self, events: Iterable[Event]) -> None:
        """What is new to a decision."""
        self.memory.mark()
        for event in events:
            remember(self.memory, event)
            if event.kind is EventKind.TOOL_CALL:
                self.last = signature(event.tool or "", coarse_status(event.status, event.text))
            elif event.kind is EventKind.USER_MESSAGE:
                self.last = "user"


def thinned(choices: Choices, kept: Container[tuple[str, Rule]]) -> Choices:
    """The same situations as if only some rules had proposed anything: who took a value that none of these proposes
    took none of the options.

    Args:
        choices: situations as ``HoleKernel`` notes them.
        kept: hole and anonymous rule of those that stay.
    """
    gone = {number for feature, number in choices.features.items() if _is_rule_in_hole(feature) and feature not in kept}
    agreeing, none = [choices.number(trait) for trait in AGREEING], choices.number("none")

    def change(option: Sequence[int]) -> Sequence[int] | None:
        if option[0] == none or gone.isdisjoint(option):
            return option
        rules = [
            number
            for at in range(SEEN, len(option), OF_RULE)
            if option[at + OF_RULE - 1] not in gone
            for number in option[at : at + OF_RULE]
        ]
        return [*option[: SEEN - 1], agreeing[min(len(rules) // OF_RULE, 6)], *rules] if rules else None

    return choices.changed(change)


def _is_rule_in_hole(feature: Hashable) -> bool:
    return isinstance(feature, tuple) and len(feature) == 2 and isinstance(feature[1], Rule)


def anonymous(rule: Rule) -> Rule:
    """A rule without the tool it serves, so that evidence is shared between tools with the same argument."""
    return rule._replace(hole=GENERAL if rule.hole.startswith(GENERAL) else "")
