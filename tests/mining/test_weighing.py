"""Weighing: evidence counted by hand, rules that say the same dropped, and weights that part right from wrong."""

from __future__ import annotations

import functools
import json
from collections.abc import Hashable

import pytest

from miner.mining.call_choices import CallKernel
from miner.mining.choice import Choices
from miner.mining.hole_counts import thinned
from miner.mining.mine import mine
from miner.mining.selection import Selection, Thresholds, select
from miner.mining.survey import Survey, survey_session
from miner.mining.tool_choices import ToolKernel, tables
from miner.mining.weighing import HoleChoices
from miner.runtime.model import Model
from miner.runtime.patterns import PatternSet
from miner.runtime.rules import Rule
from tests.evaluation.sessions import session_of
from tests.mining import sessions
from tests.mining.sessions import RECIPE, Script, again

GET = "get_order.order_id"
LISTED = "res:find_user.orders[].id"


@functools.cache
def weighed(script: Script, count: int = 6) -> tuple[Selection, HoleChoices]:
    """What some sessions of a script let choose from."""
    logs, survey = [script(number) for number in range(count)], Survey()
    for log in logs:
        survey_session(log, survey)
    selection = select(survey, Thresholds())
    holes = HoleChoices([selection], 2)
    holes.counts.extend(holes.kernel(selection)(logs))
    holes.cross_fit((1.0,), [selection])
    return selection, holes


def test_evidence_is_what_fired_and_what_was_right() -> None:
    """Three orders in each of six sessions: the first listed is right once of three, the next unused always."""
    _, holes = weighed(sessions.order_desk)
    first, following = (holes.evidence(GET, Rule(GET, LISTED, policy)) for policy in ("first 0", "next 0"))
    assert (first.fired, first.right, first.sessions) == (18, 6, 6)
    assert (following.fired, following.right, following.sessions) == (18, 18, 6)
    assert following.counter_examples == []


def test_counter_examples_say_where() -> None:
    """At most three places, each a session and an event at which the rule was wrong."""
    _, holes = weighed(sessions.order_desk)
    places = holes.evidence(GET, Rule(GET, LISTED, "first 0")).counter_examples
    assert places == ["desk0#3", "desk0#4", "desk1#3"]


def test_a_right_rule_outweighs_a_wrong_one() -> None:
    """The value that the next-unused rule proposes scores higher than that of the first-listed one."""
    selection, holes = weighed(sessions.order_desk)
    rules, fitted = holes.holes(selection, None)
    weights = dict(zip((rules[place] for place in fitted[GET].rules), fitted[GET].weights, strict=True))
    assert weights[Rule(GET, LISTED, "next 0")] > weights[Rule(GET, LISTED, "first 0")]


def test_rules_that_always_agree_are_one() -> None:
    """No two rules that are kept propose the same value whenever they fire."""
    selection, holes = weighed(sessions.order_desk)
    kept = holes.distinct(selection).rules[GET]
    assert 0 < len(kept) < len(selection.rules[GET])
    answers = {(holes.evidence(GET, rule).fired, holes.evidence(GET, rule).right) for rule in kept}
    assert (18, 18) in answers
    assert sum(holes.evidence(GET, rule).right == 18 for rule in kept) == 1


def test_a_rule_that_is_kept_weighs_what_its_twins_would() -> None:
    """Left without the rules that say the same, a rule alone separates its value as all of them together did."""
    selection, holes = weighed(sessions.order_desk)
    fewer = holes.distinct(selection)

    def lead(chosen: Selection) -> float:
        """By how much the next unused order outweighs the first listed one, all rules together."""
        rules, fitted = holes.holes(chosen, None)
        weights = {rules[place]: weight for place, weight in zip(fitted[GET].rules, fitted[GET].weights, strict=True)}
        right = {rule for rule in weights if holes.evidence(GET, rule).right == 18}
        return sum(weights[rule] if rule in right else -weights[rule] for rule in weights)

    together = lead(selection)
    left_over = lead(fewer)
    holes.cross_fit((1.0,), [fewer])
    assert left_over < lead(fewer)
    assert lead(fewer) > together / 2


