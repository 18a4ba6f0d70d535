"""Mining as a whole, on scripted sessions whose right next call is known, and its promises: same bytes, no leaks."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miner.errors import SplitError
from miner.events import EventKind, SessionLog
from miner.export.pattern_file import pattern_bytes
from miner.mining.mine import mine
from miner.mining.withhold import unwritable, withhold
from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.runtime.patterns import PatternSet
from tests.evaluation.sessions import session_of
from tests.mining import sessions
from tests.mining.sessions import RECIPE, Script, again, calls, mined, walk

NEW = 1000
"""The number of a session that was not mined."""
ROOT = Path(__file__).resolve().parents[2]
SURE = 0.75


@functools.cache
def patterns_of(script: Script) -> PatternSet:
    """The patterns of two dozen sessions of a script."""
    return mined(script)


def asked(log: SessionLog, step: int) -> list[tuple[str, dict[str, Any]]]:
    """The calls of one model step of a session."""
    return [
        (event.tool or "", json.loads(event.arguments or "{}"))
        for event in log.events
        if event.kind is EventKind.TOOL_CALL and event.step == step
    ]


@pytest.mark.parametrize(
    ("script", "decision"),
    [
        pytest.param(sessions.order_desk, 1, id="first order of the list"),
        pytest.param(sessions.order_desk, 2, id="next order not yet asked for"),
        pytest.param(sessions.order_desk, 3, id="last order not yet asked for"),
        pytest.param(sessions.file_search, 0, id="identifier in the user's words"),
        pytest.param(sessions.file_search, 1, id="file that the search found"),
        pytest.param(sessions.paging, 1, id="second page"),
        pytest.param(sessions.paging, 2, id="third page"),
        pytest.param(sessions.row_of_two, 1, id="name beside the id"),
        pytest.param(sessions.next_number, 1, id="number and one"),
        pytest.param(sessions.optional_argument, 0, id="without the optional argument"),
        pytest.param(sessions.optional_argument, 1, id="with the optional argument"),
        pytest.param(sessions.same_again, 1, id="id of what was started"),
        pytest.param(sessions.same_again, 3, id="the same call again"),
        pytest.param(sessions.task_rhythm, 1, id="finish what was started"),
        pytest.param(sessions.task_rhythm, 2, id="start the next"),
        pytest.param(sessions.task_rhythm, 5, id="finish the last"),
    ],
)
def test_the_right_call_is_foreseen(script: Script, decision: int) -> None:
    """On a session that was not mined, the first guess is the call that comes, arguments and all, and it is sure."""
    log = script(NEW)
    best = walk(patterns_of(script), log)[decision][0]
    assert [(best.tool, best.arguments)] == asked(log, decision)
    assert best.probability >= SURE


def test_parallel_calls_are_both_foreseen() -> None:
    """Two calls asked for at once are the first two guesses, and both are likely."""
    log = sessions.order_desk_at_once(NEW)
    guesses = walk(patterns_of(sessions.order_desk_at_once), log)[1]
    assert sorted(map(str, calls(guesses[:2]))) == sorted(map(str, asked(log, 1)))
    assert min(guess.probability for guess in guesses[:2]) > 0.5
    assert all(guess.probability < 0.1 for guess in guesses[2:])


@pytest.mark.parametrize(
    "script",
    [sessions.order_desk, sessions.order_desk_at_once, sessions.file_search, sessions.next_number, sessions.same_again],
    ids=lambda script: script.__name__,
)
def test_the_end_is_foreseen_as_no_call(script: Script) -> None:
    """When the work is done and the model will answer the user, no call is likely."""
    guesses = walk(patterns_of(script), script(NEW))[-1]
    assert all(guess.probability < 0.1 for guess in guesses)


def test_nothing_to_bind_is_no_guess() -> None:
    """An argument whose value stands nowhere in the session is not made up, nor taken from sessions of training."""
    blind = session_of("blind", "hello", [("find_user", {"user_id": "nobody"}, "nothing here")], [])
    guesses = walk(patterns_of(sessions.order_desk), blind)
    assert not [guess for guess in guesses[0] if guess.probability > 0.1]
    assert not [guess for guess in guesses[1] if guess.tool == "get_order"]


@pytest.mark.parametrize("script", [sessions.order_desk, sessions.row_of_two], ids=lambda script: script.__name__)
def test_no_value_of_one_session_is_in_the_patterns(script: Script) -> None:
    """What stands in one session only is in no pattern, so sessions cannot leak into each other."""
    patterns, _ = withhold(patterns_of(script), unwritable)
    shipped = bundle_bytes(patterns).decode()
    for number in range(24):
        assert not [prefix for prefix in ("ORD", "ROW") if sessions.identifier(prefix, number)[:-1] in shipped]


def test_probabilities_leave_room_for_everything_else() -> None:
    """Over scripts and decisions, the guesses that exclude each other never add up to much more than one."""
    for script in (sessions.order_desk, sessions.paging, sessions.task_rhythm):
        for guesses in walk(patterns_of(script), script(NEW)):
            assert sum(guess.probability for guess in guesses) <= 1.05


def test_the_same_sessions_give_the_same_bytes() -> None:
    """Mined twice in one process, the pattern set is the same, byte for byte."""
    logs = again(*map(sessions.optional_argument, range(12)))
    assert pattern_bytes(mine(logs, RECIPE)) == pattern_bytes(mine(logs, RECIPE))


PRINT_DIGEST = """
import hashlib
from miner.export.pattern_file import pattern_bytes
from tests.mining import sessions
from miner.mining.mine import mine
logs = [script(number) for number in range(5) for script in (sessions.row_of_two, sessions.file_search)]
print(hashlib.sha256(pattern_bytes(mine(lambda: iter(logs), sessions.RECIPE))).hexdigest())
"""


def test_the_order_of_hashes_changes_no_byte() -> None:
    """Two processes whose hash functions differ give the same pattern set."""
    digests = [
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "4711")
    ]
    assert len(digests[0]) == 65
    assert digests[0] == digests[1]


def test_sessions_of_one_task_support_nothing_alone() -> None:
    """However often one task is run, its own values become no fixed values and no constants."""
    logs = [
        session_of(f"run{n}", "go", [("open", {"door": "blue-17"}, "ok")], [("shut", {"door": "blue-17"}, "ok")], [])
        for n in range(12)
    ]
    alone = mine(again(*[SessionLog(replace(log.session, task="one"), log.events) for log in logs]), RECIPE)
    apart = mine(again(*logs), RECIPE)
    assert "blue-17" not in pattern_bytes(alone).decode()
    assert "blue-17" in pattern_bytes(apart).decode()


def test_no_session_is_an_error_that_says_so() -> None:
    """Mining nothing names what is missing and what to do."""
    with pytest.raises(SplitError, match="no session to learn from"):
        mine(again())


def test_one_session_is_mined_without_a_pattern() -> None:
    """A single session supports nothing: nothing is likely, and nothing may be launched."""
    patterns = mine(again(sessions.order_desk(0)), RECIPE)
    assert patterns.gate == 1_000_000
    assert all(form.slots is None for form in patterns.forms)


def test_sessions_without_calls_are_mined() -> None:
    """Talk alone gives a pattern set that predicts no call."""
    logs = [session_of(f"talk{n}", "hello", [], "thanks", []) for n in range(6)]
    assert walk(mine(again(*logs), RECIPE), logs[0]) == [[], []]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"arguments": "[1, 2]"}, id="arguments that are a list"),
        pytest.param({"arguments": "null"}, id="arguments that are null"),
        pytest.param({"arguments": "rm -rf"}, id="arguments that are no JSON"),
        pytest.param({"arguments": '{"n": NaN}'}, id="NaN"),
        pytest.param({"arguments": '{"n": [{"x": 1e999}]}'}, id="infinity"),
        pytest.param({"arguments": '{"n": 9007199254740993}'}, id="beyond 2^53"),
        pytest.param({"arguments": '{"n": ' + "9" * 400 + "}"}, id="400 digits"),
        pytest.param({"arguments": '{"n": ' + "9" * 5000 + "}"}, id="5000 digits"),
        pytest.param({"arguments": json.dumps({"text": "x" * 1_000_000})}, id="megabyte argument"),
        pytest.param({"arguments": '{"a":' * 500 + "1" + "}" * 500}, id="500 deep arguments"),
        pytest.param({"arguments": '{"a":' * 20_000 + "1" + "}" * 20_000}, id="20,000 deep arguments"),
        pytest.param({"arguments": '{"a.b": {"[0]": {"": {"\\"": "x1"}}}}'}, id="keys with dots and brackets"),
        pytest.param({"arguments": '{"a": "\\ud800"}'}, id="lone surrogate"),
        pytest.param({"arguments": '{"раth": "ехаmple", "path": "example"}'}, id="look-alike keys"),
        pytest.param({"call_id": "the same for all"}, id="duplicate call ids"),
        pytest.param({"tool": None}, id="no tool"),
        pytest.param({"tool": "server.sub/tool[0]"}, id="tool name with dots and brackets"),
        pytest.param({"text": None}, id="no result"),
        pytest.param({"text": '{"items": [{"id": "A-1"}, {"id": "A-', "truncated": True}, id="cut-off result"),
        pytest.param({"text": "[" * 900 + "]" * 900}, id="900 deep result"),
        pytest.param({"text": "[" * 100_000 + "]" * 100_000}, id="100,000 deep result"),
        pytest.param({"text": '{"a": NaN, "b": [Infinity, 1e999, {"c": -Infinity}]}'}, id="NaN in a result"),
        pytest.param({"text": "\0\x01\x7f\ufffd\ud800" * 2000}, id="binary"),
        pytest.param({"text": "\\xff\\xfe\\u12"}, id="broken escapes"),
        pytest.param({"text": "-" * 200_000}, id="a long rule"),
    ],
)
def test_odd_logs_are_mined_and_shipped(odd: dict[str, Any]) -> None:
    """Whatever stands in a log, mining ends in a pattern set that a bundle can hold and that walks the same log."""
    logs = []
    for number in range(5):
        log = session_of(
            f"odd{number}", "go", [("look", {"n": number}, "x_1")], [("open", {"p": "a/b.txt"}, "y_2")], []
        )
        changed = (replace(event, **odd) if event.kind is EventKind.TOOL_CALL else event for event in log.events)
        logs.append(SessionLog(log.session, tuple(changed)))
    patterns, _ = withhold(mine(again(*logs), RECIPE), unwritable)
    bundle = load_bundle(bundle_bytes(patterns))
    assert len(walk(bundle.patterns, logs[0])) == 3


def test_numbers_beyond_2_53_are_foreseen_to_the_last_digit() -> None:
    """An identifier that doubles cannot hold is copied exactly."""

    def script(number: int) -> SessionLog:
        big = 2**53 + 1 + 1000 * number
        return session_of(
            f"big{number}", "go", [("find", {"q": "all"}, json.dumps({"id": big}))], [("get", {"id": big}, "ok")], []
        )

    assert walk(mined(script), script(NEW))[1][0].arguments == {"id": 2**53 + 1 + 1000 * NEW}


def test_look_alike_letters_are_other_values() -> None:
    """A Cyrillic look-alike in a result is copied as it is, never replaced by what it resembles."""

    def script(number: int) -> SessionLog:
        name = f"раураl_{number}"
        listing = json.dumps({"rows": [{"name": name}, {"name": f"paypal_{number}"}]})
        return session_of(
            f"alike{number}", "go", [("find", {"q": "all"}, listing)], [("get", {"name": name}, "ok")], []
        )

    assert walk(mined(script), script(NEW))[1][0].arguments == {"name": f"раураl_{NEW}"}


def test_keys_with_dots_and_brackets_are_filled_where_they_stand() -> None:
    """A nested argument whose keys look like a path comes back under exactly those keys."""

    def arguments(number: int) -> dict[str, Any]:
        return {"a.b": {"[0]": {"": sessions.identifier("KEY", number)}}, "a": {"b": True}}

    def script(number: int) -> SessionLog:
        listing = json.dumps({"key": sessions.identifier("KEY", number)})
        return session_of(
            f"keys{number}", "go", [("find", {"q": "all"}, listing)], [("get", arguments(number), "ok")], []
        )

    assert walk(mined(script), script(NEW))[1][0].arguments == arguments(NEW)


def test_a_dot_in_a_tools_name_hides_no_pooled_rule() -> None:
    """What one tool teaches about an argument's name serves a tool called once, also when their names hold dots."""

    def script(number: int) -> SessionLog:
        order = sessions.identifier("ORD", number)
        tool = "shop.orders.get" if number else "shop.orders.cancel"
        listing = json.dumps({"order": {"id": order}})
        return session_of(
            f"dots{number}", "go", [("shop.find", {"q": "all"}, listing)], [(tool, {"id": order}, "")], []
        )

    assert {"shop.orders.get.id", "shop.orders.cancel.id"} <= set(mined(script, 6).holes)
