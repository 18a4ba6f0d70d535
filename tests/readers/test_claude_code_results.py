"""Claude Code logs: how calls end, how long they take, and what is kept of their results."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from miner.events import Caller, EventKind, Status, TimeSource
from miner.readers.claude_example import answer, call, chain
from miner.readers.claude_lines import TEXT_LIMIT
from tests.readers.claude_code_logs import (
    Line,
    log,
    model,
    one_call,
    result,
    text,
    user,
)


def test_a_result_written_before_later_blocks_of_its_message_keeps_the_step_whole(tmp_path: Path) -> None:
    """Tools start while the message still streams: file order is not time order, and the step stays one."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", call("t1", "Read", file="a")),
        result("r1", "a1", 1.5, "t1", "A"),
        model("a2", "a1", 2, "m1", call("t2", "Read", file="b")),
        result("r2", "a2", 3, "t2", "B"),
        model("a3", "r2", 4, "m2", text("done")),
    )
    assert [(c.text, c.step) for c in read.of(EventKind.TOOL_CALL)] == [("A", 0), ("B", 0)]
    assert len(read.of(EventKind.MODEL_STEP)) == 2
    assert read.main.off_path == ()


def test_a_result_may_even_stand_before_its_call(tmp_path: Path) -> None:
    """A result line that comes first waits for its call."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        result("r1", "u1", 2, "t1", "A"),
        model("a1", "u1", 1, "m1", call("t1", "Read", file="a")),
    )
    assert (read.calls()["t1"].text, read.calls()["t1"].status) == ("A", Status.OK)
    assert read.source.problems == []


def test_a_result_without_call_is_a_problem_and_a_call_without_result_is_missing(tmp_path: Path) -> None:
    """Neither half of a call vanishes in silence."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        result("r1", "u1", 2, "lost", "A"),
        model("a1", "r1", 3, "m1", call("t1", "Read", file="a")),
    )
    assert [(p.reason, p.line) for p in read.source.problems] == [("result_without_call", 2)]
    assert read.calls()["t1"].status is Status.MISSING
    assert read.calls()["t1"].time_source is TimeSource.NONE


def test_results_that_never_find_a_call_are_held_in_bounded_number(tmp_path: Path) -> None:
    """A log whose head was cut away reports every orphaned result, each once."""
    lines = [result(f"r{n}", "x", 2, f"lost{n}", "A") for n in range(200)]
    read = log(tmp_path, *lines)
    assert sorted(p.line or 0 for p in read.source.problems) == list(range(1, 201))


