"""opencode: its SQLite database, and the JSON that ``opencode export`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import opencode_storage as storage
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import json_text, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.opencode_storage import Talk
from miner.readers.source import Source
from miner.readers.sqlite_copy import database, has_tables
from miner.readers.telling import CallIds, Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, integer, last_name, mapping, word

VERSION = 1
TITLE = "opencode sessions (SQLite database, its older folder of JSON files, or opencode export)"
WHERE = "~/.local/share/opencode: opencode.db or storage/, or the output of: opencode export <session>"
RESTS_ON = "a description taken from version 1.18; hand-made databases, exports and folders"

NAME = "opencode"
_STATUS = {"completed": Status.OK, "error": Status.ERROR, "running": Status.RUNNING, "pending": Status.MISSING}
_PARTS = frozenset({"text", "reasoning", "step-start", "step-finish", "compaction", "snapshot", "patch"}) | frozenset(
    {"file", "agent", "subtask", "retry"}
)
"""Kinds of parts besides calls; marks of steps, snapshots and files that a person attached are not told."""
_DENIED = re.compile(r"(?:Error: )?The user (?:rejected|has specified a rule)")
_CANCELLED = re.compile(r"(?:Error: )?(?:Tool execution )?(?:was )?aborted", re.IGNORECASE)


def recognises(head: Head) -> float:
    """By the three tables, or by an export's messages with their parts."""
    if has_tables(head, "session", "message", "part") or storage.is_one(head):
        return 0.95
    start = head.start
    is_export = re.match(rb'\s*\{\s*"info"\s*:\s*\{', start) is not None
    return 0.9 if is_export and b'"messages"' in start and b'"parts"' in start else 0.0


groups = storage.groups


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each of the store's, sub-agents linked to the call that started them."""
    spawned: dict[str, str] = {}
    told: list[Session] = []
    for talk in storage.talks(source):
        if source.repeats(talk.identity):
            continue
        spawned |= _spawned(talk)
        for item in _told(source, talk):
            if isinstance(item, Session) and item.parent is not None:
                told.append(item)
            yield item
    # A child may stand before the call that started it: it is told again, when that is known.
    yield from (changed(child, spawned_by=spawned[child.native_id]) for child in told if child.native_id in spawned)


def _spawned(talk: Talk) -> dict[str, str]:
    """Child session -> id of the call that started it."""
    found = {}
    for part in (part for _, parts in talk.messages for part in parts):
        child = word(mapping(mapping(part.get("state")).get("metadata")).get("sessionId"))
        if child and word(part.get("callID")):
            found[child] = part["callID"]
    return found


def _told(source: Source, talk: Talk) -> Iterator[Session | Event]:
    identity = talk.identity
    conversation = Conversation(session_key(NAME, identity))
    facts: dict[str, Fact] = {}
    ids = CallIds()
    for number, (message, parts) in enumerate(talk.messages, 1):
        conversation.passed_over += sum(not _is_known(part) for part in parts if part)
        if message.get("role") == "assistant":
            _answer(conversation, facts, ids, message, parts, number)
        else:
            _heard(conversation, message, parts, number)
    info = talk.info
    parent = word(info.get("parent_id")) or word(info.get("parentID"))
    cwd = word(info.get("directory"))
    session = Session(
        conversation.key,
        NAME,
        identity,
        relation="subagent" if parent else "root",
        parent=session_key(NAME, parent) if parent and parent != identity else None,
        agent=_agent(talk) or NAME,
        agent_version=word(info.get("version")),
        application=last_name(cwd),
        cwd=cwd,
    )
    yield from tell(source, conversation, session, facts, path=source.path, infer_steps=True)


def _agent(talk: Talk) -> str | None:
    return next((agent for message, _ in talk.messages if (agent := word(message.get("agent")))), None)


def _is_known(part: dict[str, Any]) -> bool:
    """Whether a part is told, or is known to say nothing of its own."""
    return word(part.get("tool")) is not None if part.get("type") == "tool" else word(part.get("type")) in _PARTS


def _heard(conversation: Conversation, message: dict[str, Any], parts: list[dict[str, Any]], number: int) -> None:
    """A person's message, and what the host put beside it."""
    at = micros(mapping(message.get("time")).get("created"))
    for part in parts:
        text = text_of(part.get("text"))
        if part.get("type") == "compaction":
            conversation.compaction(number)
        elif part.get("type") == "text" and text:
            role = Role.HARNESS if part.get("synthetic") else Role.USER
            conversation.add(Turn(role, text, uid=word(message.get("id")), time_us=at, line=number))
        elif part.get("type") == "tool":
            # People call no tools: the message's role is damaged.
            conversation.passed_over += 1


