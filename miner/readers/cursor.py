"""Cursor's command-line agent: the ``stream-json`` output, with calls started and completed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import json_text, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import flag, integer, last_name, listing, mapping, word

VERSION = 1
TITLE = "Cursor agent output (stream-json)"
WHERE = "the output of: cursor-agent -p --output-format stream-json"
RESTS_ON = (
    "four real outputs (one from the documentation, two live, one of shapes met by a harness), and hand-made ones"
)

NAME = "cursor"
_OUTCOMES = {
    "success": Status.OK,
    "error": Status.ERROR,
    "failure": Status.ERROR,
    "rejected": Status.DENIED,
    "permissionDenied": Status.DENIED,
    "timeout": Status.TIMEOUT,
    "aborted": Status.CANCELLED,
    "cancelled": Status.CANCELLED,
}
"""A result is an object with one of these keys."""
_SUFFIX = "ToolCall"


def recognises(head: Head) -> float:
    """By calls in their own envelope; by the first line's permission mode where none was made."""
    best = 0.0
    for record in head.records():
        if not isinstance(record, dict):
            continue
        if record.get("type") == "tool_call" and "session_id" in record and isinstance(record.get("tool_call"), dict):
            return 0.95
        if record.get("subtype") == "init" and "permissionMode" in record and "tools" not in record:
            best = 0.92
    return best


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each id that the lines name."""
    runs: dict[str, _Run] = {}
    for record in source.records():
        line = mapping(record.value)
        identity = word(line.get("session_id"))
        if identity is None:
            source.account.unknown += 1
            continue
        if identity not in runs:
            runs[identity] = _Run(record, Conversation(session_key(NAME, identity)))
        if not runs[identity].take(line, record.line):
            source.account.unknown += 1
    for identity, run in runs.items():
        yield from run.tell(source, identity)


@dataclass(slots=True)
class _Run:
    """One run of the agent while its lines are read."""

    record: Record
    conversation: Conversation
    about: dict[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    _facts: dict[str, Fact] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _steps: dict[str, str] = field(default_factory=dict)
    """The model call that a line states -> the step it is told as."""
    _step: str = ""
    _open: bool = False
    _streamed: str = ""
    """Text that came in pieces and is repeated whole at the end."""
    _streamed_at: tuple[int | None, int] = (None, 0)

    def take(self, line: dict[str, Any], at_line: int) -> bool:
        """One line; False when its kind is not known."""
        kind, at = line.get("type"), micros(line.get("timestamp_ms"))
        content = mapping(line.get("message")).get("content")
        if kind in ("assistant", "user") and content is None:
            return False
        if kind == "assistant":
            self._said(line, text_of(content) or "", at, at_line)
            return True
        self._flush()
        if kind == "tool_call":
            self._called(line, at, at_line)
        elif kind == "user":
            self._open = False
            self.conversation.add(Turn(Role.USER, text_of(content), time_us=at, line=at_line))
        elif kind == "system":
            self.about |= line
        elif kind == "result":
            self.outcome = word(line.get("subtype"))
        else:
            return kind == "thinking"
        return True

    def _said(self, line: dict[str, Any], text: str, at: int | None, at_line: int) -> None:
        """Pieces have a time and no model call; the whole text repeats them."""
        if at is not None and "model_call_id" not in line:
            self._streamed += text
            self._streamed_at = (at, at_line)
            return
        if self._streamed and text.strip() == self._streamed.strip():
            self._streamed = ""
        self._flush()
        self._model(line, Turn(Role.MODEL, text, time_us=at, line=at_line))

    def _flush(self) -> None:
        if self._streamed:
            at, line = self._streamed_at
            turn = Turn(Role.MODEL, self._streamed, time_us=at, line=line)
            self._streamed = ""
            self._model({}, turn)

    def _model(self, line: dict[str, Any], turn: Turn) -> None:
        """Lines of one model call are one step; where that is not stated, all until a call completes."""
        stated = word(line.get("model_call_id"))
        if stated in self._steps:
            self._step = self._steps[stated or ""]
        elif not self._open or (stated and self._step in self._steps.values()):
            self._step = f"line {turn.line}"
        if stated:
            self._steps.setdefault(stated, self._step)
        self._open = True
        self.conversation.add(changed(turn, response=self._step, model=word(self.about.get("model"))))

    def _called(self, line: dict[str, Any], at: int | None, at_line: int) -> None:
        told = mapping(line.get("tool_call"))
        name, body = _tool(told)
        identity = word(line.get("call_id")) or word(told.get("toolCallId")) or f"line {at_line}"
        if name is None or line.get("subtype") not in ("started", "completed"):
            self.conversation.passed_over += 1
            return
        started = micros(told.get("startedAtMs"))
        if identity not in self._asked:
            self._asked.add(identity)
            asked = min((t for t in (started, at) if t is not None), default=None)
            self._model(line, Turn(Role.MODEL, calls=(_call(name, body, identity),), time_us=asked, line=at_line))
        if line.get("subtype") == "completed":
            self._open = False
            self._facts[identity] = Fact(started, micros(told.get("completedAtMs")))
            self.conversation.add(Turn(Role.TOOL, results=(_result(body, identity),), time_us=at, line=at_line))

    def tell(self, source: Source, identity: str) -> Iterator[Session | Event]:
        """The session and its events."""
        self._flush()
        cwd = word(self.about.get("cwd"))
        session = Session(
            self.conversation.key,
            NAME,
            identity,
            agent="cursor-agent",
            model=word(self.about.get("model")),
            application=last_name(cwd),
            cwd=cwd,
            outcome=self.outcome,
        )
        yield from tell(source, self.conversation, session, self._facts, path=self.record.path, infer_steps=True)


def _tool(told: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """(name, body) of the one member that is the call; the others are about it."""
    for key, body in told.items():
        if isinstance(body, dict) and (key.endswith(_SUFFIX) or "args" in body or "arguments" in body):
            return word(body.get("name")) if key == "function" else key.removesuffix(_SUFFIX) or None, body
    return None, {}


def _call(name: str, body: dict[str, Any], identity: str) -> Call:
    arguments = first(body, "args", "arguments")
    if isinstance(arguments, dict) and name == "mcp" and word(arguments.get("toolName")):
        server = word(first(arguments, "serverIdentifier", "providerIdentifier"))
        tool = f"{server}/{arguments['toolName']}" if server else str(arguments["toolName"])
        return Call(tool, arguments.get("args"), identity, server)
    if isinstance(arguments, dict):
        # The host adds the call's own id.
        arguments = {key: value for key, value in arguments.items() if key != "toolCallId"}
    return Call(name, arguments, identity)


def _result(body: dict[str, Any], identity: str) -> Result:
    result = body.get("result")
    if not isinstance(result, dict):
        return Result(text_of(result), identity)
    key = next((key for key in _OUTCOMES if key in result), None)
    inner = result[key] if key else result
    about = mapping(inner)
    status = _OUTCOMES[key] if key else Status.UNKNOWN
    failed = flag(about.get("isError"))
    if failed and status is Status.OK:
        status = Status.ERROR
    code = integer(about.get("exitCode"))
    return Result(_text(inner), identity, None, status, failed, inner if about else None, code)


def _text(inner: Any) -> str | None:
    about = mapping(inner)
    content = about.get("content")
    if isinstance(content, list):
        # MCP blocks, each wrapped by its kind.
        blocks = [mapping(block).get("text", block) for block in listing(content)]
        return "\n".join(said for block in blocks if (said := text_of(block)))
    for found in (content, first(about, "output", "errorMessage", "message", "reason")):
        if isinstance(found, str):
            return found
    streams = [about[key] for key in ("stdout", "stderr") if word(about.get(key))]
    if streams:
        return "\n".join(streams)
    return json_text(inner) if about else text_of(inner)


EXAMPLE_NAME = "cursor.jsonl"
EXAMPLE = b"""\
{"type":"system","subtype":"init","apiKeySource":"login","cwd":"/srv/shop","session_id":"s1","model":"Composer","permissionMode":"default"}
{"type":"user","message":{"role":"user","content":[{"type":"text","text":"Run the tests."}]},"session_id":"s1"}
{"type":"thinking","subtype":"delta","text":"Tests.","session_id":"s1","timestamp_ms":1777629600100}
{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"Running them."}]},"session_id":"s1"}
{"type":"tool_call","subtype":"started","call_id":"t1","tool_call":{"shellToolCall":{"args":{"command":"pytest","toolCallId":"t1"}},"toolCallId":"t1","startedAtMs":"1777629601000"},"model_call_id":"m-0","session_id":"s1","timestamp_ms":1777629601010}
{"type":"tool_call","subtype":"started","call_id":"t2","tool_call":{"mcpToolCall":{"args":{"name":"crm-find","args":{"q":"o1"},"toolCallId":"t2","providerIdentifier":"crm","toolName":"find","serverIdentifier":"crm"}},"toolCallId":"t2","startedAtMs":"1777629601005"},"model_call_id":"m-0","session_id":"s1","timestamp_ms":1777629601020}
{"type":"tool_call","subtype":"completed","call_id":"t2","tool_call":{"mcpToolCall":{"args":{"name":"crm-find","args":{"q":"o1"},"toolCallId":"t2","providerIdentifier":"crm","toolName":"find","serverIdentifier":"crm"},"result":{"success":{"content":[{"text":{"text":"1 hit"}}],"isError":false}}},"toolCallId":"t2","startedAtMs":"1777629601005","completedAtMs":"1777629601205"},"model_call_id":"m-0","session_id":"s1","timestamp_ms":1777629601220}
{"type":"tool_call","subtype":"completed","call_id":"t1","tool_call":{"shellToolCall":{"args":{"command":"pytest","toolCallId":"t1"},"result":{"failure":{"exitCode":1,"stdout":"FAILED","stderr":""}}},"toolCallId":"t1","startedAtMs":"1777629601000","completedAtMs":"1777629603000"},"model_call_id":"m-0","session_id":"s1","timestamp_ms":1777629603010}
{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"One fails."}]},"session_id":"s1"}
{"type":"result","subtype":"success","duration_ms":5000,"is_error":false,"result":"One fails.","session_id":"s1"}
"""  # noqa: E501 - a line is a record
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("shell", {"command": "pytest"}, "error"),
    ("crm/find", {"q": "o1"}, "ok"),
]
