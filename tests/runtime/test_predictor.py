"""The predictor of a session: pure, exact on a small world, independent of other sessions, steady in long ones."""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.forms import Form, Slot
from miner.runtime.habits import REPEATS, Often
from miner.runtime.memory import value_key
from miner.runtime.model import Model
from miner.runtime.patterns import NO_CALL, Hole, PatternSet
from miner.runtime.predictor import SessionPredictor
from miner.runtime.rules import Rule
from miner.runtime.speculation import Speculation
from tests.runtime.small_patterns import small_patterns

FOUND = json.dumps({"items": [{"path": "docs/a.txt"}, {"path": "docs/b.txt"}]})


def world() -> PatternSet:
    """After ``find`` three times in four ``open`` of the first path found, else no call; nothing else is weighed."""
    return PatternSet(
        forms=[Form("find", None), Form("open", None), Form("open", (Slot(("path",), None),))],
        rules=[Rule("open.path", "res:find.items[].path", "next 0")],
        holes={"open.path": Hole([0], [round(1000 * math.log(9))])},
        contexts={"": {2: 1, NO_CALL: 1}, "1 find": {2: 3, NO_CALL: 1}},
        candidate_weights={"f2": round(1000 * math.log(3))},
    )


def found_first(patterns: PatternSet) -> SessionPredictor:
    """A session whose search has just brought two paths."""
    predictor = SessionPredictor(Model(patterns))
    predictor.observe_message("user", "find it")
    predictor.observe_call("find", {"q": "it"}, "ok", FOUND)
    predictor.decision_starts()
    return predictor


def of_forms(predictor: SessionPredictor) -> list[Speculation]:
    """Guesses that a form made, not those that repeat a call."""
    return [guess for guess in predictor.predict() if guess.pattern is not None]


def test_a_guess_carries_its_call_its_pattern_and_where_its_values_are_from() -> None:
    """The first path found, by rule 0 of form 2, out of a result of ``find``."""
    (guess,) = of_forms(found_first(world()))
    assert (guess.tool, guess.arguments, guess.pattern) == ("open", {"path": "docs/a.txt"}, 2)
    assert guess.rules == {".path": 0}
    assert guess.origins == {"path": "result:find"}


def test_the_probability_is_the_softmax_over_candidates_and_no_call() -> None:
    """Weights ln 3 for the filled form, 0 for repeating the search and for no call: three fifths."""
    guesses = found_first(world()).predict()
    assert [(guess.tool, round(guess.probability, 3)) for guess in guesses] == [("open", 0.6), ("find", 0.2)]


def test_what_was_used_is_not_next() -> None:
    """Once the first path was opened, the second is the guess; after that, none."""
    predictor = found_first(world())
    seen = []
    for _ in range(2):
        guess = of_forms(predictor)[0]
        seen.append(guess.arguments["path"])
        predictor.observe_call("open", guess.arguments, "ok", "text")
    assert seen == ["docs/a.txt", "docs/b.txt"]
    assert of_forms(predictor) == []


def test_asking_changes_nothing() -> None:
    """However often and however much is asked, the answer stays, and so does what comes later."""
    asked, silent = found_first(small_patterns()), found_first(small_patterns())
    first = asked.predict(5)
    assert [asked.predict(most) for most in (1, 3, 50, 5)][-1] == first
    assert asked.predict(1) == first[:1]
    for predictor in (asked, silent):
        predictor.observe_call("open", {"path": "docs/a.txt"}, "ok", "text")
    assert asked.predict() == silent.predict()


def test_a_callers_change_to_a_guess_reaches_no_later_guess() -> None:
    """Arguments and results belong to whoever got them."""
    predictor = found_first(world())
    before = copy.deepcopy(predictor.predict())
    of_forms(predictor)[0].arguments["path"] = "changed"
    assert predictor.predict() == before


def test_sessions_of_one_model_do_not_see_each_other() -> None:
    """What one session finds is no guess of another, and the model stays as it was."""
    model = Model(world())
    one, other = SessionPredictor(model), SessionPredictor(model)
    one.observe_call("find", {"q": "secret_1"}, "ok", FOUND)
    assert "docs/a.txt" in str(one.predict())
    assert other.predict() == []
    assert SessionPredictor(model).predict() == []


def test_an_empty_pattern_set_predicts_repeats_only() -> None:
    """Without patterns nothing is made up."""
    predictor = SessionPredictor(Model(PatternSet()))
    assert predictor.predict() == []
    predictor.observe_call("t", {"a": 1}, None, None)
    assert [(guess.tool, guess.arguments) for guess in predictor.predict()] == [("t", {"a": 1})]


def test_no_guess_stands_twice_and_chances_fall() -> None:
    """Two forms, a rhythm and a repeat that come to the same call are one guess."""
    predictor = found_first(small_patterns())
    for number in range(6):
        predictor.observe_call("find", {"name": "notes", "limit": 10 * number}, "ok", FOUND)
        guesses = predictor.predict(50)
        assert len({guess.identity for guess in guesses}) == len(guesses)
        assert [g.probability for g in guesses] == sorted((g.probability for g in guesses), reverse=True)


def test_the_rhythm_of_the_session_itself_is_continued() -> None:
    """A step that only this session showed, page after page, is a candidate without any pattern."""
    predictor = SessionPredictor(Model(PatternSet()))
    for page in range(1, 4):
        predictor.observe_call("list", {"page": page, "q": "x"}, "ok", "rows")
    assert {"page": 4, "q": "x"} in [guess.arguments for guess in predictor.predict()]


