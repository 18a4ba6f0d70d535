"""Qwen Code: a chain of lines like Claude Code's, holding messages like Gemini's, with the host's own telemetry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.clock import micros
from miner.readers.content import json_text, parsed, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import HARNESS_TEXT, Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, last_name, listing, mapping, number, word

VERSION = 2
TITLE = "Qwen Code chats (JSONL)"
WHERE = "~/.qwen/projects/<project>/chats/<session>.jsonl, and subagents/<session>/agent-<id>.jsonl beside chats"
RESTS_ON = "a description taken from version 0.15.10; for sub-agents, the producer's source; hand-made files"

NAME = "qwen"
_ABOUT = ".meta.json"
"""What a host says of a sub-agent, beside its lines."""
_STATUS = {"success": Status.OK, "error": Status.ERROR, "cancelled": Status.CANCELLED}


def recognises(head: Head) -> float:
    """A chained line whose message has parts: nobody else writes both; a sub-agent's meta file by its keys."""
    if head.name.endswith(_ABOUT):
        return 0.95 if {"agentId", "agentType", "parentSessionId"} <= mapping(head.document()).keys() else 0.0
    for record in head.records():
        if isinstance(record, dict) and "sessionId" in record and "parentUuid" in record:
            if "parts" in mapping(record.get("message")):
                return 0.96
            if mapping(mapping(record.get("systemPayload")).get("uiEvent")):
                return 0.9
    return 0.0


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """A sub-agent's lines and what is said of it; every other file alone."""
    families: dict[Path, list[Path]] = {}
    for path in paths:
        plain = strip_compression(path)
        name = plain.name.removesuffix(_ABOUT).removesuffix(".jsonl")
        families.setdefault(plain.with_name(name) if name.startswith("agent-") else path, []).append(path)
    return [tuple(sorted(files)) for _, files in sorted(families.items())]


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each id that the lines name, and one for each agent in it."""
    chats: dict[tuple[str, str | None], _Chat] = {}
    abouts: dict[str, dict[str, Any]] = {}
    for path in source.paths:
        one = replace(source, paths=(path,))
        if strip_compression(path).name.endswith(_ABOUT):
            for about in (mapping(record.value) for record in one.elements("\0")):
                abouts[word(about.get("agentId")) or ""] = about
            continue
        for record in one.records():
            line = mapping(record.value)
            identity, agent = word(line.get("sessionId")), word(line.get("agentId"))
            if identity is None:
                source.account.unknown += 1
                continue
            chat = chats.get((identity, agent))
            if chat is None:
                chat = chats[identity, agent] = _Chat(one, record, line, agent, Conversation(_key(identity, agent)))
            if not chat.take(line, record.line):
                source.account.unknown += 1
    for (identity, agent), chat in chats.items():
        yield from chat.tell(identity, abouts.get(agent or "", {}))


def _key(identity: str, agent: str | None) -> str:
    return session_key(NAME, identity, agent) if agent else session_key(NAME, identity)


@dataclass(slots=True)
class _Chat:
    """A conversation, and what telemetry says of its calls."""

    source: Source
    record: Record
    first: dict[str, Any]
    agent: str | None
    """The sub-agent's id; the session's own agent has none."""
    conversation: Conversation
    _ran: list[tuple[str, str, Fact]] = field(default_factory=list)
    """(tool, arguments, times): telemetry knows no call ids."""
    _parents: dict[str, str | None] = field(default_factory=dict)
    _events: dict[str, range] = field(default_factory=dict)
    _last: str | None = None

    def take(self, line: dict[str, Any], at_line: int) -> bool:
        """One line; False when its kind is not known."""
        uuid = word(line.get("uuid"))
        if uuid in self._parents:
            return True
        start = len(self.conversation)
        known = self._say(line, at_line)
        if uuid is not None:
            self._parents[uuid] = word(line.get("parentUuid"))
            self._events[uuid] = range(start, len(self.conversation))
            self._last = uuid
        return known

    def _say(self, line: dict[str, Any], at_line: int) -> bool:
        kind, at = line.get("type"), micros(line.get("timestamp"))
        parts = [mapping(part) for part in listing(mapping(line.get("message")).get("parts"))]
        text = "\n".join(said for part in parts if not part.get("thought") and (said := text_of(part.get("text"))))
        uid = word(line.get("uuid"))
        if kind in ("user", "tool_result"):
            # The API's own form has results in a message of the user's, too.
            told = mapping(line.get("toolCallResult"))
            results = [_result(mapping(part["functionResponse"]), told) for part in parts if "functionResponse" in part]
            if results or kind == "tool_result":
                self.conversation.add(Turn(Role.TOOL, results=tuple(results), time_us=at, line=at_line))
            self.conversation.passed_over += sum("functionCall" in part for part in parts)
            role = Role.HARNESS if kind == "tool_result" or HARNESS_TEXT.fullmatch(text) else Role.USER
            if text:
                self.conversation.add(Turn(role, text, uid=uid, time_us=at, line=at_line))
        elif kind == "assistant":
            usage = mapping(line.get("usageMetadata"))
            stated = [mapping(part["functionCall"]) for part in parts if "functionCall" in part]
            calls = tuple(call for value in stated if (call := _call(value)) is not None)
            turn = Turn(
                Role.MODEL,
                text or None,
                calls,
                uid=uid,
                time_us=at,
                model=word(line.get("model")),
                tokens_in=count(usage.get("promptTokenCount")),
                tokens_out=count(usage.get("candidatesTokenCount")),
                # A sub-agent's words and each of its calls have lines of their own, though they are one answer.
                joins=self.agent is not None,
                passed_over=len(stated) - len(calls) + sum("functionResponse" in part for part in parts),
                line=at_line,
            )
            self.conversation.add(turn)
        elif kind == "system":
            self.conversation.passed_over += len(parts)
            self._system(line, at, at_line)
        else:
            return False
        return True

    def _system(self, line: dict[str, Any], at: int | None, at_line: int) -> None:
        if line.get("subtype") == "chat_compression":
            self.conversation.compaction(at_line)
            return
        event = mapping(mapping(line.get("systemPayload")).get("uiEvent"))
        length = number(event.get("duration_ms"))
        name = word(event.get("function_name"))
        if event.get("event.name") != "qwen-code.tool_call" or length is None or name is None or length < 0:
            return
        end = micros(event.get("event.timestamp")) or at
        if end is not None and length * 1e3 <= end:
            fact = Fact(end - round(length * 1e3), end)
            self._ran.append((name, _canonical(event.get("function_args")), fact))

    def tell(self, identity: str, about: dict[str, Any]) -> Iterator[Session | Event]:
        """The session and its events."""
        facts: dict[str, Fact] = {}
        calls = [event for event in self.conversation.events() if event.tool is not None and event.call_id is not None]
        for tool, arguments, fact in self._ran:
            asked = (c for c in calls if c.call_id not in facts and c.tool == tool)
            match = next((c for c in asked if _canonical(c.arguments) == arguments), None)
            if match is not None:
                facts[str(match.call_id)] = fact
        cwd = word(self.first.get("cwd"))
        session = Session(
            self.conversation.key,
            NAME,
            f"{identity}/{self.agent}" if self.agent else identity,
            relation="subagent" if self.agent else "root",
            parent=_key(identity, word(about.get("parentAgentId"))) if self.agent else None,
            spawned_by=word(about.get("toolUseId")),
            agent=word(self.first.get("agentName")) or word(about.get("agentType")) or "qwen-code",
            model=word(about.get("model")),
            agent_version=word(self.first.get("version")),
            application=last_name(cwd),
            cwd=cwd,
            branch=word(self.first.get("gitBranch")),
            off_path=self._off_path(),
        )
        yield from tell(self.source, self.conversation, session, facts, path=self.record.path, infer_steps=True)

    def _off_path(self) -> tuple[int, ...]:
        """Events of lines that the last line does not descend from: a branch was left behind."""
        on_path: set[str] = set()
        at = self._last
        while at is not None and at not in on_path and at in self._parents:
            on_path.add(at)
            at = self._parents[at]
        if at is not None and at not in on_path:
            # The chain has a hole: nothing can be said to be off it.
            return ()
        return tuple(seq for uuid, places in self._events.items() if uuid not in on_path for seq in places)


def _call(value: dict[str, Any]) -> Call | None:
    name = word(value.get("name"))
    return Call(name, value.get("args"), word(value.get("id"))) if name else None


def _result(response: dict[str, Any], told: dict[str, Any]) -> Result:
    answer = response.get("response")
    output = mapping(answer).get("output", mapping(answer).get("error", answer))
    status = _STATUS.get(word(told.get("status")) or "", Status.UNKNOWN)
    if status is Status.UNKNOWN and "error" in mapping(answer):
        status = Status.ERROR
    failed = None if status is Status.UNKNOWN else status is Status.ERROR
    identity = word(response.get("id")) or word(told.get("callId"))
    return Result(text_of(output), identity, word(response.get("name")), status, native_error=failed)


def _canonical(arguments: Any) -> str:
    """Arguments in a form that can be compared: as an object, with sorted keys."""
    value = parsed(arguments) if isinstance(arguments, str) else arguments
    return json_text(dict(sorted(value.items()))) if isinstance(value, dict) else json_text(value)


EXAMPLE_NAME = "5f0c1f3e-0000-4000-8000-000000000000.jsonl"
EXAMPLE = b"""\
{"uuid":"u1","parentUuid":null,"sessionId":"5f0c1f3e","timestamp":"2026-05-01T10:00:00.000Z","type":"user","cwd":"/srv/shop","version":"0.15.10","gitBranch":"main","message":{"role":"user","parts":[{"text":"List the files."}]}}
{"uuid":"u2","parentUuid":"u1","sessionId":"5f0c1f3e","timestamp":"2026-05-01T10:00:02.000Z","type":"assistant","cwd":"/srv/shop","version":"0.15.10","model":"qwen-x","usageMetadata":{"promptTokenCount":90,"candidatesTokenCount":9},"message":{"role":"model","parts":[{"text":"I should list.","thought":true},{"functionCall":{"id":"c1","name":"list_directory","args":{"path":"/srv"}}}]}}
{"uuid":"u3","parentUuid":"u2","sessionId":"5f0c1f3e","timestamp":"2026-05-01T10:00:02.300Z","type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.tool_call","event.timestamp":"2026-05-01T10:00:02.290Z","function_name":"list_directory","function_args":{"path":"/srv"},"duration_ms":250,"success":true}}}
{"uuid":"u4","parentUuid":"u3","sessionId":"5f0c1f3e","timestamp":"2026-05-01T10:00:02.400Z","type":"tool_result","toolCallResult":{"callId":"c1","status":"success","resultDisplay":"1 item"},"message":{"role":"user","parts":[{"functionResponse":{"id":"c1","name":"list_directory","response":{"output":"shop"}}}]}}
{"uuid":"u5","parentUuid":"u4","sessionId":"5f0c1f3e","timestamp":"2026-05-01T10:00:04.000Z","type":"assistant","model":"qwen-x","message":{"role":"model","parts":[{"text":"One folder."}]}}
"""  # noqa: E501 - a line is a record
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [("list_directory", {"path": "/srv"}, "ok")]
