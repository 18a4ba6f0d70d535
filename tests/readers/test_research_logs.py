"""InterCode, nested AutoGen chats and DeerFlow: small formats of research agents, and the real files of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from miner.events import EventKind, Status
from miner.readers import recognise
from tests.readers.reading import arguments, document, read, totals
from tests.real_logs import needs_real_logs, real_files


def task(**history: Any) -> dict[str, Any]:
    """An InterCode file with one task."""
    about = {"environment": "ic_sql", "dataset": "./data/spider/dev.json", "task_id": 7, "query": "How many?"}
    return {"7": {**about, "turn_history": history, "summary": {"max_reward": 0.5}}}


def test_a_plain_action_is_the_command(tmp_path: Path) -> None:
    """Without thoughts, an action is a command as it stands; validity is its status, the best reward the session's."""
    value = task(
        actions=["select 1", "selec"], observations=["[(1,)]", "Error"], valid_action=[True, False], rewards=[]
    )
    found = read("intercode", document(tmp_path, value))
    first, second = found.calls
    assert (first.tool, arguments(first), first.status) == ("sql", {"command": "select 1"}, Status.OK)
    assert (second.status, second.native_error) == (Status.ERROR, True)
    assert (found.session.task, found.session.reward) == ("dev/7", 0.5)


def test_an_answer_held_back_is_no_call(tmp_path: Path) -> None:
    """The harness writes a word in place of an answer that the provider blocked."""
    found = read(
        "intercode", document(tmp_path, task(actions=["a", "blocked"], observations=["x"], valid_action=[True]))
    )
    assert [arguments(c) for c in found.calls] == [{"command": "a"}]
    assert len(found.of(EventKind.MODEL_STEP)) == 2


def test_tasks_under_logs_are_found(tmp_path: Path) -> None:
    """Later runs put the settings beside the tasks."""
    path = document(tmp_path, {"meta": {"env": "bash"}, "logs": task(actions=["a"], observations=["x"])})
    assert recognise(path) == "intercode"
    assert [c.status for c in read("intercode", path).calls] == [Status.UNKNOWN]


@needs_real_logs("intercode")
def test_real_intercode_results_are_read() -> None:
    """Thirty files; an answer that was held back is no call."""
    assert totals("intercode", real_files("intercode", "*.json.gz")) == {"sessions": 10_353, "calls": 49_941}


def test_the_outer_agents_words_are_the_task(tmp_path: Path) -> None:
    """The log is the outer agent's: its assistant asks, and the inner agent answers as its user."""
    call = {"id": "c", "type": "function", "function": {"name": "go", "arguments": "{}"}}
    values = [
        {"role": "assistant", "content": "Do it."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "ok", "tool_responses": [{"tool_call_id": "c", "role": "tool", "content": "ok"}]},
        {"role": "user", "content": "Done."},
    ]
    found = read("autogen", document(tmp_path, values))
    assert found.kinds == ["user_message", "model_step", "tool_call", "model_step"]
    assert (found.calls[0].text, found.calls[0].step) == ("ok", 0)


def test_a_chat_that_begins_with_its_user_is_not_turned(tmp_path: Path) -> None:
    """Seen from inside, roles mean what they say."""
    values = [
        {"role": "user", "content": "Do it."},
        {"role": "tool", "content": "x", "tool_responses": [{"tool_call_id": "?", "role": "tool", "content": "x"}]},
        {"role": "assistant", "content": "Done."},
    ]
    found = read("autogen", document(tmp_path, values))
    assert found.kinds == ["user_message", "harness_message", "model_step"]
    assert found.reasons == ["result_without_call"]


@needs_real_logs("agent_e")
def test_real_nested_chats_are_read() -> None:
    """Thirteen chats with 36 calls, each with its own result."""
    paths = real_files("agent_e", "*.json.gz")
    assert totals("autogen", paths) == {"sessions": 13, "calls": 36}
    assert all(call.status is Status.UNKNOWN for path in paths for call in read("autogen", path).calls)


