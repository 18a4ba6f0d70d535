"""smolagents: the steps of an agent's memory, as ``agent.memory.get_full_steps()`` gives them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.clock import micros
from miner.readers.content import json_text, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, listing, mapping, word

VERSION = 1
TITLE = "smolagents memory steps (JSON)"
WHERE = "json.dump(agent.memory.get_full_steps(), file, default=str)"
RESTS_ON = "the producer's source; hand-made files"

NAME = "smolagents"


def recognises(head: Head) -> float:
    """By the fields of an action step."""
    start = head.start
    signs = (b'"step_number"', b'"model_output"', b'"observations"')
    return 0.92 if re.match(rb"\s*[\[{]", start) and all(sign in start for sign in signs) else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session a file."""
    for path in source.paths:
        one = replace(source, paths=(path,))
        records = list(one.values("", "steps", "memory"))
        if any(_is_step(mapping(record.value)) for record in records):
            yield from _session(one, records)


def _is_step(step: dict[str, Any]) -> bool:
    return bool(step.keys() & {"step_number", "task", "system_prompt", "plan"})


def _session(source: Source, records: list[Record]) -> Iterator[Session | Event]:
    said = hashlib.blake2b(json_text([r.value for r in records]).encode("utf-8", "replace"), digest_size=16).hexdigest()
    conversation = Conversation(session_key(NAME, said))
    for record in records:
        step = mapping(record.value)
        if "step_number" in step:
            _act(conversation, step, record.line)
        elif word(step.get("task")):
            conversation.add(Turn(Role.USER, step["task"], line=record.line))
        elif word(step.get("plan")):
            conversation.add(Turn(Role.MODEL, step["plan"], line=record.line))
        elif word(step.get("system_prompt")):
            conversation.add(Turn(Role.HARNESS, step["system_prompt"], line=record.line))
        else:
            source.account.unknown += 1
    session = Session(conversation.key, NAME, strip_compression(source.path).stem, agent=NAME)
    yield from tell(source, conversation, session, path=source.path)


def _act(conversation: Conversation, step: dict[str, Any], line: int) -> None:
    """A step: thought, calls, and what they brought, which is one text however many they are."""
    calls = []
    for place, value in enumerate(listing(step.get("tool_calls"))):
        function = mapping(mapping(value).get("function")) or mapping(value)
        name = word(function.get("name"))
        if name:
            identity = word(mapping(value).get("id")) or f"{line}/{place}"
            calls.append(Call(name, function.get("arguments"), identity))
        else:
            conversation.passed_over += 1
    clock, usage = mapping(step.get("timing")), mapping(step.get("token_usage"))
    start, end = micros(clock.get("start_time")), micros(clock.get("end_time"))
    error = mapping(step.get("error"))
    turn = Turn(
        Role.MODEL,
        text_of(first(step, "model_output")),
        tuple(calls),
        # The clock holds thinking and tools together: it tells when a step was, not how long either took.
        time_us=end if not calls else start,
        tokens_in=count(usage.get("input_tokens")),
        tokens_out=count(usage.get("output_tokens")),
        line=line,
    )
    conversation.add(turn)
    told = (text_of(step.get("observations")), text_of(error.get("message")))
    text = "\n".join(part for part in told if part) or None
    if not calls:
        if text:
            conversation.add(Turn(Role.HARNESS, text, line=line))
        return
    status = Status.ERROR if error else Status.UNKNOWN
    failed = True if error else None
    results = tuple(Result(text, call.id, call.name, status, failed) for call in calls)
    conversation.add(Turn(Role.TOOL, results=results, line=line))


EXAMPLE_NAME = "memory.json"
EXAMPLE = b"""[
 {"system_prompt": "You are an assistant."},
 {"task": "What is bread?", "task_images": null},
 {"step_number": 1, "timing": {"start_time": 1777629600.0, "end_time": 1777629602.0, "duration": 2.0},
  "model_output": "I search.", "tool_calls": [{"id": "c1", "type": "function",
   "function": {"name": "web_search", "arguments": {"query": "bread"}}}],
  "observations": "A food.", "error": null, "token_usage": {"input_tokens": 9, "output_tokens": 2}},
 {"step_number": 2, "timing": {"start_time": 1777629602.0, "end_time": 1777629603.0},
  "model_output": "", "tool_calls": [{"id": "c2", "type": "function",
   "function": {"name": "python_interpreter", "arguments": "print(x)"}}],
  "observations": null, "error": {"type": "AgentExecutionError", "message": "x is not defined"}}]
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("web_search", {"query": "bread"}, "unknown"),
    ("python_interpreter", {"input": "print(x)"}, "error"),
]
