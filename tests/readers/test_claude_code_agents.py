"""Claude Code logs: sub-agents in every layout there has been, and stream-json."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from miner.events import EventKind, Status, TimeSource
from miner.readers import claude_code, recognise, session_key
from miner.readers.claude_example import SESSION, call, progress, said
from tests.readers.claude_code_logs import (
    MAIN_KEY,
    Log,
    agent_lines,
    lines_of,
    log,
    model,
    result,
    stream_json,
    text,
    user,
    write,
)


def test_a_sub_agent_told_through_progress_lines_is_a_session_of_its_own(tmp_path: Path) -> None:
    """Its inner calls are its own, it knows its parent and the call that started it, and repeats count once."""
    lines = lines_of(claude_code.EXAMPLE)
    again = next(line for line in lines if line.get("uuid") == "p2")
    read = log(tmp_path, *lines, {**again, "uuid": "p9"})
    agent = read.agent()
    assert (agent.parent, agent.spawned_by, agent.native_id) == (MAIN_KEY, "toolu_C", f"{SESSION}/a1b2c3")
    assert (agent.cwd, agent.application) == ("/home/ada/shop", "shop")
    assert [event.tool for event in read.of(EventKind.TOOL_CALL, agent.key)] == ["Glob"]
    assert [event.text for event in read.of(EventKind.USER_MESSAGE, agent.key)] == ["Find the tests."]
    assert [event.tool for event in read.of(EventKind.TOOL_CALL)] == ["Grep", "Bash", "Task"]
    assert read.texts(EventKind.USER_MESSAGE) == ["Why does the test fail?"]


@pytest.mark.parametrize(
    "place",
    [
        "agent-a1b2c3.jsonl",
        f"{SESSION}/subagents/agent-a1b2c3.jsonl",
        f"{SESSION}/subagents/workflows/w/agent-a1b2c3.jsonl",
    ],
)
def test_a_sub_agents_file_is_read_with_its_session_and_beats_the_progress_lines(tmp_path: Path, place: str) -> None:
    """Beside the session (2.0.x) or in its folder (2.1.2 and later): one session, linked, without doubled calls."""
    paths = [write(tmp_path, lines_of(claude_code.EXAMPLE)), write(tmp_path, agent_lines("a1b2c3"), place)]
    (group,) = claude_code.groups(paths)
    read = Log(*group)
    agent = read.agent()
    assert (agent.parent, agent.spawned_by) == (MAIN_KEY, "toolu_C")
    assert [event.call_id for event in read.of(EventKind.TOOL_CALL, agent.key)] == ["a1b2c3-t"]
    assert Log(paths[0]).agent().key == agent.key == Log(paths[1]).agent().key


def test_the_description_of_a_sub_agent_links_it_whatever_its_depth(tmp_path: Path) -> None:
    """An agent of an agent lies flat in the family's folder; ``parentAgentId`` and ``toolUseId`` say whose it is."""
    folder = f"{SESSION}/subagents"
    main = write(tmp_path, [user("u1", None, 0, "go")])
    paths = [main]
    for agent, meta in (
        ("one", {"agentType": "Explore", "toolUseId": "t1"}),
        ("two", {"agentType": "Plan", "toolUseId": "one-t", "parentAgentId": "one"}),
    ):
        paths.append(write(tmp_path, agent_lines(agent), f"{folder}/agent-{agent}.jsonl"))
        description = tmp_path / folder / f"agent-{agent}.meta.json"
        description.write_bytes(orjson.dumps(meta, option=orjson.OPT_INDENT_2))
        paths.append(description)
        assert recognise(description) == "claude_code"
    (group,) = claude_code.groups(paths[::-1])
    assert group[0] == main
    read = Log(*group)
    one, two = (session_key("claude_code", SESSION, agent) for agent in ("one", "two"))
    assert (read.sessions[one].parent, read.sessions[one].spawned_by) == (MAIN_KEY, "t1")
    assert (read.sessions[two].parent, read.sessions[two].spawned_by) == (one, "one-t")
    assert (read.sessions[one].agent, read.sessions[two].agent) == ("Explore", "Plan")
    assert read.source.problems == []


