"""Gemini CLI recordings: edits, rewinds, checkpoints, duplicate results, times, sub-agents; and real recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miner.events import EventKind, Status, TimeSource
from miner.readers import gemini, recognise, session_key
from tests.readers.reading import document, lines, read, totals
from tests.real_logs import needs_real_logs, real_files

META = {"sessionId": "s1", "projectHash": "p", "startTime": "2026-05-01T10:00:00.000Z", "kind": "main"}
MS = 1_777_629_600_000


def call(name: str = "ls", ms: int = 1000, end: int = 2, status: str = "success", **about: Any) -> dict[str, Any]:
    """A tool call as a message holds it."""
    identity = f"{name}__{name}_{MS + ms}_0"
    answer = {"functionResponse": {"id": identity, "name": name, "response": {"output": "ok"}}}
    stamp = f"2026-05-01T10:00:{end:02}.000Z"
    return {"id": identity, "name": name, "args": {}, "result": [answer], "status": status, "timestamp": stamp, **about}


def model(identity: str, *calls: dict[str, Any], text: str = "") -> dict[str, Any]:
    """A message of the model."""
    stamp = "2026-05-01T10:00:01.500Z"
    return {"id": identity, "timestamp": stamp, "type": "gemini", "content": text, "toolCalls": list(calls)}


def person(identity: str, text: Any = "hi") -> dict[str, Any]:
    """A message of a person."""
    return {"id": identity, "timestamp": "2026-05-01T10:00:00.000Z", "type": "user", "content": text}


def test_the_last_wording_of_a_message_counts(tmp_path: Path) -> None:
    """A message is written again when its calls and results come in: the same id is a replacement."""
    values = [META, person("1"), model("2"), model("2", call(status="executing", result=None)), model("2", call())]
    found = read("gemini", lines(tmp_path, values))
    assert found.kinds == ["user_message", "model_step", "tool_call"]
    assert found.calls[0].status is Status.OK


def test_a_rewind_takes_its_message_and_all_after_off_the_path(tmp_path: Path) -> None:
    """What was taken back stays in the log, off the path; what comes then goes on."""
    values = [META, person("1"), model("2", call()), person("3", "no"), model("4", text="x"), {"$rewindTo": "3"}]
    found = read("gemini", lines(tmp_path, [*values, person("5", "yes")]))
    off = [found.events[seq].text for seq in found.session.off_path]
    assert off == ["no", "x"]
    assert found.events[-1].text == "yes"


def test_a_rewind_to_nowhere_takes_all_back(tmp_path: Path) -> None:
    """The host empties the history when it does not know the message."""
    found = read("gemini", lines(tmp_path, [META, person("1"), model("2"), {"$rewindTo": "?"}]))
    assert found.session.off_path == (0, 1)


def test_a_checkpoint_rebuilds_and_tells_compression_from_rollback(tmp_path: Path) -> None:
    """A checkpoint without the last messages takes them back; one with others in their place compressed them."""
    told = [META, person("1"), model("2", text="a"), person("3", "b")]
    rolled = read("gemini", lines(tmp_path, [*told, {"$set": {"messages": told[1:3]}}]))
    assert rolled.kinds == ["user_message", "model_step", "user_message"]
    assert rolled.session.off_path == (2,)
    summary = person("9", "Summary.")
    packed = read("gemini", lines(tmp_path, [*told, {"$set": {"messages": [summary, told[3]]}}, model("4", text="c")]))
    assert packed.kinds == ["user_message", "model_step", "user_message", "compaction", "user_message", "model_step"]
    assert packed.session.off_path == ()


def test_a_checkpoint_that_repeats_adds_nothing(tmp_path: Path) -> None:
    """Metadata patches and a checkpoint of the same messages change no event."""
    told = [META, person("1"), model("2", call())]
    plain = read("gemini", lines(tmp_path, told))
    again = read("gemini", lines(tmp_path, [*told, {"$set": {"lastUpdated": "x"}}, {"$set": {"messages": told[1:]}}]))
    assert again.events == plain.events


def test_results_told_a_second_time_are_no_human_turn(tmp_path: Path) -> None:
    """A user message of function responses repeats results; the host's own words are no person's."""
    repeated = person("3", [{"functionResponse": {"id": "x", "name": "ls", "response": {"output": "ok"}}}])
    values = [META, person("1"), model("2", call()), repeated, person("4", "System: Please continue.")]
    found = read("gemini", lines(tmp_path, values))
    assert found.kinds == ["user_message", "model_step", "tool_call", "harness_message"]
    assert found.calls[0].turn == 0


def test_a_call_alone_is_timed_from_its_id_and_a_batch_is_not(tmp_path: Path) -> None:
    """The id holds the start; the stamp is the end of the whole batch, which dates none of its calls."""
    batch = model("3", call("a", 3000, 9), call("b", 3000, 9))
    found = read("gemini", lines(tmp_path, [META, person("1"), model("2", call("ls", 1200, 2)), batch]))
    alone, first, second = found.calls
    assert alone.time_source is TimeSource.LOG_DELTA
    assert (alone.start_us, alone.end_us) == ((MS + 1200) * 1000, (MS + 2000) * 1000)
    assert {first.time_source, second.time_source} == {TimeSource.NONE}
    assert found.of(EventKind.MODEL_STEP)[0].time_us == (MS + 1200) * 1000


def test_success_with_an_exit_code_is_both(tmp_path: Path) -> None:
    """The host calls a command that failed a success: status and exit code each say their own."""
    answer = [{"functionResponse": {"response": {"output": "Output: x\nError: (none)\nExit Code: 2\nSignal: 0"}}}]
    failed = [{"functionResponse": {"response": {"error": "no such tool"}}}]
    values = [
        META,
        model("1", call(result=answer), call("b", status="error", result=failed), call("c", status="cancelled")),
    ]
    first, second, third = read("gemini", lines(tmp_path, values)).calls
    assert (first.status, first.exit_code) == (Status.OK, 2)
    assert (second.status, second.text) == (Status.ERROR, "no such tool")
    assert third.status is Status.CANCELLED


def test_an_older_document_is_read_like_a_journal(tmp_path: Path) -> None:
    """Before the journal, a recording was one object with its messages; notes to the screen are no events."""
    note = {"id": "n", "timestamp": "2026-05-01T10:00:00.000Z", "type": "info", "content": "Update available!"}
    path = document(tmp_path, {**META, "messages": [note, person("1"), model("2", call())]})
    assert recognise(path) == "gemini"
    assert read("gemini", path).kinds == ["user_message", "model_step", "tool_call"]


def test_a_note_that_is_more_than_a_note_is_told(tmp_path: Path) -> None:
    """What calls itself a note or a person's but has what a model says, or parts, is counted as passed over."""
    note = {"id": "n", "timestamp": "2026-05-01T10:00:00.000Z", "type": "warning", "content": "Slow."}
    assert read("gemini", lines(tmp_path, [META, person("1"), note])).source.account.unknown == 0
    for odd, kind in ((model("2", call()), "error"), (person("2", [{"text": "hi"}]), "info"), (model("2"), "user")):
        found = read("gemini", lines(tmp_path, [META, person("1"), {**odd, "type": kind}]))
        assert (found.kinds, found.source.account.unknown) == (["user_message"], 1)


