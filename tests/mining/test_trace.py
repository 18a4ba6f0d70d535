"""Traces and forms: what is boiled down, how forms are numbered, and which contexts and steps are counted."""

from __future__ import annotations

from miner.mining.selection import Thresholds, select
from miner.mining.survey import Survey, survey_session
from miner.mining.trace import Call, Forms, fold_of, trace_of
from miner.runtime.forms import Form
from miner.runtime.patterns import NO_CALL
from tests.evaluation.sessions import session_of
from tests.mining import sessions
from tests.mining.sessions import Script


def forms_of(script: Script, count: int = 4, least: int = 2) -> Forms:
    """The forms of some sessions of a script."""
    survey, logs = Survey(), [script(number) for number in range(count)]
    for log in logs:
        survey_session(log, survey)
    return Forms(select(survey, Thresholds()), [trace_of(log, 3) for log in logs], least)


def test_a_trace_keeps_marks_calls_and_how_they_ended() -> None:
    """Words of the user are marks; calls asked for at one decision are seen, ended, at the next."""
    trace = trace_of(session_of("t", "secret words", [("a", {"x": 1}, "{}")], [("b", {}, "fine")], []), 3)
    assert trace.decisions == [
        ([None], [Call("a", {"x": 1}, "")]),
        ([Call("a", {"x": 1}, "empty")], [Call("b", {}, "")]),
        ([Call("b", {}, "ok")], []),
    ]


def test_folds_are_fixed_and_even() -> None:
    """A group's fold never changes, and thousands of groups fill the folds within a tenth."""
    assert [fold_of(name, 3) for name in ("a", "b", "c", "")] == [0, 1, 1, 1]
    sizes = [0, 0, 0]
    for number in range(3000):
        sizes[fold_of(f"group {number}", 3)] += 1
    assert max(sizes) - min(sizes) < 100


def test_every_tool_has_an_open_form_and_supported_forms_follow() -> None:
    """Open forms first, by name; then the forms that enough groups used."""
    forms = forms_of(sessions.optional_argument)
    assert forms.forms[0] == Form("list_all", None)
    assert [[slot.path for slot in form.slots or ()] for form in forms.forms[1:]] == [
        [("cursor",), ("kind",)],
        [("kind",)],
    ]


def test_a_form_of_one_session_is_open() -> None:
    """What only one group used is counted as the tool's open form."""
    forms = forms_of(sessions.optional_argument, least=5)
    assert forms.forms == [Form("list_all", None)]
    assert forms.number(Call("list_all", {"kind": "user"}, "")) == 0
    assert forms.number(Call("unknown", {}, "")) == -2


def test_contexts_count_outcomes_no_call_among_them() -> None:
    """Four sessions of: a call without and one with the cursor, then no call."""
    forms = forms_of(sessions.optional_argument)
    bare = forms.number(Call("list_all", {"kind": "user"}, ""))
    more = forms.number(Call("list_all", {"kind": "user", "cursor": "CUR-123450"}, ""))
    assert forms.contexts[""] == {bare: 4, more: 4, NO_CALL: 4}
    assert forms.contexts["1 user"] == {bare: 4}
    assert forms.contexts["1 list_all"] == {more: 4, NO_CALL: 4}


def test_parallel_calls_are_counted_each() -> None:
    """Two calls at one decision are two outcomes of it."""
    forms = forms_of(sessions.order_desk_at_once)
    order = forms.number(Call("get_order", {"order_id": "ORD-123450"}, ""))
    assert forms.contexts["1 find_user"] == {order: 8}


def test_steps_need_support_and_the_rest_is_gathered() -> None:
    """The rhythm of a task list is learned; steps that only one group took are counted together."""
    found = forms_of(sessions.task_rhythm).successions(2)
    after_start = found['set_task [[".state","started"]]']
    assert after_start == {"": 0, '[[["task"],"="],[["state"],":","finished"]]': 12}
    assert forms_of(sessions.task_rhythm).successions(5) == {}
