"""Small hand-made sessions: a list of steps, each a list of calls or a user's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from miner.events import Caller, Event, EventKind, Session, SessionLog, Status, TimeSource
from miner.readers import load_reader
from miner.readers.source import Source

Step = str | list[tuple[str, dict[str, Any]]] | list[tuple[str, dict[str, Any], str]]
"""A user's words, or the parallel calls of one model step as (tool, arguments) or (tool, arguments, result)."""

SECOND = 1_000_000


def session_of(
    key: str, *steps: Step, think_s: float = 3.0, tool_s: float = 1.0, began_s: int = 0, **about: Any
) -> SessionLog:
    """A session whose model thinks ``think_s`` before each step and whose calls take ``tool_s`` each, in parallel."""
    events: list[Event] = []
    clock, step, turn = began_s * SECOND, 0, -1
    for content in steps:
        if isinstance(content, str):
            turn += 1
            events.append(
                Event(
                    key,
                    len(events),
                    EventKind.USER_MESSAGE,
                    turn,
                    step,
                    text=content,
                    uid=f"{key}-{len(events)}",
                    time_us=clock,
                )
            )
            continue
        clock += round(think_s * SECOND)
        for index, call in enumerate(content):
            tool, arguments, *result = call
            events.append(
                Event(
                    key,
                    len(events),
                    EventKind.TOOL_CALL,
                    max(turn, 0),
                    step,
                    text=result[0] if result else "done",
                    uid=f"{key}-{len(events)}",
                    time_us=clock,
                    start_us=clock,
                    end_us=clock + round(tool_s * SECOND),
                    time_source=TimeSource.NATIVE,
                    call_id=f"{key}-{len(events)}",
                    call_index=index,
                    caller=Caller.MODEL,
                    tool=tool,
                    arguments=json.dumps(arguments),
                    status=Status.OK,
                )
            )
        if content:
            clock += round(tool_s * SECOND)
        else:
            events.append(
                Event(key, len(events), EventKind.MODEL_STEP, max(turn, 0), step, text="answer", time_us=clock)
            )
        step += 1
    return SessionLog(Session(key, "test", key, **about), tuple(events))


def logs_of(*logs: SessionLog) -> Callable[[], Iterator[SessionLog]]:
    """The sessions as evaluation reads them: anew at each call."""
    return lambda: iter(logs)


def keys(logs: Sequence[SessionLog]) -> set[str]:
    """Session keys."""
    return {log.session.key for log in logs}


def read_all(folder: Path, reader: str) -> list[SessionLog]:
    """The sessions of every log under a folder, without a store."""
    sessions: dict[str, Session] = {}
    events: dict[str, list[Event]] = {}
    for path in sorted(folder.rglob("*.*")):
        for item in load_reader(reader).read(Source((path,))):
            if isinstance(item, Session):
                sessions[item.key] = item
            else:
                events.setdefault(item.session, []).append(item)
    return [
        SessionLog(session, tuple(sorted(events.get(key, []), key=lambda event: event.seq)))
        for key, session in sessions.items()
    ]