def test_a_sub_agent_is_linked_to_its_call(tmp_path: Path) -> None:
    """Sub-agents lie in a folder named after the session; the call that started one names it."""
    chats = tmp_path / "chats"
    folder = chats / "0a1b2c3d-1111"
    folder.mkdir(parents=True)
    spawn = call("task", agentId="kid")
    main = lines(
        chats, [META | {"sessionId": "0a1b2c3d-1111"}, model("1", spawn)], "session-2026-05-01T10-00-0a1b2c3d.jsonl"
    )
    child = lines(folder, [META | {"sessionId": "kid", "kind": "subagent"}, person("1")], "kid.jsonl")
    assert gemini.groups([main, child]) == [(child, main)]
    kid = read("gemini", child, main).sessions[session_key("gemini", "kid")]
    assert (kid.relation, kid.parent) == ("subagent", session_key("gemini", "0a1b2c3d-1111"))
    assert kid.spawned_by == spawn["id"]
    alone = read("gemini", child).session
    assert (alone.parent, alone.spawned_by) == (session_key("gemini", "0a1b2c3d-1111"), None)


@needs_real_logs("gemini")
def test_real_recordings_are_read() -> None:
    """Four recordings of one developer: all calls with their results, one recording with a warning only."""
    assert totals("gemini", real_files("gemini", "*.json.gz")) == {"sessions": 4, "calls": 12}
    for path in real_files("gemini", "*.json.gz"):
        for event in read("gemini", path).calls:
            assert event.status is Status.OK
            assert event.time_source in (TimeSource.LOG_DELTA, TimeSource.NONE)