def test_a_call_id_that_comes_twice_is_two_calls(tmp_path: Path) -> None:
    """Local servers number calls from zero again: the occurrence, not the id, is the call."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", call("call_0", "Read", file="a")),
        result("r1", "a1", 2, "call_0", "A"),
        model("a2", "r1", 3, "m2", call("call_0", "Read", file="b")),
        result("r2", "a2", 4, "call_0", "B"),
        model("a3", "r2", 5, "m3", call("call_0", "Read", file="c")),
        model("a4", "a3", 6, "m4", call("call_0", "Read", file="d")),
    )
    calls = read.of(EventKind.TOOL_CALL)
    assert [c.text for c in calls] == ["A", "B", None, None]
    assert [str(c.status) for c in calls] == ["ok", "ok", "missing", "missing"]


@pytest.mark.parametrize(
    ("content", "typed", "more", "status"),
    [
        ("fine", None, {}, Status.OK),
        ("fine", None, {"is_error": None}, Status.OK),
        ("fine", None, {"is_error": False}, Status.OK),
        ("Exit code 1: seen in a file", None, {"is_error": False}, Status.OK),
        ("Exit code 1\nthe request was blocked", "Error: Exit code 1", {"is_error": True}, Status.ERROR),
        ("<tool_use_error>File does not exist.</tool_use_error>", None, {"is_error": True}, Status.ERROR),
        ("The user doesn't want to proceed with this tool use.", "User rejected", {"is_error": True}, Status.DENIED),
        ("Permission to use Bash with command rm has been denied.", None, {"is_error": True}, Status.DENIED),
        ("Reading '/etc' was blocked by policy", None, {"is_error": True}, Status.DENIED),
        ("no", None, {"is_error": True, "permissionDecision": {"decision": "deny"}}, Status.DENIED),
        ("boom", None, {"is_error": True, "permissionDecision": {"decision": "allow"}}, Status.ERROR),
        ("[Request interrupted by user for tool use]", None, {"is_error": True}, Status.CANCELLED),
        ("<tool_use_error>Sibling tool call errored</tool_use_error>", None, {"is_error": True}, Status.CANCELLED),
        ("partly", {"stdout": "partly", "interrupted": True}, {}, Status.CANCELLED),
        ("Exit code 143\nCommand timed out after 2m 0.0s", None, {"is_error": True}, Status.TIMEOUT),
        ("cut", {"stdout": "", "timedOutAfterMs": 1000}, {}, Status.TIMEOUT),
        ("Command running in background with ID: b1", {"backgroundTaskId": "b1"}, {}, Status.RUNNING),
        ("started", {"status": "async_launched", "agentId": "x"}, {}, Status.RUNNING),
    ],
)
def test_a_call_ends_by_the_producers_own_word(
    tmp_path: Path, content: str, typed: Any, more: dict[str, Any], status: Status
) -> None:
    """Flag, words, typed result and permission decision give the status; an absent, null or false flag is no error."""
    event = one_call(tmp_path, content, typed, **more)
    assert event.status is status
    assert event.native_error is (more.get("is_error") is True)


def test_the_exit_code_is_taken_from_the_words_of_an_error_only(tmp_path: Path) -> None:
    """The typed result of a shell has no exit code."""
    assert one_call(tmp_path, "Exit code 127\nnot found", is_error=True).exit_code == 127
    assert one_call(tmp_path, "Exit code 127\nnot found").exit_code is None


def test_an_interrupt_cancels_the_calls_that_never_got_a_result(tmp_path: Path) -> None:
    """A person's stop while a call runs is no lost result."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", call("t1", "Bash", command="sleep 9")),
        user("i1", "a1", 2, [text("[Request interrupted by user for tool use]")]),
    )
    assert read.calls()["t1"].status is Status.CANCELLED
    assert read.texts(EventKind.USER_MESSAGE) == ["go"]


@pytest.mark.parametrize("typed", [{"stdout": "x", "stderr": ""}, "Error: nothing", [{"type": "text", "text": "x"}]])
def test_the_typed_result_is_kept_as_json_whatever_its_shape(tmp_path: Path, typed: Any) -> None:
    """``toolUseResult`` is an object, a string or an array."""
    kept = one_call(tmp_path, "x", typed).result
    assert kept is not None
    assert orjson.loads(kept) == typed


def test_a_result_without_typed_twin_is_fine(tmp_path: Path) -> None:
    """Lines of sub-agents may lack ``toolUseResult``."""
    assert one_call(tmp_path, [text("a"), text("b")]).result is None
    assert one_call(tmp_path, [text("a"), text("b")]).text == "a\nb"


def test_a_typed_result_that_belongs_to_no_one_result_is_told(tmp_path: Path) -> None:
    """Beside two results, beside none, or on a line of the model, nobody can say which call it is the result of."""
    both = chain("user", "r1", "a1", 2, message={"role": "user", "content": [*answered("t1"), *answered("t2")]})
    asked = model("a1", "u1", 1, "m1", call("t1", "Read"), call("t2", "Read"))
    said_so = model("a2", "r1", 3, "m2", text("done"))
    for lines, unknown in (([both], 0), ([typed(both)], 1), ([both, said_so], 0), ([both, typed(said_so)], 1)):
        found = log(tmp_path, user("u1", None, 0, "go"), asked, *lines)
        assert [event.text for event in found.of(EventKind.TOOL_CALL)] == ["x", "x"]
        assert found.source.account.unknown == unknown


