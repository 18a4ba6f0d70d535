"""Codex rollouts: three generations, times from items, nested calls, forks, rollbacks, sub-agents, compressed files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller, EventKind, Status, TimeSource
from miner.readers import codex, load_reader, recognise, session_key
from tests.readers.reading import Read, arguments, lines, read

THREAD = "0196b1c0-0000-7000-8000-0000000000aa"
BASE = 1_777_629_600_000
"""Milliseconds of the first line."""


def meta(identity: str = THREAD, **about: Any) -> dict[str, Any]:
    """The header of a thread."""
    return line("session_meta", {"id": identity, "cwd": "/srv/shop", "cli_version": "0.169.0", **about})


def line(kind: str, payload: dict[str, Any], ms: int = 0, **about: Any) -> dict[str, Any]:
    """An enveloped line."""
    seconds, rest = divmod(ms, 1000)
    return {"timestamp": f"2026-05-01T10:00:{seconds:02}.{rest:03}Z", "type": kind, "payload": payload, **about}


def said(text: str, role: str = "user", ms: int = 0) -> dict[str, Any]:
    """A message."""
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text}]
    return line("response_item", {"type": "message", "role": role, "content": content}, ms)


def asked(identity: str, ms: int = 1000, sampled: int | None = None, **about: Any) -> dict[str, Any]:
    """A function call."""
    item = {"type": "function_call", "name": "exec_command", "arguments": '{"cmd":"ls"}', "call_id": identity, **about}
    extra = {} if sampled is None else {"metadata": {"turn_id": "t1", "sampled_through_sequence": sampled}}
    return line("response_item", item, ms, **extra)


def output(identity: str, text: Any = "ok", ms: int = 3000) -> dict[str, Any]:
    """The output of a call."""
    return line("response_item", {"type": "function_call_output", "call_id": identity, "output": text}, ms)


def completed(identity: str, start: int, end: int, **item: Any) -> dict[str, Any]:
    """The event that says when a call ran."""
    about = {
        "type": "CommandExecution",
        "id": identity,
        "command": ["bash", "-lc", "ls"],
        "status": "completed",
        **item,
    }
    times = {"started_at_ms": BASE + start, "completed_at_ms": BASE + end}
    return line("event_msg", {"type": "item_completed", "item": about, **times}, end)


def rollout(folder: Path, *values: dict[str, Any], name: str = "rollout-x.jsonl") -> Read:
    """The log of these lines, read."""
    return read("codex", lines(folder, values, name))


def test_times_come_from_items_never_from_lines(tmp_path: Path) -> None:
    """Outputs of a batch stand together at its end; the item events say when each call ran."""
    found = rollout(
        tmp_path,
        meta(),
        asked("a"),
        asked("b"),
        completed("b", 1001, 1100),
        completed("a", 1150, 2085),
        output("a", ms=2090),
        output("b", ms=2090),
    )
    first, second = found.calls
    assert [(c.start_us, c.end_us) for c in (first, second)] == [
        ((BASE + 1150) * 1000, (BASE + 2085) * 1000),
        ((BASE + 1001) * 1000, (BASE + 1100) * 1000),
    ]
    assert {c.time_source for c in (first, second)} == {TimeSource.NATIVE}
    assert (first.step, second.step, second.call_index) == (0, 0, 1)


def test_a_batch_without_items_has_no_line_times(tmp_path: Path) -> None:
    """Where no item event was saved, a batch gets the wall time of its text, else no time at all."""
    found = rollout(
        tmp_path,
        meta(),
        asked("a"),
        asked("b"),
        output("a", "Exit code: 0\nWall time: 0.5 seconds\nOutput:\nx"),
        output("b"),
    )
    first, second = found.calls
    assert first.time_source is TimeSource.INFERRED
    assert first.end_us is not None
    assert first.start_us is not None
    assert first.end_us - first.start_us == 500_000
    assert second.time_source is TimeSource.NONE


def test_a_call_alone_ends_with_its_output(tmp_path: Path) -> None:
    """One call is bounded by its lines, and by its wall time where the text states one."""
    found = rollout(
        tmp_path,
        meta(),
        asked("a", 1000),
        output("a", "Wall time: 0.5 seconds\nProcess exited with code 2\nOutput:\n", 3000),
        asked("b", 4000),
        output("b", "x", 5000),
    )
    first, second = found.calls
    assert (first.start_us, first.time_source) == ((BASE + 2500) * 1000, TimeSource.NATIVE)
    assert (first.exit_code, first.status) == (2, Status.UNKNOWN)
    assert second.time_source is TimeSource.LOG_DELTA


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ('{"output":"x","metadata":{"exit_code":3,"duration_seconds":1.5}}', 3, Status.UNKNOWN),
        ("Exit code: 4\nWall time: 1 seconds\nOutput:\nx", 4, Status.UNKNOWN),
        ("Process exited with code 5\nOutput:\n", 5, Status.UNKNOWN),
        ("aborted by user after 2.1s", None, Status.CANCELLED),
        ("exec command rejected by user", None, Status.DENIED),
        ("command timed out after 1000 milliseconds", None, Status.TIMEOUT),
        ("Wall time: 1.0 seconds\nProcess running with session ID 7\nOutput:\n", None, Status.RUNNING),
        ("plain", None, Status.UNKNOWN),
        ([{"type": "input_text", "text": "plain"}], None, Status.UNKNOWN),
    ],
)
def test_an_output_says_in_words_how_it_ended(tmp_path: Path, text: Any, code: int | None, status: Status) -> None:
    """Three spellings of the exit code, and the words of an abort, a refusal, a time limit and a yield."""
    [call] = rollout(tmp_path, meta(), asked("a"), output("a", text)).calls
    assert (call.exit_code, call.status) == (code, status)


def test_the_old_wrapping_of_an_output_is_taken_off(tmp_path: Path) -> None:
    """What the model saw is the output, not the JSON around it."""
    [call] = rollout(tmp_path, meta(), asked("a"), output("a", '{"output":"hi","metadata":{"exit_code":0}}')).calls
    assert (call.text, call.exit_code) == ("hi", 0)


def test_item_says_declined_and_code_beats_words(tmp_path: Path) -> None:
    """The item's status and exit code win over the text."""
    item = completed("a", 1001, 1002, status="declined", exit_code=9)
    [call] = rollout(tmp_path, meta(), asked("a"), item, output("a", "Exit code: 0\n")).calls
    assert (call.status, call.exit_code) == (Status.DENIED, 9)


