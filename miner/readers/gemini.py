"""Gemini CLI: chat recordings, older ones a document, newer ones a journal whose messages are edited and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from miner.events import Event, Session, Status, TimeSource
from miner.readers import session_key
from miner.readers.clock import micros
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import HARNESS_TEXT, Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, listing, mapping, word

VERSION = 1
TITLE = "Gemini CLI chat recordings (JSON and JSONL)"
WHERE = "~/.gemini/tmp/<project>/chats/session-*.json or .jsonl"
RESTS_ON = (
    "real recordings of the older kind (four, one developer); for the journal, a description taken from "
    "version 0.61 and the producer's source, with hand-made files"
)

NAME = "gemini"
_STATUS = {"success": Status.OK, "error": Status.ERROR, "cancelled": Status.CANCELLED}
_KINDS = frozenset({"user", "gemini", "info", "warning", "error"})
_MODELS = frozenset({"model", "toolCalls", "tokens", "thoughts"})
"""What only a message of the model has."""
_STARTED = re.compile(r"[-_](\d{13})[-_]")
"""Call ids are made by the client when the call starts, and hold its milliseconds."""
_EXIT = re.compile(r"^Exit Code: (-?\d{1,9})\s*$", re.MULTILINE)
_CONTINUED = re.compile(r"\s*System: [^\n]*\s*")
_SHORT_ID = re.compile(r"session-.+-([0-9a-f]{8})")


def recognises(head: Head) -> float:
    """By the metadata that begins a recording; a journal is also told by its messages and its edits."""
    start = head.start.lstrip()
    if re.match(rb'\{\s*"sessionId"', start) and (b'"projectHash"' in start[:4096] or b'"startTime"' in start[:4096]):
        return 0.95
    best = 0.0
    for record in head.records():
        if isinstance(record, dict) and ("$set" in record or "$rewindTo" in record):
            best = max(best, 0.9)
        elif isinstance(record, dict) and record.get("type") == "gemini" and "content" in record:
            best = max(best, 0.85)
    return best


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """A session and its sub-agents, which lie in a folder named after it."""
    families: dict[tuple[Path, str], list[Path]] = {}
    for path in paths:
        found = _SHORT_ID.fullmatch(strip_compression(path).stem)
        inside = path.parent.parent.name == "chats"
        folder = path.parent.parent if inside else path.parent
        mark = path.parent.name[:8] if inside else found[1] if found else str(path)
        families.setdefault((folder, mark), []).append(path)
    return [tuple(sorted(files)) for _, files in sorted(families.items())]


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each recording."""
    recordings = []
    for path in source.paths:
        one = replace(source, paths=(path,))
        recording = _Recording(one)
        for record in one.values():
            recording.take(record)
        recordings.append(recording)
    spawned = {agent: (key, call) for r in recordings for agent, (key, call) in r.spawned().items()}
    for recording in recordings:
        if not recording.meta and not recording.messages:
            continue
        if recording.source.repeats(recording.identity):
            continue
        yield from recording.tell(spawned.get(recording.identity))


