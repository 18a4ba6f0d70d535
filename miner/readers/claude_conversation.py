"""One Claude Code conversation, the main one or a sub-agent's: its lines -> events; only what is open is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from miner.events import Caller, Event, EventKind, Session, Status, TimeSource
from miner.readers import claude_lines as lines
from miner.readers.claude_branches import Branches, Part
from miner.readers.claude_lines import mapping, word
from miner.readers.claude_parts import Call, Result, Step, answered_event, call_event, step_event
from miner.readers.content import text_of

SYNTHETIC = "<synthetic>"
_THOUGHTS = ("thinking", "redacted_thinking")
_MOST_EARLY = 64
"""Results that may wait for their call; a file whose head was cut away has more than will ever find one."""


class Conversation:
    """Events come out through ``emit`` as soon as they are complete, so not in the order of ``seq``."""

    def __init__(self, session: Session, emit: Callable[[Event], None]) -> None:
        self.session = session
        self.branches = Branches()
        self.pending: dict[str, Call] = {}
        self.spawned: dict[str, str] = {}
        """Agent id -> the call that started it."""
        self.early: dict[str, Result] = {}
        self.passed_over = 0
        """Parts of messages that are of no known kind, or calls without a name."""
        self.unanswered_results: list[int] = []
        """Lines of results that no call asked for."""
        self._emit = emit
        self._background: dict[str, Event] = {}
        self._answered: set[str] = set()
        self._steps: dict[str, tuple[int, int]] = {}
        self._open: Step | None = None
        self._seq = 0
        self._next_step = 0
        self._people = 0
        self._heard_us: int | None = None
        self._first_us: int | None = None
        self._last_us: int | None = None
        self._compacted = False

    @property
    def seq(self) -> int:
        """The place of the next event."""
        return self._seq

    @property
    def has_steps(self) -> bool:
        """True once the model has spoken."""
        return self._next_step > 0

    def _place(self) -> int:
        self._seq += 1
        return self._seq - 1

    @property
    def _turn(self) -> int:
        return max(self._people - 1, 0)

    def saw(self, time_us: int | None) -> None:
        """Note the time of a line."""
        if time_us is not None:
            if self._first_us is None or time_us < self._first_us:
                self._first_us = time_us
            if self._last_us is None or time_us > self._last_us:
                self._last_us = time_us

    def model_line(self, message: dict[str, Any], uid: str | None, time_us: int | None, line: int) -> str:
        """One line of a model message, which holds one or more of its blocks; returns the message's key."""
        model = word(message.get("model"))
        content = message.get("content")
        if model == SYNTHETIC:
            self.message(EventKind.HARNESS_MESSAGE, text_of(content), uid, time_us, line)
            return SYNTHETIC
        key = word(message.get("id")) or uid or f"line {line}"
        step = self._step_of(key, model, uid, line)
        if step is not None:
            step.end_us = time_us or step.end_us
            step.usage = mapping(message.get("usage")) or step.usage
        if type(content) is str:
            content = [{"type": "text", "text": content}]
        for block in content if type(content) is list else ():
            if type(block) is dict:
                self._block(block, key, step, uid, time_us, line)
            else:
                self.passed_over += 1
        return key

    def _step_of(self, key: str, model: str | None, uid: str | None, line: int) -> Step | None:
        """The open step, a new one, or None for a late line of a message that was closed."""
        if self._open is not None and self._open.key == key:
            return self._open
        self._close_step()
        if key in self._steps:
            return None
        step = Step(key, self._place(), self._turn, self._next_step, uid, line, model, self._heard_us, None, [], {})
        self._steps[key] = (step.step, 0)
        self._next_step += 1
        self._open = step
        if model and self.session.model is None:
            self.session = replace(self.session, model=model)
        return step

    def _block(
        self, block: dict[str, Any], key: str, step: Step | None, uid: str | None, time_us: int | None, line: int
    ) -> None:
        kind = block.get("type")
        if kind == "text":
            text = word(block.get("text"))
            if text and step is not None:
                step.texts.append(text)
        elif kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            self._asked(block, key, uid, time_us, line)
        elif type(block.get("tool_use_id")) is str:
            # A tool that the model's server ran: its result stands in the model's own message.
            self.result(Result(block, None, None, time_us, line))
        elif kind not in _THOUGHTS:
            self.passed_over += 1

    def _asked(self, block: dict[str, Any], key: str, uid: str | None, time_us: int | None, line: int) -> None:
        tool = word(block.get("name"))
        if tool is None:
            self.passed_over += 1
            return
        number, index = self._steps[key]
        call_id = word(block.get("id")) or f"line {line} call {index}"
        old = self.pending.get(call_id)
        if old is not None:
            if old.step == number:
                return
            self._unanswered(self.pending.pop(call_id))
        self._answered.discard(call_id)
        self._steps[key] = (number, index + 1)
        direct = mapping(block.get("caller")).get("type") in (None, "direct")
        caller = Caller.MODEL if direct else Caller.PROGRAM
        call = Call(
            self._place(), self._turn, number, index, uid, line, time_us, call_id, tool, block.get("input"), caller
        )
        self.pending[call_id] = call
        if call_id in self.early:
            self.result(self.early.pop(call_id))

    def result(self, result: Result) -> None:
        """One result; it may come before its call, late, or twice."""
        call_id = result.block["tool_use_id"]
        call = self.pending.pop(call_id, None)
        if call is not None:
            self._heard_us = result.time_us or self._heard_us
            self._answered.add(call_id)
            self._finish(call, result.typed, answered_event(self.session.key, call, result))
        elif call_id not in self._answered and call_id not in self.early:
            if len(self.early) >= _MOST_EARLY:
                self.unanswered_results.append(self.early.pop(next(iter(self.early))).line)
            self.early[call_id] = result

    def _finish(self, call: Call, typed: Any, event: Event) -> None:
        if type(typed) is dict:
            agent = word(typed.get("agentId"))
            if agent:
                self.spawned[agent] = call.call_id
            if event.status is Status.RUNNING:
                self._background[lines.task_of(typed) or call.call_id] = event
                return
        self._emit(event)

    def _unanswered(self, call: Call) -> None:
        status = Status.CANCELLED if call.interrupted else Status.MISSING
        self._emit(call_event(self.session.key, call, status))

    def message(self, kind: EventKind, text: str | None, uid: str | None, time_us: int | None, line: int) -> None:
        """A message to the model, of a person or of the host."""
        if kind is EventKind.USER_MESSAGE:
            self._people += 1
        elif text and lines.is_interrupt(text):
            for call in self.pending.values():
                call.interrupted = True
        if kind is not EventKind.HARNESS_MESSAGE:
            self._close_step()
        self._heard_us = time_us or self._heard_us
        text, truncated, size = lines.cut(text)
        self._emit(
            Event(
                self.session.key,
                self._place(),
                kind,
                self._turn,
                self._next_step,
                text=text,
                uid=uid,
                time_us=time_us,
                truncated=truncated,
                text_bytes=size,
                line=line,
            )
        )

    def compaction(self, text: str | None, uid: str | None, time_us: int | None, line: int) -> None:
        """The context was replaced; its summary, which follows, is one message more and not one compaction more."""
        if text is not None and self._compacted:
            self._compacted = False
            self.message(EventKind.HARNESS_MESSAGE, text, uid, time_us, line)
            return
        self._compacted = text is None
        self.message(EventKind.COMPACTION, text, uid, time_us, line)

    def cleared(self, line: int) -> None:
        """A person emptied the context and went on in the same file."""
        self.message(EventKind.COMPACTION, None, None, None, line)

    def task_ended(self, task: str, time_us: int | None) -> None:
        """A call that went on in the background has ended."""
        event = self._background.pop(task, None)
        if event is None:
            return
        if event.time_us is not None and time_us is not None and time_us >= event.time_us:
            event = replace(event, start_us=event.time_us, end_us=time_us, time_source=TimeSource.LOG_DELTA)
        self._emit(event)

    def _close_step(self) -> None:
        if self._open is not None:
            step, self._open = self._open, None
            self._emit(step_event(self.session.key, step))

    def close(self, **facts: Any) -> Session:
        """Let out what is still held, and say what the session turned out to be."""
        self._close_step()
        for call in self.pending.values():
            self._unanswered(call)
        for event in self._background.values():
            self._emit(event)
        self.unanswered_results.extend(result.line for result in self.early.values())
        self.pending, self._background, self.early = {}, {}, {}
        self.session = replace(
            self.session, started_us=self._first_us, ended_us=self._last_us, off_path=self.branches.abandoned(), **facts
        )
        return self.session


def spoken_part(kind: EventKind) -> Part:
    """What a message is to the tree of branches."""
    return Part.HUMAN if kind is EventKind.USER_MESSAGE else Part.OTHER
