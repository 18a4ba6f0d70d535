"""τ-bench result lists and τ² (tau2) result files: customer service with a simulated user, and a reward at the end."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from miner.events import Event, EventKind, Session, Status, TimeSource
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import json_text
from miner.readers.conversation import Conversation, durations
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.items import is_passed_over, turns_of
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell_losses
from miner.readers.turns import Result, Turn
from miner.readers.values import grade, integer, number

VERSION = 1
TITLE = "τ-bench and τ² results: one JSON file a run, a session for each task and trial"
WHERE = "τ-bench: the folder given as --log-dir; τ²: data/simulations/*.json"
RESTS_ON = "41 real result files of both benchmarks"

SMALLEST_DURATION_US = 1_000
"""Stamps of a simulated tool's call and result lie closer than this: they tell the order, not how long it took."""
_LONGEST_SECONDS = 1e9
_DOMAINS = re.compile(r"(?<![a-z])(airline|retail|telecom|banking|mock)(?![a-z])")


def recognises(head: Head) -> float:
    """By the keys that only these result files have together."""
    start = head.start
    if re.match(rb"\s*\{", start) and b'"simulations"' in start and (b'"tasks"' in start or b'"info"' in start):
        return 0.95
    if re.match(rb"\s*\{", start) and b'"environment_info"' in start and b'"user_info"' in start:
        return 0.9
    if re.match(rb"\s*\[\s*\{", start) and b'"traj"' in start and b'"reward"' in start:
        return 0.95
    if re.match(rb"\s*\{", start) and b'"task_id"' in start and b'"messages"' in start and b'"reward_info"' in start:
        return 0.9
    return 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each result of the list, or each simulation of the file."""
    about = _About(source)
    for record in source.elements("simulations", "results", ""):
        value = record.value
        messages = first(value, "traj", "messages") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(messages, list):
            source.problem("unknown_record", "no simulation", path=record.path, line=record.line)
            continue
        yield from _session(source, about, record, value, messages)


class _About:
    """What a file says about all its sessions: domain, agent, model, and which task an expected action belongs to."""

    def __init__(self, source: Source) -> None:
        top = source.members("info", "domain", "agent", "model", "tasks")
        info = _object(top.get("info"))
        agent = _object(info.get("agent_info"))
        self.domain = _text(first(_object(info.get("environment_info")), "domain_name", "domain")) or _text(
            top.get("domain")
        )
        self.agent = _text(agent.get("implementation")) or _text(top.get("agent"))
        self.model = _text(agent.get("llm")) or _text(top.get("model"))
        self.task_of_action = dict(_expected_actions(_list(top.get("tasks"))))
        self.telling = bool(self.task_of_action) and all(
            action.rpartition("_")[0] == task for action, task in self.task_of_action.items()
        )
        """Whether action ids are ``<task>_<n>``, so that they name tasks that the file's list left out."""
        if self.domain is None:
            # τ-bench states no domain inside; its file name does.
            match = _DOMAINS.search(strip_compression(source.path).name.lower())
            self.domain = match[1] if match else None

    def task(self, value: dict[str, Any]) -> str | None:
        """The task's own id; a submission that dropped it still lists the actions that the task expects."""
        stated = value.get("task_id")
        if stated is not None:
            return str(stated)
        for check in _list(_object(value.get("reward_info")).get("action_checks")):
            action = _text(_object(_object(check).get("action")).get("action_id"))
            if action in self.task_of_action:
                return self.task_of_action[action]
            if action and self.telling:
                return action.rpartition("_")[0] or None
        return None


def _expected_actions(tasks: list[Any]) -> Iterator[tuple[str, str]]:
    """(action id, task id) for every action that a task expects."""
    for task in map(_object, tasks):
        for action in _list(_object(task.get("evaluation_criteria")).get("actions")):
            identity = _text(_object(action).get("action_id"))
            if identity and task.get("id") is not None:
                yield identity, str(task["id"])


def _session(
    source: Source,
    about: _About,
    record: Record,
    value: dict[str, Any],
    messages: list[Any],
) -> Iterator[Session | Event]:
    task, trial = about.task(value), integer(value.get("trial"))
    name = _text(value.get("id")) or f"{task}#{trial if trial is not None else 0}"
    # Runs of one task and trial by several agents differ in what was said; a copied file does not.
    said = hashlib.blake2b(json_text(messages).encode("utf-8", "replace"), digest_size=16).hexdigest()
    key = session_key("tau", about.domain, task, trial, name, said)
    if source.repeats(key, path=record.path, line=record.line):
        return
    conversation = Conversation(key, quiet=Status.OK)
    for message in messages:
        turns = list(_turns(message, record.line))
        conversation.passed_over += is_passed_over(message, turns)
        for turn in turns:
            conversation.add(turn)
    tell_losses(source, conversation, record.path)
    events = _timed(conversation.events())
    if not events:
        source.problem("empty_session", "it ended before its first message", path=record.path, line=record.line)
        return
    times = [event.time_us for event in events if event.time_us is not None]
    reward = first(_object(value.get("reward_info")), "reward")
    reward = value.get("reward") if reward is None else reward
    yield Session(
        key,
        "tau",
        name,
        relation="attempt" if trial is not None and trial > 0 else "root",
        agent=about.agent,
        model=about.model,
        application=about.domain,
        task=f"{about.domain}/{task}" if about.domain and task is not None else task,
        attempt=trial,
        started_us=micros(value.get("start_time")) or min(times, default=None),
        ended_us=micros(value.get("end_time")) or max(times, default=None),
        reward=grade(reward),
        outcome=_text(value.get("termination_reason")),
    )
    yield from events


