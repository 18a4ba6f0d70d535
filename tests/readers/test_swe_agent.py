"""SWE-agent and mini-swe-agent: demonstrations, structured calls, attempts, exit codes; and real trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miner.events import EventKind, Status, TimeSource
from miner.readers import recognise
from tests.readers.reading import arguments, document, read, totals
from tests.real_logs import needs_real_logs, real_files

ASKED = {"role": "user", "content": "Fix it.", "message_type": "observation"}


def step(action: str, observation: str = "ok", **about: Any) -> dict[str, Any]:
    """A step of a trajectory."""
    return {"action": action, "observation": observation, "response": "r", "thought": "t", **about}


def run(*steps: dict[str, Any], history: list[dict[str, Any]] | None = None, **about: Any) -> dict[str, Any]:
    """A trajectory file's content."""
    info = {"exit_status": "submitted"}
    return {"environment": "main", "trajectory": list(steps), "history": history or [ASKED], "info": info, **about}


def test_demonstrations_are_not_the_run(tmp_path: Path) -> None:
    """Messages marked as demonstrations are neither prompt nor calls."""
    shown = {"role": "assistant", "content": "x", "action": "ls\n", "is_demo": True, "tool_calls": [{"id": "d"}]}
    told = {"role": "user", "content": "Here is a demonstration.", "is_demo": True}
    found = read("swe_agent", document(tmp_path, run(step("ls\n"), history=[told, shown, ASKED]), "i.traj"))
    assert found.kinds == ["user_message", "model_step", "tool_call"]
    assert arguments(found.calls[0]) == {"command": "ls"}


def test_a_structured_call_of_the_history_is_taken(tmp_path: Path) -> None:
    """Where the history holds the call behind a command line, its name and arguments count; each is used once."""
    structured = {"id": "c", "type": "function", "function": {"name": "open", "arguments": '{"path": "a"}'}}
    answer = {"role": "assistant", "content": "t", "action": "open a", "tool_calls": [structured]}
    path = document(tmp_path, run(step("open a"), step("open a"), history=[ASKED, answer]), "i.traj")
    first, second = read("swe_agent", path).calls
    assert (first.tool, arguments(first)) == ("open", {"path": "a"})
    assert (second.tool, arguments(second)) == ("bash", {"command": "open a"})


def test_an_answer_without_action_does_not_end_the_prompt(tmp_path: Path) -> None:
    """It is told as passed over, and what stands behind it is still the prompt."""
    odd = {"role": "assistant", "content": "You are a programmer."}
    answer = {"role": "assistant", "content": "t", "action": "ls\n"}
    shown = {"role": "user", "content": "ok"}
    found = read("swe_agent", document(tmp_path, run(step("ls\n"), history=[odd, ASKED, answer, shown]), "i.traj"))
    assert [event.text for event in found.of(EventKind.USER_MESSAGE)] == ["Fix it."]
    assert found.source.account.unknown == 1


def test_a_step_without_command_is_no_call(tmp_path: Path) -> None:
    """What the harness says to an answer without a command is its own message."""
    found = read("swe_agent", document(tmp_path, run(step("", "Format error.")), "i.traj"))
    assert found.kinds == ["user_message", "model_step", "harness_message"]


def test_a_run_written_twice_is_told_once(tmp_path: Path) -> None:
    """Two documents in a file, both of the same run."""
    path = document(tmp_path, run(step("a")), "i.traj")
    path.write_bytes(path.read_bytes() * 2)
    found = read("swe_agent", path)
    assert (len(found.calls), found.reasons) == (1, ["repeated_session"])


def test_attempts_are_sessions_of_one_task(tmp_path: Path) -> None:
    """A run that tried again holds a trajectory for each attempt; there is no clock, and so no time."""
    value = {"attempts": [run(step("a")), run(step("b"))], "trajectory": [step("b")], "history": [], "info": {}}
    found = read("swe_agent", document(tmp_path, value, "i.traj"))
    assert [(s.task, s.attempt, s.outcome) for s in found.sessions.values()] == [
        ("i", 0, "submitted"),
        ("i", 1, "submitted"),
    ]
    assert {call.time_source for call in found.calls} == {TimeSource.NONE}


def test_mini_has_exit_codes_and_times(tmp_path: Path) -> None:
    """Exit code and time stand beside the messages; the closing message is no result."""
    ask = {"role": "assistant", "content": "", "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    ], "extra": {"timestamp": 1777629601.5}}  # fmt: skip
    back = {"role": "tool", "tool_call_id": "c", "content": "x", "extra": {"timestamp": 1777629602.5, "returncode": 2}}
    value = {
        "trajectory_format": "mini-swe-agent-1.1",
        "info": {},
        "messages": [ask, back, {"role": "exit", "content": ""}],
    }
    [call] = read("mini_swe_agent", document(tmp_path, value, "i.traj.json")).calls
    assert (call.exit_code, call.status) == (2, Status.UNKNOWN)
    assert (call.end_us or 0) - (call.start_us or 0) == 1_000_000


def test_mini_version_one_wrote_a_block_of_shell(tmp_path: Path) -> None:
    """A single block in the text is the call, the next message its result; with no block there is no call."""
    answer = {"role": "assistant", "content": "Look.\n```bash\nls -a\n```"}
    result = {"role": "user", "content": "<returncode>1</returncode>\n<output>\nno\n</output>"}
    value = {"trajectory_format": "mini-swe-agent-1", "messages": [
        {"role": "user", "content": "Fix."}, answer, result, {"role": "assistant", "content": "Hm."},
        {"role": "user", "content": "Write one block."},
    ]}  # fmt: skip
    found = read("mini_swe_agent", document(tmp_path, value, "i.traj.json"))
    [call] = found.calls
    assert (arguments(call), call.exit_code, call.text) == ({"command": "ls -a"}, 1, "no")
    assert len(found.of(EventKind.USER_MESSAGE)) == 2


def test_the_two_are_told_apart(tmp_path: Path) -> None:
    """The stated format decides."""
    value = {"trajectory_format": "mini-swe-agent-1.1", "messages": [{"role": "user", "content": "x"}]}
    assert recognise(document(tmp_path, value, "a.json")) == "mini_swe_agent"
    assert recognise(document(tmp_path, run(step("ls")), "b.json")) == "swe_agent"


@needs_real_logs("swe_agent")
def test_real_trajectories_are_read() -> None:
    """Twelve runs with 126 steps, and a demonstration that is a history alone with five calls."""
    assert totals("swe_agent", real_files("swe_agent", "*.traj.gz")) == {"sessions": 13, "calls": 126 + 5}
