"""The memory of a session: streams by place, newest last, bounded; identities and ages."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.memory import EVENTS_KEPT, ROWS_KEPT, VALUES_KEPT, Memory, leaves, path_text, value_key, value_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_a_key_stands_for_its_value(value: Any) -> None:
    """From the key of any value but a text with a null in front, the value comes back, type and all."""
    if not (isinstance(value, str) and value.startswith("\0")):
        assert repr(value_of(value_key(value))) == repr(json.loads(json.dumps(value, sort_keys=True)))


@given(json_values, json_values)
@settings(max_examples=200, deadline=None)
def test_keys_are_equal_when_values_are(one: Any, other: Any) -> None:
    """Two values have one key exactly when their JSON is the same."""
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (value_key(one) == value_key(other)) is same


def test_numbers_flags_and_texts_are_told_apart() -> None:
    """1, 1.0, true and "1" are four values."""
    assert len({value_key(value) for value in (1, 1.0, True, "1", None, "null")}) == 6


def test_a_place_keeps_the_last_events_and_its_opening() -> None:
    """Six events are kept, the recent distinct values newest last, and the very first for ever."""
    memory = Memory()
    for number in range(10):
        memory.call("t", {"id": f"v{number % 8}"}, None)
    stream = memory.streams["arg:t.id"]
    assert stream.events == [["v4"], ["v5"], ["v6"], ["v7"], ["v0"], ["v1"]]
    assert list(stream.recent.values()) == ["v2", "v3", "v4", "v5", "v6", "v7", "v0", "v1"]
    assert (stream.opening, len(stream.events)) == ("v0", EVENTS_KEPT)


def test_streams_are_bounded_in_a_long_session() -> None:
    """After 5,000 calls each stream, and each value's rows, hold no more than at their bound."""
    memory = Memory()
    for number in range(5_000):
        memory.call("t", {"id": number}, json.dumps({"id": f"x{number}", "kind": "same"}))
    assert max(len(stream.recent) for stream in memory.streams.values()) == VALUES_KEPT
    assert max(len(stream.events) for stream in memory.streams.values()) == EVENTS_KEPT
    assert max(len(memory.rows_of(key)) for key in memory.rows) == ROWS_KEPT
    assert len(memory.streams) < 20


def test_fields_are_gathered_over_tools() -> None:
    """A field's values stand in the stream of their tool and in that of the field."""
    memory = Memory()
    memory.call("a.b", {"id": 1}, '{"x": {"id": "r1"}}')
    memory.call("c", {"id": 2}, "see log_7")
    assert memory.streams["arg:*.id"].events == [[1], [2]]
    assert memory.streams["res:a.b.x.id"].events == memory.streams["res:*.id"].events == [["r1"]]
    assert memory.streams["res:*~code"].events == [["log_7"]]


def test_only_wanted_streams_are_kept() -> None:
    """A runtime keeps what its rules read, and nothing else."""
    memory = Memory(wanted=frozenset({"arg:*.id"}))
    memory.call("a", {"id": 1, "n": 2}, '{"id": 3}')
    assert list(memory.streams) == ["arg:*.id"]


def test_rows_keep_the_object_around() -> None:
    """From a value to the fields beside it and the object that its list stands in."""
    memory = Memory()
    memory.call("t", {}, '{"user": "u1", "orders": [{"id": "o1", "sum": 5}]}')
    (row,) = memory.rows_of("o1")
    assert dict(row) == {"id": "o1", "sum": 5}
    assert row.parent is not None
    assert row.parent["user"] == "u1"


def test_ages_count_from_the_mark() -> None:
    """New since the mark, just before, recent, old, never seen."""
    memory = Memory()
    for number in range(20):
        memory.call("t", {"id": f"v{number}"}, None)
    memory.mark()
    memory.call("t", {"id": "now"}, None)
    ages = [memory.age(key) for key in ("now", "v19", "v12", "v1", "never")]
    assert ages[0] <= 1
    assert ages == sorted(ages)
    assert (ages[-1], memory.age("v1")) == (9, 3)


def test_what_a_hole_took_is_counted_for_the_tool_and_over_tools() -> None:
    """Used values, by hole and by pooled hole, nested ones by their path."""
    memory = Memory()
    memory.call("a", {"id": "x", "deep": {"k": 1}}, None)
    memory.call("b", {"id": "x"}, None)
    assert memory.used["a.id"] == {"x": 1}
    assert memory.used["*.id"] == {"x": 2}
    assert memory.used["a.deep.k"] == {value_key(1): 1}


def test_the_environment_is_a_source_but_what_runs_is_not() -> None:
    """The working directory and the branch may become arguments; agent, model and application may not."""
    memory = Memory({"cwd": "/w", "branch": "main", "agent": "x", "model": "y", "application": "z"})
    assert sorted(memory.streams) == ["env.branch", "env.cwd"]


def test_a_users_json_is_read_as_text_and_as_data() -> None:
    """Fields of a pasted object are found by path, and its tokens too."""
    memory = Memory()
    memory.message("user", '{"ticket": "T-9"}')
    assert memory.streams["user.ticket"].events == [["T-9"]]
    assert "user~quoted" in memory.streams


@pytest.mark.parametrize("arguments", [{"n": math.nan}, {"n": [math.inf]}, {"n": object}], ids=repr)
def test_a_call_that_is_no_json_is_refused_without_a_trace(arguments: dict[str, Any]) -> None:
    """A call that no other could equal raises, and leaves no call, stream or used value behind."""
    memory = Memory()
    with pytest.raises((ValueError, TypeError)):
        memory.call("t", arguments, "result_1")
    assert (memory.made, memory.streams, memory.used, memory.calls) == ([], {}, {}, {})


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN}', "[[1e999]]", "[" * 990 + "]" * 990, "\ud800", "\0" * 10_000, "{" * 10_000, '{"a.b": {"[0]": 1}}'],
    ids=lambda text: text[:8],
)
def test_odd_results_are_taken_in(text: str) -> None:
    """No result raises, and the call is remembered."""
    memory = Memory()
    memory.call("t", {"a": 1}, text)
    assert len(memory.made) == 1


def test_paths_with_odd_keys_never_collide() -> None:
    """Dots, brackets, quotes and empty keys are written so that each path has a text of its own."""
    paths = [("a", "b"), ("a.b",), ("a[0]",), ("a", "[0]"), ("",), ("", ""), ('["a"]',), ("a",), ('"a"',), (".a",)]
    assert len({path_text(path) for path in paths}) == len(paths)


def test_leaves_enter_objects_and_stop_at_lists() -> None:
    """Objects are entered, empty ones and lists are values."""
    found = leaves({"a": {"b": 1, "c": {}}, "d": [{"e": 2}]})
    assert found == [(("a", "b"), 1), (("a", "c"), {}), (("d",), [{"e": 2}])]
