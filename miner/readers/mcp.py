"""Captures of the Model Context Protocol: JSON-RPC messages, one a line, bare or wrapped by a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.changed import amended
from miner.readers.clock import micros
from miner.readers.content import json_text, parsed, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import Fact, tell, tell_losses
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import flag, listing, mapping, word

VERSION = 1
TITLE = "MCP captures (JSON-RPC messages, one a line)"
WHERE = "what a proxy between client and server writes: bare messages, or {timestamp, direction, message}"
RESTS_ON = "the published specification, 2026-07-28 and before; hand-made files"

NAME = "mcp"
_PLAIN = frozenset({"initialize", "ping"})
_FAMILIES = frozenset(
    {"tools", "resources", "prompts", "completion", "logging", "notifications", "sampling", "elicitation", "roots"}
    | {"tasks", "server", "subscriptions"}
)
"""Methods without a family, and the families of others, that are no calls: ``resources/list``."""
_INSIDE = ("message", "payload", "data", "body", "jsonrpc_message", "raw")
_TIMES = ("timestamp", "time", "ts", "at")
_CONNECTIONS = ("session_id", "sessionId", "connection_id", "connection", "session")
_FROM_SERVER = frozenset({"sampling/createMessage", "elicitation/create", "roots/list"})
_CANCELLED = -32800


def recognises(head: Head) -> float:
    """By the protocol's version, bare or wrapped."""
    for record in head.records():
        if _message(record) is not None:
            return 0.9
    return 0.0


