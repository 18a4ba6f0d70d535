"""ATIF: the interchange files of agent trajectories (Harbor and others), versions 1.0 to 1.8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from miner.events import Caller, Event, Session, Status, TimeSource
from miner.readers import session_key
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.source import Source
from miner.readers.telling import Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, flag, integer, listing, mapping, number, word

VERSION = 1
TITLE = "ATIF trajectories, 1.0 to 1.8 (Harbor and everything that converts to it)"
WHERE = "<job>/<trial>/agent/trajectory.json of a Harbor run, or: miner export-atif"
RESTS_ON = "the published schema; hand-made files of each version; a round trip of every format's example"

NAME = "atif"
_VERSION = re.compile(rb'"schema_version"\s*:\s*"ATIF-')
_RESULT_BYTES = 4 << 20
_STATUS = {status.value: status for status in Status if status is not Status.MISSING}
_TIME_SOURCES = {source.value: source for source in TimeSource}
_CALLERS = {caller.value: caller for caller in Caller}


def recognises(head: Head) -> float:
    """By the schema that the file states."""
    return 0.97 if _VERSION.search(head.start[:65536]) else 0.0


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """The files of a folder: a trajectory, what continues it, and the agents it started."""
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    return [tuple(sorted(files, key=_order)) for _, files in sorted(folders.items())]


def _order(path: Path) -> tuple[str, int, str]:
    """A trajectory stands before its continuations, which count up."""
    found = re.fullmatch(r"(.*?)\.cont-(\d{1,9})", strip_compression(path).stem)
    return (found[1], int(found[2]), path.name) if found else (strip_compression(path).stem, -1, path.name)


@dataclass(slots=True)
class _Run:
    """One agent's trajectory, with what continues it."""

    identity: str
    path: Path
    about: dict[str, Any]
    conversation: Conversation
    parent: str | None = None
    facts: dict[str, Fact] = field(default_factory=dict)


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each trajectory, embedded ones included."""
    runs: dict[str, _Run] = {}
    spawned: dict[str, tuple[str, str]] = {}
    for path in source.paths:
        for record in replace(source, paths=(path,)).elements():
            value = mapping(record.value)
            if word(value.get("schema_version")) and isinstance(value.get("steps"), list):
                _take(runs, spawned, value, path, None)
            else:
                source.problem("unknown_record", "no trajectory", path=path, line=record.line)
    for run in runs.values():
        yield from _told(source, run, runs, spawned)


def _take(
    runs: dict[str, _Run], spawned: dict[str, tuple[str, str]], value: dict[str, Any], path: Path, parent: str | None
) -> None:
    identity = word(value.get("trajectory_id")) or word(value.get("session_id")) or strip_compression(path).stem
    if parent is not None and identity == parent:
        identity = f"{identity}/{len(runs)}"
    if identity not in runs:
        runs[identity] = _Run(identity, path, value, Conversation(session_key(NAME, identity)), parent)
    run = runs[identity]
    for step in listing(value.get("steps")):
        # A continuation begins with a copy of what it goes on from.
        if isinstance(step, dict) and not step.get("is_copied_context"):
            _step(run, step, spawned)
    for inner in listing(value.get("subagent_trajectories")):
        if isinstance(mapping(inner).get("steps"), list):
            _take(runs, spawned, inner, path, identity)


def _step(run: _Run, step: dict[str, Any], spawned: dict[str, tuple[str, str]]) -> None:
    at, line = micros(step.get("timestamp")), integer(step.get("step_id"))
    text = text_of(step.get("message"))
    observation = mapping(step.get("observation"))
    results = [mapping(result) for result in listing(observation.get("results"))]
    if step.get("source") == "agent":
        calls = [mapping(call) for call in listing(step.get("tool_calls"))]
        metrics = mapping(step.get("metrics"))
        turn = Turn(
            Role.MODEL,
            text or None,
            tuple(found for call in calls if (found := _call(call)) is not None),
            time_us=at,
            start_us=_start(step, at),
            time_source=_TIME_SOURCES.get(str(mapping(step.get("extra")).get("time_source")), TimeSource.NATIVE),
            model=word(step.get("model_name")) or word(mapping(run.about.get("agent")).get("model_name")),
            tokens_in=count(metrics.get("prompt_tokens")),
            tokens_out=count(metrics.get("completion_tokens")),
            line=line,
        )
        run.conversation.add(turn)
        for call in calls:
            _note(run, word(call.get("tool_call_id")), mapping(call.get("extra")))
    elif mapping(step.get("extra")).get("compaction") is True:
        run.conversation.compaction(line)
    elif text:
        role = Role.USER if step.get("source") == "user" else Role.HARNESS
        run.conversation.add(Turn(role, text, time_us=at, line=line))
    for result in results:
        _observed(run, result, line, spawned)


def _start(step: dict[str, Any], end_us: int | None) -> int | None:
    """When the model began, where an exporter kept that."""
    start = micros(mapping(step.get("extra")).get("ts_start"))
    return start if start is not None and end_us is not None and start <= end_us else None


def _observed(run: _Run, result: dict[str, Any], line: int | None, spawned: dict[str, tuple[str, str]]) -> None:
    identity, text = word(result.get("source_call_id")), text_of(result.get("content"))
    for reference in listing(result.get("subagent_trajectory_ref")):
        named = mapping(reference)
        child = word(named.get("trajectory_id")) or word(named.get("session_id"))
        if child:
            spawned[child] = (run.identity, identity or "")
    if identity is None:
        # The harness answered, not a tool.
        if text:
            run.conversation.add(Turn(Role.HARNESS, text, line=line))
        return
    _note(run, identity, mapping(result.get("extra")))
    run.conversation.add(Turn(Role.TOOL, results=(Result(text, identity),), line=line))


def _call(call: dict[str, Any]) -> Call | None:
    name = word(call.get("function_name"))
    if name is None:
        return None
    extra = mapping(call.get("extra"))
    caller = _CALLERS.get(str(extra.get("caller")), Caller.MODEL)
    return Call(name, call.get("arguments"), word(call.get("tool_call_id")), word(extra.get("server")), caller)


def _note(run: _Run, identity: str | None, extra: dict[str, Any]) -> None:
    """What an exporter kept in the free space of a call or result."""
    if identity is None or not extra:
        return
    status = _STATUS.get(str(extra.get("status")))
    source = _TIME_SOURCES.get(str(extra.get("time_source")))
    known = run.facts.get(identity, Fact())
    run.facts[identity] = changed(
        known,
        start_us=micros(extra.get("ts_start")) or known.start_us,
        end_us=micros(extra.get("ts_end")) or known.end_us,
        time_source=source or known.time_source,
        status=status or known.status,
        exit_code=integer(extra.get("exit_code")) if "exit_code" in extra else known.exit_code,
        native_error=flag(extra.get("native_error")) if "native_error" in extra else known.native_error,
        read_only=flag(extra.get("read_only")) if "read_only" in extra else known.read_only,
        structured=extra.get("result", known.structured),
    )


def _told(
    source: Source, run: _Run, runs: dict[str, _Run], spawned: dict[str, tuple[str, str]]
) -> Iterator[Session | Event]:
    agent, trial = mapping(run.about.get("agent")), _trial(run.path) if run.parent is None else {}
    parent, call = spawned.get(run.identity, (run.parent, ""))
    parent = parent if parent in runs and parent != run.identity else None
    extra = mapping(run.about.get("extra"))
    session = Session(
        run.conversation.key,
        NAME,
        run.identity,
        relation="subagent" if parent else "root",
        parent=runs[parent].conversation.key if parent else None,
        spawned_by=call or None,
        agent=word(agent.get("name")),
        agent_version=word(agent.get("version")),
        model=word(agent.get("model_name")),
        application=word(extra.get("application")),
        task=word(trial.get("task_name")) or word(extra.get("task")),
        reward=_reward(trial),
        outcome=word(mapping(trial.get("exception_info")).get("exception_type")),
    )
    yield from tell(source, run.conversation, session, run.facts, path=run.path, infer_steps=True)


def _trial(path: Path) -> dict[str, Any]:
    """The trial's result, which lies beside the agent's folder."""
    result = path.parent.parent / "result.json"
    if path.parent.name != "agent" or not result.is_file() or result.stat().st_size > _RESULT_BYTES:
        return {}
    try:
        return mapping(orjson.loads(result.read_bytes()))
    except (orjson.JSONDecodeError, OSError):
        # The trial may still be running; its trajectory is worth reading all the same.
        return {}


def _reward(trial: dict[str, Any]) -> float | None:
    rewards = mapping(mapping(trial.get("verifier_result")).get("rewards"))
    stated = number(rewards.get("reward"))
    return stated if stated is not None else next((n for v in rewards.values() if (n := number(v)) is not None), None)


EXAMPLE_NAME = "trajectory.json"
EXAMPLE = b"""{"schema_version": "ATIF-v1.8", "session_id": "s1",
 "agent": {"name": "a", "version": "1", "model_name": "m"},
 "steps": [
  {"step_id": 1, "timestamp": "2026-05-01T10:00:00Z", "source": "user", "message": "Fix it."},
  {"step_id": 2, "timestamp": "2026-05-01T10:00:03Z", "source": "agent", "message": "Looking.",
   "tool_calls": [{"tool_call_id": "c1", "function_name": "Bash", "arguments": {"command": "ls"}},
    {"tool_call_id": "c2", "function_name": "Read", "arguments": {"path": "a.py"},
     "extra": {"ts_start": "2026-05-01T10:00:03.100000Z", "ts_end": "2026-05-01T10:00:03.200000Z",
      "time_source": "span", "status": "ok"}}],
   "observation": {"results": [{"source_call_id": "c2", "content": "x = 1"},
    {"source_call_id": "c1", "content": "a.py"}]},
   "metrics": {"prompt_tokens": 900, "completion_tokens": 40}},
  {"step_id": 3, "timestamp": "2026-05-01T10:00:06Z", "source": "agent", "message": "Done."}],
 "final_metrics": {"total_steps": 3}}
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("Bash", {"command": "ls"}, "unknown"),
    ("Read", {"path": "a.py"}, "ok"),
]
