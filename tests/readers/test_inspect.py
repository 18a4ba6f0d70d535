"""Inspect logs: archives of every packing, attachments, pooled inputs, agents, retries, waiting, scores."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller, EventKind, Status
from miner.readers import inspect, recognise, session_key
from miner.readers.record import Limits
from tests.readers.archives import zipped
from tests.readers.reading import Read, document, read

SAMPLE = json.loads(inspect.EXAMPLE)["samples"][0]
HEADER = {"eval": {"run_id": "r1", "task": "shop", "model": "p/m"}, "status": "success"}
SECOND = "2026-05-01T10:00:{:02}+00:00"


def archive(folder: Path, members: dict[str, Any], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A ``.eval`` file."""
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w", method) as file:
        for name, value in members.items():
            file.writestr(name, json.dumps(value))
    return path


def zstd_archive(folder: Path, members: dict[str, Any]) -> Path:
    """A ``.eval`` file as new versions write it: members packed with Zstandard, which the library only lists."""
    pytest.importorskip("zstandard")
    path = folder / "log.eval"
    path.write_bytes(
        zipped({name: json.dumps(value).encode() for name, value in members.items()}, every=len(members) + 1)
    )
    return path


def model(*calls: str, place: int = 0, **about: Any) -> dict[str, Any]:
    """A model event."""
    asked = [{"id": c, "function": "go", "arguments": {"n": c}, "type": "function"} for c in calls]
    message = {"role": "assistant", "content": f"step {place}", "tool_calls": asked}
    return {
        "event": "model",
        "uuid": f"m{place}",
        "input": [{"role": "user", "content": "hi"}],
        "output": {"model": "m", "choices": [{"message": message}]},
        "timestamp": SECOND.format(place),
        "completed": SECOND.format(place + 1),
        **about,
    }


def tool(identity: str, place: int = 5, **about: Any) -> dict[str, Any]:
    """A tool event."""
    times = {"timestamp": SECOND.format(place), "completed": SECOND.format(place + 4)}
    return {
        "event": "tool",
        "uuid": f"t{identity}",
        "id": identity,
        "function": "go",
        "arguments": {},
        **times,
        **about,
    }


def sample(folder: Path, *events: dict[str, Any], **about: Any) -> Read:
    """A JSON log with one sample, read."""
    value = {"id": 1, "epoch": 1, "uuid": "u", "events": list(events), "messages": [], **about}
    return read("inspect", document(folder, {**HEADER, "samples": [value]}))


def test_the_models_calls_are_the_models(tmp_path: Path) -> None:
    """A tool event answers the call of the model event before it, whose tool's name stands under its own key."""
    found = sample(
        tmp_path, model("a", "b"), tool("b", result="x"), tool("a", error={"type": "timeout", "message": "t"})
    )
    assert [(c.caller, c.step, c.status, c.text) for c in found.calls] == [
        (Caller.MODEL, 0, Status.TIMEOUT, "t"),
        (Caller.MODEL, 0, Status.OK, "x"),
    ]
    assert json.loads(found.calls[0].arguments or "") == {"n": "a"}


def test_a_call_that_no_model_asked_for_is_the_harness(tmp_path: Path) -> None:
    """A solver may call tools itself."""
    found = sample(tmp_path, model(), tool("z"))
    assert [c.caller for c in found.calls] == [Caller.HARNESS]


def test_waiting_is_no_part_of_a_tools_time(tmp_path: Path) -> None:
    """The working time counts back from the end; without it, the event's own interval is taken."""
    first, second = sample(tmp_path, model("a", "b"), tool("a", working_time=1.5), tool("b")).calls
    assert [(c.end_us or 0) - (c.start_us or 0) for c in (first, second)] == [1_500_000, 4_000_000]


def test_ids_that_begin_anew_are_told_apart(tmp_path: Path) -> None:
    """Two calls of one id keep their own times and results."""
    events = [model("a"), tool("a", result="one") | {"uuid": "t1"}, model("a", place=10)]
    found = sample(tmp_path, *events, tool("a", 20, result="two", working_time=1) | {"uuid": "t2"})
    told = [(c.text, (c.end_us or 0) - (c.start_us or 0)) for c in found.calls]
    assert told == [("one", 4_000_000), ("two", 1_000_000)]


def test_a_failed_request_is_no_step_and_a_pending_event_counts_once(tmp_path: Path) -> None:
    """Retries leave events without an answer; an event that was pending is written again."""
    pending = tool("a", pending=True) | {"completed": None}
    found = sample(tmp_path, model(error="overloaded", output={}), model("a", place=1), pending, tool("a", result="x"))
    assert len(found.of(EventKind.MODEL_STEP)) == 1
    assert [(c.status, c.text) for c in found.calls] == [(Status.OK, "x")]


def test_inputs_repeat_the_history_and_tell_compaction(tmp_path: Path) -> None:
    """Only what a request adds is told; a history cut in front is a compaction."""
    said = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "step 0"},
        {"role": "user", "content": "on"},
    ]
    cut = [{"role": "user", "content": "Summary."}, said[2]]
    found = sample(tmp_path, model(), model(place=2, input=said), model(place=4, input=cut))
    assert found.kinds == [
        "user_message",
        "model_step",
        "user_message",
        "model_step",
        "compaction",
        "user_message",
        "model_step",
    ]


