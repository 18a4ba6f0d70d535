"""Contexts: which ones a history has, and how their counts share the evidence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.contexts import blend, context_keys, setting_of


def test_a_history_has_contexts_from_general_to_special() -> None:
    """Coarse before fine, short before long; the setting is seen twice."""
    history = [("user", "user"), ("find", "3 ok"), ("get (error)", "4 error")]
    assert context_keys(history, ("shop", "bot m1")) == [
        "",
        "1 get (error)",
        "a shop|get (error)",
        "2 find|get (error)",
        "3 find|4 error",
        "b shop|bot m1|4 error",
        "4 3 ok|4 error",
        "5 user|find|4 error",
    ]


def test_only_the_last_three_signatures_matter() -> None:
    """A long history has the contexts of its end, a short one is filled up with starts."""
    end = [("a", "1 ok"), ("b", "2 ok"), ("c", "3 ok")]
    assert context_keys([("x", "9 ok")] * 50 + end) == context_keys(end)
    assert context_keys([])[1] == "1 ^"


def test_one_level_gives_plain_shares() -> None:
    """With the empty context alone, shares are counts over their sum."""
    assert blend({"": {1: 3, -1: 1}}, [""]) == {1: 0.75, -1: 0.25}


def test_two_levels_are_witten_and_bells_estimate() -> None:
    """Three of one kind seen: a quarter is left to the shorter context, worked out by hand."""
    found = blend({"": {1: 1, 2: 1}, "1 a": {1: 3}}, ["", "1 a"])
    assert found == pytest.approx({1: 3 / 4 + 1 / 4 * 1 / 2, 2: 1 / 4 * 1 / 2})


counts = st.dictionaries(st.integers(-1, 9), st.integers(1, 50), min_size=1, max_size=6)


@given(st.lists(counts, min_size=1, max_size=6), st.floats(0.1, 3))
@settings(max_examples=100, deadline=None)
def test_shares_add_up_to_one(levels: list[dict[int, int]], strength: float) -> None:
    """Whatever the counts of the levels, the shares are a distribution over what any level saw."""
    table = {str(number): level for number, level in enumerate(levels)}
    found = blend(table, list(table), strength)
    assert sum(found.values()) == pytest.approx(1)
    assert set(found) == {outcome for level in levels for outcome in level}
    assert all(share > 0 for share in found.values())


def test_unknown_contexts_change_nothing() -> None:
    """A level without counts hands on what is known; none at all gives nothing."""
    table = {"": {1: 1, 2: 3}}
    assert blend(table, ["", "1 never", "2 seen"]) == blend(table, [""])
    assert blend({}, ["", "1 a"]) == {}


def test_the_counts_are_left_alone() -> None:
    """Blending reads the tables and writes none."""
    table = {"": {1: 1}, "1 a": {2: 2}}
    blend(table, ["", "1 a"])
    assert table == {"": {1: 1}, "1 a": {2: 2}}


def test_the_setting_is_what_the_environment_says() -> None:
    """Application, and agent with model; missing ones are empty."""
    assert setting_of({"application": "shop", "agent": "bot", "cwd": "/w"}) == ("shop", "bot ")
