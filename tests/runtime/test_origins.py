"""Origins in the policy's words: what the policy is asked must be what it has rules for."""

from __future__ import annotations

import pytest

from miner.runtime.forms import Form, Slot
from miner.runtime.model import Model
from miner.runtime.origins import origin_of, origins_of, repeated
from miner.runtime.predictor import SessionPredictor
from miner.runtime.rules import Rule
from tests.runtime.small_patterns import small_patterns

TOOLS = ["find", "find.all", "open"]


@pytest.mark.parametrize(
    ("rule", "origin"),
    [
        (Rule("h", "constant", constant="x"), "constant"),
        (Rule("h", "user~path", "first 0"), "user"),
        (Rule("h", "user.id", "first 0"), "user"),
        (Rule("h", "user[].id", "first 0"), "user"),
        (Rule("h", "said~code", "first 0"), "said"),
        (Rule("h", "host~code", "first 0"), "host"),
        (Rule("h", "env.cwd", "first 0"), "environment"),
        (Rule("h", "res:find.items[].path", "first 0"), "result:find"),
        (Rule("h", "res:find~path", "first 0"), "result:find"),
        (Rule("h", "res:find.all.items", "first 0"), "result:find.all"),
        (Rule("h", "res:finder.items", "first 0"), "result:finder"),
        (Rule("h", "res:*~path", "first 0"), "result:*"),
        (Rule("h", "arg:open.path", "last 0"), "argument:open"),
        (Rule("h", "beside", "res:find.items[]\x1fname", anchor=".id"), "result:find"),
        (Rule("h", "same", anchor=".id"), "unknown"),
    ],
)
def test_each_source_has_an_origin(rule: Rule, origin: str) -> None:
    """Streams, rows, constants and the environment, with the tool that the value passed through."""
    assert origin_of(rule, TOOLS) == origin


def test_argument_of_several_values_has_all_their_origins() -> None:
    """An object filled from two places is as private as both."""
    form = Form("open", (Slot(("at", "line"), None), Slot(("at", "path"), None), Slot(("mode",), "text")))
    rules = {
        ".at.line": Rule("open.at.line", "user~number", "first 0"),
        ".at.path": Rule("h", "res:find~path", "first 0"),
    }
    assert origins_of(form, rules, TOOLS) == {"at": "result:find+user", "mode": "constant"}


def test_repeated_call_is_the_models_own() -> None:
    """Arguments of an earlier call come from that tool's arguments."""
    assert repeated("open", {"path": 1, "mode": 2}) == {"path": "argument:open", "mode": "argument:open"}


def test_every_argument_of_a_speculation_has_an_origin() -> None:
    """What the predictor hands to the policy names every argument, by the argument's name."""
    predictor = SessionPredictor(Model(small_patterns()))
    predictor.observe_message("user", 'find "Notes" in docs/a.txt')
    predictor.observe_call("find", {"limit": 10, "name": "notes"}, "ok", '{"items": [{"path": "docs/b.txt"}]}')
    guesses = predictor.predict()
    assert {guess.tool for guess in guesses} == {"find", "open"}
    assert all(guess.arguments.keys() == guess.origins.keys() for guess in guesses)
    opened = next(guess for guess in guesses if guess.arguments.get("path") == "docs/b.txt")
    assert opened.origins == {"mode": "constant", "options": "constant", "path": "result:find"}
