"""Which value each argument took among those that rules proposed: counted session by session, put together in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from miner.events import Event, EventKind, SessionLog
from miner.mining.choice import Choices
from miner.mining.decisions import decisions
from miner.mining.selection import Selection
from miner.mining.survey import GENERAL, arguments_of, environment_of, group_of, remember
from miner.mining.trace import Trace, fold_of, trace_of
from miner.runtime.binding import Proposal, proposals, traits_of
from miner.runtime.memory import Memory, leaves, path_text, value_key
from miner.runtime.patterns import Evidence
from miner.runtime.rules import Apply, Rule, applier
from miner.runtime.signature import coarse_status, signature

COUNTER_EXAMPLES = 3


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
        return counting.counts


Cells = tuple[int, int, int]
"""Numbers of the features that say: this rule, this rule after such a call, this rule in this hole."""


class _Counting:
    def __init__(self, kernel: HoleKernel) -> None:
        self._rules = kernel.rules
        self._selection = kernel.selection
        self._folds = kernel.folds
        self._wanted = frozenset(rule.source for rules in kernel.rules.values() for rule in rules)
        self._anonymous = {hole: [anonymous(rule) for rule in rules] for hole, rules in kernel.rules.items()}
        self._cells: dict[tuple[str, str, str], list[Cells | None]] = {}
        """General hole, hole and last signature -> the cells of each rule, by place."""
        self.counts = HoleCounts()

    def add(self, log: SessionLog) -> None:
        """Take in one session."""
        walk = _Walk(log, self._wanted)
        applies: dict[str, list[Apply]] = {}
        fold = fold_of(group_of(log), self._folds)
        right: set[tuple[str, int]] = set()
        for decision in decisions(log):
            walk.observe(decision.observed)
            for call in decision.calls:
                values = {path_text(path): value for path, value in leaves(arguments_of(call))}
                for place, value in values.items():
                    hole = (call.tool or "") + place
                    if hole not in self._rules or self._selection.is_literal(hole, value_key(value)):
                        continue
                    if hole not in applies:
                        applies[hole] = [applier(rule, walk.cwd) for rule in self._rules[hole]]
                    others = {other: held for other, held in values.items() if other != place}
                    found = proposals(self._rules[hole], applies[hole], walk.memory, others)
                    where = f"{log.session.key}#{call.seq}"
                    right |= self._count(hole, found, value_key(value), where)
                    self._choose(hole, GENERAL + place, found, value_key(value), walk, fold)
        for at in right:
            self.counts.evidence[at].sessions += 1
        self.counts.traces.append(trace_of(log, self._folds))

    def _count(self, hole: str, found: Mapping[str, Proposal], wanted: str, where: str) -> set[tuple[str, int]]:
        """Note who fired and who was right; those that were."""
        right: set[tuple[str, int]] = set()
        together = self.counts.together[hole]
        for proposal in found.values():
            together[tuple(proposal.rules)] += 1
            for at in proposal.rules:
                evidence = self.counts.evidence[hole, at]
                evidence.fired += 1
                if proposal.key == wanted:
                    evidence.right += 1
                    right.add((hole, at))
                elif len(evidence.counter_examples) < COUNTER_EXAMPLES:
                    evidence.counter_examples.append(where)
        return right

    def _choose(
        self, hole: str, general: str, found: Mapping[str, Proposal], wanted: str, walk: _Walk, fold: int
    ) -> None:
        """Note the situation: "none of these", and each value with its features."""
        choices = self.counts.choices[general]
        number = choices.number
        cells = self._cells.setdefault((general, hole, walk.last), [None] * len(self._rules[hole]))
        named, last = self._anonymous[hole], walk.last
        used = walk.memory.used.get(hole, {})
        options = [[number("none"), number(("none", last)), number(("none of", hole))]]
        chosen = 0
        for place, proposal in enumerate(found.values(), 1):
            features = list(map(number, traits_of(proposal, used, walk.memory.age(proposal.key))))
            for at in proposal.rules:
                cell = cells[at]
                if cell is None:
                    rule = named[at]
                    cell = cells[at] = number(rule), number((rule, last)), number((hole, rule))
                features += cell
            options.append(features)
            if proposal.key == wanted:
                chosen = place
        choices.add_numbered(options, (chosen,), fold)


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


def anonymous(rule: Rule) -> Rule:
    """A rule without the tool it serves, so that evidence is shared between tools with the same argument."""
    return rule._replace(hole=GENERAL if rule.hole.startswith(GENERAL) else "")
