"""GitHub Copilot's command-line agent and SDK: the session's event journal, whose schema is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import HARNESS_TEXT, Role
from miner.readers.head import Head
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import CallIds, Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, flag, integer, last_name, listing, mapping, word

VERSION = 1
TITLE = "GitHub Copilot CLI and SDK session events (JSONL)"
WHERE = "~/.copilot/session-state/<session>/events.jsonl"
RESTS_ON = "the published schema of the events; hand-made files"

NAME = "copilot"
_TYPES = ("session.start", "user.message", "assistant.message", "tool.execution_start", "tool.execution_complete")
_CODES = (
    (("denied", "rejected", "permission"), Status.DENIED),
    (("timeout", "timed_out"), Status.TIMEOUT),
    (("cancel", "abort", "interrupt"), Status.CANCELLED),
)
"""Parts of error codes and of permission decisions that say more than that a call failed."""


def recognises(head: Head) -> float:
    """By the envelope and the types that it carries."""
    best = 0.0
    for record in head.records():
        if isinstance(record, dict) and record.get("type") in _TYPES and isinstance(record.get("data"), dict):
            best = max(best, 0.95 if record["type"] in ("session.start", *_TYPES[3:]) else 0.85)
    return best


def read(source: Source) -> Iterator[Session | Event]:
    """One session, and one for each sub-agent in it; a resumed session goes on in the same file."""
    journal = _Journal(source)
    for record in source.records():
        if not journal.take(mapping(record.value), record):
            source.account.unknown += 1
    yield from journal.tell()


@dataclass(slots=True)
class _Lane:
    """What one agent did."""

    conversation: Conversation
    spawned_by: str | None = None
    agent: str = "copilot-cli"
    model: str | None = None
    places: dict[str, int] = field(default_factory=dict)
    """Event id -> how many events there were after it."""
    off_path: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Journal:
    """A session while its events are read."""

    source: Source
    about: dict[str, Any] = field(default_factory=dict)
    identity: str = ""
    _path: Any = None
    _lanes: dict[str, _Lane] = field(default_factory=dict)
    _agents: dict[str, str] = field(default_factory=dict)
    """Sub-agent's id -> id of the call that started it."""
    _kinds: dict[str, str] = field(default_factory=dict)
    _ids: CallIds = field(default_factory=CallIds)
    _asked: set[tuple[str, str]] = field(default_factory=set)
    _started: dict[str, int] = field(default_factory=dict)
    _waits: dict[str, int] = field(default_factory=dict)
    _requests: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    _facts: dict[str, Fact] = field(default_factory=dict)

    def take(self, line: dict[str, Any], record: Record) -> bool:
        """One event; False when its type is not known."""
        kind, data = word(line.get("type")), line.get("data")
        if kind is None or not isinstance(data, dict):
            return False
        if not self.identity:
            folder = record.path.parent.name if record.path.name.startswith("events.jsonl") else record.path.stem
            self.identity, self._path = word(data.get("sessionId")) or folder, record.path
        handler = _EVENTS.get(kind)
        if handler is None:
            family, dot, _ = kind.partition(".")
            return bool(dot) and family in _FAMILIES and _SPEAKING.get(family, frozenset()).isdisjoint(data)
        lane = self._lane(line, data)
        handler(self, lane, data, micros(line.get("timestamp")), record.line)
        for known in self._lanes.values():
            known.places[word(line.get("id")) or ""] = len(known.conversation)
        return True

    def _lane(self, line: dict[str, Any], data: dict[str, Any]) -> _Lane:
        agent, spawner = word(line.get("agentId")), word(data.get("parentToolCallId"))
        if agent and spawner:
            self._agents.setdefault(agent, spawner)
        name = self._agents.get(agent, agent) if agent else spawner or ""
        if name not in self._lanes:
            key = session_key(NAME, self.identity, name) if name else session_key(NAME, self.identity)
            self._lanes[name] = _Lane(Conversation(key), name or None)
        return self._lanes[name]

    def _start(self, _lane: _Lane, data: dict[str, Any], _at: int | None, _line: int) -> None:
        self.about |= data

    def _model_change(self, lane: _Lane, data: dict[str, Any], _at: int | None, _line: int) -> None:
        lane.model = word(data.get("newModel")) or lane.model

    def _person(self, lane: _Lane, data: dict[str, Any], at: int | None, line: int) -> None:
        text = text_of(data.get("content"))
        if text:
            host = HARNESS_TEXT.fullmatch(text) or word(data.get("source")) not in (None, "user")
            lane.conversation.add(Turn(Role.HARNESS if host else Role.USER, text, time_us=at, line=line))

    def _host(self, lane: _Lane, data: dict[str, Any], at: int | None, line: int) -> None:
        lane.conversation.add(Turn(Role.HARNESS, text_of(data.get("content")), time_us=at, line=line))

    def _answer(self, lane: _Lane, data: dict[str, Any], at: int | None, line: int) -> None:
        requests = [mapping(r) for r in listing(data.get("toolRequests"))]
        asked = [call for r in requests if (call := _call(r, "name")) is not None]
        lane.conversation.passed_over += len(requests) - len(asked)
        calls = tuple(changed(call, id=self._ids.asked(call.id)) for call in asked)
        self._asked |= {(lane.conversation.key, call.id) for call in calls if call.id}
        turn = Turn(
            Role.MODEL,
            text_of(data.get("content")) or None,
            calls,
            time_us=at,
            model=word(data.get("model")) or lane.model or word(self.about.get("selectedModel")),
            tokens_out=count(data.get("outputTokens")),
            response=word(data.get("apiCallId")) or word(data.get("messageId")),
            line=line,
        )
        lane.conversation.add(turn)

    def _tool_start(self, lane: _Lane, data: dict[str, Any], at: int | None, line: int) -> None:
        call = _call(data, "toolName")
        identity = self._ids.latest(word(data.get("toolCallId")))
        if identity is None:
            lane.conversation.passed_over += 1
            return
        if at is not None:
            self._started.setdefault(identity, at)
        is_new = (lane.conversation.key, identity) not in self._asked
        lane.conversation.passed_over += is_new and call is None
        if call is not None and is_new:
            self._asked.add((lane.conversation.key, identity))
            lane.conversation.add(
                Turn(Role.MODEL, calls=(changed(call, id=identity),), time_us=at, joins=True, line=line)
            )

    def _tool_end(self, lane: _Lane, data: dict[str, Any], at: int | None, line: int) -> None:
        identity = self._ids.latest(word(data.get("toolCallId")))
        result = mapping(data.get("result"))
        error = data.get("error")
        text = text_of(first(result, "content", "detailedContent"))
        if text is None:
            text = text_of(mapping(error).get("message") if isinstance(error, dict) else error)
        status = _status(flag(data.get("success")), error)
        code = integer(mapping(data.get("shellExecution")).get("exitCode"))
        failed = None if flag(data.get("success")) is None else not data["success"]
        found = Result(text, identity, None, status, failed, result.get("structuredContent"), code)
        lane.conversation.add(Turn(Role.TOOL, results=(found,), time_us=at, line=line))
        if identity is not None:
            earlier = self._facts.get(identity)
            wait = self._waits.get(identity)
            denied = earlier.status if earlier is not None and status is not Status.OK else None
            self._facts[identity] = Fact(self._started.get(identity), at, wait_us=wait, status=denied)

    def _permission(self, _lane: _Lane, data: dict[str, Any], at: int | None, _line: int) -> None:
        stated = word(mapping(data.get("permissionRequest")).get("toolCallId")) or word(data.get("toolCallId"))
        identity = self._ids.latest(stated)
        request = word(data.get("requestId"))
        if identity and request:
            self._requests[request] = (identity, at)

    def _decision(self, _lane: _Lane, data: dict[str, Any], at: int | None, _line: int) -> None:
        stated = self._ids.latest(word(data.get("toolCallId")))
        identity, asked = self._requests.get(word(data.get("requestId")) or "", (stated, None))
        if identity is None:
            return
        if at is not None and asked is not None and at >= asked:
            self._waits[identity] = self._waits.get(identity, 0) + at - asked
        if "denied" in str(mapping(data.get("result")).get("kind")):
            self._facts[identity] = Fact(status=Status.DENIED)

    def _subagent(self, _lane: _Lane, data: dict[str, Any], _at: int | None, _line: int) -> None:
        identity = word(data.get("toolCallId"))
        if identity:
            self._kinds[identity] = word(first(data, "agentName", "agentDisplayName")) or ""

    def _compaction(self, lane: _Lane, data: dict[str, Any], at: int | None, line: int) -> None:
        if flag(data.get("success")) is False:
            return
        lane.conversation.compaction(line)
        summary = text_of(data.get("summaryContent"))
        if summary:
            lane.conversation.add(Turn(Role.HARNESS, summary, time_us=at, line=line))

    def _rewind(self, lane: _Lane, data: dict[str, Any], _at: int | None, _line: int) -> None:
        place = lane.places.get(word(data.get("upToEventId")) or "")
        if place is not None:
            lane.off_path += lane.conversation.abandon(place)

    def tell(self) -> Iterator[Session | Event]:
        """All sessions and their events."""
        context = mapping(self.about.get("context"))
        cwd = word(context.get("cwd"))
        for name, lane in self._lanes.items():
            root = self._lanes.get("")
            session = Session(
                lane.conversation.key,
                NAME,
                f"{self.identity}/{name}" if name else self.identity,
                relation="subagent" if name else "root",
                parent=root.conversation.key if root is not None and name else None,
                spawned_by=lane.spawned_by,
                agent=self._kinds.get(name) or lane.agent,
                agent_version=word(first(self.about, "copilotVersion", "version")),
                model=lane.model or word(self.about.get("selectedModel")),
                application=last_name(cwd),
                cwd=cwd,
                branch=word(context.get("branch")),
                off_path=tuple(sorted(set(lane.off_path))),
            )
            yield from tell(self.source, lane.conversation, session, self._facts, path=self._path, infer_steps=True)


