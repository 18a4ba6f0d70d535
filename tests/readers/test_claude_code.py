"""Claude Code logs: lines, steps, who speaks, recognition, and the real logs."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from miner.events import Event, EventKind, TimeSource
from miner.readers import claude_code, recognise
from miner.readers.claude_example import SESSION, call, chain, dump
from miner.readers.source import Source
from tests.readers.claude_code_logs import (
    Line,
    Log,
    log,
    model,
    result,
    text,
    user,
    write,
)
from tests.real_logs import needs_real_logs, real_files


def test_a_session_says_where_it_ran_and_takes_its_application_from_the_working_directory(tmp_path: Path) -> None:
    """The project is the last name of ``cwd``, because the folder's name on disk is a lossy encoding of it."""
    path = write(tmp_path / "-home-ada-my-shop", [user("u1", None, 0, "hi", cwd="/home/ada/my-shop")])
    session = Log(path).main
    assert (session.application, session.cwd, session.branch) == ("my-shop", "/home/ada/my-shop", "main")
    assert (session.native_id, session.relation, session.agent) == (SESSION, "root", "claude-code")
    assert session.agent_version == "2.1.39"


def test_a_windows_folder_gives_its_last_name_too(tmp_path: Path) -> None:
    """Back slashes separate folders where the log was written on Windows."""
    assert log(tmp_path, user("u1", None, 0, "hi", cwd="C:\\work\\shop\\")).main.application == "shop"


def test_the_lines_of_one_message_are_one_step_and_its_usage_counts_once(tmp_path: Path) -> None:
    """Text and calls that share ``message.id`` are one step with the last line's usage, cached tokens included."""
    first = model("a1", "u1", 3, "m1", {"type": "thinking", "thinking": "secret"})
    first["message"]["usage"] = {"input_tokens": 1, "output_tokens": 1}
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        first,
        model("a2", "a1", 4, "m1", text("Looking.")),
        model("a3", "a2", 5, "m1", call("t1", "Read", file="a")),
        result("r1", "a3", 6, "t1", "x"),
        model("a4", "r1", 7, "m2", text("Done.")),
    )
    one, two = read.of(EventKind.MODEL_STEP)
    assert (one.text, one.step, one.tokens_in, one.tokens_out, one.model) == ("Looking.", 0, 759, 80, "claude-x")
    assert (two.text, two.step) == ("Done.", 1)
    assert one.seq < read.calls()["t1"].seq < two.seq
    assert (one.start_us, one.end_us, one.time_source) == (
        read.events[0].time_us,
        read.calls()["t1"].time_us,
        TimeSource.INFERRED,
    )


def test_parallel_calls_all_survive_though_no_walk_over_parents_meets_them(tmp_path: Path) -> None:
    """Three calls of one message share a step, keep their order and results, and none counts as abandoned."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", call("t1", "Grep", pattern="a")),
        model("a2", "a1", 2, "m1", call("t2", "Grep", pattern="b")),
        model("a3", "a2", 3, "m1", call("t3", "Grep", pattern="c")),
        result("r1", "a1", 4, "t1", "A"),
        chain("attachment", "h1", "r1", 4.1, attachment={"type": "hook_success", "content": "hook said"}),
        result("r2", "a2", 5, "t2", "B"),
        result("r3", "a3", 6, "t3", "C"),
        model("a4", "r3", 7, "m2", text("done")),
    )
    calls = read.of(EventKind.TOOL_CALL)
    assert [(c.text, c.step, c.call_index) for c in calls] == [("A", 0, 0), ("B", 0, 1), ("C", 0, 2)]
    assert read.main.off_path == ()
    assert read.texts(EventKind.HARNESS_MESSAGE) == ["hook said"]


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ("whatever", {"isMeta": True}),
        ("<command-name>/clear</command-name>", {}),
        ("<local-command-stdout>ok</local-command-stdout>", {}),
        ("<system-reminder>be nice</system-reminder>", {}),
        ("<task-notification>\n<task-id>1</task-id>", {}),
        ("<bash-stdout>x</bash-stdout>", {}),
        ([{"type": "text", "text": "[Request interrupted by user]"}], {}),
        ("Continue from where you left off.", {}),
        ("run the nightly job", {"origin": {"kind": "task-notification"}}),
        ("run the nightly job", {"promptSource": "system"}),
    ],
)
def test_what_the_host_wrote_is_no_persons_message(tmp_path: Path, content: Any, more: dict[str, Any]) -> None:
    """Reminders, command echoes, notifications and interrupts stand in the user role but open no turn."""
    read = log(tmp_path, user("u1", None, 0, "go"), user("h1", "u1", 1, content, **more), user("u2", "h1", 2, "and?"))
    assert read.texts(EventKind.USER_MESSAGE) == ["go", "and?"]
    assert [event.turn for event in read.events] == [0, 0, 1]


def test_a_person_may_speak_of_tags_and_still_be_a_person(tmp_path: Path) -> None:
    """Only a text that starts with the host's own marks is the host's."""
    words = ["What is <system-reminder> for?", "<div> is not closed", "Continue from where you left off. Then stop."]
    lines = [user(f"u{n}", f"u{n - 1}" if n else None, n, said_) for n, said_ in enumerate(words)]
    assert log(tmp_path, *lines).texts(EventKind.USER_MESSAGE) == words


def test_a_message_typed_while_the_agent_works_is_a_persons(tmp_path: Path) -> None:
    """Newer logs keep queued messages as attachments."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        chain(
            "attachment",
            "q1",
            "u1",
            1,
            attachment={"type": "queued_command", "prompt": "faster", "commandMode": "prompt"},
        ),
        chain("attachment", "f1", "q1", 2, attachment={"type": "file", "filename": "a.py"}),
    )
    assert read.texts(EventKind.USER_MESSAGE) == ["go", "faster"]
    assert read.texts(EventKind.HARNESS_MESSAGE) == ['{"type":"file","filename":"a.py"}']


