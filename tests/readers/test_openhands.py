"""OpenHands: both generations of events, evaluation outputs, local clocks; and smolagents' memory steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from miner.events import EventKind, Status, TimeSource
from miner.readers import openhands, recognise
from tests.readers.reading import arguments, document, lines, read


def action(
    identity: int, kind: str = "run", zone: str = "", response: str | None = None, **args: Any
) -> dict[str, Any]:
    """An action of V0."""
    stamp = f"2026-05-01T10:00:0{identity}.000000{zone}"
    found = {"id": identity, "timestamp": stamp, "source": "agent", "action": kind, "args": args}
    if response:
        call = {"tool_call_id": f"c{identity}", "function_name": "execute_bash", "model_response": {"id": response}}
        found["tool_call_metadata"] = call
    return found


def seen(identity: int, cause: int, kind: str = "run", **extras: Any) -> dict[str, Any]:
    """An observation of V0."""
    stamp = f"2026-05-01T10:00:0{identity}.500000"
    about = {
        "timestamp": stamp,
        "source": "environment",
        "cause": cause,
        "observation": kind,
        "content": f"seen {cause}",
    }
    return {"id": identity, **about, "extras": extras}


def folder(place: Path, *events: dict[str, Any]) -> list[Path]:
    """A conversation's event files."""
    inside = place / "conversation-1" / "events"
    inside.mkdir(parents=True)
    return [document(inside, event, f"{number}.json") for number, event in enumerate(events)]


def test_event_files_are_read_together_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Each event is a file; 10 comes after 9."""
    paths = folder(tmp_path, *(action(0, command=str(n)) for n in range(11)))
    assert {recognise(path) for path in paths} == {"openhands"}
    [group] = openhands.groups(sorted(paths))
    assert [path.name for path in group] == [f"{n}.json" for n in range(11)]
    found = read("openhands", *group)
    assert found.session.native_id == "conversation-1"
    assert [arguments(c)["command"] for c in found.calls] == [str(n) for n in range(11)]


def test_calls_of_one_answer_are_one_step_and_causes_join(tmp_path: Path) -> None:
    """Parallel actions carry the same answer; an observation names its action; errors and rejections say so."""
    values = [
        action(1, command="a", response="r1"),
        action(2, command="b", response="r1"),
        seen(3, 2, "error"),
        seen(4, 1, metadata={"exit_code": 2}),
        action(5, command="c", response="r2"),
        seen(6, 5, "user_rejected"),
    ]
    found = read("openhands", *folder(tmp_path, *values)).calls
    assert [(c.step, c.status, c.exit_code, c.text) for c in found] == [
        (0, Status.OK, 2, "seen 1"),
        (0, Status.ERROR, None, "seen 2"),
        (1, Status.DENIED, None, "seen 5"),
    ]


def test_a_clock_without_zone_is_inferred(tmp_path: Path) -> None:
    """Stamps are local times of a place that the log does not name."""
    local, stated = tmp_path / "a", tmp_path / "b"
    local.mkdir()
    stated.mkdir()
    [call] = read("openhands", *folder(local, action(1, command="a"), seen(2, 1))).calls
    assert call.time_source is TimeSource.INFERRED
    back = seen(2, 1) | {"timestamp": "2026-05-01T10:00:02Z"}
    [call] = read("openhands", *folder(stated, action(1, zone="Z", command="a"), back)).calls
    assert call.time_source is TimeSource.LOG_DELTA


def test_the_hosts_own_actions_are_no_calls(tmp_path: Path) -> None:
    """State changes and recalls are the host's; what the host adds to arguments is left out; condensation compacts."""
    values = [
        action(1, "change_agent_state", agent_state="x"),
        action(2, "condensation"),
        action(3, command="ls", thought="Look.", hidden=False),
        {**action(4, "message", content="hi"), "source": "user"},
    ]
    found = read("openhands", *folder(tmp_path, *values))
    assert found.kinds == ["compaction", "model_step", "tool_call", "user_message"]
    assert (arguments(found.calls[0]), found.events[1].text) == ({"command": "ls"}, "Look.")


