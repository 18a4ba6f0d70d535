"""Message lists: OpenAI chat and Responses, Anthropic, Gemini, Bedrock, Vercel, LangChain, pydantic-ai, ShareGPT,
training files and gateway logs, whichever way they are kept.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from miner.events import Event, Session
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.exchange import APPLICATIONS, TASKS, Exchange, exchange_of, without_demonstrations
from miner.readers.head import Head
from miner.readers.history import Context, Mark, mark, marks_of
from miner.readers.items import Memory, is_silent, turns_of
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell_losses
from miner.readers.turns import Turn
from miner.readers.values import grade

VERSION = 1
TITLE = "Message lists: OpenAI chat and Responses, Anthropic, Gemini, Vercel, LangChain, training and gateway logs"
WHERE = "whatever your agent, gateway or training set writes: a JSON list of messages, or JSON Lines of conversations"
RESTS_ON = "two real files of chat messages; hand-made records of every dialect, by the providers' documentation"

OPEN_SESSIONS = 256
"""Conversations that a later line may still continue; the longest untouched one is closed first."""
_ELEMENTS = ("", "data", "records", "samples", "logs", "items")
_SIGNS = re.compile(
    rb'"(?:role|from)"\s*:\s*"(?:user|assistant|system|developer|model|human|gpt)"|"part_kind"\s*:|"tool_calls"\s*:\s*\['
    rb'|"type"\s*:\s*"(?:function_call|function_call_output|human|ai|ToolCallRequestEvent)"'
)


def recognises(head: Head) -> float:
    """The plainest shape of all, and a part of many others: every reader that knows more goes before this one."""
    if not _SIGNS.search(head.start):
        return 0.0
    document = head.document()
    values = [document] if document is not None else head.records(8)
    if document is None and not values:
        return 0.3 if re.match(rb"\s*[\[{]", head.start) else 0.0
    for value in values:
        inner = value if isinstance(value, list) else [value]
        if any(exchange_of(item, 0) or turns_of(item) for item in inner[:8]):
            return 0.5
    return 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each conversation, however many records hold its parts."""
    sessions, memory = _Sessions(source), Memory()
    for path in source.paths:
        one = replace(source, paths=(path,))
        records = one.values(*_ELEMENTS)
        bare: list[Turn] = []
        start: Record | None = None
        for record in records:
            turns = _bare(record.value, record.line)
            if turns is not None:
                bare, start = bare + turns, start or record
                continue
            exchange = exchange_of(record.value, record.line, memory.turns_of)
            if exchange is None:
                source.problem("unknown_record", "no message", path=path, line=record.line)
                continue
            yield from sessions.add(exchange, record)
        if start is not None and bare:
            yield from sessions.add(Exchange(tuple(bare)), start)
        yield from sessions.close()


def _bare(value: Any, line: int) -> list[Turn] | None:
    """The turns of a record that is itself one message of a file-long conversation."""
    if not isinstance(value, dict) or any(key in value for key in ("messages", "request", "response", "choices")):
        return None
    turns = turns_of(value, line)
    return turns if turns or is_silent(value) else None


@dataclass(slots=True)
class _Live:
    """A conversation that may go on."""

    conversation: Conversation
    context: Context
    native_id: str
    group: str
    record: Record
    about: dict[str, Any]
    places: list[int]
    """For each message of the context, how many events stood before it."""
    off_path: list[int]
    model: str | None = None


