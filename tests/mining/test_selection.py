"""Selection: support in groups, fixed values against values that were seen, and no source crowded out."""

from __future__ import annotations

from typing import Any

import pytest

from miner.events import SessionLog
from miner.mining.selection import FIXED, Selection, Thresholds, select
from miner.mining.survey import Survey, survey_session
from miner.runtime.memory import value_key
from tests.evaluation.sessions import session_of
from tests.mining import sessions


def selected(*logs: SessionLog, **thresholds: Any) -> Selection:
    """What is kept of some sessions."""
    survey = Survey()
    for log in logs:
        survey_session(log, survey)
    return select(survey, Thresholds(**thresholds))


def modes(number: int) -> SessionLog:
    """A call with an enumeration, a flag, a free text and a date."""
    mode = ("fast", "slow")[number % 2]
    return session_of(f"m{number}", "go", [("run", {"mode": mode, "dry": True, "note": f"note {number}"}, "")], [])


def test_recurring_values_that_were_not_seen_are_part_of_the_form() -> None:
    """An enumeration and a flag are fixed; a text that is new each time is not."""
    found = selected(*map(modes, range(8)))
    assert found.literals["run.mode"] == {"fast", "slow"}
    assert found.is_literal("run.dry", value_key(value=True))
    assert not found.literals["run.note"]
    assert not found.is_hole("run.note")


def test_recurring_values_that_stand_in_the_session_are_bound() -> None:
    """A value that the user says each time is copied, however often it recurs."""
    logs = [session_of(f"u{n}", 'the city is "paris_1"', [("weather", {"city": "paris_1"}, "")], []) for n in range(8)]
    found = selected(*logs)
    assert not found.literals["weather.city"]
    assert any(rule.source == "user~quoted" for rule in found.rules["weather.city"])


@pytest.mark.parametrize(("groups", "kept"), [(1, False), (2, True)])
def test_a_rule_needs_support_in_groups(groups: int, *, kept: bool) -> None:
    """One session supports no rule however often it holds; two do."""
    found = selected(*map(sessions.order_desk, range(groups)))
    assert found.is_hole("get_order.order_id") is kept


def test_flags_and_null_are_always_part_of_the_form() -> None:
    """Even once, and nothing else is."""
    found = selected(session_of("f", "go", [("run", {"a": True, "b": None, "c": "x_1"}, "")], []))
    assert found.literals == {"run.a": {value_key(value=True)}, "run.b": {value_key(None)}, "run.c": frozenset()}
    assert {value_key(value) for value in (True, False, None)} == FIXED


def test_every_source_comes_before_any_sources_third_policy_where_room_is_scarce() -> None:
    """With room for four rules, they are not four policies of one source."""
    found = selected(*map(sessions.order_desk, range(6)), rules_per_hole=4)
    own = [rule for rule in found.rules["get_order.order_id"] if not rule.hole.startswith("*")][:4]
    assert len({rule.source for rule in own}) >= 2


def test_no_more_rules_than_allowed() -> None:
    """Rules of a hole are bounded by the thresholds, whatever the survey holds."""
    found = selected(*map(sessions.task_rhythm, range(6)), rules_per_hole=6, besides_per_hole=1, constants_per_hole=2)
    assert all(len(rules) <= 6 + 1 + 3 + 2 for rules in found.rules.values())


def test_no_rule_stands_twice() -> None:
    """A pooled rule that its own evidence already gave is not repeated."""
    for script in (sessions.order_desk, sessions.task_rhythm, sessions.paging):
        for rules in selected(*map(script, range(6))).rules.values():
            assert len(set(rules)) == len(rules)


def test_words_must_occur_in_enough_sessions() -> None:
    """A word of five sessions may tell; a word of one may not."""
    logs = [session_of(f"w{n}", f"cancel order{_letters(n)}", []) for n in range(6)]
    found = selected(*logs).words
    assert "word cancel" in found
    assert not any(word.startswith("word order") for word in found)


def test_the_order_of_sessions_changes_nothing() -> None:
    """Backwards, the same is kept in the same order."""
    logs = [script(number) for number in range(4) for script in (sessions.order_desk, sessions.row_of_two)]
    assert selected(*logs) == selected(*reversed(logs))


def test_an_empty_survey_keeps_nothing() -> None:
    """Nothing in, nothing out."""
    assert select(Survey(), Thresholds()) == Selection({}, {}, {}, frozenset())


def _letters(number: int) -> str:
    return "abcdefgh"[number] * 3
