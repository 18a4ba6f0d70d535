"""Binding: values that rules propose compete, and a kept binder says what a fresh one would."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.binding import Binder
from miner.runtime.memory import Memory, value_key
from miner.runtime.patterns import Hole
from miner.runtime.plan import Plan
from miner.runtime.rules import Rule, applier
from tests.runtime.plain_proposals import proposals

RULES = [
    Rule("get.id", "res:find.rows[].id", "first 0"),
    Rule("get.id", "res:find.rows[].id", "next 0"),
    Rule("get.id", "user~code", "recent 0"),
    Rule("get.id", "beside", "res:find.rows[]\x1fid", anchor=".name"),
    Rule("get.id", "constant", constant=value_key("default_1")),
]
APPLIES = [applier(rule, "") for rule in RULES]


def found_memory() -> Memory:
    """The user named U1_2; a search found two rows."""
    memory = Memory()
    memory.message("user", "look at code_22 please")
    memory.call("find", {"q": "x_1"}, json.dumps({"rows": [{"id": "A1", "name": "one"}, {"id": "B2", "name": "two"}]}))
    return memory


def binder(hole: Hole) -> Binder:
    """A binder of all the rules."""
    return Binder(Plan("get.id", hole, RULES), "")


def hole(*weights: int, none: int = 0, **more: dict[str, int]) -> Hole:
    """A hole whose rules have these weights."""
    return Hole(list(range(len(RULES))), list(weights), none, **more)


def test_each_distinct_value_stands_once_with_its_rules() -> None:
    """Two rules that agree make one proposal."""
    found = proposals(RULES, APPLIES, found_memory(), {".name": "two"})
    assert {key: proposal.rules for key, proposal in found.items()} == {
        "A1": [0, 1],
        "code_22": [2],
        "B2": [3],
        "default_1": [4],
    }


def test_chances_are_the_softmax_of_weights_none_among_them() -> None:
    """Scores 2 ln 2 for A1, ln 2 for the user's code, 0 for the constant and for none: 4, 2, 1, 1 of 8."""
    two = round(1000 * math.log(2))
    ranked = binder(hole(two, two, two, 0, 0)).ranked(found_memory(), {}, "find", 6)
    assert [(one.key, one.rule) for one in ranked] == [("A1", 0), ("code_22", 2), ("default_1", 4)]
    assert [one.chance for one in ranked] == pytest.approx([4 / 8, 2 / 8, 1 / 8], abs=1e-3)


def test_what_came_last_moves_the_weights() -> None:
    """A rule that gains after a call of ``find`` wins after it, and not after others."""
    moved = Hole(list(range(5)), [0] * 5, 0, after={"find": {2: 3000, -1: -500}})
    one = binder(moved)
    assert one.ranked(found_memory(), {}, "find", 1)[0].key == "code_22"
    assert one.ranked(found_memory(), {}, "other", 6)[0].chance == pytest.approx(1 / 4)


def test_the_other_argument_decides_what_stands_beside() -> None:
    """With the name of a row bound, its id wins; without it the rule is silent."""
    one, memory = binder(hole(0, 0, 0, 5000, 0)), found_memory()
    assert one.ranked(memory, {".name": "two"}, "find", 1)[0].key == "B2"
    assert one.ranked(memory, {".name": "one"}, "find", 1)[0].key == "A1"
    assert "B2" not in {ranked.key for ranked in one.ranked(memory, {}, "find", 6)}


def test_ties_are_broken_by_the_value() -> None:
    """Equal chances come in the order of their keys."""
    ranked = binder(hole(0, 0, 0, 0, 0)).ranked(found_memory(), {".name": "two"}, "find", 6)
    tied = [one.key for one in ranked if one.chance == ranked[-1].chance]
    assert tied == sorted(tied)
    assert len(tied) > 1


def test_no_proposal_is_no_value() -> None:
    """A hole whose rules are all silent is not filled."""
    silent = Binder(Plan("get.id", Hole([0], [9000]), RULES[:1]), "")
    assert silent.ranked(Memory(), {}, "^", 6) == []


def test_huge_weights_do_not_overflow() -> None:
    """The largest weights that a bundle can hold give chances, not an exception."""
    ranked = binder(hole(10**14, 0, 0, 0, -(10**14), none=-(10**14))).ranked(found_memory(), {}, "find", 6)
    assert ranked[0].chance == pytest.approx(1)
    assert sum(one.chance for one in ranked) <= 1 + 1e-9


moves = st.lists(
    st.tuples(st.sampled_from(["user", "find", "get", "mark", "ask"]), st.integers(0, 3)), min_size=1, max_size=12
)


@given(moves, st.lists(st.integers(-3000, 3000), min_size=5, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_kept_binder_says_what_a_fresh_one_would(happens: list[tuple[str, int]], weights: list[int]) -> None:
    """Whatever happens, and whenever it is asked, what is kept between decisions changes no answer."""
    memory, kept = Memory(), binder(hole(*weights, traits={"a0": 300, "u1": -400, "n2": 250, "a2": 50}))
    for what, number in happens:
        if what == "mark":
            memory.mark()
        elif what == "ask":
            _same_answers(kept, memory, weights, number)
        elif what == "user":
            memory.message("user", f"see code_{number}")
            kept.touch((0, 1, 2))
        else:
            rows = json.dumps({"rows": [{"id": f"A{number}", "name": "one"}, {"id": f"B{number}", "name": "two"}]})
            memory.call(what, {"id": f"A{number}"}, rows if what == "find" else "")
            kept.touch((0, 1, 2))
    _same_answers(kept, memory, weights, 0)


def _same_answers(kept: Binder, memory: Memory, weights: list[int], number: int) -> None:
    fresh = binder(kept.plan.hole)
    assigned = {".name": ("one", "two", "three", "four")[number]} if number else {}
    assert kept.ranked(memory, assigned, "find", 6) == fresh.ranked(memory, assigned, "find", 6)