def _message(value: Any) -> dict[str, Any] | None:
    """The JSON-RPC message of a line, or None."""
    if not isinstance(value, dict):
        return None
    if value.get("jsonrpc") == "2.0":
        return value
    for name in _INSIDE:
        inner = value.get(name)
        inner = parsed(inner) if isinstance(inner, str) and inner.lstrip().startswith("{") else inner
        if isinstance(inner, dict) and inner.get("jsonrpc") == "2.0":
            return inner
    return None


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each connection: the file, where the lines name none."""
    wires: dict[str, _Wire] = {}
    for record in source.records():
        message = _message(record.value)
        if message is None:
            source.account.unknown += 1
            continue
        line = mapping(record.value)
        stated = first(line, *_CONNECTIONS) if line is not message else None
        name = stated if isinstance(stated, str) and stated else strip_compression(record.path).name
        server = (word(line.get("server")) or word(line.get("server_name"))) if line is not message else None
        wire = wires.setdefault(f"{name}\x1f{server}", _Wire(record, name, server, Conversation("")))
        wire.take(message, micros(first(line, *_TIMES)) if line is not message else None, record.line)
    for identity, wire in wires.items():
        yield from wire.told(source, identity)


@dataclass(slots=True)
class _Wire:
    """One connection while its messages are read."""

    record: Record
    name: str
    server: str | None
    conversation: Conversation
    client: dict[str, Any] = field(default_factory=dict)
    _open: dict[str, str] = field(default_factory=dict)
    """Id of a request -> id of the call it makes or goes on with."""
    _asked: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """Call -> (tool and arguments, when it was sent)."""
    _paused: dict[str, str] = field(default_factory=dict)
    _questions: set[str] = field(default_factory=set)
    _others: set[str] = field(default_factory=set)
    """Requests that are no calls."""
    _facts: dict[str, Fact] = field(default_factory=dict)
    _read_only: dict[str, bool] = field(default_factory=dict)
    _step: int = 0
    _answered: bool = True

    def take(self, message: dict[str, Any], at: int | None, line: int) -> None:
        """One message, of either side."""
        method, identity = message.get("method"), json_text(message.get("id"))
        params = mapping(message.get("params"))
        if method == "tools/call":
            self._call(params, identity, at, line)
        elif method == "notifications/cancelled":
            call = self._open.get(json_text(params.get("requestId")))
            if call is not None:
                self._facts[call] = Fact(status=Status.CANCELLED)
        elif method == "initialize":
            self.client = mapping(params.get("clientInfo"))
            self._others.add(identity)
        elif isinstance(method, str):
            self.conversation.passed_over += method not in _PLAIN and method.partition("/")[0] not in _FAMILIES
            if "id" in message:
                (self._questions if method in _FROM_SERVER else self._others).add(identity)
        elif method is None and ("result" in message or "error" in message):
            self._answer(message, identity, at, line)
        else:
            self.conversation.passed_over += 1

    def _call(self, params: dict[str, Any], identity: str, at: int | None, line: int) -> None:
        name = word(params.get("name"))
        if name is None:
            self.conversation.passed_over += 1
            return
        asked = json_text([name, params.get("arguments")])
        if "inputResponses" in params and asked in self._paused:
            # The server wanted something from the person first: a new request goes on with the same call.
            self._open[identity] = self._paused.pop(asked)
            return
        call = f"{identity}@{line}"
        if self._answered:
            self._step += 1
            self._answered = False
        self._open[identity] = call
        self._asked[call] = asked, at
        tool = f"{self.server}/{name}" if self.server else name
        made = Call(tool, params.get("arguments"), call, self.server)
        self.conversation.add(Turn(Role.MODEL, calls=(made,), time_us=at, response=f"#{self._step}", line=line))
        if name in self._read_only:
            self._facts[call] = Fact(read_only=self._read_only[name])

    def _answer(self, message: dict[str, Any], identity: str, at: int | None, line: int) -> None:
        result, error = mapping(message.get("result")), message.get("error")
        if identity in self._questions and "content" not in result and error is None:
            self._questions.discard(identity)
            return
        for tool in listing(result.get("tools")):
            hint = flag(mapping(mapping(tool).get("annotations")).get("readOnlyHint"))
            if hint is not None and word(mapping(tool).get("name")):
                self._read_only[tool["name"]] = hint
        call = self._open.get(identity)
        if call is None:
            if identity not in self._others and ("content" in result or error is not None):
                self.conversation.unmatched.append(line)
            elif error is not None or "content" in result:
                # Of a request that was no call: what came back there belongs to no event.
                self.conversation.passed_over += 1
            self._others.discard(identity)
            return
        asked, sent = self._asked[call]
        if result.get("resultType") == "input_required":
            self._paused[asked] = call
            return
        del self._open[identity]
        self._answered = True
        known = self._facts.get(call, Fact())
        self._facts[call] = Fact(sent, at, status=known.status, read_only=known.read_only)
        self.conversation.add(Turn(Role.TOOL, results=(_result(result, error, call),), time_us=at, line=line))

    def told(self, source: Source, identity: str) -> Iterator[Session | Event]:
        """The session and its events."""
        if not len(self.conversation):
            tell_losses(source, self.conversation, self.record.path)
            return
        self.conversation.key = session_key(NAME, identity)
        events = self.conversation.events()
        for event in events:
            amended(event, session=self.conversation.key)
        agent = word(self.client.get("name"))
        session = Session(
            self.conversation.key,
            NAME,
            self.name,
            agent=agent,
            agent_version=word(self.client.get("version")),
            application=self.server,
        )
        yield from tell(source, self.conversation, session, self._facts, path=self.record.path)


def _result(result: dict[str, Any], error: Any, call: str) -> Result:
    """A result that is flagged failed in the tool; an error failed in the protocol."""
    if error is not None:
        status = Status.CANCELLED if mapping(error).get("code") == _CANCELLED else Status.ERROR
        return Result(text_of(mapping(error).get("message")) or json_text(error), call, None, status, native_error=True)
    failed = flag(result.get("isError")) or False
    status = Status.ERROR if failed else Status.OK
    return Result(text_of(result.get("content")), call, None, status, failed, result.get("structuredContent"))


EXAMPLE_NAME = "wire.jsonl"
EXAMPLE = b"""\
{"timestamp":"2026-05-01T10:00:00.000Z","direction":"client","message":{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"clientInfo":{"name":"claude-code","version":"2.1"}}}}
{"timestamp":"2026-05-01T10:00:00.100Z","direction":"client","message":{"jsonrpc":"2.0","id":1,"method":"tools/list"}}
{"timestamp":"2026-05-01T10:00:00.200Z","direction":"server","message":{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"find","annotations":{"readOnlyHint":true}},{"name":"pay"}]}}}
{"timestamp":"2026-05-01T10:00:01.000Z","direction":"client","message":{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"find","arguments":{"q":"o1"}}}}
{"timestamp":"2026-05-01T10:00:01.010Z","direction":"client","message":{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"pay","arguments":{"id":"o1"}}}}
{"timestamp":"2026-05-01T10:00:01.200Z","direction":"server","message":{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"1 hit"}],"structuredContent":{"hits":1}}}}
{"timestamp":"2026-05-01T10:00:01.300Z","direction":"server","message":{"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"no such order"}}}
"""  # noqa: E501 - a line is a message
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("find", {"q": "o1"}, "ok"),
    ("pay", {"id": "o1"}, "error"),
]