_Handler = Callable[[_Journal, _Lane, dict[str, Any], int | None, int], None]
_EVENTS: dict[str, _Handler] = {
    "session.start": _Journal._start,
    "session.resume": _Journal._start,
    "session.model_change": _Journal._model_change,
    "user.message": _Journal._person,
    "system.message": _Journal._host,
    "system.notification": _Journal._host,
    "assistant.message": _Journal._answer,
    "tool.execution_start": _Journal._tool_start,
    "tool.execution_complete": _Journal._tool_end,
    "permission.requested": _Journal._permission,
    "permission.completed": _Journal._decision,
    "subagent.started": _Journal._subagent,
    "session.compaction_complete": _Journal._compaction,
    "session.truncation": _Journal._compaction,
    "session.snapshot_rewind": _Journal._rewind,
}
_FAMILIES = frozenset(
    {"session", "assistant", "tool", "user", "subagent", "hook", "skill", "abort", "permission", "system"}
)
"""First words of known types that hold nothing for us."""
_SPEAKING = {
    "assistant": frozenset({"toolRequests", "messageId"}),
    "system": frozenset({"content"}),
    "tool": frozenset({"result"}),
    "user": frozenset({"content"}),
}
"""What an event of these has only when it says something, of whichever type it then is."""


def _call(data: dict[str, Any], key: str) -> Call | None:
    name, server = word(data.get(key)), word(data.get("mcpServerName"))
    return Call(name, data.get("arguments"), word(data.get("toolCallId")), server) if name else None


