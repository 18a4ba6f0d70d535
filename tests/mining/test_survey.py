"""Value provenance: where each argument had been seen, in counts that merge, without a quadratic blow-up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.events import Event, EventKind, SessionLog
from miner.mining import survey as survey_module
from miner.mining.indexed_memory import PAIRS, IndexedMemory, Pairing
from miner.mining.survey import NESTED, Survey, arguments_of, group_of, survey_session
from miner.runtime.rules import Rule
from miner.store import Store
from miner.store.stored import StoredLogs
from tests.evaluation.sessions import session_of
from tests.mining import sessions
from tests.real_logs import needs_real_logs, real_files

SCRIPTS = [
    sessions.order_desk,
    sessions.file_search,
    sessions.paging,
    sessions.row_of_two,
    sessions.next_number,
    sessions.task_rhythm,
]


def surveyed(*logs: SessionLog) -> Survey:
    """One survey of all the sessions."""
    survey = Survey()
    for log in logs:
        survey_session(log, survey)
    return survey


def plain(survey: Survey) -> dict[str, Any]:
    """Everything a survey holds, in a form that compares."""
    return {
        "calls": dict(survey.calls),
        "seen": {hole: count for hole, count in survey.seen.items() if count},
        "general": survey.general,
        "values": {
            hole: {key: (tally.count, tally.groups) for key, tally in found.items()}
            for hole, found in survey.values.items()
        },
        "explained": {
            hole: {rule: (tally.count, tally.groups) for rule, tally in found.items()}
            for hole, found in survey.explained.items()
        },
        "words": dict(survey.words),
        "groups": survey.groups,
    }


@given(
    picks=st.lists(st.tuples(st.sampled_from(SCRIPTS), st.integers(0, 50)), max_size=6),
    cut=st.integers(0, 6),
)
@settings(max_examples=25, deadline=None)
def test_merging_surveys_equals_surveying_together(picks: list[Any], cut: int) -> None:
    """Sessions surveyed in two parts and merged give what they give when surveyed as one."""
    logs = [script(number) for script, number in picks]
    merged = surveyed(*logs[:cut])
    merged.add(surveyed(*logs[cut:]))
    assert plain(merged) == plain(surveyed(*logs))


def test_merging_leaves_the_other_survey_alone() -> None:
    """A survey that was merged into another still says the same."""
    one, other = surveyed(sessions.order_desk(1)), surveyed(sessions.order_desk(2))
    before = plain(surveyed(sessions.order_desk(2)))
    one.add(other)
    survey_session(sessions.order_desk(3), one)
    assert plain(other) == before


def rules_of(survey: Survey, hole: str) -> set[tuple[str, str, str]]:
    """(source, policy, transform) of the rules that explain a hole."""
    return {(rule.source, rule.policy, rule.transform) for rule in survey.explained[hole]}


def test_every_place_of_a_value_explains_it() -> None:
    """The first order of a list: the leaf it stands in, by every policy that finds it there."""
    found = rules_of(surveyed(sessions.order_desk(0)), "get_order.order_id")
    place = "res:find_user.orders[].id"
    assert {(place, "first 0", "copy"), (place, "next 0", "copy"), (place, "opening 0", "copy")} <= found
    assert ("res:*.id", "next 0", "copy") in found


def test_a_value_that_was_never_seen_has_no_source() -> None:
    """Calls are counted, sources are not made up."""
    survey = surveyed(session_of("s", "go", [("open", {"path": "nowhere/x.txt"}, "")], []))
    assert (survey.calls["open.path"], survey.seen["open.path"]) == (1, 0)
    assert not survey.explained["open.path"]


def test_the_results_of_parallel_calls_explain_none_of_each_other() -> None:
    """What one call of a step brings was not known when the others of that step were asked for."""
    log = session_of("s", "go", [("a", {"q": "k_1"}, '{"id": "Z-9"}'), ("b", {"id": "Z-9"}, "")], [])
    assert not surveyed(log).explained["b.id"]


def test_a_field_beside_another_argument_is_found() -> None:
    """The name of the row whose id is the other argument."""
    found = surveyed(sessions.row_of_two(0)).explained["rename.old_name"]
    assert Rule("rename.old_name", "beside", "res:list_rows.rows[]\x1fname", "copy", (), ".row_id") in found


def test_numbers_that_move_and_parts_of_paths_are_found() -> None:
    """The number after one seen before, and the name of a file whose path was."""
    survey = surveyed(sessions.next_number(0))
    assert (
        Rule("close_ticket.number", "arg:*.number", "recent 0", "number", ("int", 1))
        in survey.explained["close_ticket.number"]
    )
    log = session_of("s", "go", [("open", {"path": "src/deep/a_file.py"}, "")], [("find", {"name": "a_file.py"}, "")])
    assert ("arg:open.path", "first 0", "file_path") in rules_of(surveyed(log), "find.name")


def test_runs_of_one_task_are_one_group() -> None:
    """Two sessions of a task, and a sub-agent and its parent, support a thing once."""
    logs = [sessions.order_desk(1), sessions.order_desk(2)]
    together = [SessionLog(replace(log.session, task="t"), log.events) for log in logs]
    assert len(surveyed(*logs).groups) == 2
    assert surveyed(*together).groups == {"t"}
    child = session_of("child", "go", [])
    assert group_of(SessionLog(replace(child.session, parent="desk1"), child.events)) == "desk1"


def test_long_values_are_content() -> None:
    """A text beyond the bound is counted as a call and kept nowhere."""
    survey = surveyed(session_of("s", "go", [("write", {"text": "x" * 1_000_000}, "")], []))
    assert survey.calls["write.text"] == 1
    assert not survey.values["write.text"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, {}),
        ('{"a": 1}', {"a": 1}),
        ("[1]", {"input": [1]}),
        ("null", {"input": None}),
        ("not json", {"input": "not json"}),
        ('{"a": NaN}', {"input": '{"a": NaN}'}),
        ('{"a": -1e999}', {"input": '{"a": -1e999}'}),
        ('{"a": 9007199254740993}', {"a": 9007199254740993}),
        ("[" * 20_000, {"input": "[" * 20_000}),
        ('{"a":' * 900 + "1" + "}" * 900, {"input": '{"a":' * 900 + "1" + "}" * 900}),
        (json.dumps([[]] * (NESTED + 5)), {"input": [[]] * (NESTED + 5)}),
    ],
    ids=lambda value: str(value)[:24],
)
def test_arguments_are_an_object_or_one_text(text: str | None, expected: dict[str, Any]) -> None:
    """What is no object that could be asked for again is kept as the one argument ``input``."""
    assert arguments_of(Event("s", 0, EventKind.TOOL_CALL, 0, 0, arguments=text)) == expected


def labelled(calls: int, shift: int = 0) -> SessionLog:
    """A session in which every result brings labels that no other had, and every call a number."""
    steps = [
        [("look", {"line": number, "of": f"f{number}.py"}, f"label {_letters(number + shift)}: v_{number}")]
        for number in range(calls)
    ]
    return session_of("long", "go", *steps)


def _letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


class _Counting:
    """Counts how often streams are judged for pairing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.judged = 0
        for name, fits in PAIRS.items():
            monkeypatch.setitem(PAIRS, name, self._counted(fits))

    def _counted(self, fits: Pairing) -> Pairing:
        counting = self

        class Counted(Pairing):
            def __init__(self) -> None:
                """Takes over what it stands for."""

            def target(self, value: Any) -> bool:
                return fits.target(value)

            def stream(self, where: str) -> bool:
                counting.judged += 1
                return fits.stream(where)

        return Counted()