@dataclass(slots=True)
class _Recording:
    """A journal being replayed: which messages there were, in order, with their last wording."""

    source: Source
    meta: dict[str, Any] = field(default_factory=dict)
    messages: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    _story: list[tuple[str, str]] = field(default_factory=list)
    """What happened: a message was said, messages from one on were taken back, the context was replaced."""
    _live: dict[str, None] = field(default_factory=dict)
    """Ids of the messages in the context, in order."""

    @property
    def identity(self) -> str:
        """The session's id, which the metadata states."""
        return word(self.meta.get("sessionId")) or strip_compression(self.source.path).stem

    @property
    def key(self) -> str:
        """The session's key."""
        return session_key(NAME, self.identity)

    def take(self, record: Record) -> None:
        """One line of a journal, or a whole document."""
        value = mapping(record.value)
        patch = value.get("$set")
        if isinstance(patch, dict):
            self._patch(patch, record.line)
        elif isinstance(value.get("$rewindTo"), str):
            self._take_back(value["$rewindTo"])
        elif word(value.get("type")) in _KINDS:
            self._say(value, record.line)
        elif isinstance(value.get("sessionId"), str):
            self._patch(value, record.line)
        else:
            self.source.account.unknown += 1

    def _patch(self, patch: dict[str, Any], line: int) -> None:
        self.meta |= {name: value for name, value in patch.items() if name != "messages"}
        if isinstance(patch.get("messages"), list):
            self._replace([mapping(message) for message in patch["messages"]], line)

    def _replace(self, messages: list[dict[str, Any]], line: int) -> None:
        """A checkpoint: the context is these messages. What it leaves out was taken back, or was compressed away."""
        ids = [word(message.get("id")) or f"{line}#{place}" for place, message in enumerate(messages)]
        live, kept = list(self._live), set(ids)
        if ids == live[: len(ids)] and len(ids) < len(live):
            self._take_back(live[len(ids)])
        elif not self._live.keys() <= kept:
            self._story.append(("compacted", ""))
        self._live = {identity: None for identity in self._live if identity in kept}
        for place, message in enumerate(messages):
            # In a document a message has no line of its own: its place says more.
            self._say({**message, "id": ids[place]}, place + 1)

    def _say(self, message: dict[str, Any], line: int) -> None:
        identity = word(message.get("id")) or f"#{line}"
        if identity not in self.messages:
            self._story.append(("said", identity))
        self._live[identity] = None
        first = self.messages.get(identity)
        self.messages[identity] = (message, first[1] if first else line)

    def _take_back(self, identity: str) -> None:
        """The message and all after it are gone; of an unknown one, everything is."""
        live = list(self._live)
        place = live.index(identity) if identity in self._live else 0
        if live:
            self._story.append(("taken back", live[place]))
        self._live = dict.fromkeys(live[:place])

    def spawned(self) -> dict[str, tuple[str, str]]:
        """Sub-agent -> (this session's key, id of the call that started it)."""
        calls = (call for message, _ in self.messages.values() for call in listing(message.get("toolCalls")))
        named = (mapping(call) for call in calls)
        return {c["agentId"]: (self.key, str(c.get("id"))) for c in named if word(c.get("agentId"))}

    def tell(self, spawner: tuple[str, str] | None) -> Iterator[Session | Event]:
        """The session and its events."""
        conversation = Conversation(self.key)
        facts: dict[str, Fact] = {}
        places: dict[str, int] = {}
        off_path: list[int] = []
        for what, identity in self._story:
            if what == "compacted":
                conversation.compaction()
            elif what == "taken back":
                off_path += conversation.abandon(places.get(identity, 0))
            else:
                places[identity] = len(conversation)
                message, line = self.messages[identity]
                conversation.passed_over += not _is_known(message)
                for turn in _turns(message, facts, line):
                    conversation.add(turn)
        is_subagent = self.meta.get("kind") == "subagent"
        parent = spawner[0] if spawner else None
        if parent is None and is_subagent:
            parent = session_key(NAME, self.source.path.parent.name)
        session = Session(
            self.key,
            NAME,
            self.identity,
            relation="subagent" if is_subagent or spawner else "root",
            parent=parent if parent != self.key else None,
            spawned_by=spawner[1] if spawner else None,
            agent="gemini-cli",
            application=word(self.meta.get("projectHash")),
            started_us=micros(self.meta.get("startTime")),
            off_path=tuple(sorted(set(off_path))),
        )
        yield from tell(self.source, conversation, session, facts, path=self.source.path, infer_steps=True)


def _is_known(message: dict[str, Any]) -> bool:
    """Whether a message is one of the model, or one of a person or a note and nothing else: notes have no parts."""
    kind = word(message.get("type"))
    if kind not in _KINDS or kind == "gemini":
        return kind in _KINDS
    return not message.keys() & _MODELS and (kind == "user" or isinstance(message.get("content", ""), str))