class _Sessions:
    """Puts each exchange into its conversation."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._live: OrderedDict[int, _Live] = OrderedDict()
        self._by_response: dict[str, int] = {}
        self._next = 0

    def add(self, exchange: Exchange, record: Record) -> Iterator[Session | Event]:
        """Continue the conversation that the exchange belongs to, or begin one."""
        marks = marks_of(exchange.shown)
        number = self._find(exchange, marks)
        if number is None:
            number = self._begin(exchange, record)
            if number is None:
                return
        live = self._live[number]
        self._live.move_to_end(number)
        _extend(live, exchange, marks, continued=exchange.previous in self._by_response)
        if exchange.response:
            self._by_response[exchange.response] = number
        while len(self._live) > OPEN_SESSIONS:
            _, oldest = self._live.popitem(last=False)
            yield from self._finished(oldest)

    def close(self) -> Iterator[Session | Event]:
        """End every conversation of a file."""
        while self._live:
            _, live = self._live.popitem(last=False)
            yield from self._finished(live)
        self._by_response.clear()

    def _find(self, exchange: Exchange, marks: list[Mark]) -> int | None:
        if exchange.previous in self._by_response:
            number = self._by_response[str(exchange.previous)]
            return number if number in self._live else None
        group = _group(exchange)
        best, length = None, 0
        for number, live in self._live.items():
            if live.group != group:
                continue
            if exchange.session is not None:
                return number
            shared = live.context.shared_marks(marks)
            # Two runs may open with the same words: one message in common is no proof.
            whole = shared == len(live.context.marks)
            if shared >= 2 and (whole or bool(exchange.answer)) and shared > length:
                best, length = number, shared
        return best

    def _begin(self, exchange: Exchange, record: Record) -> int | None:
        name = strip_compression(record.path).name
        marks = repr([mark(turn) for turn in (*exchange.shown, *exchange.answer)])
        said = hashlib.blake2b(marks.encode("utf-8", "replace"), digest_size=16).hexdigest()
        native_id = exchange.session or str(first(exchange.about, "id", "uuid", "custom_id") or f"{name}#{record.line}")
        key = session_key("messages", name, _group(exchange), record.line, said)
        if self._source.repeats(key, path=record.path, line=record.line):
            return None
        live = _Live(Conversation(key), Context(), native_id, _group(exchange), record, exchange.about, [], [])
        self._live[self._next] = live
        self._next += 1
        return self._next - 1

    def _finished(self, live: _Live) -> Iterator[Session | Event]:
        conversation, about = live.conversation, live.about
        tell_losses(self._source, conversation, live.record.path)
        events = conversation.events()
        times = [event.time_us for event in events if event.time_us is not None]
        models = [event.model for event in events if event.model]
        reward, attempt = first(about, "reward", "score"), first(about, "trial", "attempt", "epoch")
        yield Session(
            conversation.key,
            "messages",
            live.native_id,
            agent=_text(first(about, "agent", "agent_name")),
            model=models[0] if models else _text(about.get("model")),
            application=_text(first(about, *APPLICATIONS)),
            task=_name(first(about, *TASKS)),
            attempt=attempt if type(attempt) is int and 0 <= attempt < 1 << 31 else None,
            started_us=min(times, default=None),
            ended_us=max(times, default=None),
            reward=grade(reward),
            off_path=tuple(live.off_path),
        )
        yield from events


def _extend(live: _Live, exchange: Exchange, marks: list[Mark], *, continued: bool) -> None:
    """Add what the exchange shows and answers, without what was there before."""
    live.conversation.passed_over += exchange.passed_over
    shown = exchange.shown
    if not live.context.marks:
        shown = without_demonstrations(shown, answered=bool(exchange.answer))
    if continued:
        live.context.extend(shown)
        turns: Sequence[Turn] = shown
    else:
        news = live.context.news(shown, marks if shown is exchange.shown else None)
        turns = news.turns
        if news.compacted:
            live.conversation.compaction(live.record.line)
            live.places = [len(live.conversation)] * (len(live.context.marks) - _spoken(turns))
        elif news.rewound is not None and news.rewound < len(live.places):
            live.off_path += live.conversation.abandon(live.places[news.rewound])
            del live.places[news.rewound :]
    for turn in turns:
        # A result was there when the request that first shows it was sent.
        if turn.role is Role.TOOL and turn.time_us is None:
            turn.time_us = exchange.start_us
        _add(live, turn)
    for turn in exchange.answer:
        _add(live, turn)
    live.context.extend(exchange.answer)


def _add(live: _Live, turn: Turn) -> None:
    if turn.role is not Role.HARNESS:
        live.places.append(len(live.conversation))
    live.conversation.add(turn)


def _spoken(turns: Sequence[Turn]) -> int:
    return sum(turn.role is not Role.HARNESS for turn in turns)


def _group(exchange: Exchange) -> str:
    """Exchanges of different groups never belong together."""
    return exchange.session or f"{first(exchange.about, *TASKS)}/{first(exchange.about, 'trial', 'attempt', 'epoch')}"


def _name(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


EXAMPLE_NAME = "gateway.jsonl"
EXAMPLE = b"""\
{"session_id":"s1","start_time":"2026-05-01T10:00:00Z","end_time":"2026-05-01T10:00:02Z","request":{"model":"m","messages":[{"role":"system","content":"Help."},{"role":"user","content":"Is o1 paid, and who ordered it?"}]},"response":{"id":"r1","choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"get_order","arguments":"{\\"id\\": \\"o1\\"}"}},{"id":"call_1","type":"function","function":{"name":"run","arguments":"{\\"server\\": \\"crm\\", \\"tool\\": \\"find\\", \\"params\\": {\\"order\\": \\"o1\\"}}"}}]}}],"usage":{"prompt_tokens":9,"completion_tokens":5}}}
{"session_id":"s1","start_time":"2026-05-01T10:00:03Z","end_time":"2026-05-01T10:00:04Z","request":{"model":"m","messages":[{"role":"system","content":"Help."},{"role":"user","content":"Is o1 paid, and who ordered it?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"get_order","arguments":"{\\"id\\": \\"o1\\"}"}},{"id":"call_1","type":"function","function":{"name":"run","arguments":"{\\"server\\": \\"crm\\", \\"tool\\": \\"find\\", \\"params\\": {\\"order\\": \\"o1\\"}}"}}]},{"role":"tool","tool_call_id":"call_1","content":"meta=None content=[TextContent(type='text', text='no such order', annotations=None)] isError=True"},{"role":"tool","tool_call_id":"call_0","content":"{\\"status\\": \\"paid\\"}"}]},"response":{"id":"r2","choices":[{"message":{"role":"assistant","content":"Paid."}}]}}
"""  # noqa: E501 - a line is a record
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("get_order", {"id": "o1"}, "unknown"),
    ("crm/find", {"order": "o1"}, "error"),
]
