"""Succession: a step from one call to the next of its tool, and the same step taken again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.canonical import canonical
from miner.runtime.succession import FURTHEST, LONGEST, MOST_LEAVES, state, step, take


@pytest.mark.parametrize(
    ("before", "after", "then"),
    [
        ({"page": 1, "q": "x"}, {"page": 2, "q": "x"}, {"page": 3, "q": "x"}),
        ({"offset": 0, "limit": 100}, {"offset": 100, "limit": 100}, {"offset": 200, "limit": 100}),
        ({"id": "7", "state": "open"}, {"id": "8", "state": "open"}, {"id": "9", "state": "open"}),
        ({"a": {"b": 5}}, {"a": {"b": 3}}, {"a": {"b": 1}}),
        ({"task": 1, "done": False}, {"task": 1, "done": True}, {"task": 1, "done": True}),
        ({"k": [1, 2]}, {"k": [1, 2]}, {"k": [1, 2]}),
        ({"a.b": 1, "[0]": "x"}, {"a.b": 2, "[0]": "x"}, {"a.b": 3, "[0]": "x"}),
        ({"n": 2**60}, {"n": 2**60 + 1}, {"n": 2**60 + 2}),
        ({}, {"all": True}, {"all": True}),
    ],
)
def test_a_step_is_taken_again(before: dict[str, Any], after: dict[str, Any], then: dict[str, Any]) -> None:
    """From two calls the third."""
    taken = step(before, after)
    assert taken is not None
    assert take(taken, before) == after
    assert take(taken, after) == then


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"q": "a"}, {"q": "x" * (LONGEST + 1)}),
        ({"q": "a"}, {"q": "two\nlines"}),
        ({"q": "a"}, {"q": ["list"]}),
        ({"n": 0}, {"n": FURTHEST + 1}),
        ({"n": 0}, {}),
        ({}, {str(number): number for number in range(MOST_LEAVES + 1)}),
    ],
    ids=["long text", "lines", "list", "far", "nothing", "many arguments"],
)
def test_what_has_too_little_in_common_is_no_step(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Texts too long to be fixed, far jumps and crowded calls."""
    assert step(before, after) is None


def test_a_step_by_another_arguments_value_needs_that_argument() -> None:
    """Offset by limit: a call without the limit, or with a limit that is no number, cannot take it."""
    taken = step({"offset": 0, "limit": 50}, {"offset": 50, "limit": 50})
    assert taken is not None
    assert take(taken, {"offset": 10}) is None
    assert take(taken, {"offset": 10, "limit": "many"}) is None
    assert take(taken, {"offset": "ten", "limit": 5}) is None
    assert take(taken, {"offset": True, "limit": 5}) is None


scalars = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.sampled_from(["a", "b", "01", "7", "²", "１"])
calls = st.dictionaries(st.sampled_from(["a", "b", "c.d", ""]), scalars, max_size=4)


@given(calls, calls)
@settings(max_examples=300, deadline=None)
def test_taking_a_step_from_where_it_was_learned_leads_where_it_led(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Any step found between two calls gives the second from the first, type and all."""
    taken = step(before, after)
    if taken is not None:
        assert canonical(take(taken, before)) == canonical(after)
        assert canonical(json.loads(taken)) == taken


def test_the_state_sees_short_words_and_flags_only() -> None:
    """Numbers, identifiers and texts do not part one state from another; their order neither."""
    one = state("t", {"id": "A-17", "mode": "next_item", "dry": True, "n": 4})
    other = state("t", {"dry": True, "n": 9, "mode": "next_item", "id": "B-99"})
    assert one == other == 't [[".dry",true],[".mode","next_item"]]'