def test_code_modes_nested_calls_have_the_program_as_caller(tmp_path: Path) -> None:
    """Calls that the model's code makes stand in item events alone; they belong to the step that wrote the code."""
    code = {"type": "custom_tool_call", "name": "exec", "input": "tools.a(); tools.b()", "call_id": "c"}
    mcp = {"type": "McpToolCall", "server": "crm_", "tool": "find", "arguments": {"q": 1}, "readOnlyHint": True}
    mcp["result"] = {"content": [{"type": "text", "text": "hit"}], "isError": False, "structuredContent": {"n": 1}}
    found = rollout(
        tmp_path,
        meta(),
        line("response_item", code, 1000),
        completed("exec-1", 1001, 1100),
        completed("exec-2", 1001, 1300, **mcp),
        line("response_item", {"type": "custom_tool_call_output", "call_id": "c", "output": "done"}, 2000),
        completed("exec-3", 2001, 2002),
    )
    outer, shell, nested = found.calls
    assert [c.caller for c in (outer, shell, nested)] == [Caller.MODEL, Caller.PROGRAM, Caller.PROGRAM]
    assert {c.step for c in found.calls} == {0}
    assert (arguments(outer), outer.arguments_ok) == ({"input": "tools.a(); tools.b()"}, False)
    assert (shell.tool, arguments(shell)) == ("exec_command", {"cmd": "ls"})
    assert (nested.tool, nested.server, arguments(nested)) == ("mcp__crm__find", "crm", {"q": 1})
    assert (nested.text, nested.result, nested.read_only, nested.status) == ("hit", '{"n":1}', True, Status.OK)
    assert nested.end_us == (BASE + 1300) * 1000


