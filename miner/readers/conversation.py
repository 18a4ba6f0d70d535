"""The turns of one session -> its canonical events: steps, calls joined to their results, human turns, times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from miner.events import Caller, Event, EventKind, Status, TimeSource
from miner.readers.changed import amended, changed
from miner.readers.content import json_text, parsed
from miner.readers.dialects import Role
from miner.readers.turns import Call, Result, Turn
from miner.readers.unwrap import Unwrapped, unwrap


@dataclass(slots=True)
class _Open:
    """Calls that wait for one result: one, or all those of a batch that was logged as a single call."""

    positions: tuple[int, ...]
    id: str | None
    name: str


class Conversation:
    """Collects turns in the order the model saw them and hands out events."""

    def __init__(self, key: str, *, quiet: Status = Status.UNKNOWN) -> None:
        """Start an empty session.

        Args:
            key: the session's key.
            quiet: status of a result about which the log says nothing.
        """
        self.key = key
        self.quiet = quiet
        self.unmatched: list[int | None] = []
        """Lines of results that belong to no call of this session."""
        self.passed_over = 0
        """Elements, and parts of messages, that are of no known kind."""
        self._events: list[Event] = []
        self._waiting: deque[_Open] = deque()
        self._step = -1
        self._people = 0
        self._response: str | None = None
        self._run_open = False

    def __len__(self) -> int:
        return len(self._events)

    def add(self, turn: Turn) -> None:
        """Append a turn."""
        self.passed_over += turn.passed_over
        if turn.compacts:
            self.compaction(turn.line)
        elif turn.role is Role.MODEL:
            self._model(turn)
        else:
            if turn.role is not Role.TOOL:
                self._message(turn)
            caller = Caller.USER if turn.role is Role.USER else Caller.HARNESS
            for call in turn.calls:
                self._call(changed(call, caller=caller), turn, self._step + 1)
            self._run_open = False
        for result in turn.results:
            self._result(result, turn)

    def compaction(self, line: int | None = None) -> None:
        """The host replaced or cut what the model sees."""
        self._append(Event(self.key, len(self._events), EventKind.COMPACTION, self._turn, self._step + 1, line=line))
        self._run_open = False

    def abandon(self, start: int) -> range:
        """Give up the events from a place on, because the conversation went back before them; returns their places."""
        self._waiting = deque(w for w in self._waiting if w.positions and w.positions[0] < start)
        self._run_open, self._response = False, None
        return range(start, len(self._events))

    def waits_for(self, result: Result) -> bool:
        """True when an open call could take this result."""
        return self._match(result) is not None

    def events(self) -> list[Event]:
        """All events; calls that never got a result are ``missing``."""
        return self._events

    @property
    def _turn(self) -> int:
        return max(0, self._people - 1)

    def _append(self, event: Event) -> int:
        self._events.append(event)
        return len(self._events) - 1

    def _message(self, turn: Turn) -> None:
        kind = EventKind.USER_MESSAGE if turn.role is Role.USER else EventKind.HARNESS_MESSAGE
        if kind is EventKind.USER_MESSAGE and (turn.text or not turn.calls):
            self._people += 1
        if turn.text is None and turn.calls:
            return
        self._append(
            Event(
                self.key,
                len(self._events),
                kind,
                self._turn,
                self._step + 1,
                turn.text,
                uid=turn.uid,
                time_us=turn.time_us,
                line=turn.line,
            )
        )

    def _model(self, turn: Turn) -> None:
        same = turn.response is not None and turn.response == self._response
        if (same or (turn.joins and self._run_open and turn.response is None)) and self._extend(turn):
            return
        self._step += 1
        self._response, self._run_open = turn.response, turn.joins
        start = turn.start_us
        if start is None and turn.time_us is not None and turn.think_us is not None:
            start = turn.time_us - turn.think_us
        measured = turn.think_us is not None or turn.start_us is not None
        self._append(
            Event(
                self.key,
                len(self._events),
                EventKind.MODEL_STEP,
                self._turn,
                self._step,
                turn.text or None,
                uid=turn.uid,
                time_us=turn.time_us,
                start_us=start,
                end_us=turn.time_us if start is not None else None,
                time_source=turn.time_source if measured and start is not None else TimeSource.NONE,
                model=turn.model,
                tokens_in=turn.tokens_in,
                tokens_out=turn.tokens_out,
                line=turn.line,
            )
        )
        self._made(turn)

    def _made(self, turn: Turn) -> None:
        """The calls of a model's turn; whatever else is stated there, a person did not make them."""
        for call in turn.calls:
            meant = changed(call, caller=Caller.MODEL) if call.caller is Caller.USER else call
            self._call(meant, turn, self._step)

    def _extend(self, turn: Turn) -> bool:
        """Add an item to the step it belongs to; False when that step is no longer the last."""
        at = next((i for i in range(len(self._events) - 1, -1, -1) if self._is_step(i)), None)
        if at is None:
            return False
        step = self._events[at]
        text = "\n".join(part for part in (step.text, turn.text) if part) or None
        amended(step, text=text)
        self._made(turn)
        return True

    def _is_step(self, at: int) -> bool:
        event = self._events[at]
        return event.kind is EventKind.MODEL_STEP and event.step == self._step

    def _call(self, call: Call, turn: Turn, step: int) -> None:
        positions = tuple(
            self._append(self._asked(meant, call, turn, step))
            for meant in unwrap(call.name, call.arguments, call.server)
        )
        self._waiting.append(_Open(positions, call.id, call.name))

    def _asked(self, meant: Unwrapped, call: Call, turn: Turn, step: int) -> Event:
        return Event(
            self.key,
            len(self._events),
            EventKind.TOOL_CALL,
            self._turn,
            step,
            time_us=turn.time_us,
            call_id=call.id,
            call_index=self._position(step, call.caller),
            caller=call.caller,
            tool=meant.tool,
            raw_tool=meant.raw_tool,
            server=meant.server,
            arguments=meant.arguments,
            arguments_ok=meant.arguments_ok,
            status=Status.MISSING,
            line=turn.line,
        )

    def _position(self, step: int, caller: Caller) -> int:
        """The next free place among the parallel calls of a step."""
        last = self._events[-1] if self._events else None
        if last is None or last.kind is not EventKind.TOOL_CALL or last.step != step or last.caller is not caller:
            return 0
        return last.call_index + 1

    def _result(self, result: Result, turn: Turn) -> None:
        waiting = self._match(result)
        if waiting is None:
            self.unmatched.append(turn.line)
            if result.text:
                # The model saw it, though the call itself was cut off.
                self._message(changed(turn, role=Role.HARNESS, text=result.text, calls=(), results=()))
            return
        self._waiting.remove(waiting)
        parts = _parts(result.text, len(waiting.positions))
        for position, text in zip(waiting.positions, parts, strict=True):
            call = self._events[position]
            start, end = _interval(call.time_us, turn.time_us)
            source = TimeSource.LOG_DELTA if end is not None else TimeSource.NONE
            if result.start_us is not None:
                start, end, source = result.start_us, result.end_us, TimeSource.SPAN
            amended(
                call,
                text=text,
                result=json_text(result.structured) if result.structured is not None else None,
                status=self.quiet if result.status is Status.UNKNOWN else result.status,
                native_error=result.native_error,
                exit_code=result.exit_code,
                truncated=result.truncated,
                text_bytes=len(text.encode("utf-8", "replace")) if text is not None else None,
                start_us=start,
                end_us=end,
                time_source=source,
            )

    def _match(self, result: Result) -> _Open | None:
        """The oldest open call with the result's id; without ids, of its name; without names, the oldest."""
        if result.id is not None:
            same = next((w for w in self._waiting if w.id == result.id), None)
            if same is not None:
                return same
            return next((w for w in self._waiting if w.id is None and w.name == result.name), None)
        if result.name is not None:
            return next((w for w in self._waiting if w.name == result.name), None)
        return self._waiting[0] if self._waiting else None


def _interval(asked_us: int | None, came_us: int | None) -> tuple[int | None, int | None]:
    """From the message that asked to the message that answered, unless a clock ran backwards."""
    if asked_us is None or came_us is None or came_us < asked_us:
        return None, None
    return asked_us, came_us


def _parts(text: str | None, count: int) -> list[str | None]:
    """The result of a batch for each of its calls: its own part where the text is a list of as many, else the whole."""
    if count == 1 or text is None:
        return [text] * count
    value = parsed(text)
    if isinstance(value, list) and len(value) == count:
        return [part if isinstance(part, str) else json_text(part) for part in value]
    return [text] * count


def durations(events: Iterable[Event]) -> list[int]:
    """How long each call took whose start and end are known, in microseconds."""
    return [e.end_us - e.start_us for e in events if e.kind is EventKind.TOOL_CALL and e.start_us and e.end_us]
