"""DeerFlow: replays of its event stream, whose calls come in pieces, and LangGraph thread states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from miner.events import Event, Session
from miner.readers import session_key
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import parsed, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head, head_of
from miner.readers.items import is_passed_over, turns_of
from miner.readers.opening import strip_compression
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import integer, listing, mapping, word
from miner.readers.whole import refuse, text_lines

VERSION = 1
TITLE = "DeerFlow replays (server-sent events) and LangGraph thread states"
WHERE = "web/public/replay/*.txt, a saved /api/chat/stream response, or threads/<id>/thread.json"
RESTS_ON = "five real replays, eleven real threads"

NAME = "deer_flow"
_STREAM = re.compile(
    rb"\s*event: *(?:message_chunk|tool_calls|tool_call_chunks|tool_call_result|interrupt|error)\r?\ndata:"
)
_STATE = re.compile(rb'\s*[\[{]?\s*\{?\s*"values"\s*:\s*\{')


def recognises(head: Head) -> float:
    """By the names of the stream's events, or by a checkpoint around a thread's messages."""
    if _STREAM.match(head.start):
        return 0.95
    is_state = _STATE.match(head.start) and b'"messages"' in head.start
    return 0.85 if is_state and (not head.complete or b'"checkpoint"' in head.start) else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each stream or thread."""
    for path in source.paths:
        one = replace(source, paths=(path,))
        if head_of(path, 64).start.lstrip().startswith((b"{", b"[")):
            yield from _threads(one)
        else:
            yield from _stream(one, path)


def _threads(source: Source) -> Iterator[Session | Event]:
    """A list of states is one thread's history, newest first: the longest conversation holds the others."""
    states: dict[str, dict[str, Any]] = {}
    for record in source.elements(""):
        state = mapping(record.value)
        about = [mapping(state.get(key)) for key in ("metadata", "checkpoint", "config")]
        about.append(mapping(about[-1].get("configurable")))
        named = (word(part.get("thread_id")) for part in about)
        identity = next((name for name in named if name), None) or strip_compression(source.path).stem
        known = states.get(identity)
        if known is None or len(_messages(state)) > len(_messages(known)):
            states[identity] = state
    for identity, state in states.items():
        messages = _messages(state)
        if not messages:
            continue
        conversation = Conversation(session_key(NAME, identity))
        for place, message in enumerate(messages, 1):
            turns = turns_of(message, place)
            conversation.passed_over += is_passed_over(message, turns)
            for turn in turns:
                conversation.add(turn)
        ended = micros(state.get("created_at"))
        session = Session(conversation.key, NAME, identity, agent="deer-flow", ended_us=ended)
        yield from tell(source, conversation, session, path=source.path)


def _messages(state: dict[str, Any]) -> list[Any]:
    return listing(mapping(state.get("values")).get("messages"))


@dataclass(slots=True)
class _Message:
    """One message of the stream while its pieces come in."""

    role: str
    line: int
    text: list[str] = field(default_factory=list)
    calls: dict[tuple[int, int], _Pieces] = field(default_factory=dict)
    _round: dict[int, int] = field(default_factory=dict)
    """How many calls were begun under an index: some models use one index for all."""

    def take(self, chunk: dict[str, Any]) -> None:
        """A piece of a call: the first names it, the others only add to its arguments."""
        index = integer(chunk.get("index")) or 0
        if word(chunk.get("name")) or index not in self._round:
            self._round[index] = self._round.get(index, -1) + 1
        pieces = self.calls.setdefault((self._round[index], index), _Pieces())
        pieces.name = pieces.name or word(chunk.get("name"))
        pieces.id = pieces.id or word(chunk.get("id"))
        if isinstance(chunk.get("args"), str):
            pieces.arguments.append(chunk["args"])

    def turn(self) -> Turn:
        """The message, whole."""
        text = "".join(self.text) or None
        if self.role == "user":
            return Turn(Role.USER, text, line=self.line)
        pieces = [call for call in self.calls.values() if call.name]
        nameless = len(self.calls) - len(pieces)
        calls = tuple(
            Call(call.name or "", "".join(call.arguments), call.id or f"line {self.line}, {place}")
            for place, call in enumerate(pieces)
        )
        return Turn(Role.MODEL, text, calls, passed_over=nameless, line=self.line)


@dataclass(slots=True)
class _Pieces:
    """A call in pieces."""

    name: str | None = None
    id: str | None = None
    arguments: list[str] = field(default_factory=list)