def test_an_execution_that_no_call_asked_for_is_told(tmp_path: Path) -> None:
    """What ran under an id that no call has is counted as passed over; what a person ran is repeated in a message."""
    asking = (meta(), asked("a", 1000), completed("a", 1001, 1100), output("a"))
    mine = completed("u", 1200, 1300, source="user_shell")
    old = line("event_msg", {"type": "exec_command_end", "call_id": "z", "command": ["ls"], "aggregated_output": "x"})
    assert rollout(tmp_path, *asking, mine).source.account.unknown == 0
    assert rollout(tmp_path, *asking, completed("b", 1200, 1300)).source.account.unknown == 1
    assert rollout(tmp_path, *asking, old).source.account.unknown == 1
    assert rollout(tmp_path, *asking, completed("b", 1200, 1300, type=["x"])).source.account.unknown == 1


def test_mirrored_events_add_nothing(tmp_path: Path) -> None:
    """Messages come a second time as events and as items: only the response items count."""
    mirrors = [
        line("event_msg", {"type": "user_message", "message": "hi"}),
        line("event_msg", {"type": "agent_message", "message": "hello"}),
        line("event_msg", {"type": "item_completed", "item": {"type": "AgentMessage", "id": "m1"}}),
    ]
    found = rollout(tmp_path, meta(), said("hi"), *mirrors, said("hello", "assistant"))
    assert found.kinds == ["user_message", "model_step"]


def test_what_the_host_says_in_the_users_role_is_no_human_turn(tmp_path: Path) -> None:
    """Surroundings and instructions are told by their kind, in older files by how they begin."""
    stated = said("Use the skill.")
    stated["payload"]["internal_chat_message_metadata_passthrough"] = {"content_item_kinds": ["skills.selected"]}
    typed = said("# AGENTS.md is what I want to write")
    typed["payload"]["internal_chat_message_metadata_passthrough"] = {"content_item_kinds": ["user.text"]}
    old = said("<environment_context>\n<cwd>/x</cwd>\n</environment_context>")
    found = rollout(
        tmp_path, meta(), old, said("# AGENTS.md instructions for /x"), stated, typed, said("x", "developer")
    )
    assert [e.kind for e in found.events] == [EventKind.HARNESS_MESSAGE] * 3 + [
        EventKind.USER_MESSAGE,
        EventKind.HARNESS_MESSAGE,
    ]


def test_steps_are_stated_in_new_files_and_runs_in_old_ones(tmp_path: Path) -> None:
    """Items sampled from the same history are one step even around an output; without that, outputs end a step."""
    new = rollout(tmp_path, meta(), asked("a", sampled=3), output("a"), asked("b", sampled=3), asked("c", sampled=8))
    assert [c.step for c in new.calls] == [0, 0, 1]
    old = rollout(tmp_path, meta(), asked("a"), asked("b"), output("a"), output("b"), asked("c"))
    assert [c.step for c in old.calls] == [0, 0, 1]


def test_repeated_cumulative_token_counts_count_once(tmp_path: Path) -> None:
    """A step has its own usage, not the running total, and a repeated count ends no step."""
    usage = {"input_tokens": 50, "cached_input_tokens": 20, "output_tokens": 7}
    total = {"input_tokens": 950, "output_tokens": 99}
    info = {"type": "token_count", "info": {"total_token_usage": total, "last_token_usage": usage}}
    found = rollout(
        tmp_path,
        meta(),
        asked("a"),
        line("event_msg", info),
        output("a"),
        asked("b"),
        line("event_msg", info),
        asked("c"),
    )
    first, second = found.of(EventKind.MODEL_STEP)
    assert (first.tokens_in, first.tokens_out, second.tokens_in) == (50, 7, None)
    assert [c.step for c in found.calls] == [0, 1, 1]


