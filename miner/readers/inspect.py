"""Inspect AI logs: ``.eval`` archives and ``.json`` logs, read from the samples' events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from miner.events import Event, Session, Status, TimeSource
from miner.readers import session_key
from miner.readers.blocks import usage_of
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.history import Context
from miner.readers.inspect_samples import ZIP, Sample, samples_of
from miner.readers.items import is_passed_over, turns_in, turns_of
from miner.readers.source import Source
from miner.readers.telling import CallIds, Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, integer, listing, mapping, number, word

VERSION = 1
TITLE = "Inspect AI evaluation logs (.eval, .json)"
WHERE = "the folder given as --log-dir (logs/*.eval), or: inspect log convert --to json"
RESTS_ON = "logs written by the package itself, version 0.3.285; the producer's source; hand-made logs"

NAME = "inspect"
_SILENT = frozenset(
    {"sample_init", "sample_limit", "sandbox", "state", "store", "input", "error", "approval", "logger", "info"}
    | {
        "score",
        "score_edit",
        "span_begin",
        "span_end",
        "step",
        "subtask",
        "branch",
        "anchor",
        "interrupt",
        "checkpoint",
    }
)
"""Events that say nothing to the model."""
_ERRORS = {"timeout": Status.TIMEOUT, "approval": Status.DENIED, "permission": Status.DENIED}
_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_ATTACHED = "attachment://"


def recognises(head: Head) -> float:
    """By the members of the archive; by evaluation, samples and status of a JSON log."""
    start = head.start
    if start.startswith(ZIP):
        signs = (b"header.json", b"_journal/start.json", b"samples/")
        return 0.95 if any(sign in start for sign in signs) and (b".json" in start) else 0.0
    is_log = re.match(rb"\s*\{", start) and b'"eval"' in start[:65536] and b'"status"' in start[:65536]
    return 0.9 if is_log and (b'"samples"' in start or b'"run_id"' in start) else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each sample and epoch, and one for each agent that a tool started in it."""
    for path in source.paths:
        one = replace(source, paths=(path,))
        for sample in samples_of(one, path):
            yield from _Told(one, sample).sessions()


@dataclass(slots=True)
class _Lane:
    """What one agent did."""

    conversation: Conversation
    context: Context = field(default_factory=Context)
    spawned_by: str | None = None