def test_a_call_that_is_no_json_is_refused_and_forgotten() -> None:
    """A host that passes NaN gets an error, and the session goes on as if it had not happened."""
    predictor, untouched = found_first(world()), found_first(world())
    with pytest.raises(ValueError, match="JSON"):
        predictor.observe_call("open", {"path": math.nan}, "ok", "text")
    assert [guess.arguments for guess in predictor.predict()] == [guess.arguments for guess in untouched.predict()]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"text": "x" * 1_000_000}, "ok", id="megabyte argument"),
        pytest.param({"a": 1}, "[" * 100_000 + "]" * 100_000, id="deep result"),
        pytest.param({"a": 1}, '{"items": [{"path": "docs/', id="cut-off result"),
        pytest.param({"a": 1}, '{"items": [{"path": NaN}, {"path": 1e999}]}', id="NaN in a result"),
        pytest.param({"a.b": {"[0]": ""}}, "\0\ud800\\x", id="odd keys, binary result"),
        pytest.param({"n": 2**70}, None, id="huge number, no result"),
        pytest.param({}, "", id="nothing at all"),
    ],
)
def test_odd_calls_are_observed(arguments: dict[str, Any], text: str | None) -> None:
    """Whatever a call looks like, the session goes on and predicts values that JSON can hold."""
    for patterns in (world(), small_patterns()):
        predictor = found_first(patterns)
        for tool in ("find", "open", "odd.tool[0]", ""):
            predictor.observe_call(tool, arguments, "ok", text)
            assert all(guess.identity for guess in predictor.predict())


class Counted(list[Any]):
    """A list that counts what is read from its end backwards."""

    read = 0

    def __reversed__(self) -> Iterator[Any]:  # type: ignore[override]
        for item in super().__reversed__():
            self.read += 1
            yield item


@pytest.mark.parametrize("distinct", [5_000, 1], ids=["calls all new", "one call again and again"])
def test_a_decision_of_a_long_session_reads_no_more_than_one_of_a_short(distinct: int) -> None:
    """After 5,000 calls, new ones or always the same, a prediction looks back at a bounded number of them."""
    predictor = SessionPredictor(Model(world()))
    for number in range(5_000):
        predictor.observe_call("poll", {"job": number % distinct}, "ok", "running")
    predictor.memory.made = counted = Counted(predictor.memory.made)
    predictor.predict()
    assert counted.read <= 100
    assert len(predictor.outlook.history) <= 200


events = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(["open docs/x.txt", 'find "notes"', "thanks"])),
        st.tuples(st.just("find"), st.sampled_from([FOUND, "[]", "error", "docs/z.txt:3: x"])),
        st.tuples(st.just("open"), st.sampled_from(["text", "", "docs/q.md"])),
    ),
    max_size=10,
)


@given(events, st.sets(st.integers(0, 9)))
@settings(max_examples=60, deadline=None)
def test_when_it_is_asked_does_not_matter(happens: list[tuple[str, str]], asked_at: set[int]) -> None:
    """A session that was asked at some moments and one that never was predict the same in the end."""
    model = Model(small_patterns())
    often, once = SessionPredictor(model, {"cwd": "/w"}), SessionPredictor(model, {"cwd": "/w"})
    for number, (what, text) in enumerate(happens):
        for predictor in (often, once):
            predictor.decision_starts()
            if what == "say":
                predictor.observe_message("user", text)
            else:
                predictor.observe_call(what, {"name": f"n{number % 3}", "limit": number}, "ok", text)
        if number in asked_at:
            often.predict()
    assert often.predict() == once.predict()


def test_fixed_values_are_filled_in() -> None:
    """A form's flag and nested text come with every guess of it, type and all."""
    patterns = PatternSet(
        forms=[Form("run", (Slot(("deep", "flag"), value_key(value=True)), Slot(("mode",), "fast")))],
        literals={"run.deep.flag": [True], "run.mode": ["fast"]},
        contexts={"": {0: 1}},
    )
    (guess,) = SessionPredictor(Model(patterns)).predict()
    assert guess.arguments == {"deep": {"flag": True}, "mode": "fast"}
    assert guess.origins == {"deep": "constant", "mode": "constant"}


def _work_of_a_decision(calls: int) -> int:
    """Functions called by one prediction after so many calls, each made twice, in steps that never recur."""
    predictor = SessionPredictor(Model(world()))
    for number in range(calls):
        place = number % (calls // 2)
        predictor.observe_call("poll", {"job": f"job-{place}", "n": place * place}, "ok", "running")
    called = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal called
        called += event == "call"

    sys.setprofile(count)
    try:
        predictor.predict()
    finally:
        sys.setprofile(None)
    return called


def test_a_decision_costs_the_same_after_five_times_the_calls() -> None:
    """1,000 calls or 5,000, all remembered: the functions that one prediction calls are as many."""
    assert _work_of_a_decision(5_000) <= _work_of_a_decision(1_000) + 50


@given(st.lists(st.sampled_from([f"k{number}" for number in range(14)]), max_size=80))
@settings(max_examples=100, deadline=None)
def test_the_most_often_are_always_ready(keys: list[str]) -> None:
    """What is kept as it comes equals counting all and sorting at the end."""
    often = Often()
    for key in keys:
        often.add(key)
    assert often.best == sorted(set(keys), key=lambda key: (-keys.count(key), key))[:REPEATS]
    assert often.whole == len(keys)
