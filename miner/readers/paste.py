"""The public traces of PASTE's authors: model calls with their whole history, and tool calls between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from miner.events import Event, Session
from miner.readers import session_key
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.history import Context
from miner.readers.items import turns_in
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import listing, mapping, number, word

VERSION = 1
TITLE = "PASTE traces (llm_call and tool_call events, JSONL)"
WHERE = "traces/my_traces/*.jsonl of the repository Wisley1998/PASTE-Qwen-DR"
RESTS_ON = "the loader in that repository, which states the fields; hand-made files"

NAME = "paste"
_RESPONSE = re.compile(r"<tool_response>\n?(.*?)\n?</tool_response>", re.DOTALL)
_HIDDEN = re.compile(r"<think>.*?</think>|<tool_call>.*?</tool_call>", re.DOTALL)


def recognises(head: Head) -> float:
    """By the two kinds of event."""
    for record in head.records():
        kind = record.get("event_type") if isinstance(record, dict) else None
        if (kind == "tool_call" and "tool_name" in record) or (kind == "llm_call" and "messages" in record):
            return 0.95
    is_cut = not head.complete and head.start[:4096].lstrip().startswith(b"{")
    return 0.8 if is_cut and b'"event_type"' in head.start and b'"llm_call"' in head.start else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session a file: the file's name is the session's."""
    for path in source.paths:
        trace: _Trace | None = None
        for record in replace(source, paths=(path,)).records():
            trace = trace or _Trace(Conversation(session_key(NAME, strip_compression(path).name)))
            if not trace.take(mapping(record.value), record):
                source.account.unknown += 1
        if trace is None:
            continue
        if not len(trace.conversation):
            continue
        name = strip_compression(path).name
        session = Session(trace.conversation.key, NAME, name, application="deep-research", task=name)
        yield from tell(source, trace.conversation, session, path=path)


@dataclass(slots=True)
class _Trace:
    """A trace while its events are read."""

    conversation: Conversation
    _context: Context = field(default_factory=Context)
    _waiting: list[str] = field(default_factory=list)
    _step: str = ""

    def take(self, line: dict[str, Any], record: Record) -> bool:
        """One event; False when its kind is not known."""
        kind = line.get("event_type")
        if kind == "llm_call":
            self._thought(line, record.line)
        elif kind == "tool_call":
            self._called(line, record.line)
        else:
            return False
        return True

    def _thought(self, line: dict[str, Any], number_of_line: int) -> None:
        """A model call: stamped when it ended, its request holds all that was said and the newest results."""
        end, took = micros(line.get("timestamp")), number(line.get("total_time_ms"))
        start = end - round(took * 1e3) if end is not None and took is not None and 0 <= took * 1e3 <= end else None
        self.answer(line, start, number_of_line)
        said = _HIDDEN.sub("", text_of(line.get("response")) or "").strip()
        model = word(line.get("model"))
        turn = Turn(Role.MODEL, said or None, time_us=end, start_us=start, model=model, line=number_of_line)
        self._step = f"line {number_of_line}"
        self.conversation.add(changed(turn, response=self._step))

    def _called(self, line: dict[str, Any], number_of_line: int) -> None:
        name = word(line.get("tool_name"))
        if name is None:
            self.conversation.passed_over += 1
            return
        identity = f"line {number_of_line}"
        call = Call(name, line.get("tool_args"), identity)
        asked = Turn(Role.MODEL, calls=(call,), time_us=micros(line.get("timestamp")), line=number_of_line)
        self.conversation.add(changed(asked, response=self._step or identity))
        self._waiting.append(identity)

    def answer(self, line: dict[str, Any], start: int | None, number_of_line: int) -> None:
        """What a request shows for the first time: the question, and the results of the calls before it."""
        messages = [mapping(message) for message in listing(line.get("messages"))]
        turns = turns_in(messages, number_of_line)
        newest = next((t.text for t in reversed(turns) if t.role is Role.USER and _RESPONSE.search(t.text or "")), None)
        if self._waiting and newest is not None:
            parts = _RESPONSE.findall(newest)
            whole = "\n".join(parts)
            texts = parts if len(parts) == len(self._waiting) else [whole] * len(self._waiting)
            results = tuple(Result(text, call) for call, text in zip(self._waiting, texts, strict=True))
            # A result is there when the next request is sent.
            self.conversation.add(Turn(Role.TOOL, results=results, time_us=start, line=number_of_line))
        self._waiting = []
        for turn in self._context.news(turns).turns:
            if turn.role in (Role.USER, Role.HARNESS) and not _RESPONSE.search(turn.text or ""):
                self.conversation.add(changed(turn, time_us=start))


EXAMPLE_NAME = "task1.jsonl"
EXAMPLE = b"""\
{"event_type":"llm_call","call_index":1,"timestamp":1777629602.0,"messages":[{"role":"system","content":"Research."},{"role":"user","content":"What is bread?"}],"response":"<think>Search.</think>\\n<tool_call>\\n{\\"name\\": \\"search\\"}\\n</tool_call>","total_time_ms":1500.0,"inference_time_ms":1400.0}
{"event_type":"tool_call","call_index":1,"timestamp":1777629602.1,"tool_name":"search","tool_args":{"query":["bread"]}}
{"event_type":"llm_call","call_index":2,"timestamp":1777629605.0,"messages":[{"role":"system","content":"Research."},{"role":"user","content":"What is bread?"},{"role":"assistant","content":"<tool_call>...</tool_call>"},{"role":"user","content":"<tool_response>\\n1. [Bread](https://bread.example/)\\n</tool_response>"}],"response":"A food.","total_time_ms":1000.0,"inference_time_ms":900.0}
"""  # noqa: E501 - a line is an event
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [("search", {"query": ["bread"]}, "unknown")]
