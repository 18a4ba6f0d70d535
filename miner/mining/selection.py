"""Selection: from a survey, which values are fixed, which rules compete for each argument, which words may tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from miner.mining.sums import Sums, Support
from miner.mining.survey import GENERAL, Survey
from miner.runtime.rules import UNUSED, Rule

FIXED = frozenset({"\0true", "\0false", "\0null"})
"""Values that are always part of the form: there are too few of them to be bound."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How much support a thing needs, in groups of sessions that share no content."""

    rule_groups: int = 2
    literal_groups: int = 3
    constant_groups: int = 2
    enumeration_share: float = 0.5
    """An argument is an enumeration when its recurring values make up this share of its calls …"""
    seen_share: float = 0.5
    """… and fewer than this share of them had been seen elsewhere before."""
    rules_per_hole: int = 48
    least_share: float = 0.005
    """A rule that explains fewer of its argument's calls is dropped."""
    least_beside_share: float = 0.03
    besides_per_hole: int = 8
    pooled_looked_at: int = 200
    """Of the rules that all tools share for an argument's name, so many of the strongest may compete."""
    constants_per_hole: int = 8
    word_share: float = 0.03
    word_groups: int = 5

    @property
    def least_groups(self) -> int:
        """What fewer groups of sessions had is no part of any pattern."""
        return min(self.rule_groups, self.literal_groups, self.constant_groups, self.word_groups)

    @property
    def least_rule_share(self) -> float:
        """What explains a smaller share of an argument's calls is no rule of that argument's own."""
        return min(self.least_share, self.least_beside_share)

    def least_word_groups(self, groups: int) -> float:
        """Words of fewer groups tell nothing, where there are so many groups."""
        return max(self.word_groups, self.word_share * groups)


@dataclass(frozen=True, slots=True)
class Selection:
    """What mining keeps."""

    literals: dict[str, frozenset[str]]
    """Hole -> value keys that are part of the form."""
    rules: dict[str, tuple[Rule, ...]]
    distinct: dict[str, int]
    words: frozenset[str]

    def is_literal(self, hole: str, key: str) -> bool:
        """Whether the value is part of the form."""
        return key in FIXED or key in self.literals.get(hole, ())

    def is_hole(self, hole: str) -> bool:
        """Whether any rule fills it."""
        return hole in self.rules


def select(surveyed: Survey | Sums, thresholds: Thresholds) -> Selection:
    """Keep what is supported; ties are broken by name, so the same survey gives the same selection."""
    survey = Sums.of(surveyed) if isinstance(surveyed, Survey) else surveyed
    literals: dict[str, frozenset[str]] = {}
    rules: dict[str, tuple[Rule, ...]] = {}
    for hole in sorted(survey.calls):
        if hole.startswith(GENERAL):
            continue
        literals[hole] = _literals(hole, survey, thresholds)
        chosen = _rules(hole, survey, literals[hole], thresholds)
        if chosen:
            rules[hole] = chosen
    least = thresholds.least_word_groups(len(survey.groups))
    words = frozenset(word for word, groups in survey.words.items() if len(groups) >= least)
    return Selection(literals, rules, survey.distinct, words)


def _literals(hole: str, survey: Sums, thresholds: Thresholds) -> frozenset[str]:
    tallies: Mapping[str, Support] = survey.values.get(hole, {})
    recurring = {key for key, tally in tallies.items() if len(tally.groups) >= thresholds.literal_groups}
    share = sum(tallies[key].count for key in recurring) / survey.calls[hole]
    seen = survey.seen[hole] / survey.calls[hole]
    if share < thresholds.enumeration_share or seen >= thresholds.seen_share:
        recurring = set()
    return frozenset(recurring) | (FIXED & tallies.keys())


def _rules(hole: str, survey: Sums, literals: frozenset[str], thresholds: Thresholds) -> tuple[Rule, ...]:
    calls = survey.calls[hole]
    own: Mapping[Rule, Support] = survey.explained.get(hole, {})
    streams = _spread(
        _best(own, thresholds.rule_groups, thresholds.least_share * calls, lambda rule: rule.source != "beside")
    )[: thresholds.rules_per_hole]
    besides = islice(
        _best(own, thresholds.rule_groups, thresholds.least_beside_share * calls, lambda rule: rule.source == "beside"),
        thresholds.besides_per_hole,
    )
    known, listed = {rule[1:5] for rule in streams}, set(streams)
    shared = _best(survey.explained.get(survey.general[hole], {}), thresholds.rule_groups, 0, _any)
    pooled = (
        rule if rule.policy.startswith(UNUSED) else rule._replace(hole=hole)
        for rule in islice(shared, thresholds.pooled_looked_at)
        if rule.policy.startswith(UNUSED) or rule[1:5] not in known
    )
    pooled_most = islice((rule for rule in pooled if rule not in listed), thresholds.rules_per_hole // 2)
    constants = [
        Rule(hole, "constant", constant=key)
        for key, tally in sorted(survey.values.get(hole, {}).items(), key=lambda item: (-len(item[1].groups), item[0]))
        if len(tally.groups) >= thresholds.constant_groups and key not in literals
    ][: thresholds.constants_per_hole]
    return (*streams, *besides, *pooled_most, *constants)


def _best(tallies: Mapping[Rule, Support], groups: int, least: float, wanted: Callable[[Rule], bool]) -> Iterator[Rule]:
    """What explains most first; of a million calls' many thousand rules only the first ones are ever asked for."""
    kept = [
        (rule, tally.count)
        for rule, tally in tallies.items()
        if len(tally.groups) >= groups and tally.count >= least and wanted(rule)
    ]
    kept.sort(key=itemgetter(1), reverse=True)
    for _, alike in groupby(kept, itemgetter(1)):
        yield from sorted((rule for rule, _ in alike), key=repr)


def _spread(rules: Iterable[Rule]) -> list[Rule]:
    """The same rules so that every source comes early with its best policy: a few sources with many policies that
    say the same must not crowd the others out.
    """
    ranks: dict[tuple[str, str, tuple[Any, ...]], int] = {}
    layered = []
    for place, rule in enumerate(rules):
        source = rule.source, rule.transform, rule.options
        rank = ranks.get(source, 0)
        ranks[source] = rank + 1
        # The third policy of a strong source is worth as much as the first of one a third as strong.
        layered.append(((place + 1) * (rank + 1), place, rule))
    return [rule for _, _, rule in sorted(layered, key=lambda item: item[:2])]


def _any(_rule: Rule) -> bool:
    return True
