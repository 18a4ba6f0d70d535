"""A log format for tests of the store: JSON lines that name a session and what happened in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from miner.events import Caller, Event, EventKind, Session, Status
from miner.readers import session_key
from miner.readers.head import Head
from miner.readers.source import Source

VERSION = 1
TITLE = "plain test log"
WHERE = "tests only"


def recognises(head: Head) -> float:
    """Sure when a line names a plain session."""
    return float(any(isinstance(record, dict) and "plain" in record for record in head.records()))


def read(source: Source) -> Iterator[Session | Event]:
    """One event a line; a session is told when it is first met."""
    numbers: dict[str, int] = {}
    for record in source.records():
        value = record.value
        if "crash" in value:
            raise KeyError("secret words of the log")
        key = session_key("plain", value["plain"])
        if key not in numbers:
            yield Session(key, "plain", value["plain"], started_us=value.get("start"), **value.get("facts", {}))
        numbers[key] = numbers.get(key, -1) + 1
        yield _event(key, numbers[key], record.line, value)


def _event(key: str, number: int, line: int, value: dict[str, Any]) -> Event:
    if "tool" not in value:
        return Event(key, number, EventKind.USER_MESSAGE, 0, 0, value.get("text"), uid=value.get("uid"), line=line)
    return Event(
        key,
        value.get("seq", number),
        EventKind.TOOL_CALL,
        turn=0,
        step=value.get("step", number),
        text=value.get("text"),
        uid=value.get("uid"),
        tool=value["tool"],
        caller=Caller.MODEL,
        arguments="{}",
        status=Status.OK,
        exit_code=value.get("exit"),
        line=line,
    )