def test_an_action_of_the_host_that_says_something_is_told(tmp_path: Path) -> None:
    """What stands for nothing may be passed over without a word, but not with one in it."""
    values = [action(1), action(2, "null"), action(3, "null", content="Fix it.")]
    assert read("openhands", *folder(tmp_path, *values)).source.account.unknown == 1


def test_an_evaluation_knows_task_and_outcome(tmp_path: Path) -> None:
    """Arguments are as the model wrote them, the verdict is the reward, and a task that comes twice is two runs."""
    path = tmp_path / "output.jsonl"
    example = openhands.EXAMPLE.splitlines()[0]
    path.write_bytes(example + b"\n" + example + b"\n")
    found = read("openhands", path)
    assert [(s.task, s.reward, s.model) for s in found.sessions.values()] == [("shop-17", 1.0, "m")] * 2
    step = found.of(EventKind.MODEL_STEP)[0]
    assert (step.tokens_in, step.tokens_out) == (9, 2)


def test_the_second_generation_states_kinds(tmp_path: Path) -> None:
    """Events of the agent SDK: parallel calls by answer, results by action or call id, errors and rejections."""

    def call(identity: str, response: str) -> dict[str, Any]:
        asked = {"id": f"t{identity}", "name": "bash", "arguments": json.dumps({"command": identity})}
        about = {"tool_name": "bash", "tool_call_id": f"t{identity}", "tool_call": asked, "llm_response_id": response}
        return {"kind": "ActionEvent", "id": identity, "timestamp": "2026-05-01T10:00:01Z", "source": "agent", **about}

    def event(kind: str, **about: Any) -> dict[str, Any]:
        return {"kind": kind, "id": "x", "timestamp": "2026-05-01T10:00:02Z", "source": "environment", **about}

    values = [
        event("SystemPromptEvent", system_prompt={"type": "text", "text": "Help."}),
        event("MessageEvent", source="user", llm_message={"role": "user", "content": [{"type": "text", "text": "hi"}]}),
        call("a", "r1"),
        call("b", "r1"),
        event(
            "ObservationEvent", action_id="b", observation={"content": [{"type": "text", "text": "B"}], "exit_code": 1}
        ),
        event("AgentErrorEvent", tool_call_id="ta", error="bad"),
        call("c", "r2"),
        event("UserRejectObservation", action_id="c", rejection_reason="no"),
        event("Condensation"),
    ]
    paths = folder(tmp_path, *values)
    assert {recognise(path) for path in paths} == {"openhands"}
    found = read("openhands", *paths)
    assert found.kinds[:2] == ["harness_message", "user_message"]
    assert found.kinds[-1] == "compaction"
    assert [(c.step, c.status, c.exit_code, c.text) for c in found.calls] == [
        (0, Status.ERROR, None, "bad"),
        (0, Status.OK, 1, "B"),
        (1, Status.DENIED, None, "no"),
    ]


def test_smolagents_batches_share_one_text(tmp_path: Path) -> None:
    """A step's observations are one text for all its calls; planning is a step, and the clock dates no call."""
    calls = [{"id": str(n), "function": {"name": f"t{n}", "arguments": {}}} for n in range(2)]
    step = {"step_number": 1, "model_output": "x", "tool_calls": calls, "observations": "both", "timing": {}}
    path = document(tmp_path, [{"task": "do"}, {"plan": "first"}, step, {"step_number": 2, "observations": "stop"}])
    assert recognise(path) == "smolagents"
    found = read("smolagents", path)
    assert [(c.tool, c.text, c.time_source) for c in found.calls] == [
        ("t0", "both", TimeSource.NONE),
        ("t1", "both", TimeSource.NONE),
    ]
    assert found.kinds == [
        "user_message",
        "model_step",
        "model_step",
        "tool_call",
        "tool_call",
        "model_step",
        "harness_message",
    ]


def test_a_line_without_events_is_passed_over(tmp_path: Path) -> None:
    """An evaluation line of another shape is counted as unknown."""
    found = read("openhands", lines(tmp_path, [{"instance_id": "x"}, json.loads(openhands.EXAMPLE.splitlines()[1])]))
    assert found.source.account.unknown == 1
    assert len(found.calls) == 1
