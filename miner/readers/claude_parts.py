"""What a conversation holds while it is open, a call, a result or a model message, and the events these become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from miner.events import Caller, Event, EventKind, Status, TimeSource
from miner.readers import claude_lines as lines
from miner.readers.content import arguments_of, text_of

_PROMPT_TOKENS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


@dataclass(slots=True)
class Call:
    """A call that waits for its result."""

    seq: int
    turn: int
    step: int
    index: int
    uid: str | None
    line: int
    time_us: int | None
    call_id: str
    tool: str
    arguments: Any
    caller: Caller
    interrupted: bool = False


@dataclass(slots=True)
class Step:
    """The model message being written."""

    key: str
    seq: int
    turn: int
    step: int
    uid: str | None
    line: int
    model: str | None
    start_us: int | None
    end_us: int | None
    texts: list[str]
    usage: dict[str, Any]
    calls: int = 0


@dataclass(slots=True)
class Result:
    """A result as logged, with what stands beside it on its line."""

    block: dict[str, Any]
    typed: Any
    decision: Any
    time_us: int | None
    line: int


def call_event(session: str, call: Call, status: Status, **more: Any) -> Event:
    """A call as an event; what is known of its end is added."""
    arguments, whole = arguments_of(call.arguments)
    server = call.tool.split("__", 2)[1] if call.tool.startswith("mcp__") and call.tool.count("__") > 1 else None
    return Event(
        session,
        call.seq,
        EventKind.TOOL_CALL,
        call.turn,
        call.step,
        uid=call.uid,
        time_us=call.time_us,
        call_id=call.call_id,
        call_index=call.index,
        caller=call.caller,
        tool=call.tool,
        server=server,
        arguments=arguments,
        arguments_ok=whole,
        status=status,
        line=call.line,
        **more,
    )


def answered_event(session: str, call: Call, result: Result) -> Event:
    """A call with its result."""
    typed, content = result.typed, result.block.get("content")
    text = text_of(content) or ""
    flagged = result.block.get("is_error") is True
    status = lines.status_of(flagged=flagged, text=text, typed=typed, decision=result.decision)
    saved, saved_bytes = lines.saved_elsewhere(text, typed)
    shown, truncated, size = lines.cut(text)
    return call_event(
        session,
        call,
        status,
        text=shown,
        result=lines.typed_result(typed, content),
        native_error=flagged,
        exit_code=lines.exit_code_of(text) if flagged else None,
        truncated=truncated or saved,
        text_bytes=saved_bytes if saved else size,
        **_times(call, result, status),
    )


def _times(call: Call, result: Result, status: Status) -> dict[str, Any]:
    """The execution interval: the tool's own duration, else from asking to result, none where clocks disagree."""
    asked, ended = call.time_us, result.time_us
    if asked is None or ended is None or ended < asked or status is Status.RUNNING:
        return {}
    person = lines.asked_a_person(result.decision)
    ran = lines.duration_us(result.typed)
    if ran is not None and ran <= ended - asked:
        wait = None if person is None else (ended - asked - ran if person else 0)
        return {"start_us": ended - ran, "end_us": ended, "time_source": TimeSource.NATIVE, "wait_us": wait}
    wait = 0 if person is False else None
    return {"start_us": asked, "end_us": ended, "time_source": TimeSource.LOG_DELTA, "wait_us": wait}


def step_event(session: str, step: Step) -> Event:
    """A model message whose last line has been seen."""
    usage = step.usage
    read = [lines.count(usage.get(key)) for key in _PROMPT_TOKENS]
    start, end = step.start_us, step.end_us
    timed = start is not None and end is not None and start <= end
    text, truncated, size = lines.cut("\n".join(step.texts) if step.texts else None)
    return Event(
        session,
        step.seq,
        EventKind.MODEL_STEP,
        step.turn,
        step.step,
        text=text,
        uid=step.uid,
        time_us=end,
        start_us=start if timed else None,
        end_us=end if timed else None,
        time_source=TimeSource.INFERRED if timed else TimeSource.NONE,
        model=step.model,
        tokens_in=sum(part or 0 for part in read) if any(part is not None for part in read) else None,
        tokens_out=lines.count(usage.get("output_tokens")),
        truncated=truncated,
        text_bytes=size,
        line=step.line,
    )