def test_unknown_line_types_are_counted_and_their_place_in_the_chain_is_kept(tmp_path: Path) -> None:
    """New types come every month: they cost nothing but a count."""
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        chain("hologram", "x1", "u1", 1, payload=1),
        model("a1", "x1", 2, "m1", text("A")),
        {"type": "ai-title", "title": "t"},
    )
    assert read.source.account.unknown == 1
    assert read.main.off_path == ()
    assert read.source.problems == []


@pytest.mark.parametrize(
    "lines",
    [
        [{"type": "user", "sessionId": "S", "parentUuid": None, "uuid": "1", "message": {"parts": [{"text": "hi"}]}}],
        [{"type": "system", "subtype": "init", "session_id": "S", "cwd": "/x", "model": "m", "apiKeySource": "login"}],
        [{"sessionId": "S", "projectHash": "h", "startTime": "2026-05-01T10:00:00Z", "kind": "main"}],
    ],
)
def test_relatives_of_the_format_are_not_claimed(tmp_path: Path, lines: list[Line]) -> None:
    """Other agents write lines that look alike; they are other readers' business."""
    assert recognise(write(tmp_path, lines, "log.jsonl")) != "claude_code"


def test_a_first_line_longer_than_the_head_is_recognised_by_its_fields(tmp_path: Path) -> None:
    """A pasted picture may make the first line larger than what recognition looks at."""
    assert recognise(write(tmp_path, [user("u1", None, 0, "x" * 400_000)])) == "claude_code"


def test_a_cut_emoji_is_kept_with_a_replacement(tmp_path: Path) -> None:
    """A lone surrogate, as cut tool output has it, costs one character and not the line."""
    path = tmp_path / f"{SESSION}.jsonl"
    path.write_bytes(dump([user("u1", None, 0, "MARK")]).replace(b"MARK", b"\\ud83d"))
    read = Log(path)
    assert read.texts(EventKind.USER_MESSAGE) == ["\ufffd"]
    assert read.source.account.scrubbed == 1


def test_a_session_lasts_from_its_earliest_to_its_latest_line(tmp_path: Path) -> None:
    """Clocks that run backwards do not turn a session around."""
    read = log(tmp_path, user("u1", None, 9, "go"), model("a1", "u1", 3, "m1", text("A")))
    assert (read.main.ended_us or 0) - (read.main.started_us or 0) == 6_000_000
    assert read.of(EventKind.MODEL_STEP)[0].time_source is TimeSource.NONE


@needs_real_logs("claude_code")
@pytest.mark.parametrize(("part", "sessions", "calls"), [("train", 108, 6_543), ("test", 57, 4_372)])
def test_the_real_logs_hold_what_their_owner_counted(part: str, sessions: int, calls: int) -> None:
    """Sessions and unique call ids equal the stated counts; every sub-agent is linked to the call that started it."""
    ids, roots, steps = set(), 0, 0
    for group in claude_code.groups(real_files(f"claude_code/{part}", "*.jsonl.gz")):
        read = Log(*group)
        ids |= {(event.session, event.call_id) for event in read.events if event.kind is EventKind.TOOL_CALL}
        steps += sum(event.kind is EventKind.MODEL_STEP for event in read.events)
        roots += sum(session.relation == "root" for session in read.sessions.values())
        agents = [session for session in read.sessions.values() if session.relation == "subagent"]
        assert all(agent.spawned_by for agent in agents)
        assert read.source.account.unknown == 0
    assert (roots, len(ids)) == (sessions, calls)
    assert steps > calls / 2


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """Forty megabytes of results pass through a few: what is held is open calls and links between lines."""
    lines = [user("u0", None, 0, "go")]
    for n in range(200):
        lines.append(model(f"a{n}", f"u{n}", 1, f"m{n}", call(f"t{n}", "Read", file=f"{n}")))
        lines.append(result(f"u{n + 1}", f"a{n}", 2, f"t{n}", f"{n} " + "x" * 100_000, {"content": "y" * 100_000}))
    path = write(tmp_path, lines)
    size = path.stat().st_size
    del lines
    tracemalloc.start()
    calls = sum(isinstance(item, Event) for item in claude_code.read(Source((path,))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert calls == 401
    assert peak < size / 4
