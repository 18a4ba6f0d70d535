"""τ-bench and τ² results: who called, which task, what the stamps are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.events import Caller, EventKind, Status, TimeSource
from miner.readers import recognise, tau
from miner.readers.record import Limits
from tests.readers.reading import document, read, totals
from tests.real_logs import needs_real_logs, real_files

EXAMPLE = json.loads(tau.EXAMPLE)


def run(folder: Path, *messages: dict[str, Any], **about: Any) -> Path:
    """A τ² file with one simulation."""
    simulation = {"id": "s1", "task_id": "3", "trial": 1, "messages": list(messages), **about}
    return document(folder, {**EXAMPLE, "simulations": [simulation]})


def call(second: float, identity: str = "c1", requestor: str = "assistant") -> dict[str, Any]:
    """A message with one call."""
    asked = {"id": identity, "name": "get", "arguments": {"n": identity}, "requestor": requestor}
    role = "user" if requestor == "user" else "assistant"
    return {"role": role, "content": None, "tool_calls": [asked], "timestamp": f"2026-05-01T10:00:{second:09.6f}"}


def result(second: float, identity: str = "c1", **about: Any) -> dict[str, Any]:
    """The result of a call."""
    stamp = f"2026-05-01T10:00:{second:09.6f}"
    return {"role": "tool", "id": identity, "content": "ok", "error": False, "timestamp": stamp, **about}


def test_the_simulated_users_calls_are_not_the_agents(tmp_path: Path) -> None:
    """A call that the user's simulator makes has the user as caller and stands before the next model step."""
    path = run(tmp_path, call(1), result(1), call(2, "c1", "user"), result(2, requestor="user"), call(3, "c3"))
    asked = read("tau", path).calls
    assert [c.caller for c in asked] == [Caller.MODEL, Caller.USER, Caller.MODEL]
    assert [c.step for c in asked] == [0, 1, 1]
    assert [c.status for c in asked] == [Status.OK, Status.OK, Status.MISSING]


def test_bundled_results_are_taken_apart(tmp_path: Path) -> None:
    """A message that bundles several tool messages answers each of the parallel calls."""
    both = call(1)
    both["tool_calls"].append({"id": "c2", "name": "put", "arguments": {}, "requestor": "assistant"})
    bundle = {"role": "tool", "tool_messages": [result(1, "c2", error=True), result(1, "c1")]}
    first, second = read("tau", run(tmp_path, both, bundle)).calls
    assert (first.status, second.status) == (Status.OK, Status.ERROR)
    assert (first.call_index, second.call_index, first.step) == (0, 1, second.step)


def test_stamps_less_than_a_millisecond_apart_are_no_durations(tmp_path: Path) -> None:
    """Where most tools answer at once they are simulated: no call of that session has a time."""
    path = run(tmp_path, call(1), result(1.0002), call(2, "c2"), result(2.0001, "c2"), call(3, "c3"), result(3.9, "c3"))
    for asked in read("tau", path).calls:
        assert (asked.start_us, asked.end_us, asked.time_source) == (None, None, TimeSource.NONE)
        assert asked.time_us is not None


def test_stamps_without_a_zone_are_inferred_times(tmp_path: Path) -> None:
    """Tools that really took time keep it, marked as inferred because the clock names no zone."""
    [asked] = read("tau", run(tmp_path, call(1), result(3))).calls
    assert asked.end_us is not None
    assert asked.start_us is not None
    assert asked.end_us - asked.start_us == 2_000_000
    assert asked.time_source is TimeSource.INFERRED


def test_generation_time_is_the_time_of_the_model_step(tmp_path: Path) -> None:
    """A step with a measured generation time has it; one without begins where the message before it ended."""
    measured = call(2) | {"generation_time_seconds": 0.5}
    found = read("tau", run(tmp_path, measured, result(2.5), call(4, "c2")))
    first, second = found.of(EventKind.MODEL_STEP)
    assert (first.end_us or 0) - (first.start_us or 0) == 500_000
    assert first.time_source is TimeSource.NATIVE
    assert (second.end_us or 0) - (second.start_us or 0) == 1_500_000
    assert second.time_source is TimeSource.INFERRED


