"""SWE-agent trajectories: one command a step, with the structured call where the history holds one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from miner.events import Event, Session
from miner.readers import session_key
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.items import is_passed_over, turns_of
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import listing, mapping, word

VERSION = 1
TITLE = "SWE-agent trajectories (.traj)"
WHERE = "trajectories/<user>/<run>/<instance>/<instance>.traj"
RESTS_ON = "thirteen real trajectories of versions up to 1.1"

NAME = "swe_agent"
SHELL = "bash"
"""The one tool that a command line is a call of."""


def recognises(head: Head) -> float:
    """By steps of action and observation beside a history; a demonstration has the history alone."""
    start = head.start
    if not re.match(rb"\s*\{", start) or b'"trajectory_format"' in start[:65536]:
        return 0.0
    if b'"trajectory"' in start and b'"action"' in start and b'"observation"' in start:
        return 0.92
    is_history = re.match(rb'\s*\{\s*"history"\s*:\s*\[', start) is not None
    return 0.9 if is_history and b'"message_type"' in start else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for a run, or one for each of its attempts."""
    for record in source.elements():
        value = mapping(record.value)
        attempts = [mapping(attempt) for attempt in listing(value.get("attempts"))]
        runs = [attempt for attempt in attempts if "trajectory" in attempt] or [value]
        for number, run in enumerate(runs):
            yield from _session(source, record, run, number if len(runs) > 1 else None)


def _session(source: Source, record: Record, run: dict[str, Any], attempt: int | None) -> Iterator[Session | Event]:
    name = strip_compression(record.path).name.removesuffix(".traj").removesuffix(".json")
    info = mapping(run.get("info"))
    history = [mapping(message) for message in listing(run.get("history"))]
    # Demonstrations in the prompt are not the run.
    history = [message for message in history if not message.get("is_demo")]
    steps = [mapping(step) for step in listing(run.get("trajectory"))]
    said = repr([(step.get("action"), step.get("response")) for step in steps] or history)
    conversation = Conversation(session_key(NAME, name, attempt or 0, said))
    if source.repeats(conversation.key, path=record.path, line=record.line):
        return
    if steps:
        _tell_prompt(conversation, history)
        _tell_steps(conversation, steps, history)
    else:
        for message in history:
            turns = turns_of(message, record.line)
            conversation.passed_over += is_passed_over(message, turns)
            for turn in turns:
                conversation.add(turn)
    if not len(conversation):
        if steps or history:
            source.problem("empty_session", "no step and no message", path=record.path, line=record.line)
        return
    environment = word(run.get("environment"))
    session = Session(
        conversation.key,
        NAME,
        f"{name}#{attempt}" if attempt is not None else name,
        relation="attempt" if attempt else "root",
        agent="swe-agent",
        application=environment if environment != "main" else None,
        task=word(info.get("instance_id")) or name,
        attempt=attempt,
        outcome=word(info.get("exit_status")),
    )
    yield from tell(source, conversation, session, path=record.path)


def _tell_prompt(conversation: Conversation, history: list[dict[str, Any]]) -> None:
    """What stood before the model's first answer."""
    for message in history:
        if message.get("role") == "assistant":
            if "action" in message:
                return
            # Every answer of a run states its action: this is none, and what the prompt says may stand behind it.
            conversation.passed_over += 1
            continue
        role = Role.HARNESS if message.get("role") == "system" else Role.USER
        conversation.add(Turn(role, text_of(message.get("content"))))


def _tell_steps(conversation: Conversation, steps: list[dict[str, Any]], history: list[dict[str, Any]]) -> None:
    answers = [message for message in history if message.get("role") == "assistant"]
    place = 0
    for number, step in enumerate(steps, 1):
        action = step.get("action")
        action = action if isinstance(action, str) else ""
        match = next((at for at in range(place, len(answers)) if answers[at].get("action") == action), None)
        structured: tuple[Call, ...] = ()
        if match is not None:
            place = match + 1
            structured = tuple(call for turn in turns_of(answers[match]) for call in turn.calls)[:1]
        said = text_of(step.get("thought")) or text_of(step.get("response"))
        observation = text_of(step.get("observation"))
        calls = structured or ((Call(SHELL, {"command": action.strip("\n")}),) if action.strip() else ())
        conversation.add(Turn(Role.MODEL, said, calls, line=number))
        if calls and observation is not None:
            conversation.add(Turn(Role.TOOL, results=(Result(observation, calls[0].id, calls[0].name),), line=number))
        elif observation:
            # The answer held no command: the harness says so.
            conversation.add(Turn(Role.HARNESS, observation, line=number))


EXAMPLE_NAME = "shop__shop-17.traj"
EXAMPLE = b"""{"environment": "swe_main", "trajectory": [
  {"action": "ls\\n", "observation": "a.py\\n", "response": "Look.\\n```\\nls\\n```", "thought": "Look.",
   "execution_time": 0.1, "state": {"open_file": "n/a"}},
  {"action": "open a.py", "observation": "x = 1", "response": "", "thought": "Open it.", "execution_time": 0.2}],
 "history": [
  {"role": "system", "content": "You are a programmer.", "agent": "main", "message_type": "system_prompt"},
  {"role": "user", "content": "A demonstration.", "agent": "main", "is_demo": true},
  {"role": "user", "content": "Fix the bug.", "agent": "main", "message_type": "observation"},
  {"role": "assistant", "content": "Look.", "action": "ls\\n", "agent": "main", "message_type": "action"},
  {"role": "user", "content": "a.py\\n", "agent": "main", "message_type": "observation"},
  {"role": "assistant", "content": "Open it.", "action": "open a.py", "agent": "main", "message_type": "action",
   "tool_calls": [{"id": "c1", "type": "function",
    "function": {"name": "open", "arguments": "{\\"path\\":\\"a.py\\"}"}}]},
  {"role": "tool", "content": "x = 1", "agent": "main", "tool_call_ids": ["c1"], "message_type": "observation"}],
 "info": {"exit_status": "submitted", "submission": ""}}
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("bash", {"command": "ls"}, "unknown"),
    ("open", {"path": "a.py"}, "unknown"),
]