def test_thinned_situations_know_only_the_rules_that_are_kept() -> None:
    """A value that no kept rule proposes is no option; to take it was to take none; those who agree are counted."""
    first, second = Rule("", "user~code", "first 0"), Rule("", "user~code", "recent 0")
    choices = Choices()

    def value(agreeing: int, *rules: Rule) -> list[Hashable]:
        of_rules: list[Hashable] = []
        for rule in rules:
            of_rules += [rule, (rule, "user"), ("get.id", rule)]
        return ["s-", "a0", "u0", f"n{agreeing}", *of_rules]

    none: list[Hashable] = ["none", ("none", "user"), ("none of", "get.id")]
    choices.add([none, value(2, first, second), value(1, second)], (2,), 1)
    choices.add([none, value(1, second), value(1, first)], (2,), 0)
    fewer = thinned(choices, {("get.id", first)})
    expected = Choices()
    expected.add([none, value(1, first)], (0,), 1)
    expected.add([none, value(1, first)], (1,), 0)
    assert fewer.fit(1.0) == pytest.approx(expected.fit(1.0))
    assert fewer.fit(1.0, without=0) == pytest.approx(expected.fit(1.0, without=0))


def test_a_fixed_value_is_no_choice() -> None:
    """What is part of the form is not weighed."""
    flags = [session_of(f"f{n}", "go", [("run", {"dry": True, "id": f"x_{n}"}, "")], []) for n in range(4)]
    survey = Survey()
    for log in flags:
        survey_session(log, survey)
    selection = select(survey, Thresholds())
    counts = HoleChoices([selection], 2).kernel(selection)(flags)
    assert "*.dry" not in counts.choices


def test_candidates_come_from_patterns_and_missed_calls_are_counted() -> None:
    """A model that knows nothing offers no first call: each tool's calls are missed, repeats are not."""
    log = sessions.same_again(0)
    counts = CallKernel([Model(PatternSet())] * 2)([log])
    assert counts.missed == {"start_job": 1, "job_state": 1}
    assert len(counts.choices) == 6


def test_the_tool_is_weighed_where_contexts_allow_it() -> None:
    """A model that knows no tool leaves only the decisions that called none; one that does leaves all of them."""
    log = sessions.same_again(0)
    unknown = ToolKernel([Model(PatternSet())] * 2, frozenset())([log])
    mined = mine(again(*map(sessions.same_again, range(12))), RECIPE)
    known = ToolKernel([Model(mined)] * 2, frozenset())([log])
    assert 0 < len(unknown) < len(known)
    assert {"Tjob_state", "Tstart_job"} <= set(known.features)
    assert all(isinstance(one, str) or one[1] in ("", "job_state", "start_job") for one in known.features)


def test_tables_part_traits_of_tools_and_of_moments() -> None:
    """Texts are tools' traits, pairs the moment's by tool; tiny weights of the moment are left out."""
    assert tables({"r0": 1.5, "zero": 0.0, ("since 1", "open"): 0.2, ("since 1", ""): -0.5, ("x", "t"): 0.01}) == (
        {"r0": 1500},
        {"since 1": {"open": 200, "": -500}},
    )


def test_the_evidence_in_the_patterns_is_of_their_own_rules() -> None:
    """Each rule of a mined pattern set stands beside its own counts, and none fired less than it was right."""
    patterns = mine(again(*map(sessions.order_desk, range(12))), RECIPE)
    assert len(patterns.evidence) == len(patterns.rules)
    assert all(one.sessions <= one.right <= one.fired for one in patterns.evidence)
    best = max(zip(patterns.rules, patterns.evidence, strict=True), key=lambda pair: pair[1].right)
    assert (best[1].fired, best[1].right, best[1].sessions) == (36, 36, 12)
    assert json.dumps(best[1].counter_examples) == "[]"