def _stream(source: Source, path: Path) -> Iterator[Session | Event]:
    """Messages in the order in which they began; results close what was open before them."""
    conversation = Conversation("")
    identity, kind = "", ""
    open_messages: dict[str, _Message] = {}
    waiting: list[str] = []
    for number, line in text_lines(source, path):
        if line.startswith("event:"):
            kind = line[6:].strip()
            continue
        if not line.startswith("data:"):
            if line.strip("\0 \t") and not line.startswith(":"):
                refuse(source, path, "unknown_record", len(line.encode()), line=number, detail="no event and no data")
            continue
        data = parsed(line[5:].strip())
        if not isinstance(data, dict):
            refuse(source, path, "not_json", len(line.encode()), line=number)
            continue
        identity = identity or word(data.get("thread_id")) or ""
        if kind == "tool_call_result":
            waiting = _flush(conversation, open_messages) or waiting
            # Some models give their calls no ids: a result then answers the oldest open call of the latest message.
            answered = word(data.get("tool_call_id")) or next(iter(waiting), None)
            waiting = [call for call in waiting if call != answered]
            result = Result(text_of(data.get("content")), answered)
            conversation.add(Turn(Role.TOOL, results=(result,), line=number))
        elif kind in ("message_chunk", "tool_calls", "tool_call_chunks", "interrupt"):
            _piece(open_messages, data, number)
        else:
            source.account.unknown += 1
    _flush(conversation, open_messages)
    if not len(conversation):
        return
    identity = identity or strip_compression(path).stem
    conversation.key = session_key(NAME, identity)
    events = conversation.events()
    events[:] = [changed(event, session=conversation.key) for event in events]
    yield from tell(source, conversation, Session(conversation.key, NAME, identity, agent="deer-flow"), path=path)


def _piece(messages: dict[str, _Message], data: dict[str, Any], line: int) -> None:
    name = word(data.get("id")) or ""
    message = messages.setdefault(name, _Message(word(data.get("role")) or "", line))
    if isinstance(data.get("content"), str):
        message.text.append(data["content"])
    chunks = listing(data.get("tool_call_chunks"))
    for chunk in chunks:
        message.take(mapping(chunk))
    for call in [] if chunks else listing(data.get("tool_calls")):
        whole = mapping(call)
        message.take({**whole, "args": text_of(whole.get("args")), "index": len(message.calls)})


def _flush(conversation: Conversation, messages: dict[str, _Message]) -> list[str]:
    """Tell the open messages; returns the ids of the calls that the last of them with calls made."""
    calls: list[str] = []
    for message in messages.values():
        turn = message.turn()
        conversation.add(turn)
        calls = [call.id for call in turn.calls if call.id] or calls
    messages.clear()
    return calls


EXAMPLE_NAME = "bread.txt"
EXAMPLE = b"""\
event: message_chunk
data: {"thread_id": "t1", "id": "m1", "role": "user", "content": "What is bread?", "finish_reason": "stop"}

event: message_chunk
data: {"thread_id": "t1", "agent": "researcher", "id": "m2", "role": "assistant", "content": "I "}

event: message_chunk
data: {"thread_id": "t1", "agent": "researcher", "id": "m2", "role": "assistant", "content": "search."}

event: tool_calls
data: {"thread_id": "t1", "agent": "researcher", "id": "m2", "role": "assistant", "tool_calls": [{"name": "web_search", "args": {}, "id": "c1", "type": "tool_call"}], "tool_call_chunks": [{"name": "web_search", "args": "", "id": "c1", "index": 0, "type": "tool_call_chunk"}]}

event: tool_call_chunks
data: {"thread_id": "t1", "agent": "researcher", "id": "m2", "role": "assistant", "tool_call_chunks": [{"name": null, "args": "{\\"query\\": ", "id": null, "index": 0, "type": "tool_call_chunk"}]}

event: tool_call_chunks
data: {"thread_id": "t1", "agent": "researcher", "id": "m2", "role": "assistant", "tool_call_chunks": [{"name": null, "args": "\\"bread\\"}", "id": null, "index": 0, "type": "tool_call_chunk"}]}

event: tool_call_result
data: {"thread_id": "t1", "agent": "researcher", "id": "m3", "role": "assistant", "content": "A food.", "tool_call_id": "c1"}

event: message_chunk
data: {"thread_id": "t1", "agent": "reporter", "id": "m4", "role": "assistant", "content": "Bread is a food.", "finish_reason": "stop"}

"""  # noqa: E501 - a line is an event
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [("web_search", {"query": "bread"}, "unknown")]
