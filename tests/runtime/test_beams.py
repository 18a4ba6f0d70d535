"""Beams: what follows a speculated call is what would follow if it came true, and looking ahead changes nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.model import Model
from miner.runtime.overlay import Overlay
from miner.runtime.predictor import SessionPredictor
from miner.runtime.speculation import Speculation
from tests.runtime.small_patterns import small_patterns

FOUND = json.dumps({"items": [{"path": f"docs/{name}.txt"} for name in "abc"], "page": 3})
Step = tuple[str, dict[str, Any], str]
events = st.lists(
    st.one_of(
        st.tuples(st.just("user"), st.sampled_from(["open docs/a.txt", "find 'Notes'", "stop"])),
        st.tuples(st.sampled_from(["find", "open", "list"]), st.sampled_from(["docs/a.txt", "docs/b.txt", "notes"])),
    ),
    max_size=8,
)


def started(happened: list[tuple[str, str]]) -> SessionPredictor:
    """A session in which this happened, at a decision."""
    predictor = SessionPredictor(Model(small_patterns()), {"cwd": "/home/one"})
    for what, text in happened:
        tell(predictor, what, text)
    predictor.decision_starts()
    return predictor


def tell(predictor: SessionPredictor, what: str, text: str) -> None:
    """One event."""
    if what == "user":
        predictor.observe_message("user", text)
    else:
        predictor.observe_call(what, {"path": text}, "ok", FOUND)


def plain(speculations: list[Speculation]) -> list[tuple[str, dict[str, Any], float]]:
    """What was guessed, and how surely."""
    return [(one.tool, one.arguments, one.probability) for one in speculations]


@given(events, events)
@settings(max_examples=120, deadline=None)
def test_what_follows_a_speculation_is_what_would_follow_the_call(
    before: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    """Two steps ahead, each with the joint probability; and afterwards the session goes on as if nobody had looked."""
    looking, silent = started(before), started(before)
    ahead = started(before)
    joint, parent = 1.0, None
    for _ in range(2):
        guesses = looking.predict(3) if parent is None else looking.predict_after(parent, "ok", FOUND, 3)
        expected = [(tool, arguments, joint * chance) for tool, arguments, chance in plain(ahead.predict(3))]
        assert plain(guesses) == expected
        if not guesses:
            break
        parent = guesses[-1]
        joint = parent.probability
        ahead.decision_starts()
        ahead.observe_call(parent.tool, parent.arguments, "ok", FOUND)
    for what, text in later:
        tell(looking, what, text)
        tell(silent, what, text)
        assert looking.predict() == silent.predict()


def test_a_later_step_names_the_call_whose_result_it_is_bound_to() -> None:
    """The path that is opened stands in a result that nobody but the speculator has seen."""
    predictor = started([("user", "find 'Notes'")])
    search = Speculation("find", {"limit": 10, "name": "notes"}, 0.5)
    ahead = predictor.predict_after(search, "ok", FOUND)
    assert ahead
    assert {one.after for one in ahead} == {search.identity}
    assert any(one.tool == "open" and one.arguments["path"] == "docs/a.txt" for one in ahead)
    assert not any(one.arguments.get("path") == "docs/a.txt" for one in predictor.predict())


def test_a_step_after_what_was_never_speculated_is_none() -> None:
    """When the session has moved on, a step bound to an earlier branch has nothing to stand on."""
    predictor = started([("user", "find 'Notes'")])
    search = Speculation("find", {"limit": 10, "name": "notes"}, 0.5)
    child = predictor.predict_after(search, "ok", FOUND)[0]
    assert predictor.predict_after(child, "ok", "text")
    predictor.observe_message("user", "stop")
    assert predictor.predict_after(child, "ok", "text") == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["get", "set", "add", "in", "default"]))))
def test_an_overlay_is_a_copy_that_costs_nothing(moves: list[tuple[str, str]]) -> None:
    """Reading, writing and changing values leave what is below as it was, and say what a full copy would."""
    below = {"a": [1], "b": [2]}
    over: dict[str, list[int]] = Overlay(below, list)
    full = {key: list(value) for key, value in below.items()}
    for number, (key, move) in enumerate(moves):
        if move == "get":
            assert over.get(key) == full.get(key)
        elif move == "set":
            over[key] = full[key] = [number]
            full[key] = [number]
        elif move == "add" and key in full:
            over[key].append(number)
            full[key].append(number)
        elif move == "default":
            assert over.setdefault(key, [9]) == full.setdefault(key, [9])
        else:
            assert (key in over) == (key in full)
    assert {key: over[key] for key in over} == full
    assert len(over) == len(full)
    assert below == {"a": [1], "b": [2]}
