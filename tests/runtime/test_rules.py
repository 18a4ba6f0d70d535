"""Argument rules: what each index policy picks, beside and same, and that mining's inverse agrees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from miner.runtime.memory import Memory, Stream, value_key
from miner.runtime.rules import POLICIES, SCANNED, Rule, applier, fit_of, pick, propose

LISTS = (["a", "b", "c"], ["d"], ["e", "a"])
"""Three events, oldest first."""


def stream_of(*events: list[Any]) -> Stream:
    """A stream that saw these events."""
    stream = Stream()
    for values in events:
        stream.add({value_key(value): value for value in values})
    return stream


def same(value: Any) -> Any:
    """No transform."""
    return value


@pytest.mark.parametrize(
    ("policy", "used", "expected"),
    [
        ("first 0", [], "e"),
        ("first 1", [], "a"),
        ("first 2", [], None),
        ("last 0", [], "a"),
        ("opening 0", [], "a"),
        ("recent 0", [], "a"),
        ("recent 1", [], "e"),
        ("recent 2", [], "d"),
        ("recent 0", ["a"], "a"),
        ("fresh 0", ["a"], "e"),
        ("fresh 1", ["a", "e"], "c"),
        ("next 0", [], "e"),
        ("next 0", ["e", "a"], "d"),
        ("next 1", ["e", "a"], "b"),
        ("next 0", ["a", "b", "c", "d", "e"], None),
        ("next 4", [], "b"),
    ],
)
def test_policies_pick(policy: str, used: list[str], expected: str | None) -> None:
    """Each policy picks the value its words say."""
    assert pick(stream_of(*LISTS), policy, same, dict.fromkeys(used, 1)) == expected


def test_last_is_silent_when_first_says_the_same() -> None:
    """An event of one value has no last one of its own."""
    assert pick(stream_of(["only"]), "last 0", same, {}) is None


def test_values_that_a_transform_refuses_are_passed_over() -> None:
    """The first file name among the recent values, not nothing because the newest is no path."""
    rule = Rule("open.name", "s", "recent 0", "file_path", ("name",))
    assert pick(stream_of(["src/a.py"], ["plain"]), rule.policy, applier(rule, ""), {}) == "a.py"


def test_no_policy_scans_a_stream_to_its_end() -> None:
    """However many values were used up, a policy looks at a bounded number of values."""
    looked: list[str] = []

    def watching(value: Any) -> Any:
        looked.append(value)
        return value

    values = [f"v{number}" for number in range(200)]
    pick(stream_of(values), "next 0", watching, dict.fromkeys(values, 1))
    assert len(looked) == SCANNED


def listed() -> Memory:
    """A memory of two orders in one user's object."""
    memory = Memory()
    orders = [{"id": "o1", "sum": 5, "item": {"sku": "S1"}}, {"id": "o2", "sum": 7, "item": {"sku": "S2"}}]
    memory.call("find", {}, json.dumps({"user": "u1", "orders": orders}))
    return memory


@pytest.mark.parametrize(
    ("policy", "anchor", "expected"),
    [
        ("res:find.orders[]\x1fsum", "o2", 7),
        ("res:find\x1fuser", "o2", "u1"),
        ("res:find.orders[]\x1fid", "S1", "o1"),
        ("res:find.orders[]\x1fnone", "o1", None),
        ("res:other\x1fuser", "o1", None),
        ("res:find.orders[]\x1fsum", "o3", None),
    ],
)
def test_beside_follows_the_other_argument(policy: str, anchor: str, expected: Any) -> None:
    """The field of the object in which another argument's value stands, or of one around it."""
    rule = Rule("t.x", "beside", policy, anchor=".id")
    assert propose(rule, listed(), same, {".id": anchor}) == expected


def flights() -> Memory:
    """A memory of a way out and back, and of a later one that starts where the way out ended."""
    memory = Memory()
    legs = [("A", "B", "day1", 1), ("B", "A", "day2", 2), ("B", "C", "day3", 3)]
    rows = [dict(zip(("start", "end", "date", "number"), leg, strict=True)) for leg in legs]
    memory.call("find", {}, json.dumps(rows))
    return memory


@pytest.mark.parametrize(
    ("assigned", "expected"),
    [
        ({".end": "B"}, 1),
        ({".end": "A"}, 2),
        ({".start": "B"}, 3),
        ({".start": "B", ".end": "A"}, 2),
        ({".start": "B", ".date": "day2"}, 2),
        ({".start": "B", ".date": "never"}, 3),
        ({".start": "B", ".date": None}, 3),
        ({".other": "B", ".trip.end": "A"}, 2),
    ],
)
def test_beside_takes_the_object_that_fits_the_whole_call(assigned: dict[str, Any], expected: int) -> None:
    """Of several objects with the anchor's value: the one that holds most of the call's values, best under their
    names, and the newest of equals.
    """
    rule = Rule("t.number", "beside", "res:find[]\x1fnumber", anchor=next(iter(assigned)))
    assert propose(rule, flights(), same, assigned) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({".start": "A"}, 0),
        ({".start": "A", ".end": "B"}, 3),
        ({".start": "A", ".end": "B", ".date": "day1"}, 3),
        ({".start": "A", ".end": "B", ".date": "day2"}, 2),
        ({".from": "A", ".to": "B"}, 2),
        ({".from": "A", ".to": "B", ".date": "day3"}, 1),
        ({".start": "A", ".end": "C"}, 2),
        ({".start": "Y", ".end": "Z"}, 1),
    ],
)
def test_values_of_a_call_stand_together_or_do_not(values: dict[str, Any], expected: int) -> None:
    """All of them in one object under their names, nearly so, or not; of a single one nothing is told."""
    assert fit_of(values, flights()) == expected


def test_beside_and_same_wait_for_their_anchor() -> None:
    """Without the other argument they say nothing."""
    for source in ("beside", "same"):
        assert propose(Rule("t.x", source, "res:find\x1fuser", anchor=".id"), listed(), same, {}) is None
    assert propose(Rule("t.x", "same", anchor=".id"), listed(), same, {".id": "o9"}) == "o9"


def test_constants_come_fresh_each_time() -> None:
    """A list as a constant can be changed by who gets it, without a trace."""
    rule = Rule("t.x", "constant", constant=value_key(["a"]))
    propose(rule, Memory(), same, {}).append("b")
    assert propose(rule, Memory(), same, {}) == ["a"]


def test_a_stream_that_is_not_there_fires_nothing() -> None:
    """No event, no proposal, for every policy."""
    assert {propose(Rule("t.x", "res:none.id", policy), Memory(), same, {}) for policy in POLICIES} == {None}


def test_the_working_directory_is_filled_in() -> None:
    """The option ``$cwd`` stands for that of the session."""
    rule = Rule("t.x", "s", "first 0", "file_path", ("under", "$cwd"))
    assert applier(rule, "/home/w")("src/a.py") == "/home/w/src/a.py"