def answered(call_id: str) -> Any:
    """The blocks of a line that holds this result."""
    return answer(call_id, "x")["content"]


def typed(line: Line) -> Line:
    """A line with a typed result."""
    return {**line, "toolUseResult": {"numFiles": 1}}


def test_times_are_the_difference_of_two_lines_unless_the_tool_measured_itself(tmp_path: Path) -> None:
    """Asking to result is an upper bound; a plausible duration of the tool itself is better."""
    delta = one_call(tmp_path, "x")
    assert (delta.time_source, (delta.end_us or 0) - (delta.start_us or 0)) == (TimeSource.LOG_DELTA, 2_000_000)
    assert (delta.start_us, delta.wait_us) == (delta.time_us, None)
    for typed in ({"durationMs": 400}, {"durationSeconds": 0.4}, {"totalDurationMs": 400}):
        native = one_call(tmp_path, "x", typed)
        assert (native.time_source, (native.end_us or 0) - (native.start_us or 0)) == (TimeSource.NATIVE, 400_000)
    longer = one_call(tmp_path, "x", {"durationMs": 99_000})
    assert (longer.time_source, longer.start_us) == (TimeSource.LOG_DELTA, longer.time_us)


def test_waiting_for_permission_is_told_where_the_log_tells_it(tmp_path: Path) -> None:
    """A person asked: what the tool did not run was waiting. Nobody asked: no waiting. Unknown stays unknown."""
    person = {"decision": "allow", "source": "user_temporary"}
    assert one_call(tmp_path, "x", {"durationMs": 400}, permissionDecision=person).wait_us == 1_600_000
    assert one_call(tmp_path, "x", permissionDecision=person).wait_us is None
    rule = {"decision": "allow", "source": "config"}
    assert one_call(tmp_path, "x", permissionDecision=rule).wait_us == 0
    assert one_call(tmp_path, "x", {"durationMs": 400}).wait_us is None


@pytest.mark.parametrize(
    "notice",
    [
        user("n1", "a2", 60, "<task-notification>\n<task-id>b7</task-id>\n<status>completed</status>"),
        {
            "type": "queue-operation",
            "operation": "enqueue",
            "content": "<agent-notification>\n<agent-id>b7</agent-id>",
        },
        chain(
            "attachment",
            "n1",
            "a2",
            60,
            attachment={
                "type": "queued_command",
                "commandMode": "task-notification",
                "prompt": "<task-notification><task-id>b7</task-id>",
            },
        ),
    ],
)
def test_a_background_call_stays_running_and_ends_with_its_notification(tmp_path: Path, notice: Line) -> None:
    """The first result only says that it started; the true end comes later, in one of several shapes."""
    notice["timestamp"] = "2026-05-01T10:01:00.000Z"
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", call("t1", "Agent", prompt="look")),
        result("r1", "a1", 2, "t1", "Async agent launched", {"status": "async_launched", "agentId": "b7"}),
        model("a2", "r1", 3, "m2", text("Waiting.")),
        notice,
    )
    event = read.calls()["t1"]
    assert event.status is Status.RUNNING
    assert (event.end_us or 0) - (event.start_us or 0) == 59_000_000
    assert read.texts(EventKind.USER_MESSAGE) == ["go"]


def test_a_background_call_whose_end_is_unknown_has_no_times(tmp_path: Path) -> None:
    """No time is better than the time it took to start."""
    event = one_call(tmp_path, "started", {"status": "async_launched", "agentId": "b7"})
    assert (event.status, event.time_source, event.end_us) == (Status.RUNNING, TimeSource.NONE, None)


