"""Weighing: how much each rule, each trait of a value, each trait of a candidate and of the moment counts.

Two conditional logits. The first, one for each argument name, decides between the values that rules propose. The
second decides between whole calls, "no call" among them; it sees only candidates made by patterns that were mined
without the session at hand (cross-fitting; Stone 1974), so what it learns holds for sessions nobody has seen.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from miner.events import Event, EventKind, SessionLog
from miner.mining.choice import Choices, CrossFit, thousandths
from miner.mining.decisions import decisions
from miner.mining.selection import Selection
from miner.mining.survey import GENERAL, SPEAKERS, arguments_of, environment_of, group_of, remember
from miner.mining.trace import fold_of
from miner.runtime.binding import proposals, traits_of
from miner.runtime.canonical import call_identity
from miner.runtime.memory import Memory, leaves, path_text, value_key
from miner.runtime.patterns import Evidence, Hole
from miner.runtime.predictor import Model, SessionPredictor
from miner.runtime.rules import Rule, applier
from miner.runtime.signature import coarse_status, signature

LEAST_WEIGHT = 30
"""Thousandths; smaller weights of traits that depend on the moment are not worth their bytes."""
COUNTER_EXAMPLES = 3
SAME_SHARE = 0.98
"""Two rules that fire together and agree this often are one rule."""
RULES_KEPT = 80


class HoleChoices:
    """Gathers, over sessions, which value each hole took among those its rules proposed."""

    def __init__(self, selections: Iterable[Selection], folds: int) -> None:
        self._folds = folds
        self.rules: dict[str, list[Rule]] = {}
        for selection in selections:
            for hole, rules in selection.rules.items():
                known = self.rules.setdefault(hole, [])
                known.extend(rule for rule in rules if rule not in known)
        self.choices: defaultdict[str, Choices] = defaultdict(Choices)
        self._fits: dict[str, CrossFit] = {}
        self.evidence: defaultdict[tuple[str, Rule], Evidence] = defaultdict(Evidence)
        self._together: defaultdict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
        """Hole -> how often two of its rules (by place) proposed the same value."""
        self._wanted = frozenset(rule.source for rules in self.rules.values() for rule in rules)

    def add(self, log: SessionLog, selection: Selection) -> None:
        """Take in one session; values that are fixed in ``selection`` are no choice."""
        environment = environment_of(log)
        memory = Memory(environment, self._wanted)
        cwd = environment.get("cwd", "")
        applies = {hole: [applier(rule, cwd) for rule in rules] for hole, rules in self.rules.items()}
        fold = fold_of(group_of(log), self._folds)
        last = "^"
        right: set[tuple[str, Rule]] = set()
        for decision in decisions(log):
            memory.mark()
            for event in decision.observed:
                remember(memory, event)
                last = _last(event, last)
            for call in decision.calls:
                arguments = arguments_of(call)
                values = {path_text(path): value for path, value in leaves(arguments)}
                for place, value in values.items():
                    hole = (call.tool or "") + place
                    if hole in self.rules and not selection.is_literal(hole, value_key(value)):
                        others = {other: held for other, held in values.items() if other != place}
                        where = f"{log.session.key}#{call.seq}"
                        self._note(hole, place, value, others, memory, applies[hole], last, fold, where, right)
        for key in right:
            self.evidence[key].sessions += 1

    def _note(
        self,
        hole: str,
        place: str,
        value: Any,
        others: Mapping[str, Any],
        memory: Memory,
        applies: list[Any],
        last: str,
        fold: int,
        where: str,
        right: set[tuple[str, Rule]],
    ) -> None:
        rules = self.rules[hole]
        found = proposals(rules, applies, memory, others)
        wanted = value_key(value)
        used = memory.used.get(hole, {})
        options: list[list[Hashable]] = [["none", ("none", last), ("none of", hole)]]
        chosen = 0
        for number, proposal in enumerate(found.values(), 1):
            features: list[Hashable] = list(traits_of(proposal, used, memory.age(proposal.key)))
            self._together[hole].update(itertools.combinations(proposal.rules, 2))
            for at in proposal.rules:
                rule = _anonymous(rules[at])
                features += [rule, (rule, last), (hole, rule)]
                evidence = self.evidence[hole, rules[at]]
                evidence.fired += 1
                if proposal.key == wanted:
                    evidence.right += 1
                    right.add((hole, rules[at]))
                elif len(evidence.counter_examples) < COUNTER_EXAMPLES:
                    evidence.counter_examples.append(where)
            options.append(features)
            if proposal.key == wanted:
                chosen = number
        self.choices[GENERAL + place].add(options, (chosen,), fold)

    def distinct(self, selection: Selection) -> Selection:
        """The selection without rules that nearly always repeat a better one: they add cost and no knowledge."""
        return dataclasses.replace(
            selection, rules={hole: self._distinct(hole, rules) for hole, rules in selection.rules.items()}
        )

    def _distinct(self, hole: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        places = {rule: place for place, rule in enumerate(self.rules[hole])}
        self._together[hole]
        kept: list[int] = []
        by_hits = sorted((places[rule] for rule in rules), key=lambda place: -self._evidence(hole, place).right)
        for place in by_hits:
            if self._evidence(hole, place).fired and not any(self._is_same(hole, place, other) for other in kept):
                kept.append(place)
        return tuple(self.rules[hole][place] for place in kept[:RULES_KEPT])

    def _is_same(self, hole: str, place: int, other: int) -> bool:
        """Whether two rules fire together and agree: when one fires alone, that too tells something."""
        pair = min(place, other), max(place, other)
        most = max(self._evidence(hole, place).fired, self._evidence(hole, other).fired)
        return self._together[hole][pair] >= SAME_SHARE * most

    def _evidence(self, hole: str, place: int) -> Evidence:
        return self.evidence[hole, self.rules[hole][place]]

    def evidence_by_rule(self) -> dict[Rule, Evidence]:
        """What was counted about each rule; a pooled one serves several holes, whose counts add up."""
        found: dict[Rule, Evidence] = {}
        for (_, rule), one in self.evidence.items():
            known = found.setdefault(rule, Evidence())
            known.fired += one.fired
            known.right += one.right
            known.sessions = max(known.sessions, one.sessions)
            known.counter_examples = [*known.counter_examples, *one.counter_examples][:COUNTER_EXAMPLES]
        return found

    def cross_fit(self, priors: Sequence[float]) -> None:
        """Weigh all rules, on all sessions and without each fold."""
        self._fits = {
            general: choices.cross_fit(priors, self._folds) for general, choices in sorted(self.choices.items())
        }

    def holes(self, selection: Selection, without: int | None) -> tuple[list[Rule], dict[str, Hole]]:
        """The rules of a selection and its holes, weighed without one fold."""
        weights = {
            general: fit.whole if without is None else fit.without[without] for general, fit in self._fits.items()
        }
        after = {general: _by_moment(found) for general, found in weights.items()}
        numbers: dict[Rule, int] = {}
        holes: dict[str, Hole] = {}
        for hole, rules in sorted(selection.rules.items()):
            general = _general(hole, weights)
            found = weights.get(general, {})
            places = {_anonymous(rule): at for at, rule in enumerate(rules)}
            holes[hole] = Hole(
                rules=[numbers.setdefault(rule, len(numbers)) for rule in rules],
                weights=[
                    thousandths(found.get(_anonymous(rule), 0.0) + found.get((hole, _anonymous(rule)), 0.0))
                    for rule in rules
                ],
                none=thousandths(found.get("none", 0.0) + found.get(("none of", hole), 0.0)),
                traits={
                    feature: thousandths(weight)
                    for feature, weight in found.items()
                    if isinstance(feature, str) and feature != "none"
                },
                after=_placed(after.get(general, {}), places),
                distinct=selection.distinct.get(hole, 0),
            )
        return list(numbers), holes


def _anonymous(rule: Rule) -> Rule:
    """A rule without the tool it serves, so that evidence is shared between tools with the same argument."""
    return rule._replace(hole=GENERAL if rule.hole.startswith(GENERAL) else "")


def _general(hole: str, known: Mapping[str, Any]) -> str:
    """The pooled name of a hole: the longest known one that the hole ends with."""
    fitting = [general for general in known if hole.endswith(general[1:])]
    return max(fitting, key=len, default="")


def _by_moment(weights: Mapping[Hashable, float]) -> dict[str, dict[Rule | None, int]]:
    found: defaultdict[str, dict[Rule | None, int]] = defaultdict(dict)
    for feature, weight in weights.items():
        if isinstance(feature, tuple) and len(feature) == 2 and abs(thousandths(weight)) >= LEAST_WEIGHT:
            if feature[0] == "none":
                found[feature[1]][None] = thousandths(weight)
            elif isinstance(feature[0], Rule):
                found[feature[1]][feature[0]] = thousandths(weight)
    return found


def _placed(after: Mapping[str, Mapping[Rule | None, int]], places: Mapping[Rule, int]) -> dict[str, dict[int, int]]:
    found = {}
    for last, weights in after.items():
        kept = {
            -1 if rule is None else places[rule]: weight
            for rule, weight in weights.items()
            if rule is None or rule in places
        }
        if kept:
            found[last] = kept
    return found


def _last(event: Event, last: str) -> str:
    if event.kind is EventKind.TOOL_CALL:
        return signature(event.tool or "", coarse_status(event.status, event.text))
    return "user" if event.kind is EventKind.USER_MESSAGE else last


def observe(predictor: SessionPredictor, event: Event) -> None:
    """Tell a predictor of an event, as a live host would."""
    if event.kind is EventKind.TOOL_CALL:
        predictor.observe_call(event.tool or "", arguments_of(event), event.status, event.text)
    elif event.text:
        predictor.observe_message(SPEAKERS.get(event.kind, "host"), event.text)


class CallChoices:
    """Gathers, over sessions, which call each decision took among the candidates."""

    def __init__(self, folds: int, words: frozenset[str]) -> None:
        self._folds = folds
        self._words = words
        self.choices = Choices()
        self.missed: Counter[str] = Counter()
        """Tool -> calls that were no candidate."""

    def add(self, log: SessionLog, model: Model) -> None:
        """Take in one session, with candidates of a model that was mined without it."""
        fold = fold_of(group_of(log), self._folds)
        predictor = SessionPredictor(model, environment_of(log))
        for decision in decisions(log):
            predictor.decision_starts()
            for event in decision.observed:
                observe(predictor, event)
            moment = [
                trait
                for trait in predictor.moment()
                if not trait.startswith("word ") or trait[5:] in self._words or trait in self._words
            ]
            asked = {call_identity(call.tool or "", arguments_of(call)): call.tool or "" for call in decision.calls}
            options: list[list[Hashable]] = [[(trait, "") for trait in moment]]
            chosen = []
            for number, (candidate, traits) in enumerate(predictor.candidates(), 1):
                features: list[Hashable] = list(traits)
                features.extend((trait, candidate.tool) for trait in moment)
                options.append(features)
                identity = call_identity(candidate.tool, candidate.arguments)
                if identity in asked:
                    chosen.append(number)
                    del asked[identity]
            self.missed.update(asked.values())
            self.choices.add(options, tuple(chosen) or (0,), fold)


def tables(weights: Mapping[Hashable, float]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Weights of candidates' traits, and of the moment's traits by tool, in thousandths."""
    candidate: dict[str, int] = {}
    state: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for feature, weight in weights.items():
        small = thousandths(weight)
        if isinstance(feature, str):
            if small:
                candidate[feature] = small
        elif isinstance(feature, tuple) and abs(small) >= LEAST_WEIGHT:
            state[feature[0]][feature[1]] = small
    return candidate, dict(state)