def test_an_answer_that_no_request_brought_is_told(tmp_path: Path) -> None:
    """What was put into the model's mouth is no step of it: counted as passed over."""
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "As I said:"}]
    found = sample(tmp_path, model(input=said))
    assert (found.kinds, found.source.account.unknown) == (["user_message", "model_step"], 1)


def test_pooled_inputs_are_looked_up(tmp_path: Path) -> None:
    """Long logs keep messages once and refer to them by place or range."""
    pool = {"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]}
    ranged = model(input=[], input_refs=[[0, 2]])
    assert sample(tmp_path, ranged, events_data=pool).kinds == ["harness_message", "user_message", "model_step"]
    single = model(input=[], input_refs=[1])
    assert sample(tmp_path, single, events_data=pool).kinds == ["user_message", "model_step"]


def test_an_agent_that_a_tool_started_is_a_session(tmp_path: Path) -> None:
    """Spans say whose an event is: the sample's own agent, or one that a call started."""
    spans = [
        {"event": "span_begin", "id": "main", "parent_id": None, "type": "agent"},
        {"event": "span_begin", "id": "kid", "parent_id": "main", "type": "agent"},
        {"event": "span_begin", "id": "inner", "parent_id": "kid", "type": "tool"},
    ]
    found = sample(
        tmp_path,
        *spans,
        model("a", span_id="main"),
        model("b", place=2, span_id="kid"),
        tool("b", span_id="inner"),
        tool("a", span_id="main", agent_span_id="kid"),
    )
    root, kid = session_key("inspect", "u"), session_key("inspect", "u", "kid")
    assert {c.call_id: c.session for c in found.calls} == {"a": root, "b": kid}
    session = found.sessions[kid]
    assert (session.relation, session.parent, session.spawned_by) == ("subagent", root, "a")


def test_a_log_without_events_is_read_from_its_messages(tmp_path: Path) -> None:
    """Events may have been left out on writing."""
    call = {"id": "a", "function": "go", "arguments": {"x": 1}, "type": "function"}
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    assert sample(tmp_path, messages=messages).kinds == ["user_message", "model_step", "tool_call"]


@pytest.mark.parametrize(("value", "reward"), [("C", 1.0), ("I", 0.0), (True, 1.0), (0.25, 0.25), ("fine", None)])
def test_a_score_is_the_reward(tmp_path: Path, value: Any, reward: float | None) -> None:
    """Grades and numbers become a reward; words do not. Task and epoch keep attempts together."""
    session = sample(tmp_path, model(), scores={"match": {"value": value}}).session
    assert (session.reward, session.task, session.attempt, session.application) == (reward, "shop/1", 1, "shop")


@pytest.mark.parametrize("packing", ["stored", "deflated", "zstd"])
def test_an_archive_is_read_however_it_is_packed(tmp_path: Path, packing: str) -> None:
    """New versions pack members with Zstandard, which the standard library cannot undo."""
    members = {"header.json": HEADER, "summaries.json": [], "samples/1_epoch_1.json": SAMPLE}
    if packing == "zstd":
        path = zstd_archive(tmp_path, members)
    else:
        path = archive(tmp_path, members, zipfile.ZIP_STORED if packing == "stored" else zipfile.ZIP_DEFLATED)
    assert recognise(path) == "inspect"
    found = read("inspect", path)
    assert [(c.tool, str(c.status)) for c in found.calls] == [("bash", "ok"), ("view", "error")]
    assert found.calls[0].text == "a long file"
    assert found.source.account.total == path.stat().st_size


def test_a_running_logs_journal_and_a_sample_in_parts_are_read(tmp_path: Path) -> None:
    """While it runs, the header is in the journal; a large sample lies in parts."""
    parts = {"samples/1_epoch_1/sample.json": {**SAMPLE, "events": [], "attachments": {}}}
    parts |= {"samples/1_epoch_1/events/0001.json": SAMPLE["events"], "samples/1_epoch_1/attachments/aa.json": "long"}
    found = read("inspect", archive(tmp_path, {"_journal/start.json": HEADER, **parts}))
    assert found.calls[0].text == "long"
    assert found.session.application == "shop"


def test_a_damaged_member_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    """One bad sample does not cost the log; an archive without its directory is refused whole."""
    path = zstd_archive(
        tmp_path, {"header.json": HEADER, "samples/1_epoch_1.json": SAMPLE, "samples/2_epoch_1.json": []}
    )
    found = read("inspect", path)
    assert len(found.sessions) == 1
    assert found.reasons == ["unknown_record"]
    data = bytearray(path.read_bytes())
    at = data.find(b"\x28\xb5\x2f\xfd", data.find(b"samples/1_epoch_1.json"))
    data[at : at + 4] = b"oops"
    path.write_bytes(data)
    assert read("inspect", path).reasons == ["not_zip", "unknown_record"]
    path.write_bytes(data[:200])
    cut = read("inspect", path)
    assert (cut.reasons, cut.source.account.broken) == (["not_zip"], 200)


def test_a_member_that_grows_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    """What a few packed bytes stand for is bounded, whatever the archive says of it."""
    path = zstd_archive(tmp_path, {"header.json": HEADER, "samples/1_epoch_1.json": {"events": ["x" * 4_000_000]}})
    assert path.stat().st_size < 10_000
    found = read("inspect", path, limits=Limits(document_bytes=1_000_000))
    assert found.reasons == ["too_long"]