def test_compaction_is_one_event_and_history_stays(tmp_path: Path) -> None:
    """A compaction told twice (line and item) is one; what came before is still there."""
    found = rollout(
        tmp_path,
        meta(),
        said("hi"),
        line("response_item", {"type": "compaction", "encrypted_content": "x"}),
        line("compacted", {"message": "Summary.", "replacement_history": []}),
    )
    assert found.kinds == ["user_message", "compaction", "harness_message"]


def test_a_rollback_leaves_the_path(tmp_path: Path) -> None:
    """Rolling back one human turn takes it and what followed off the path, and nothing before it."""
    back = line("event_msg", {"type": "thread_rolled_back", "num_turns": 1})
    found = rollout(
        tmp_path, meta(), said("one"), asked("a"), output("a"), said("two"), asked("b"), back, said("three")
    )
    off = {found.events[seq].text or found.events[seq].call_id for seq in found.session.off_path}
    assert off == {"two", "b", None}
    assert found.events[-1].text == "three"


def test_a_fork_shares_the_uids_of_the_copied_prefix(tmp_path: Path) -> None:
    """A legacy fork copies history under new times: equal prefixes get equal uids, the rest does not."""
    common = [said("hi", ms=1), asked("call_x1", 2), output("call_x1", ms=3)]
    moved = [{**value, "timestamp": "2026-05-02T00:00:00.000Z"} for value in common]
    first = rollout(tmp_path, meta(), *common, said("so", ms=4))
    second = rollout(tmp_path, meta("other", forked_from_id=THREAD), *moved, said("but", ms=4), name="rollout-y.jsonl")
    ours, theirs = [e.uid for e in first.events], [e.uid for e in second.events]
    assert ours[:3] == theirs[:3]
    assert ours[3] != theirs[3]
    assert None not in ours
    assert (second.session.relation, second.session.parent) == ("fork", session_key("codex", THREAD))


def test_equal_beginnings_of_unrelated_sessions_are_no_copies(tmp_path: Path) -> None:
    """Two sessions that begin with the same words and then ask for calls of their own share no uid."""
    first = rollout(tmp_path, meta(), said("hi"), asked("call_x1"))
    second = rollout(tmp_path, meta("other"), said("hi"), asked("call_x2"), name="rollout-y.jsonl")
    assert not {e.uid for e in first.events} & {e.uid for e in second.events}


def test_a_paginated_fork_names_its_history(tmp_path: Path) -> None:
    """A fork that only refers to its history is linked to it."""
    found = rollout(tmp_path, meta("b", history_base={"thread_id": "a", "end_ordinal_exclusive": 4}), said("hi"))
    assert (found.session.relation, found.session.parent) == ("fork", session_key("codex", "a"))


@pytest.mark.parametrize("by_item", [True, False])
def test_a_sub_agent_knows_its_parent_and_the_call(tmp_path: Path, by_item: bool) -> None:
    """The parent's spawning call names the thread, in its item event or in its output."""
    spawn = asked("call_s", name="spawn_agent", arguments="{}")
    named = completed("call_s", 1001, 1002, type="CollabAgentToolCall", receiver_thread_ids=["kid"])
    told = output("call_s", json.dumps({"agent_id": "kid"}))
    parent = lines(tmp_path, [meta(session_id=THREAD), spawn, named if by_item else told], "rollout-a.jsonl")
    source = {"subagent": {"thread_spawn": {"parent_thread_id": THREAD, "depth": 1, "agent_role": "explorer"}}}
    child = lines(tmp_path, [meta("kid", session_id=THREAD, source=source), said("look")], "rollout-b.jsonl")
    assert codex.groups([parent, child]) == [(parent, child)]
    found = read("codex", parent, child)
    kid = found.sessions[session_key("codex", "kid")]
    assert (kid.relation, kid.parent, kid.spawned_by) == ("subagent", session_key("codex", THREAD), "call_s")
    assert kid.agent == "explorer"


def test_a_header_copied_from_a_parent_begins_no_session(tmp_path: Path) -> None:
    """Older forks and sub-agents copy the parent's lines, its header too."""
    found = rollout(tmp_path, meta("b", forked_from_id="a"), meta("a"), said("hi"))
    assert found.session.native_id == "b"