def _status(success: bool | None, error: Any) -> Status:
    if success is True:
        return Status.OK
    said = str(mapping(error).get("code") or "").lower()
    for parts, status in _CODES:
        if any(part in said for part in parts):
            return status
    return Status.UNKNOWN if success is None and not error else Status.ERROR


EXAMPLE_NAME = "events.jsonl"
EXAMPLE = b"""\
{"id":"e1","parentId":null,"timestamp":"2026-05-01T10:00:00.000Z","type":"session.start","data":{"sessionId":"s1","copilotVersion":"1.0.85","selectedModel":"m","context":{"cwd":"/srv/shop","branch":"main"}}}
{"id":"e2","parentId":"e1","timestamp":"2026-05-01T10:00:01.000Z","type":"user.message","data":{"content":"Run the tests."}}
{"id":"e3","parentId":"e2","timestamp":"2026-05-01T10:00:01.100Z","type":"assistant.turn_start","data":{"turnId":"0"}}
{"id":"e4","parentId":"e3","timestamp":"2026-05-01T10:00:03.000Z","type":"assistant.message","data":{"messageId":"m1","content":"","toolRequests":[{"toolCallId":"t1","name":"bash","arguments":{"command":"pytest"}},{"toolCallId":"t2","name":"find","arguments":"{\\"q\\": \\"o1\\"}","mcpServerName":"crm"}],"outputTokens":20,"turnId":"0"}}
{"id":"e5","parentId":"e4","timestamp":"2026-05-01T10:00:03.010Z","type":"tool.execution_start","data":{"toolCallId":"t1","toolName":"bash","arguments":{"command":"pytest"}}}
{"id":"e6","parentId":"e5","timestamp":"2026-05-01T10:00:03.020Z","type":"permission.requested","data":{"requestId":"p1","permissionRequest":{"toolCallId":"t1","kind":"shell"}}}
{"id":"e7","parentId":"e6","timestamp":"2026-05-01T10:00:03.030Z","type":"tool.execution_start","data":{"toolCallId":"t2","toolName":"find","arguments":{"q":"o1"}}}
{"id":"e8","parentId":"e7","timestamp":"2026-05-01T10:00:03.230Z","type":"tool.execution_complete","data":{"toolCallId":"t2","success":false,"error":{"message":"no such order","code":"failure"}}}
{"id":"e9","parentId":"e8","timestamp":"2026-05-01T10:00:05.020Z","type":"permission.completed","data":{"requestId":"p1","toolCallId":"t1","result":{"kind":"approved"}}}
{"id":"e10","parentId":"e9","timestamp":"2026-05-01T10:00:07.020Z","type":"tool.execution_complete","data":{"toolCallId":"t1","success":true,"result":{"content":"1 failed"},"shellExecution":{"exitCode":1}}}
{"id":"e11","parentId":"e10","timestamp":"2026-05-01T10:00:09.000Z","type":"assistant.message","data":{"messageId":"m2","content":"One fails.","outputTokens":5,"turnId":"0"}}
"""  # noqa: E501 - a line is a record
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("bash", {"command": "pytest"}, "ok"),
    ("find", {"q": "o1"}, "error"),
]
