"""Sweeps: a call was taken from a row of a result, and the next one may come from the row after it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.canonical import call_identity
from miner.runtime.memory import Memory
from miner.runtime.model import Model
from miner.runtime.predictor import SessionPredictor
from miner.runtime.sweeps import ITEMS_LOOKED_AT, LISTS_KEPT, ROWS_KEPT, ROWS_TRIED, SWEEPS, Sweeps
from tests.runtime.test_predictor import world

LEGS = [
    {"from": "DEN", "to": "PHL", "day": "28"},
    {"from": "PHL", "to": "DEN", "day": "28"},
    {"from": "DEN", "to": "MIA", "day": "30"},
    {"from": "MIA", "to": "DEN", "day": "30"},
]


class Session:
    """A memory and its sweeps, told the same."""

    def __init__(self) -> None:
        self.memory, self.sweeps = Memory(), Sweeps()

    def call(self, tool: str, arguments: dict[str, Any], result: Any = None) -> None:
        """One call, with the JSON of its result."""
        self.sweeps.call(tool, arguments, call_identity(tool, arguments), self.memory)
        self.memory.call(tool, arguments, None if result is None else json.dumps(result))
        if self.memory.given is not None:
            self.sweeps.result(self.memory.given)

    def next(self) -> list[dict[str, Any]]:
        """The arguments of the calls that may come next."""
        return [one.arguments for one in self.sweeps.go_on()]

    def traits(self) -> list[str]:
        """Those of the first call that may come next."""
        return next(self.sweeps.go_on()).traits


def looked_up(*legs: dict[str, Any]) -> Session:
    """A session that has looked up a trip, and searched for some of its legs."""
    session = Session()
    session.call("trip", {"id": "T1"}, {"id": "T1", "legs": LEGS})
    for leg in legs:
        session.call("search", leg)
    return session


def test_nothing_is_swept_before_a_call_was_taken_from_a_row() -> None:
    """Rows alone say nothing of what will be done with them."""
    assert looked_up().next() == []


@pytest.mark.parametrize("place", range(len(LEGS) - 1))
def test_after_a_row_comes_the_next_one(place: int) -> None:
    """One call is enough; values that several rows share do not mislead."""
    assert looked_up(LEGS[place]).next() == [LEGS[place + 1]]


def test_after_the_last_row_comes_nothing_until_there_are_more() -> None:
    """Rows of a later result at the same place go on with the sweep."""
    session = looked_up(LEGS[-1])
    assert session.next() == []
    more = {"from": "SEA", "to": "IAH", "day": "21"}
    session.call("trip", {"id": "T2"}, {"id": "T2", "legs": [more]})
    assert more in session.next()


def test_what_stands_in_no_row_stays_as_it_is() -> None:
    """Other arguments, nested ones too, are those of the last call."""
    asked = {"leg": {"from": "DEN", "to": "PHL"}, "seats": [1], "cheap": True}
    assert looked_up(asked).next() == [{**asked, "leg": {"from": "PHL", "to": "DEN"}}]


def test_half_of_the_values_are_too_few() -> None:
    """A row is the source of a call only when it holds more than half of its values."""
    assert looked_up({"from": "MIA", "to": "ORD"}).next() == []
    assert looked_up({"from": "MIA", "to": "ORD", "day": "30"}).next() == []
    assert looked_up({"from": "DEN", "to": "MIA", "day": "31"}).next() == [{"from": "MIA", "to": "DEN", "day": "31"}]


def test_fields_need_not_have_the_names_of_arguments() -> None:
    """A field is told by its value; where two have it, by its name."""
    session = Session()
    rows = [{"name": "a", "number": 1, "of": 1}, {"name": "b", "number": 2, "of": 9}]
    session.call("list", {}, rows)
    session.call("close", {"issue": "a", "of": 1})
    assert session.next() == [{"issue": "b", "of": 9}]


def test_the_result_of_a_call_is_not_where_it_was_taken_from() -> None:
    """A result that repeats what was asked for comes too late to have been its source."""
    session = Session()
    session.call("open", {"id": "A1"}, [{"id": "A1"}, {"id": "A2"}])
    assert session.next() == []


def test_of_equal_rows_the_one_after_the_last_is_taken() -> None:
    """The same values twice: the sweep goes on from where it is, and does not start again."""
    rows = [{"id": 1, "kind": "x"}, {"id": 1, "kind": "y"}, {"id": 1, "kind": "x"}, {"id": 2, "kind": "z"}]
    session = Session()
    session.call("list", {}, rows)
    for row in rows[1:3]:
        session.call("open", row)
    assert session.next() == [rows[3]]


def test_rows_that_give_the_same_call_or_none_are_passed_over() -> None:
    """What was just asked is not asked again, and a row without the field says nothing; not for ever."""
    session = Session()
    session.call("list", {}, [{"id": "a"}, {"id": "a"}, {"id": None}, {"other": 1}, {"id": "b"}])
    session.call("open", {"id": "a"})
    assert session.next() == [{"id": "b"}]
    session.call("list", {}, [{"id": "c"}, *({"other": n} for n in range(ROWS_TRIED)), {"id": "d"}])
    session.call("open", {"id": "c"})
    assert session.next() == []


@pytest.mark.parametrize("items", [["a", "b", "c"], [7, 8, 9]], ids=["texts", "numbers"])
def test_lists_of_plain_values_are_swept_too(items: list[Any]) -> None:
    """By calls of one value; a newer list at the same place does not end the sweep."""
    session = Session()
    session.call("list", {}, {"ids": items})
    session.call("open", {"id": items[0], "quick": True})
    assert session.next() == [{"id": items[1], "quick": True}]
    session.call("list", {}, {"ids": items[::-1]})
    session.call("open", {"id": items[1], "quick": True})
    assert session.next() == [{"id": items[2], "quick": True}]


def test_numbers_are_told_from_flags_and_fractions() -> None:
    """1, 1.0 and true are three values."""
    session = Session()
    session.call("list", {}, {"ids": [1, True, 1.0, "1", 2]})
    session.call("open", {"id": 1})
    assert session.next() == [{"id": "1"}]
    session.call("open", {"id": True})
    assert session.next() == []


def test_traits_say_how_often_the_session_went_on() -> None:
    """Right and wrong so far, whether the row holds all values, and whether it holds several."""
    session = looked_up(LEGS[0])
    assert session.traits() == ["w0 0", "w True True", "Wsearch False"]
    session.call("search", LEGS[1])
    session.call("search", LEGS[2])
    assert session.traits() == ["w2 0", "w+1", "w+2", "w True True", "Wsearch True"]
    session.call("search", LEGS[1])
    session.call("search", {**LEGS[2], "stops": "two"})
    assert session.traits() == ["w2 2", "w+1", "w+2", "w-1", "w-2", "w False True", "Wsearch False"]


def test_only_the_latest_tools_go_on() -> None:
    """A sweep that was left long ago is over."""
    session = looked_up(LEGS[0])
    for number in range(SWEEPS - 1):
        session.call(f"other{number}", {})
    assert session.next() == [LEGS[1]]
    session.call("one more", {})
    assert session.next() == []


def test_long_sessions_are_bounded() -> None:
    """The newest rows and lists are kept, and a sweep goes on among them."""
    session = Session()
    for first in range(0, 6 * ROWS_KEPT, 50):
        session.call("list", {"page": first}, [{"id": f"i{number}"} for number in range(first, first + 50)])
    last = 6 * ROWS_KEPT - 2
    session.call("open", {"id": f"i{last}"})
    assert session.next() == [{"id": f"i{last + 1}"}]
    assert sum(len(series.rows) for series in session.sweeps._series.values()) <= 2 * ROWS_KEPT
    for number in range(3 * LISTS_KEPT):
        session.call(f"tool{number}", {}, [f"{number} {item}" for item in range(3 * ITEMS_LOOKED_AT)])
    assert len(session.sweeps._lists) == LISTS_KEPT
    assert all(len(items.values) == ITEMS_LOOKED_AT for items in session.sweeps._lists.values())


def test_a_swept_row_says_where_its_values_are_from() -> None:
    """The policy must know that a value was told by a tool and not by the model."""
    predictor = SessionPredictor(Model(world()))
    rows = [{"path": "a", "mode": "r"}, {"path": "b", "mode": "w"}]
    predictor.observe_call("find", {"q": "it"}, "ok", json.dumps({"items": rows}))
    predictor.observe_call("show", {**rows[0], "wide": True}, "ok", "…")
    (found,) = [one for one in predictor.predict(9) if one.tool == "show" and one.arguments["path"] == "b"]
    assert found.arguments == {**rows[1], "wide": True}
    assert found.origins == {"path": "result:find", "mode": "result:find", "wide": "argument:show"}
    assert found.swept == {"path": "res:find.items[]", "mode": "res:find.items[]"}
    assert predictor.could_produce("show", found.arguments)
    assert not predictor.could_produce("show", {**rows[1], "wide": False})


def test_a_branch_sees_the_rows_that_it_brought() -> None:
    """After the last row comes the first of those that a speculated call has given, in the branch alone."""
    session = looked_up(LEGS[-1])
    branch = Session()
    branch.memory, branch.sweeps = session.memory.branch(), session.sweeps.branch()
    more = {"from": "SEA", "to": "IAH", "day": "21"}
    branch.call("trip", {"id": "T2"}, {"id": "T2", "legs": [more]})
    assert more in branch.next()
    assert session.next() == []


values = st.sampled_from(["a", "b", "c", 1, 2, True, None, 1.0, "", "x" * 500])
rows = st.lists(st.dictionaries(st.sampled_from(["id", "kind", "to"]), values, max_size=3), max_size=5)
results = st.one_of(st.none(), rows, st.lists(values, max_size=5), st.builds(lambda inner: {"items": inner}, rows))
calls = st.tuples(
    st.sampled_from(["T", "U"]),
    st.dictionaries(st.sampled_from(["id", "kind", "to"]), st.one_of(values, st.lists(values, max_size=2)), max_size=3),
    results,
)


@given(happened=st.lists(calls, max_size=12), then=calls)
@settings(max_examples=200, deadline=None)
def test_a_branch_goes_on_as_the_session_would_and_leaves_it_alone(happened: list[Any], then: Any) -> None:
    """Whatever happens: the branch says what the session would say next, and the session says what it said."""
    one, other = Session(), Session()
    for tool, arguments, result in happened:
        one.call(tool, arguments, result)
        other.call(tool, arguments, result)
    before = list(one.sweeps.go_on())
    branch = Session()
    branch.memory, branch.sweeps = one.memory.branch(), one.sweeps.branch()
    branch.call(*then)
    assert list(one.sweeps.go_on()) == before
    other.call(*then)
    assert list(branch.sweeps.go_on()) == list(other.sweeps.go_on())
    one.call(*then)
    assert list(one.sweeps.go_on()) == list(other.sweeps.go_on())


@given(happened=st.lists(calls, max_size=12))
@settings(max_examples=200, deadline=None)
def test_what_comes_next_is_another_call_of_the_same_arguments(happened: list[Any]) -> None:
    """Never the call just made, and never another set of arguments."""
    session, last = Session(), {}
    for tool, arguments, result in happened:
        session.call(tool, arguments, result)
        last[tool] = arguments
        for following in session.sweeps.go_on():
            assert following.identity == call_identity(following.tool, following.arguments)
            assert following.identity != call_identity(following.tool, last[following.tool])
            assert following.arguments.keys() == last[following.tool].keys()
            assert following.swept.keys() <= following.arguments.keys()