def test_the_flat_generation_is_read(tmp_path: Path) -> None:
    """Bare items after a header without type, with state records between."""
    values = [
        {"id": "old", "timestamp": "2025-05-01T10:00:00.000Z", "instructions": None},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "c"},
        {"type": "function_call_output", "call_id": "c", "output": '{"output":"a","metadata":{"exit_code":0}}'},
    ]
    path = lines(tmp_path, values)
    assert recognise(path) == "codex"
    found = read("codex", path)
    assert found.session.native_id == "old"
    assert [(c.tool, c.text) for c in found.calls] == [("shell", "a")]
    assert found.source.account.unknown == 0


def test_tools_without_output_item_and_old_end_events(tmp_path: Path) -> None:
    """A web search is run by the provider; a legacy end event gives duration and outcome of a command."""
    search = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"query": "x"}}
    end = {"type": "exec_command_end", "call_id": "a", "exit_code": 1, "duration": {"secs": 1, "nanos": 500_000_000}}
    found = rollout(
        tmp_path, meta(), line("response_item", search, 500), asked("a"), line("event_msg", end, 2900), output("a")
    )
    web, command = found.calls
    assert (web.tool, web.status, arguments(web)) == ("web_search", Status.OK, {"query": "x"})
    assert (command.start_us, command.exit_code) == ((BASE + 1400) * 1000, 1)


def test_a_namespace_is_part_of_the_name(tmp_path: Path) -> None:
    """Newer files keep server and tool apart, older ones join them: the name is the same."""
    split = asked("a", name="find", namespace="mcp__crm__")
    joined = asked("b", name="mcp__crm__find")
    first, second = rollout(tmp_path, meta(), split, joined).calls
    assert (first.tool, first.server) == (second.tool, second.server) == ("mcp__crm__find", "crm")


def test_a_compressed_file_is_read_once(tmp_path: Path) -> None:
    """A cold file is Zstandard; while its plain original still lies beside it, the plain one is read."""
    zstandard = pytest.importorskip("zstandard")
    reader = load_reader("codex")
    plain = tmp_path / reader.EXAMPLE_NAME
    packed = tmp_path / f"{reader.EXAMPLE_NAME}.zst"
    packed.write_bytes(zstandard.ZstdCompressor().compress(reader.EXAMPLE))
    assert recognise(packed) == "codex"
    assert len(read("codex", packed).calls) == len(reader.EXAMPLE_CALLS)
    plain.write_bytes(reader.EXAMPLE)
    assert codex.groups([plain, packed]) == [(plain, packed)]
    both = read("codex", plain, packed)
    assert len(both.calls) == len(reader.EXAMPLE_CALLS)
    assert both.reasons == ["repeated_session"]


def test_what_surrounds_a_session_is_kept(tmp_path: Path) -> None:
    """Folder, branch, version and model, from header and turn context."""
    context = line("turn_context", {"turn_id": "t1", "model": "m"})
    found = rollout(tmp_path, meta(git={"branch": "main"}), context, said("hi"), asked("a"))
    session = found.session
    assert (session.cwd, session.application, session.branch) == ("/srv/shop", "shop", "main")
    assert (session.agent_version, session.model) == ("0.169.0", "m")
    assert found.of(EventKind.MODEL_STEP)[0].model == "m"


def test_ids_that_begin_anew_are_told_apart(tmp_path: Path) -> None:
    """Local models number their calls from nought in every answer: times and exit codes stay with their own call."""
    found = rollout(
        tmp_path,
        meta(),
        asked("call_0", 1000),
        completed("call_0", 1100, 1200, exit_code=1),
        output("call_0", "one", 1300),
        asked("call_0", 2000),
        completed("call_0", 2100, 2500, exit_code=0),
        output("call_0", "two", 2600),
    )
    told = [(c.text, c.exit_code, (c.end_us or 0) - (c.start_us or 0)) for c in found.calls]
    assert told == [("one", 1, 100_000), ("two", 0, 400_000)]