def _turns(message: dict[str, Any], facts: dict[str, Fact], line: int) -> Iterator[Turn]:
    """The turns of a message; notes to the person at the screen, and results told a second time, have none."""
    content, at = message.get("content"), micros(message.get("timestamp"))
    kind = message.get("type")
    if kind == "user":
        parts = [part for part in listing(content) if isinstance(part, dict)]
        if any("functionResponse" in part for part in parts):
            return
        text = text_of(content)
        if text:
            host = _CONTINUED.fullmatch(text) or HARNESS_TEXT.fullmatch(text)
            yield Turn(Role.HARNESS if host else Role.USER, text, uid=word(message.get("id")), time_us=at, line=line)
        return
    if kind != "gemini":
        return
    stated = listing(message.get("toolCalls"))
    calls = [call for call in stated if isinstance(call, dict) and word(call.get("name"))]
    starts = [start for call in calls if (start := _start(call)) is not None]
    tokens = mapping(message.get("tokens"))
    yield Turn(
        Role.MODEL,
        text_of(content) or None,
        tuple(Call(call["name"], call.get("args"), word(call.get("id"))) for call in calls),
        uid=word(message.get("id")),
        # A message is stamped again when its results come in; the model was done when its first call began.
        time_us=min([*starts, *([at] if at is not None else [])], default=None),
        model=word(message.get("model")),
        tokens_in=count(tokens.get("input")),
        tokens_out=count(tokens.get("output")),
        passed_over=len(stated) - len(calls),
        line=line,
    )
    for call in calls:
        identity = word(call.get("id"))
        if identity is not None:
            facts[identity] = _fact(call, alone=len(calls) == 1)
    results = tuple(
        _result(call) for call in calls if call.get("result") is not None or word(call.get("status")) in _STATUS
    )
    if results:
        yield Turn(Role.TOOL, results=results, line=line)


def _start(call: dict[str, Any]) -> int | None:
    found = _STARTED.search(word(call.get("id")) or "")
    return micros(int(found[1])) if found else None


def _fact(call: dict[str, Any], *, alone: bool) -> Fact:
    """A call's stamp is the end of its whole batch: it dates a call that was alone."""
    end = micros(call.get("timestamp"))
    return Fact(_start(call) if alone else None, end if alone else None, TimeSource.LOG_DELTA)


def _result(call: dict[str, Any]) -> Result:
    said: list[str] = []
    for part in listing(call.get("result")):
        response = mapping(part).get("functionResponse")
        answer = mapping(response).get("response", part)
        text = text_of(mapping(answer).get("output", mapping(answer).get("error", answer)))
        said += [text] if text else []
    text = "\n".join(said) if said else text_of(call.get("resultDisplay"))
    status = _STATUS.get(word(call.get("status")) or "", Status.UNKNOWN)
    code = _EXIT.search(text) if text else None
    return Result(
        text,
        word(call.get("id")),
        word(call.get("name")),
        status,
        native_error=None if status is Status.UNKNOWN else status is Status.ERROR,
        exit_code=int(code[1]) if code else None,
    )


EXAMPLE_NAME = "session-2026-05-01T10-00-0a1b2c3d.jsonl"
EXAMPLE = b"""\
{"sessionId":"0a1b2c3d-0000-4000-8000-000000000000","projectHash":"shop","startTime":"2026-05-01T10:00:00.000Z","lastUpdated":"2026-05-01T10:00:00.000Z","kind":"main"}
{"id":"m1","timestamp":"2026-05-01T10:00:00.500Z","type":"user","content":[{"text":"List the files."}]}
{"id":"m2","timestamp":"2026-05-01T10:00:02.000Z","type":"gemini","content":"","model":"gemini-x","tokens":{"input":90,"output":9,"cached":0,"thoughts":1,"tool":0,"total":100}}
{"id":"m2","timestamp":"2026-05-01T10:00:02.000Z","type":"gemini","content":"Looking.","model":"gemini-x","tokens":{"input":90,"output":9,"cached":0,"thoughts":1,"tool":0,"total":100},"toolCalls":[{"id":"run_shell_command__run_shell_command_1777629602100_0","name":"run_shell_command","args":{"command":"ls"},"result":[{"functionResponse":{"id":"run_shell_command__run_shell_command_1777629602100_0","name":"run_shell_command","response":{"output":"Output: no such folder\\nExit Code: 2"}}}],"status":"success","timestamp":"2026-05-01T10:00:02.600Z"}]}
{"$set":{"lastUpdated":"2026-05-01T10:00:02.600Z"}}
{"id":"m3","timestamp":"2026-05-01T10:00:02.700Z","type":"user","content":[{"functionResponse":{"id":"run_shell_command__run_shell_command_1777629602100_0","name":"run_shell_command","response":{"output":"Output: no such folder\\nExit Code: 2"}}}]}
{"id":"m4","timestamp":"2026-05-01T10:00:04.000Z","type":"gemini","content":"None.","model":"gemini-x"}
"""  # noqa: E501 - a line is a record
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [("run_shell_command", {"command": "ls"}, "ok")]
