"""A finished conversation -> its session and events, completed by what a log knows of a call beside its message.

Many logs keep the words in one place and the times, exit codes and effects in another: ``Fact`` is what the other
place says of one call, and wins over what the message says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miner.events import Event, EventKind, Session, Status, TimeSource
from miner.readers.changed import amended, changed
from miner.readers.content import json_text
from miner.readers.conversation import Conversation
from miner.readers.source import Source


@dataclass(frozen=True, slots=True)
class Fact:
    """What a log says of one call outside the messages; what it does not say stays None."""

    start_us: int | None = None
    end_us: int | None = None
    time_source: TimeSource = TimeSource.NATIVE
    wait_us: int | None = None
    status: Status | None = None
    native_error: bool | None = None
    exit_code: int | None = None
    read_only: bool | None = None
    structured: Any = None
    """The typed result."""
    text: str | None = None
    """The result, for a call whose message holds none."""


class CallIds:
    """Ids of calls, made unique: some local models begin to count anew in every answer."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def asked(self, identity: str | None) -> str | None:
        """The id of a new call: as logged, with a number from its second use on."""
        if identity is None:
            return None
        self._times[identity] = self._times.get(identity, 0) + 1
        return self.latest(identity)

    def latest(self, identity: str | None) -> str | None:
        """The id of the call that a result or an event with this id belongs to: the last one that was asked for."""
        times = self._times.get(identity or "", 1)
        return identity if times == 1 else f"{identity}#{times}"


def tell(
    source: Source,
    conversation: Conversation,
    session: Session,
    facts: Mapping[str, Fact] | None = None,
    *,
    path: Path | None = None,
    infer_steps: bool = False,
) -> Iterator[Session | Event]:
    """The session, with its times and model read off its events, and the events.

    Args:
        source: where results that belong to no call are reported.
        conversation: what was said.
        session: what is known of it; times and model are filled in where open.
        facts: by call id.
        path: the file that problems are reported for.
        infer_steps: let a model step without a start begin where what it answers ended.
    """
    tell_losses(source, conversation, path)
    events = conversation.events()
    if facts:
        for event in events:
            if event.kind is EventKind.TOOL_CALL and (fact := facts.get(event.call_id or "")) is not None:
                _complete(event, fact)
    if infer_steps:
        _infer_steps(events)
    times = [t for e in events for t in (e.time_us, e.start_us, e.end_us) if t is not None]
    models = (event.model for event in events if event.model)
    yield changed(
        session,
        model=session.model or next(models, None),
        started_us=session.started_us if session.started_us is not None else min(times, default=None),
        ended_us=session.ended_us if session.ended_us is not None else max(times, default=None),
    )
    yield from events


def tell_losses(source: Source, conversation: Conversation, path: Path | None) -> None:
    """Report what was said and has no place among the events: results without a call, parts of unknown kind."""
    for line in conversation.unmatched:
        source.problem("result_without_call", path=path, line=line)
    source.account.unknown += conversation.passed_over


def without_times(events: list[Event]) -> None:
    """Take the times of calls out in place, for logs whose stamps only tell the order."""
    for event in events:
        if event.kind is EventKind.TOOL_CALL and event.start_us is not None:
            amended(event, start_us=None, end_us=None, time_source=TimeSource.NONE)


def _complete(event: Event, fact: Fact) -> None:
    text = event.text if event.text is not None else fact.text
    status = fact.status or event.status
    if status is Status.MISSING and fact.text is not None:
        status = Status.UNKNOWN
    amended(
        event,
        status=status,
        text=text,
        text_bytes=len(text.encode("utf-8", "replace")) if text is not None else None,
        native_error=event.native_error if fact.native_error is None else fact.native_error,
        exit_code=event.exit_code if fact.exit_code is None else fact.exit_code,
        read_only=event.read_only if fact.read_only is None else fact.read_only,
        wait_us=event.wait_us if fact.wait_us is None else fact.wait_us,
        result=event.result if fact.structured is None else json_text(fact.structured),
    )
    if fact.start_us is not None and fact.end_us is not None and fact.end_us >= fact.start_us:
        amended(event, start_us=fact.start_us, end_us=fact.end_us, time_source=fact.time_source)


def _infer_steps(events: list[Event]) -> None:
    before = 0
    for event in events:
        time, end = event.time_us, event.end_us
        if event.kind is EventKind.MODEL_STEP and event.start_us is None and time is not None and 0 < before <= time:
            amended(event, start_us=before, end_us=time, time_source=TimeSource.INFERRED)
            end = time
        if time is not None and time > before:
            before = time
        if end is not None and end > before:
            before = end
