"""mini-swe-agent trajectories: a message list with exit codes and times beside the messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from miner.events import Event, Session
from miner.readers import session_key
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.items import is_passed_over, turns_of
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import integer, listing, mapping, word

VERSION = 1
TITLE = "mini-swe-agent trajectories (.traj.json)"
WHERE = "<output folder>/<instance>/<instance>.traj.json"
RESTS_ON = "the producer's source; hand-made files"

NAME = "mini_swe_agent"
SHELL = "bash"
_BLOCK = re.compile(r"```(?:bash|sh|mswea_bash_command)\s*\n(.*?)\n?```", re.DOTALL)
_CODE = re.compile(r"<returncode>\s*(-?\d{1,9})\s*</returncode>")
_OUTPUT = re.compile(r"<output>\n?(.*?)\n?</output>", re.DOTALL)


def recognises(head: Head) -> float:
    """By the format that the file states."""
    stated = re.search(rb'"trajectory_format"\s*:\s*"mini-swe-agent', head.start)
    if stated:
        return 0.96
    # A long first message may hide the stated format, which older versions write last.
    return 0.6 if head.name.endswith(".traj.json") and b'"messages"' in head.start else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session a file."""
    for path in source.paths:
        one = replace(source, paths=(path,))
        about = one.members("info", "trajectory_format", "instance_id")
        records = list(one.elements("messages"))
        if any("role" in mapping(record.value) for record in records):
            yield from _session(one, records, about)


def _session(source: Source, records: list[Record], about: dict[str, Any]) -> Iterator[Session | Event]:
    name = strip_compression(source.path).name.removesuffix(".json").removesuffix(".traj")
    info = mapping(about.get("info"))
    config = mapping(mapping(info.get("config")).get("model"))
    conversation = Conversation(session_key(NAME, name, repr([mapping(r.value).get("content") for r in records])))
    waiting: str | None = None
    for record in records:
        message = mapping(record.value)
        waiting = _message(conversation, message, record.line, waiting)
    session = Session(
        conversation.key,
        NAME,
        name,
        agent="mini-swe-agent",
        agent_version=word(info.get("mini_version")),
        model=word(config.get("model_name")),
        task=word(about.get("instance_id")) or name,
        outcome=word(info.get("exit_status")),
    )
    yield from tell(source, conversation, session, path=source.path, infer_steps=True)


def _message(conversation: Conversation, message: dict[str, Any], line: int, waiting: str | None) -> str | None:
    """Add one message; returns the tool whose result the next message of the user's role holds, if any."""
    extra = mapping(message.get("extra"))
    at, code = micros(extra.get("timestamp")), integer(extra.get("returncode"))
    if message.get("role") == "exit":
        return None
    turns = turns_of(message, line)
    conversation.passed_over += is_passed_over(message, turns)
    for turn in turns:
        turn = changed(turn, time_us=at if at is not None else turn.time_us)
        if turn.role is Role.MODEL:
            calls = turn.calls or _commands(turn.text or "", extra)
            conversation.add(changed(turn, calls=calls))
            return SHELL if calls and not turn.calls else None
        if turn.role is Role.TOOL:
            results = tuple(changed(result, exit_code=code) for result in turn.results)
            conversation.add(changed(turn, results=results))
        elif waiting and turn.text is not None:
            found, output = _CODE.search(turn.text), _OUTPUT.search(turn.text)
            text = output[1] if output else turn.text
            result = Result(text, name=waiting, exit_code=int(found[1]) if found else code)
            conversation.add(Turn(Role.TOOL, results=(result,), time_us=turn.time_us, line=line))
        else:
            conversation.add(turn)
    return None


def _commands(text: str, extra: dict[str, Any]) -> tuple[Call, ...]:
    """Version 1 wrote one block of shell into the text; some versions repeat it as an action."""
    stated = [word(mapping(action).get("command")) for action in listing(extra.get("actions"))]
    commands = [command for command in stated if command] or _BLOCK.findall(text)[:1]
    return tuple(Call(SHELL, {"command": command}) for command in commands[:1])


EXAMPLE_NAME = "shop__shop-17.traj.json"
EXAMPLE = b"""{"info": {"mini_version": "2.0", "exit_status": "Submitted", "config": {"model": {"model_name": "m"}}},
 "messages": [
  {"role": "system", "content": "You are a programmer."},
  {"role": "user", "content": "Fix the bug."},
  {"role": "assistant", "content": "Look.", "tool_calls": [
    {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": "{\\"command\\": \\"ls\\"}"}}],
   "extra": {"timestamp": 1777629601.5, "actions": [{"command": "ls", "tool_call_id": "c1"}]}},
  {"role": "tool", "tool_call_id": "c1", "content": "a.py",
   "extra": {"timestamp": 1777629602.5, "returncode": 0}},
  {"role": "exit", "content": "done", "extra": {"exit_status": "Submitted"}}],
 "trajectory_format": "mini-swe-agent-1.1"}
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [("bash", {"command": "ls"}, "unknown")]