def event(kind: str, **data: Any) -> str:
    """A server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'thread_id': 't', 'role': 'assistant', **data})}\n\n"


def chunk(name: str | None, args: str, identity: str | None = None, index: int = 0) -> dict[str, Any]:
    """A piece of a call."""
    return {"name": name, "args": args, "id": identity, "index": index, "type": "tool_call_chunk"}


def stream(folder: Path, *events: str) -> Path:
    """A replay on disk."""
    path = folder / "r.txt"
    path.write_text("".join(events), encoding="utf-8")
    assert recognise(path) == "deer_flow"
    return path


def test_calls_in_pieces_are_put_together(tmp_path: Path) -> None:
    """Pieces of two calls interleave by index; a third call under a used index begins with its name."""
    pieces = [
        event("message_chunk", id="u", role="user", content="hi"),
        event("tool_calls", id="m", tool_calls=[], tool_call_chunks=[chunk("a", '{"x"', "1")]),
        event("tool_call_chunks", id="m", tool_call_chunks=[chunk("b", "", "2", 1)]),
        event("tool_call_chunks", id="m", tool_call_chunks=[chunk(None, ":1}"), chunk(None, '{"y":2}', index=1)]),
        event("tool_call_chunks", id="m", tool_call_chunks=[chunk("c", "{}", "3")]),
        event("tool_call_result", id="r", content="ok", tool_call_id="2"),
    ]
    calls = read("deer_flow", stream(tmp_path, *pieces)).calls
    assert [(c.tool, arguments(c), c.text) for c in calls] == [
        ("a", {"x": 1}, None),
        ("b", {"y": 2}, "ok"),
        ("c", {}, None),
    ]
    assert {c.step for c in calls} == {0}


def test_a_whole_call_without_pieces_counts(tmp_path: Path) -> None:
    """Some models send a call at once."""
    call = {"name": "a", "args": {"x": 1}, "id": "1", "type": "tool_call"}
    [found] = read("deer_flow", stream(tmp_path, event("tool_calls", id="m", tool_calls=[call]))).calls
    assert arguments(found) == {"x": 1}


def test_results_without_ids_answer_the_latest_message(tmp_path: Path) -> None:
    """A hand-over gets no result: the next agent's results are not its."""
    values = [
        event("tool_calls", id="m1", tool_call_chunks=[chunk("handoff", "{}", "")]),
        event("tool_calls", id="m2", tool_call_chunks=[chunk("a", "{}", ""), chunk("b", "{}", "", 1)]),
        event("tool_call_result", id="r", content="for a", tool_call_id=""),
        event("tool_call_result", id="r", content="for b", tool_call_id=""),
    ]
    calls = read("deer_flow", stream(tmp_path, *values)).calls
    assert [(c.tool, c.text) for c in calls] == [("handoff", None), ("a", "for a"), ("b", "for b")]


def test_lines_of_a_stream_that_cannot_be_used_are_reported(tmp_path: Path) -> None:
    """Broken data and stray lines are problems; comments keep a connection open and say nothing."""
    path = stream(tmp_path, event("message_chunk", id="u", content="x"), "data: {\n", "stray\n", ": ping\n")
    found = read("deer_flow", path)
    assert found.reasons == ["not_json", "unknown_record"]
    assert found.source.account.total == path.stat().st_size


def test_a_threads_history_is_its_longest_state(tmp_path: Path) -> None:
    """A list of checkpoints repeats one conversation."""
    told = [{"type": "human", "content": "hi", "id": "1"}, {"type": "ai", "content": "", "id": "2", "tool_calls": [
        {"name": "go", "args": {}, "id": "c", "type": "tool_call"}]},
        {"type": "tool", "content": "no", "tool_call_id": "c", "status": "error"}]  # fmt: skip
    states = [{"values": {"messages": told[:n]}, "next": [], "checkpoint": {"thread_id": "t"}} for n in (3, 2, 1)]
    found = read("deer_flow", document(tmp_path, states))
    assert [(c.tool, c.status) for c in found.calls] == [("go", Status.ERROR)]
    assert found.session.native_id == "t"


@needs_real_logs("deer_flow")
def test_real_replays_and_threads_are_read() -> None:
    """Five replays and eleven threads; with the two traces they make the stated 18 sessions and 274 calls."""
    replays = totals("deer_flow", real_files("deer_flow", "*.txt.gz"))
    threads = totals("deer_flow", [p for p in real_files("deer_flow", "*.json.gz") if p.parent.name == "threads"])
    traces = totals("otel", [p for p in real_files("deer_flow", "*.json.gz") if p.parent.name == "otel-monocle"])
    assert replays == {"sessions": 5, "calls": 30}
    assert threads["sessions"] == 11
    assert replays["sessions"] + threads["sessions"] + traces["sessions"] == 18
    assert replays["calls"] + threads["calls"] + traces["calls"] == 274