def _turns(message: Any, line: int) -> Iterator[Turn]:
    """The turns of a message; a message that bundles several results is taken apart."""
    if not isinstance(message, dict):
        return
    bundled = message.get("tool_messages")
    if isinstance(bundled, list):
        lost = 0
        for inner in bundled:
            turns = list(_turns(inner, line))
            lost += is_passed_over(inner, turns)
            yield from turns
        yield Turn(Role.TOOL, passed_over=lost, line=line)
        return
    seconds = number(message.get("generation_time_seconds"))
    for turn in turns_of(message, line):
        turn.think_us = round(seconds * 1e6) if seconds is not None and 0 <= seconds < _LONGEST_SECONDS else None
        turn.uid = None
        if turn.results:
            turn.results = tuple(map(_judged, turn.results))
        yield turn


def _judged(result: Result) -> Result:
    """The first word of an answer says that a call failed, where nothing else does."""
    failed = result.status is Status.UNKNOWN and (result.text or "").startswith("Error")
    return changed(result, status=Status.ERROR) if failed else result


def _timed(events: list[Event]) -> list[Event]:
    """Honest times: no zone is stated, and the tools are simulated.

    A session whose calls are mostly shorter than a millisecond has no durations at all: keeping only the few longer
    ones would report the pauses of the simulator as the times of its tools. A model step without a measured time is
    inferred from what came before it.
    """
    lengths = durations(events)
    measured = 2 * sum(length >= SMALLEST_DURATION_US for length in lengths) >= len(lengths)
    found: list[Event] = []
    before = 0
    for event in events:
        if event.kind is EventKind.TOOL_CALL and event.start_us is not None:
            before = max(before, event.end_us or 0)
            if measured:
                event = changed(event, time_source=TimeSource.INFERRED)
            else:
                event = changed(event, start_us=None, end_us=None, time_source=TimeSource.NONE)
        elif (time := event.time_us) is not None:
            if event.kind is EventKind.MODEL_STEP and event.start_us is None and 0 < before < time:
                event = changed(event, start_us=before, end_us=time, time_source=TimeSource.INFERRED)
            before = max(before, time)
        found.append(event)
    return found


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


EXAMPLE_NAME = "bakery_agent.json"
EXAMPLE = b"""{"timestamp": "2026-05-01T10:00:00.000000",
 "info": {"agent_info": {"implementation": "llm_agent", "llm": "model-x"},
  "environment_info": {"domain_name": "bakery"}, "user_info": {}},
 "tasks": [{"id": "3"}],
 "simulations": [
  {"id": "s1", "task_id": "3", "trial": 0, "start_time": "2026-05-01T10:00:00.000000",
   "end_time": "2026-05-01T10:00:09.000000", "termination_reason": "user_stop", "reward_info": {"reward": 1.0},
   "messages": [
    {"role": "user", "content": "Where is order o1?", "timestamp": "2026-05-01T10:00:00.500000"},
    {"role": "assistant", "content": null, "timestamp": "2026-05-01T10:00:02.000000", "generation_time_seconds": 1.4,
     "tool_calls": [{"id": "c1", "name": "get_order", "arguments": {"id": "o1"}, "requestor": "assistant"},
      {"id": "c2", "name": "get_shop", "arguments": {"city": "Ulm"}, "requestor": "assistant"}]},
    {"role": "tool", "tool_messages": [
      {"role": "tool", "id": "c1", "content": "{\\"status\\": \\"baking\\"}", "requestor": "assistant", "error": false,
       "timestamp": "2026-05-01T10:00:02.000200"},
      {"role": "tool", "id": "c2", "content": "no shop there", "requestor": "assistant", "error": true,
       "timestamp": "2026-05-01T10:00:02.000300"}]},
    {"role": "assistant", "content": "It is in the oven.", "timestamp": "2026-05-01T10:00:04.000000"},
    {"role": "user", "content": null, "timestamp": "2026-05-01T10:00:05.000000",
     "tool_calls": [{"id": "c1", "name": "look_at_phone", "arguments": {}, "requestor": "user"}]},
    {"role": "tool", "id": "c1", "content": "10:00", "requestor": "user", "error": false,
     "timestamp": "2026-05-01T10:00:05.000100"},
    {"role": "user", "content": "Thanks.", "timestamp": "2026-05-01T10:00:06.000000"}]}]}
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("get_order", {"id": "o1"}, "ok"),
    ("get_shop", {"city": "Ulm"}, "error"),
    ("look_at_phone", {}, "ok"),
]