def test_sessions_of_one_folder_are_read_apart(tmp_path: Path) -> None:
    """Only sub-agents join a session's file."""
    paths = [write(tmp_path, [user("u1", None, 0, "go")], name) for name in ("a.jsonl", "b.jsonl")]
    assert claude_code.groups(paths) == [(paths[0],), (paths[1],)]


def test_sidechains_of_the_oldest_generation_are_sessions_found_by_their_prompt(tmp_path: Path) -> None:
    """Two interleaved chains in the main file, each linked to the call whose prompt it starts with."""
    side = {"isSidechain": True}
    read = log(
        tmp_path,
        user("u1", None, 0, "go"),
        model("a1", "u1", 1, "m1", call("t1", "Task", prompt="Find A", subagent_type="Explore")),
        model("a2", "a1", 1, "m1", call("t2", "Task", prompt="Find B")),
        user("x1", None, 2, "Find A", **side),
        user("y1", None, 2, "Find B", **side),
        model("x2", "x1", 3, "x", call("ta", "Grep", pattern="A"), **side),
        model("y2", "y1", 3, "y", call("tb", "Grep", pattern="B"), **side),
        {**result("y3", "y2", 4, "tb", "b"), **side},
        {**result("x3", "x2", 4, "ta", "a"), **side},
        result("r1", "a1", 5, "t1", "A done"),
        result("r2", "a2", 6, "t2", "B done"),
        model("a3", "r2", 7, "m2", text("done")),
    )
    agents = {s.spawned_by: s for s in read.sessions.values() if s.relation == "subagent"}
    assert set(agents) == {"t1", "t2"}
    assert agents["t1"].agent == "Explore"
    assert [e.text for e in read.of(EventKind.TOOL_CALL, agents["t1"].key)] == ["a"]
    assert [e.text for e in read.of(EventKind.TOOL_CALL, agents["t2"].key)] == ["b"]
    assert [e.text for e in read.of(EventKind.TOOL_CALL)] == ["A done", "B done"]
    assert read.main.off_path == ()


def test_stream_json_is_read_by_the_same_reader(tmp_path: Path) -> None:
    """Names in snake case, no timestamps: same events without times, sub-agents by ``parent_tool_use_id``."""
    path = write(tmp_path, stream_json(), "out.jsonl")
    assert recognise(path) == "claude_code"
    read = Log(path)
    main = session_key("claude_code", "S")
    assert (read.sessions[main].cwd, read.sessions[main].outcome) == ("/home/ada/shop", "success")
    assert [event.tool for event in read.of(EventKind.TOOL_CALL, main)] == ["Task"]
    agent = read.agent()
    assert (agent.parent, agent.spawned_by) == (main, "t1")
    (grep,) = read.of(EventKind.TOOL_CALL, agent.key)
    assert (grep.text, grep.result, grep.status) == ("hit", '{"numFiles":1}', Status.OK)
    assert {event.time_source for event in read.events} == {TimeSource.NONE}
    assert all(session.off_path == () for session in read.sessions.values())


def test_an_agents_inner_progress_is_the_agents_child(tmp_path: Path) -> None:
    """A sub-agent that starts another is that one's parent."""
    own = {"agentId": "outer", "isSidechain": True}
    lines = [
        user("u1", None, 0, "go", **own),
        model("a4", "u1", 1, "m1", call("toolu_C", "Task", prompt="p"), **own),
        {**progress("p1", "a4", 2, type="assistant", message=said("m3", call("t9", "Glob", pattern="*"))), **own},
    ]
    read = Log(write(tmp_path, lines, "agent-outer.jsonl"))
    outer, inner = (session_key("claude_code", SESSION, agent) for agent in ("outer", "a1b2c3"))
    assert (read.sessions[inner].parent, read.sessions[inner].spawned_by) == (outer, "toolu_C")
    assert [event.tool for event in read.of(EventKind.TOOL_CALL, inner)] == ["Glob"]