def test_a_task_has_one_name_in_every_file_and_agent(tmp_path: Path) -> None:
    """The same task of the same domain, run by two agents, is one task in two sessions with their rewards."""
    one = read("tau", run(tmp_path, call(1), reward_info={"reward": 0.5})).session
    two = read("tau", run(tmp_path, call(2), id="s2", trial=0)).session
    assert one.task == two.task == "bakery/3"
    assert one.key != two.key
    assert (one.reward, one.attempt, one.relation, one.application) == (0.5, 1, "attempt", "bakery")
    assert (two.reward, two.attempt, two.relation) == (None, 0, "root")


def test_a_lost_task_id_is_found_through_the_expected_actions(tmp_path: Path) -> None:
    """A submission without task ids still lists the actions that the task expects."""
    actions = [{"action_id": "3_0"}]
    value = {**EXAMPLE, "tasks": [{"id": "3", "evaluation_criteria": {"actions": actions}}]}
    for index, (listed, task) in enumerate((("3_0", "bakery/3"), ("8_1", "bakery/8"), (None, None))):
        checks = [{"action": {"action_id": listed}}] if listed else []
        value["simulations"] = [{"id": "s", "messages": [call(1)], "reward_info": {"action_checks": checks}}]
        assert read("tau", document(tmp_path, value, f"{index}.json")).session.task == task


def test_tau_bench_lists_are_openai_chat_with_a_reward(tmp_path: Path) -> None:
    """Each result is a session; its errors are told by the text that the environment writes for them."""
    asked = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"name": "A"}'}}
    traj = [
        {"role": "system", "content": "policy"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "c", "name": "find", "content": "Error: user not found"},
    ]
    results = [{"task_id": 7, "trial": trial, "reward": float(trial), "info": {}, "traj": traj} for trial in (0, 1)]
    path = document(tmp_path, results, "model-x-retail.json")
    assert recognise(path) == "tau"
    found = read("tau", path)
    assert [s.task for s in found.sessions.values()] == ["retail/7"] * 2
    assert [s.reward for s in found.sessions.values()] == [0.0, 1.0]
    assert {c.status for c in found.calls} == {Status.ERROR}
    assert found.kinds[:4] == ["harness_message", "user_message", "model_step", "tool_call"]


def test_a_large_file_is_streamed_to_the_same_sessions(tmp_path: Path) -> None:
    """Over the size that may be held at once, domain, tasks and sessions are the same."""
    path = run(tmp_path, call(1), result(3))
    whole, streamed = read("tau", path), read("tau", path, limits=Limits(document_bytes=64))
    assert whole.events == streamed.events
    assert whole.sessions == streamed.sessions
    assert streamed.source.account.total == path.stat().st_size


def test_a_simulation_that_never_began_is_counted_not_stored(tmp_path: Path) -> None:
    """A run that broke before its first message is a problem, not an empty session."""
    found = read("tau", run(tmp_path, termination_reason="infrastructure_error"))
    assert not found.sessions
    assert found.reasons == ["empty_session"]


@pytest.mark.parametrize(
    ("part", "sessions", "calls", "problems"),
    [("tau2/train", 283, 2937, 0), ("tau2/test", 248, 1963, 1), ("tau/train", 96, 416, 0), ("tau/test", 104, 748, 0)],
)
@needs_real_logs("tau2")
def test_the_real_results_hold_what_was_counted(part: str, sessions: int, calls: int, problems: int) -> None:
    """Sessions and agent calls equal those counted by other means; one simulation of τ² never began."""
    count = totals("tau", real_files(part, "*.gz"))
    assert (count["sessions"], count["calls"], count["empty_session"]) == (sessions, calls, problems)
