"""ReAct traces: many lines, repeated traces, reflections, other spellings; and real traces."""

from __future__ import annotations

from pathlib import Path

from miner.events import EventKind, Status
from miner.readers import recognise
from tests.readers.reading import Read, arguments, read
from tests.real_logs import needs_real_logs, real_files

TRACE = "Question: Who?\nThought 1: I search.\nAction 1: Search[a]\nObservation 1: b\n"


def log(folder: Path, text: str) -> Read:
    """A text, read."""
    path = folder / "log.txt"
    path.write_text(text, encoding="utf-8")
    assert recognise(path) == "react"
    return read("react", path)


def test_fields_go_on_over_lines(tmp_path: Path) -> None:
    """What follows an observation belongs to it, until the next field or rule."""
    found = log(tmp_path, TRACE + "more\n\nAnd more.\n-------- BEGIN\nnot this\n")
    assert found.calls[0].text == "b\nmore\n\nAnd more."


def test_a_repeated_trace_is_told_once_and_is_no_problem(tmp_path: Path) -> None:
    """Logs of several trials list again what was solved before: nothing is lost, and most lines may be repeats."""
    found = log(tmp_path, TRACE + "\n" + TRACE)
    assert len(found.sessions) == 1
    assert found.reasons == []
    assert found.source.account.records == 8


def test_reflections_are_the_hosts_and_the_question_is_the_task(tmp_path: Path) -> None:
    """A later trial is told about earlier ones: that is no question, and the task stays the same."""
    hint = "You have attempted to answer following question before and failed."
    text = f"BEGIN TRIAL 2\nQuestion: Who?{hint}\nReflections:\n- Look closer.\n" + TRACE.partition("\n")[2]
    found = log(tmp_path, text)
    assert found.kinds == ["user_message", "harness_message", "harness_message", "model_step", "tool_call"]
    assert (found.session.task, found.session.attempt) == ("Who?", 2)


def test_a_verdict_is_the_reward(tmp_path: Path) -> None:
    """The environment says whether the answer was right."""
    done = "Thought 2: So.\nAction 2: Finish[b]\nObservation 2: Answer is {}CORRECT\nCorrect answer: b\n"
    assert log(tmp_path, TRACE + done.format("")).session.reward == 1.0
    assert log(tmp_path, TRACE + done.format("IN")).session.reward == 0.0


def test_input_on_a_line_of_its_own(tmp_path: Path) -> None:
    """Frameworks write the tool and its input apart; JSON input is decoded, and a final answer is a step."""
    text = (
        "> Entering new chain...\nQuestion: Who?\nThought: I search.\nAction: search\n"
        'Action Input: {"q": "a"}\nObservation: b\nThought: I know.\nFinal Answer: b\n> Finished chain.\n'
    )
    found = log(tmp_path, text)
    assert [(c.tool, arguments(c)) for c in found.calls] == [("search", {"q": "a"})]
    assert [e.text for e in found.of(EventKind.MODEL_STEP)] == ["I search.", "I know.\nb"]


def test_an_action_that_is_no_call_is_words(tmp_path: Path) -> None:
    """A sentence in place of an action calls nothing; what is said to it comes from the host."""
    text = TRACE + "Thought 2: Hm.\nAction 2: I cannot go on like this.\nObservation 2: Invalid Action.\n"
    found = log(tmp_path, text)
    assert len(found.calls) == 1
    assert found.events[-1].kind is EventKind.HARNESS_MESSAGE


def test_an_unclosed_bracket_and_a_refusal(tmp_path: Path) -> None:
    """A cut action still names its tool; an environment that refuses says so."""
    found = log(tmp_path, "Question: x\nThought 1: t\nAction 1: Search[a b\nObservation 1: Invalid action.\n")
    [call] = found.calls
    assert (call.tool, arguments(call), call.status) == ("Search", {"input": "a b"}, Status.ERROR)


@needs_real_logs("react_text")
def test_real_traces_are_read() -> None:
    """Each distinct trace once: 381 that differ in a question, thought, action, observation or reflection."""
    sessions: set[str] = set()
    calls = 0
    for path in real_files("react_text", "*.txt.gz"):
        found = read("react", path)
        assert found.reasons == []
        calls += sum(call.session not in sessions for call in found.calls)
        sessions |= found.sessions.keys()
    assert (len(sessions), calls) == (381, 1505)