class _Told:
    """One sample while its events are read."""

    def __init__(self, source: Source, sample: Sample) -> None:
        self._source = source
        self._sample = sample
        value = sample.value
        self._evaluation = mapping(sample.log.get("eval"))
        self._task = word(self._evaluation.get("task"))
        epoch = integer(value.get("epoch"))
        self._native = word(value.get("uuid")) or f"{self._evaluation.get('run_id')}/{value.get('id')}/{epoch}"
        self._attached = mapping(value.get("attachments"))
        pool = listing(mapping(value.get("events_data")).get("messages")) or listing(value.get("message_pool"))
        self._pool = [mapping(message) for message in pool]
        self._spans: dict[str, tuple[str | None, str]] = {}
        self._spawners: dict[str, str] = {}
        self._lanes: dict[str, _Lane] = {}
        self._facts: dict[str, Fact] = {}
        self._ids = CallIds()

    def sessions(self) -> Iterator[Session | Event]:
        """The sessions of this sample; one that another file repeats is told once."""
        if self._source.repeats(self._native, path=self._sample.path, line=self._sample.line):
            return
        value = self._sample.value
        events = self._latest([mapping(event) for event in listing(value.get("events"))])
        if not any(event.get("event") == "model" for event in events):
            if not listing(value.get("messages")):
                self._source.account.unknown += sum(event.get("event") == "tool" for event in events)
            events = []
        for event in events:
            self._scan(event)
        for place, event in enumerate(events, 1):
            self._event(event, place)
        if not events:
            lane = self._lane("")
            for place, message in enumerate(listing(value.get("messages")), 1):
                turns = turns_of(self._message(message), place)
                lane.conversation.passed_over += is_passed_over(message, turns)
                for turn in turns:
                    lane.conversation.add(changed(turn, uid=None))
        for name, lane in self._lanes.items():
            yield from self._close(name, lane)

    def _latest(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """An event that was pending is written again when it is done."""
        last = {event["uuid"]: event for event in events if word(event.get("uuid"))}
        kept: list[dict[str, Any]] = []
        for event in events:
            identity = word(event.get("uuid"))
            if identity is None:
                kept.append(event)
            elif identity in last:
                kept.append(last.pop(identity))
        return kept

    def _scan(self, event: dict[str, Any]) -> None:
        if event.get("event") == "span_begin" and word(event.get("id")):
            self._spans[event["id"]] = word(event.get("parent_id")), word(event.get("type")) or ""
        elif event.get("event") == "tool" and word(event.get("agent_span_id")):
            self._spawners[event["agent_span_id"]] = word(event.get("id")) or ""

    def _event(self, event: dict[str, Any], place: int) -> None:
        kind = event.get("event")
        lane = self._lane(self._agent_of(word(event.get("span_id"))))
        if kind == "model":
            self._model(lane, event, place)
        elif kind == "tool":
            self._tool(lane, event, place)
        elif kind == "compaction":
            lane.conversation.compaction(place)
        elif word(kind) not in _SILENT:
            lane.conversation.passed_over += 1

    def _agent_of(self, span: str | None) -> str:
        """The nearest agent that a tool started; the sample's own agent is the empty one."""
        seen: set[str] = set()
        while span is not None and span not in seen:
            seen.add(span)
            if span in self._spawners:
                return span
            span = self._spans.get(span, (None, ""))[0]
        return ""

    def _lane(self, name: str) -> _Lane:
        if name not in self._lanes:
            key = session_key(NAME, self._native, name) if name else session_key(NAME, self._native)
            self._lanes[name] = _Lane(Conversation(key), spawned_by=self._spawners.get(name) or None)
        return self._lanes[name]

    def _model(self, lane: _Lane, event: dict[str, Any], place: int) -> None:
        shown = turns_in([self._message(message) for message in self._input(event)])
        news = lane.context.news(shown)
        if news.compacted:
            lane.conversation.compaction(place)
        start, end = micros(event.get("timestamp")), micros(event.get("completed"))
        for turn in news.turns:
            # An answer that no request of this log brought was put into the model's mouth.
            lane.conversation.passed_over += turn.role is Role.MODEL and bool(turn.text) and not news.compacted
            if turn.role in (Role.USER, Role.HARNESS):
                lane.conversation.add(changed(turn, uid=None, time_us=start, line=place))
        output = mapping(event.get("output"))
        choices = listing(output.get("choices"))
        if event.get("error") or not choices:
            # A request that failed is asked again.
            return
        answers = turns_of(self._message(mapping(choices[0]).get("message")))
        lane.conversation.passed_over += not answers
        working = number(event.get("working_time"))
        if working is not None and end is not None and 0 <= working * 1e6 <= end:
            start = end - round(working * 1e6)
        tokens_in, tokens_out = usage_of(output.get("usage"))
        for turn in answers[:1]:
            turn = changed(
                turn,
                role=Role.MODEL,
                time_us=end,
                start_us=start if start is not None and end is not None and start <= end else None,
                model=word(output.get("model")) or word(event.get("model")),
                tokens_in=count(tokens_in),
                tokens_out=count(tokens_out),
                uid=word(event.get("uuid")),
                line=place,
            )
            lane.context.extend([turn])
            asked = tuple(changed(call, id=self._ids.asked(call.id)) for call in turn.calls)
            lane.conversation.add(changed(turn, calls=asked))

    def _input(self, event: dict[str, Any]) -> list[Any]:
        """What the model was shown; long logs keep messages in a pool, and ranges of it here."""
        if isinstance(event.get("input"), list) and event["input"]:
            return listing(event["input"])
        found: list[Any] = []
        for reference in listing(event.get("input_refs")):
            if isinstance(reference, list) and len(reference) == 2 and all(count(r) is not None for r in reference):
                found += self._pool[reference[0] : reference[1]]
            elif (at := count(reference)) is not None and at < len(self._pool):
                found.append(self._pool[at])
        return found

    def _tool(self, lane: _Lane, event: dict[str, Any], place: int) -> None:
        identity, name = self._ids.latest(word(event.get("id"))), word(event.get("function"))
        error = mapping(event.get("error"))
        text = text_of(self._resolved(event.get("result")))
        if error and not text:
            text = text_of(error.get("message"))
        status = _ERRORS.get(str(error.get("type")), Status.ERROR) if error else Status.OK
        if event.get("pending") or (event.get("failed") is True and not error):
            status = Status.ERROR if event.get("failed") else Status.RUNNING
        result = Result(text, identity, name, status, bool(error), truncated=bool(event.get("truncated")))
        if not lane.conversation.waits_for(result) and name:
            arguments = self._resolved(event.get("arguments"))
            asked = Turn(Role.HARNESS, calls=(Call(name, arguments, identity),), time_us=micros(event.get("timestamp")))
            lane.conversation.add(changed(asked, line=place))
        lane.conversation.add(Turn(Role.TOOL, results=(result,), line=place))
        start, end = micros(event.get("timestamp")), micros(event.get("completed"))
        working = number(event.get("working_time"))
        if working is not None and start is not None and end is not None and 0 <= working * 1e6 <= end - start:
            # Waiting for a free sandbox or connection is no part of the tool's time.
            start = end - round(working * 1e6)
        if identity is not None:
            self._facts[identity] = Fact(start, end, TimeSource.NATIVE)

    def _message(self, value: Any) -> Any:
        """A message in a common dialect: here the tool's name stands under ``function``."""
        message = self._resolved(value)
        calls = listing(mapping(message).get("tool_calls"))
        named = [{**call, "name": call.get("function")} for call in calls if isinstance(call, dict)]
        named = [{key: inner for key, inner in call.items() if key != "function"} for call in named]
        return {**message, "tool_calls": named} if named else message

    def _resolved(self, value: Any, depth: int = 0) -> Any:
        """The value with long texts put back, which the log keeps apart."""
        if isinstance(value, str) and value.startswith(_ATTACHED):
            return self._attached.get(value.removeprefix(_ATTACHED), value)
        if depth > 64:
            return value
        if isinstance(value, list):
            return [self._resolved(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {key: self._resolved(item, depth + 1) for key, item in value.items()}
        return value

    def _close(self, name: str, lane: _Lane) -> Iterator[Session | Event]:
        value = self._sample.value
        epoch = integer(value.get("epoch"))
        identity = value.get("id")
        limit = mapping(value.get("limit")).get("type")
        root = self._lanes.get("")
        session = Session(
            lane.conversation.key,
            NAME,
            f"{self._native}/{name}" if name else self._native,
            relation="subagent" if name else "attempt" if epoch and epoch > 1 else "root",
            parent=root.conversation.key if root is not None and name else None,
            spawned_by=lane.spawned_by,
            model=word(self._evaluation.get("model")) if not len(lane.conversation) else None,
            application=self._task,
            task=f"{self._task}/{identity}" if identity is not None else None,
            attempt=epoch if epoch is not None and 0 <= epoch < 1 << 31 else None,
            reward=_reward(value),
            outcome=word(limit) or ("error" if value.get("error") else None),
        )
        yield from tell(self._source, lane.conversation, session, self._facts, path=self._sample.path)


def _reward(sample: dict[str, Any]) -> float | None:
    for score in mapping(sample.get("scores")).values():
        value = mapping(score).get("value")
        if isinstance(value, str) and value in _GRADES:
            return _GRADES[value]
        if isinstance(value, bool):
            return float(value)
        if (stated := number(value)) is not None:
            return stated
    return None


EXAMPLE_NAME = "2026-05-01T10-00-00_shop_abc.json"
EXAMPLE = b"""{"version": 2, "status": "success", "eval": {"run_id": "r1", "task": "shop", "model": "p/m"},
 "samples": [{"id": 1, "epoch": 1, "uuid": "u1", "input": "Fix it.", "scores": {"match": {"value": "C"}},
  "attachments": {"aa": "a long file"},
  "messages": [],
  "events": [
   {"event": "span_begin", "id": "sp1", "parent_id": null, "type": "agent", "name": "react"},
   {"event": "model", "span_id": "sp1", "uuid": "e1", "model": "p/m", "timestamp": "2026-05-01T10:00:00+00:00",
    "completed": "2026-05-01T10:00:02+00:00", "working_time": 1.5,
    "input": [{"role": "system", "content": "Help."}, {"role": "user", "content": "Fix it."}],
    "output": {"model": "m", "choices": [{"message": {"role": "assistant", "content": "", "tool_calls": [
      {"id": "c1", "function": "bash", "arguments": {"cmd": "ls"}, "type": "function"},
      {"id": "c2", "function": "view", "arguments": {"path": "gone"}, "type": "function"}]}}],
     "usage": {"input_tokens": 90, "output_tokens": 9}}},
   {"event": "tool", "span_id": "sp1", "uuid": "e2", "id": "c1", "function": "bash", "arguments": {"cmd": "ls"},
    "result": "attachment://aa", "timestamp": "2026-05-01T10:00:02.1+00:00",
    "completed": "2026-05-01T10:00:03.1+00:00", "working_time": 0.4},
   {"event": "tool", "span_id": "sp1", "uuid": "e3", "id": "c2", "function": "view", "arguments": {"path": "gone"},
    "result": "", "error": {"type": "file_not_found", "message": "no such file"},
    "timestamp": "2026-05-01T10:00:02.1+00:00", "completed": "2026-05-01T10:00:02.2+00:00"},
   {"event": "span_end", "id": "sp1"}]}]}
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("bash", {"cmd": "ls"}, "ok"),
    ("view", {"path": "gone"}, "error"),
]
