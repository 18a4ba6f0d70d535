"""What holds for everything that any reader says about any log, however damaged."""

from __future__ import annotations

import orjson

from miner.events import Caller, Event, EventKind, Session, TimeSource

INT64 = 1 << 63


def check(sessions: list[Session], events: list[Event]) -> None:
    """All of it."""
    check_sessions(sessions, events)
    for session in sessions:
        check_session(session)
    for event in events:
        check_event(event)


def check_sessions(sessions: list[Session], events: list[Event]) -> None:
    """Events belong to announced sessions, have a place of their own, and steps stand on the right side of calls.

    A call that the model or its program made comes after the step that asked for it. One that a person or the host
    made carries, as a message does, the number of the next step, which is the first to see it, and comes before that.
    """
    last = {session.key: session for session in sessions}
    assert {event.session for event in events} <= set(last)
    places = [(event.session, event.seq) for event in events]
    assert len(places) == len(set(places))
    for session in last.values():
        assert {(session.key, seq) for seq in session.off_path} <= set(places)
        assert session.parent != session.key
    steps = {(e.session, e.step): e.seq for e in events if e.kind is EventKind.MODEL_STEP}
    assert len(steps) == sum(event.kind is EventKind.MODEL_STEP for event in events)
    for event in events:
        if event.kind is EventKind.TOOL_CALL and (event.session, event.step) in steps:
            is_models = event.caller in (None, Caller.MODEL, Caller.PROGRAM)
            assert (steps[event.session, event.step] < event.seq) is is_models


def check_event(event: Event) -> None:
    """One event is complete for its kind, storable, and never claims a time it does not have."""
    assert isinstance(event.kind, EventKind)
    assert min(event.seq, event.turn, event.step, event.call_index) >= 0
    for value in (event.text, event.result, event.arguments, event.tool, event.raw_tool, event.call_id, event.uid):
        _check_text(value)
    for number in (event.time_us, event.start_us, event.end_us, event.tokens_in, event.tokens_out, event.exit_code):
        assert number is None or (isinstance(number, int) and abs(number) < INT64)
    if event.time_source is TimeSource.NONE:
        assert event.start_us is None
        assert event.end_us is None
    if event.start_us is not None and event.end_us is not None:
        assert event.start_us <= event.end_us
    if event.kind is EventKind.TOOL_CALL:
        assert event.tool
        assert event.status is not None
        assert event.arguments is not None
        assert isinstance(orjson.loads(event.arguments), dict)
    if event.result is not None:
        orjson.loads(event.result)


def check_session(session: Session) -> None:
    """One session can be stored."""
    assert session.key
    assert session.reader
    for name in ("key", "native_id", "relation", "parent", "spawned_by", "agent", "agent_version", "model"):
        _check_text(getattr(session, name))
    for name in ("application", "cwd", "branch", "task", "outcome"):
        _check_text(getattr(session, name))
    for number in (session.attempt, session.started_us, session.ended_us):
        assert number is None or (isinstance(number, int) and abs(number) < INT64)
    assert session.reward is None or isinstance(session.reward, float | int)


def _check_text(value: object) -> None:
    if value is not None:
        assert isinstance(value, str)
        value.encode("utf-8")
