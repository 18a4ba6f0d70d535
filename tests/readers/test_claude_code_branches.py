"""Claude Code logs: rewinds, forks, compaction, and what must not count as abandoned."""

from __future__ import annotations

from pathlib import Path

from miner.events import EventKind, TimeSource
from miner.readers import session_key
from miner.readers.claude_example import SESSION, call, chain
from tests.readers.claude_code_logs import (
    Log,
    log,
    model,
    result,
    text,
    user,
    write,
)


def test_a_line_written_twice_counts_once(tmp_path: Path) -> None:
    """The same ``uuid`` in one file is a retried write."""
    lines = [user("u1", None, 0, "go"), model("a1", "u1", 1, "m1", call("t1", "Read", file="a"))]
    read = log(tmp_path, *lines, *lines, result("r1", "a1", 2, "t1", "A"), result("r1", "a1", 2, "t1", "A"))
    assert [event.kind for event in read.events] == [
        EventKind.USER_MESSAGE,
        EventKind.MODEL_STEP,
        EventKind.TOOL_CALL,
    ]
    assert read.source.problems == []


def test_what_was_rewound_is_off_the_path(tmp_path: Path) -> None:
    """An edited message leaves a sibling branch in the file: its message, step and calls are abandoned."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", text("What?")),
        user("u2", "a1", 2, "delete all"),
        model("a2", "u2", 3, "m2", call("t1", "Bash", command="rm x")),
        result("r1", "a2", 4, "t1", ""),
        user("u3", "a1", 9, "delete nothing"),
        model("a3", "u3", 10, "m3", call("t2", "Bash", command="ls")),
        result("r2", "a3", 11, "t2", "x"),
    )
    off = [event for event in read.events if event.seq in read.main.off_path]
    assert [(event.kind, event.text) for event in off] == [
        (EventKind.USER_MESSAGE, "delete all"),
        (EventKind.MODEL_STEP, None),
        (EventKind.TOOL_CALL, ""),
    ]


def test_the_log_may_say_which_leaf_is_active(tmp_path: Path) -> None:
    """A ``last-prompt`` line after a rewind that was not followed by a message points at where the person stands."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", text("What?")),
        user("u2", "a1", 2, "oops"),
        {"type": "last-prompt", "leafUuid": "a1", "sessionId": SESSION},
    )
    assert [event.text for event in read.events if event.seq in read.main.off_path] == ["oops"]


def test_a_first_message_edited_makes_a_second_root(tmp_path: Path) -> None:
    """A later person's line without parent starts over: what came before it is abandoned."""
    read = log(tmp_path, user("u1", None, 0, "one"), model("a1", "u1", 1, "m1", text("A")), user("u2", None, 2, "two"))
    assert [event.text for event in read.events if event.seq in read.main.off_path] == ["one", "A"]


def test_clearing_the_context_within_a_file_abandons_nothing(tmp_path: Path) -> None:
    """A line of the host without parent, or a plan carried over, goes on in the same session with an empty context."""
    read = log(
        tmp_path,
        user("u1", None, 0, "one"),
        model("a1", "u1", 1, "m1", text("A")),
        chain("progress", "p1", None, 2, data={"type": "hook_progress", "hookEvent": "SessionStart"}),
        user("u2", "p1", 3, "two"),
        model("a2", "u2", 4, "m2", text("B")),
        user("u3", None, 5, "Implement the plan", planContent="plan"),
        model("a3", "u3", 6, "m3", text("C")),
    )
    assert read.main.off_path == ()
    assert len(read.of(EventKind.COMPACTION)) == 2


def test_a_parent_that_was_lost_cuts_nothing_off(tmp_path: Path) -> None:
    """Where the parent's line is broken or missing, the line before it stands in."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", call("t1", "Read", file="a")),
        result("r2", "gone", 4, "t1", "A"),
        model("a2", "r2", 5, "m2", text("done")),
    )
    assert read.main.off_path == ()


def test_compaction_keeps_the_history_and_is_one_event(tmp_path: Path) -> None:
    """The boundary has no parent but a logical one: nothing before it is abandoned, and its summary is no person's."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", text("A")),
        chain("system", "b1", None, 2, subtype="compact_boundary", logicalParentUuid="a1"),
        user("s1", "b1", 2.1, "Summary: all good", isCompactSummary=True, isVisibleInTranscriptOnly=True),
        user("u2", "s1", 3, "more"),
        model("a2", "u2", 4, "m2", text("B")),
    )
    assert len(read.of(EventKind.COMPACTION)) == 1
    assert read.texts(EventKind.HARNESS_MESSAGE) == ["Summary: all good"]
    assert read.texts(EventKind.USER_MESSAGE) == ["go", "more"]
    assert read.main.off_path == ()


def test_a_summary_without_boundary_is_the_compaction(tmp_path: Path) -> None:
    """Older logs have only the summary line."""
    read = log(tmp_path, user("u1", None, 0, "go"), user("s1", "u1", 1, "Summary", isCompactSummary=True))
    assert read.texts(EventKind.COMPACTION) == ["Summary"]


def test_a_fork_of_a_compacted_session_does_not_loop(tmp_path: Path) -> None:
    """The boundary's logical parent is a message preserved below it, and times run backwards: it is read once."""
    read = log(
        tmp_path,
        chain("system", "b1", None, 30, subtype="compact_boundary", logicalParentUuid="a1"),
        user("s1", "b1", 30.1, "Summary", isCompactSummary=True),
        user("u1", "s1", 1, "kept"),
        model("a1", "u1", 2, "m1", call("t1", "Read", file="a")),
        result("r1", "a1", 1, "t1", "A"),
        user("c1", "r1", 31, "Continue from where you left off."),
        chain(
            "assistant",
            "y1",
            "c1",
            31,
            message={"id": "z", "model": "<synthetic>", "content": [text("No response requested.")]},
        ),
        user("u2", "y1", 40, "next"),
    )
    assert read.texts(EventKind.USER_MESSAGE) == ["kept", "next"]
    assert len(read.of(EventKind.MODEL_STEP)) == 1
    assert read.main.off_path == ()
    assert read.calls()["t1"].time_source is TimeSource.NONE
    assert read.calls()["t1"].start_us is None


def test_a_forked_file_keeps_the_ids_by_which_replays_are_found(tmp_path: Path) -> None:
    """``--fork-session`` copies lines with their uuid into a file of another session id: every event carries it."""
    history = [
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", text("A"), call("t1", "Read", file="a")),
        result("r1", "a1", 2, "t1", "x"),
    ]
    other = "1f0e0d0c-0b0a-4908-8706-050403020100"
    first = Log(write(tmp_path, history))
    fork = Log(write(tmp_path, [{**line, "sessionId": other} for line in history], f"{other}.jsonl"))
    assert [event.uid for event in first.events] == ["u1", "a1", "a1"]
    assert [event.uid for event in fork.events] == [event.uid for event in first.events]
    assert set(first.sessions) != set(fork.sessions)


def test_a_fork_by_the_sdk_names_the_messages_it_copied(tmp_path: Path) -> None:
    """New uuids with ``forkedFrom`` lead back to the old ones and to the session."""
    old = {"sessionId": "old", "messageUuid": "u0"}
    read = log(tmp_path, user("u1", None, 0, "go", forkedFrom=old), model("a1", "u1", 1, "m1", text("A")))
    assert (read.main.relation, read.main.parent) == ("fork", session_key("claude_code", "old"))
    assert [event.uid for event in read.events] == ["u0", "a1"]