def _answer(
    conversation: Conversation,
    facts: dict[str, Fact],
    ids: CallIds,
    message: dict[str, Any],
    parts: list[dict[str, Any]],
    number: int,
) -> None:
    """A message of the model, which may hold several steps with their calls and results."""
    steps: list[list[dict[str, Any]]] = [[]]
    for part in parts:
        if part.get("type") == "step-start" and steps[-1]:
            steps.append([])
        if part.get("type") in ("text", "tool", "step-finish", "reasoning"):
            steps[-1].append(part)
    clock = mapping(message.get("time"))
    start, end = micros(clock.get("created")), micros(clock.get("completed"))
    for place, step in enumerate(steps):
        tools = [part for part in step if part.get("type") == "tool" and word(part.get("tool"))]
        finish = next((mapping(p.get("tokens")) for p in step if p.get("type") == "step-finish"), {})
        tokens = finish or (mapping(message.get("tokens")) if len(steps) == 1 else {})
        began = [t for tool in tools if (t := _time(tool, "start")) is not None]
        # A message is complete when its calls are; the model was done when the first of them began.
        done = min(began, default=end if place == len(steps) - 1 else None)
        begin = start if place == 0 and start is not None and done is not None and start <= done else None
        words = [text for p in step if p.get("type") == "text" and (text := text_of(p.get("text")))]
        asked = [ids.asked(word(tool.get("callID"))) for tool in tools]
        turn = Turn(
            Role.MODEL,
            "\n".join(words) or None,
            tuple(Call(t["tool"], mapping(t.get("state")).get("input"), i) for t, i in zip(tools, asked, strict=True)),
            uid=f"{message.get('id')}/{place}" if message.get("id") else None,
            time_us=done if done is not None else start,
            start_us=begin,
            model=word(message.get("modelID")),
            tokens_in=_tokens_in(tokens),
            tokens_out=count(tokens.get("output")),
            line=number,
        )
        if turn.text or turn.calls or place == 0:
            conversation.add(turn)
        results = [_result(tool, identity, facts) for tool, identity in zip(tools, asked, strict=True)]
        answered = tuple(result for result in results if result is not None)
        if answered:
            conversation.add(Turn(Role.TOOL, results=answered, line=number))
    if message.get("summary") is True:
        conversation.compaction(number)


def _tokens_in(tokens: dict[str, Any]) -> int | None:
    cache = mapping(tokens.get("cache"))
    stated = count(tokens.get("input"))
    return None if stated is None else stated + (count(cache.get("read")) or 0) + (count(cache.get("write")) or 0)


def _time(part: dict[str, Any], name: str) -> int | None:
    return micros(mapping(mapping(part.get("state")).get("time")).get(name))


def _result(part: dict[str, Any], identity: str | None, facts: dict[str, Fact]) -> Result | None:
    state = mapping(part.get("state"))
    status = _STATUS.get(str(state.get("status")), Status.UNKNOWN)
    if identity is not None:
        facts[identity] = Fact(_time(part, "start"), _time(part, "end"))
    if status is Status.MISSING:
        return None
    names = ("error", "output") if status is Status.ERROR else ("output", "error")
    text = text_of(first(state, *names))
    if status is Status.ERROR and text:
        status = Status.DENIED if _DENIED.match(text) else Status.CANCELLED if _CANCELLED.match(text) else status
    metadata = mapping(state.get("metadata"))
    return Result(
        text,
        identity,
        word(part.get("tool")),
        status,
        native_error=None if status in (Status.UNKNOWN, Status.RUNNING) else status is not Status.OK,
        exit_code=integer(metadata.get("exit")),
        truncated=metadata.get("truncated") is True,
    )


EXAMPLE_NAME = "opencode.db"
EXAMPLE = database(
    {
        "session": (
            "id TEXT, parent_id TEXT, directory TEXT, version TEXT, time_created INTEGER",
            [("ses_1", None, "/srv/shop", "1.18.33", 1777629600000)],
        ),
        "message": (
            "id TEXT, session_id TEXT, time_created INTEGER, data TEXT",
            [
                ("msg_1", "ses_1", 1777629600000, json_text({"role": "user", "time": {"created": 1777629600000}})),
                (
                    "msg_2",
                    "ses_1",
                    1777629601000,
                    json_text({"role": "assistant", "modelID": "m", "time": {"created": 1777629601000}}),
                ),
            ],
        ),
        "part": (
            "id TEXT, message_id TEXT, session_id TEXT, data TEXT",
            [
                ("prt_1", "msg_1", "ses_1", json_text({"type": "text", "text": "List the files."})),
                (
                    "prt_2",
                    "msg_2",
                    "ses_1",
                    json_text(
                        {
                            "type": "tool",
                            "tool": "bash",
                            "callID": "c1",
                            "state": {
                                "status": "completed",
                                "input": {"command": "ls gone"},
                                "output": "no such folder",
                                "metadata": {"exit": 2},
                                "time": {"start": 1777629602000, "end": 1777629602042},
                            },
                        }
                    ),
                ),
            ],
        ),
    }
)
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [("bash", {"command": "ls gone"}, "ok")]