def test_a_local_error_text_is_no_model_step(tmp_path: Path) -> None:
    """``<synthetic>`` lines are written by the host when the model could not be reached."""
    message = {"id": "x", "model": "<synthetic>", "content": [text("API Error: 500")]}
    read = log(tmp_path, user("u1", None, 0, "go"), chain("assistant", "y1", "u1", 1, message=message))
    assert read.of(EventKind.MODEL_STEP) == []
    assert read.texts(EventKind.HARNESS_MESSAGE) == ["API Error: 500"]


def test_a_call_made_by_code_is_not_the_models(tmp_path: Path) -> None:
    """``caller`` other than direct is a programmatic call."""
    program = {**call("t1", "Read", file="a"), "caller": {"type": "code_execution_20250825", "tool_id": "s"}}
    assert one_call(tmp_path, "x", asked=program).caller is Caller.PROGRAM
    direct = {**call("t1", "Read", file="a"), "caller": {"type": "direct"}}
    assert one_call(tmp_path, "x", asked=direct).caller is Caller.MODEL


def test_the_server_of_an_mcp_tool_is_known_by_its_name(tmp_path: Path) -> None:
    """``mcp__<server>__<tool>`` keeps its name, because that is what the model calls."""
    event = one_call(tmp_path, "x", asked=call("t1", "mcp__web__fetch_page", url="u"))
    assert (event.tool, event.server) == ("mcp__web__fetch_page", "web")
    assert one_call(tmp_path, "x").server is None


def test_a_tool_of_the_models_own_server_has_its_result_in_the_message(tmp_path: Path) -> None:
    """``server_tool_use`` and its result stand in one message."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model(
            "a1",
            "u1",
            1,
            "m1",
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [text("found")]},
        ),
    )
    assert (read.calls()["s1"].text, read.calls()["s1"].status) == ("found", Status.OK)


def test_arguments_keep_their_order_and_what_is_no_object_is_wrapped(tmp_path: Path) -> None:
    """Arguments are the input object as JSON text; a raw text is kept under ``input`` and marked."""
    event = one_call(tmp_path, "x", asked=call("t1", "T", b=1, a=[1.50, None]))
    assert (event.arguments, event.arguments_ok) == ('{"b":1,"a":[1.5,null]}', True)
    raw = {"type": "tool_use", "id": "t1", "name": "T", "input": "*** patch"}
    event = one_call(tmp_path, "x", asked=raw)
    assert (event.arguments, event.arguments_ok) == ('{"input":"*** patch"}', False)


def test_pictures_become_their_size_and_hash(tmp_path: Path) -> None:
    """Base64 in the content and in the typed result is replaced."""
    data = base64.b64encode(bytes(3000)).decode()
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    event = one_call(tmp_path, [image], {"type": "image", "file": {"base64": data, "originalSize": 3000}})
    assert data[:100] not in (event.text or "") + (event.result or "")
    assert "image/png" in (event.text or "")
    assert "3000 bytes" in (event.text or "")
    assert orjson.loads(event.result or "")["file"]["originalSize"] == 3000


def test_a_huge_text_is_cut_and_says_so(tmp_path: Path) -> None:
    """Up to 1 MiB is kept; the size before cutting is known."""
    event = one_call(tmp_path, "é" * (TEXT_LIMIT + 5))
    assert (len(event.text or ""), event.truncated, event.text_bytes) == (TEXT_LIMIT, True, 2 * (TEXT_LIMIT + 5))
    assert not one_call(tmp_path, "x" * TEXT_LIMIT).truncated


def test_an_output_saved_to_a_file_is_known_to_be_cut(tmp_path: Path) -> None:
    """The host keeps large outputs beside the log and shows the model a part."""
    typed = {"stdout": "part", "persistedOutputPath": "/x/out.txt", "persistedOutputSize": 123_456}
    event = one_call(tmp_path, "<persisted-output>part</persisted-output>", typed)
    assert (event.truncated, event.text_bytes) == (True, 123_456)
