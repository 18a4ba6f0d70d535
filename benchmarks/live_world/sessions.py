"""Sessions with a real server: recorded while a scripted agent acts, replayed call by call, written as a log."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.live_world.agents import Agent
from benchmarks.live_world.connection import Answer, Connection
from data.scripted.transcript import THINK_SECONDS

_BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Step(NamedTuple):
    """One call: what came before it, and what it gave."""

    think_s: float
    tool: str
    arguments: dict[str, Any]
    answer: Answer


class Recorded(NamedTuple):
    """A session, and the tools that its server listed."""

    name: str
    tools: list[dict[str, Any]]
    steps: list[Step]


def record(name: str, link: Connection, agent: Agent, scale: float, *, wait: bool) -> Recorded:
    """Lets an agent act; its think times are drawn with the session's own seed, and waited for if asked."""
    median, sigma = THINK_SECONDS
    rng, steps = random.Random(name), list[Step]()
    try:
        tool, arguments = next(agent)
        while True:
            think = scale * median * math.exp(sigma * rng.gauss(0.0, 1.0))
            if wait:
                time.sleep(think)
            answer = link.call(tool, arguments)
            steps.append(Step(think, tool, arguments, answer))
            tool, arguments = agent.send(answer.text)
    except StopIteration:
        return Recorded(name, link.tools, steps)


def replay(command: Sequence[str], session: Recorded) -> tuple[float, list[Answer]]:
    """Makes the calls of a session again, with its think times; seconds from the first thought to the last answer."""
    link = Connection(command)
    try:
        start = time.perf_counter()
        answers = []
        for step in session.steps:
            time.sleep(step.think_s)
            answers.append(link.call(step.tool, step.arguments))
        return time.perf_counter() - start, answers
    finally:
        link.close()


def write(path: Path, sessions: Iterable[Recorded]) -> None:
    """A capture of the protocol: one message a line, with its time and its session."""
    with path.open("w", encoding="utf-8") as file:
        for number, session in enumerate(sessions):
            now = _BEGAN + timedelta(hours=number)
            for side, later, message in _messages(session):
                now += timedelta(seconds=later)
                stamp = now.isoformat(timespec="microseconds")
                line = {"timestamp": stamp, "session_id": session.name, "direction": side, "message": message}
                file.write(json.dumps(line) + "\n")


def _messages(session: Recorded) -> Iterable[tuple[str, float, dict[str, Any]]]:
    """(who sends it, seconds after the one before, the message)."""
    client = {"clientInfo": {"name": "live-benchmark", "version": "1"}}
    yield "client", 0.0, {"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": client}
    yield "client", 0.0, {"jsonrpc": "2.0", "id": "b", "method": "tools/list"}
    yield "server", 0.0, {"jsonrpc": "2.0", "id": "b", "result": {"tools": session.tools}}
    for number, step in enumerate(session.steps):
        params = {"name": step.tool, "arguments": step.arguments}
        yield "client", step.think_s, {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        yield "server", step.answer.seconds, {"jsonrpc": "2.0", "id": number, "result": step.answer.result}