def test_work_grows_with_the_session_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the calls, each with places never seen before, judge about four times the streams."""
    found = []
    for calls in (50, 200):
        counting = _Counting(monkeypatch)
        surveyed(labelled(calls))
        found.append(counting.judged)
        monkeypatch.undo()
    assert 0 < found[1] <= 4.5 * found[0]


def test_sources_of_one_value_are_bounded() -> None:
    """A value that stands in hundreds of places is explained by a bounded number of rules."""
    everywhere = json.dumps(dict.fromkeys(map(_letters, range(400)), "K-77"))
    survey = surveyed(session_of("s", "go", [("list", {"a": True}, everywhere)], [("get", {"id": "K-77"}, "")]))
    assert 0 < len(survey.explained["get.id"]) <= 30 * survey_module.STREAMS_TRIED


def test_a_text_around_a_value_is_found_where_the_whole_was_never_seen() -> None:
    """``git diff src/b.py`` is the path of a result in a fixed text, which nobody has seen: it counts as new."""
    calls = [("list", {"q": "x"}, "src/b.py changed"), ("shell", {"command": "git diff src/b.py"}, "")]
    survey = surveyed(session_of("s", "go", [calls[0]], [calls[1]]))
    rules = {(rule.source, rule.transform, rule.options) for rule in survey.explained["shell.command"]}
    assert ("res:list~path", "template", ("git diff ", "")) in rules
    assert survey.seen["shell.command"] == 0


def test_a_piece_of_an_earlier_argument_is_found() -> None:
    """The branch that is pushed is what followed the slash when it was made."""
    first, second = ("make", {"branch": "feature/login"}, ""), ("push", {"name": "login"}, "")
    survey = surveyed(session_of("s", "go", [first], [second]))
    assert any(rule.transform == "split" and rule.options == ("/", 1) for rule in survey.explained["push.name"])


@given(log=st.sampled_from(SCRIPTS).flatmap(lambda script: st.integers(0, 50).map(script)))
@settings(max_examples=30, deadline=None)
def test_knowing_what_will_be_asked_changes_nothing(log: SessionLog) -> None:
    """A survey that notes only what leads to an argument counts what one that notes everything counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey_module, "IndexedMemory", lambda environment, cwd, _: IndexedMemory(environment, cwd))
        every = plain(surveyed(log))
    assert plain(surveyed(log)) == every


@needs_real_logs("claude_code")
def test_knowing_what_will_be_asked_changes_nothing_in_real_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths, numbers, letter case and text around values of real sessions are found as if all were noted."""
    with Store.open(tmp_path / "events.duckdb") as store:
        files = [path for path in real_files("claude_code", "*.jsonl*") if path.stat().st_size < 500_000]
        store.ingest([max(files, key=lambda path: path.stat().st_size)])
        logs = list(StoredLogs(store)())
    assert any(log.events for log in logs)
    known = plain(surveyed(*logs))
    monkeypatch.setattr(survey_module, "IndexedMemory", lambda environment, cwd, _: IndexedMemory(environment, cwd))
    assert plain(surveyed(*logs)) == known
