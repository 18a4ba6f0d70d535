"""Goose: its SQLite database of sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from miner.events import Event, Session, Status, TimeSource
from miner.readers import session_key
from miner.readers.changed import amended
from miner.readers.clock import micros
from miner.readers.content import json_text, parsed, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import HARNESS_TEXT, Role
from miner.readers.head import Head
from miner.readers.source import Source
from miner.readers.sqlite_copy import Tables, database, has_tables, opened
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import flag, integer, last_name, mapping, word

VERSION = 1
TITLE = "Goose sessions (SQLite database)"
WHERE = r"~/.local/share/goose/sessions/sessions.db (Windows: %APPDATA%\Block\goose\data\sessions)"
RESTS_ON = "the producer's source; hand-made databases"

NAME = "goose"
_REQUESTS = ("toolRequest", "frontendToolRequest")
_ITEMS = frozenset(
    {"text", "toolResponse", "image", "thinking", "redactedThinking", "reasoning", "toolConfirmationRequest"}
    | {"actionRequired", "systemNotification", "contextLengthExceeded", "summarizationRequested"}
)
"""What a message may hold besides requests; thoughts, and what the person alone sees, are not told."""
_SESSION = ("id", "working_dir", "session_type", "parent_session_id", "parent_id", "model_config_json")
_MESSAGE = ("id", "message_id", "session_id", "role", "content_json", "created_timestamp", "metadata_json")


def recognises(head: Head) -> float:
    """By the two tables, and the column that holds contents."""
    return 0.95 if has_tables(head, "sessions", "messages") and b"content_json" in head.start else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each of the store's that has messages."""
    for path in source.paths:
        one = replace(source, paths=(path,))
        with opened(one, path) as connection:
            if connection is None:
                continue
            tables = Tables(one, path, connection)
            tables.index("messages", "session_id")
            abouts = {str(row.get("id")): row for row in tables.rows("sessions", _SESSION, "id")}
            for identity in tables.values("messages", "session_id"):
                messages = list(tables.rows("messages", _MESSAGE, "id", ("session_id", identity)))
                if not messages:
                    # The id is no text: it cannot be asked for.
                    one.problem("unknown_record", "messages of a session that cannot be named", path=path)
                yield from _told(one, path, str(identity), abouts.get(str(identity), {}), messages)


def _told(
    source: Source, path: Path, identity: str, about: dict[str, Any], messages: list[dict[str, Any]]
) -> Iterator[Session | Event]:
    conversation = Conversation(session_key(NAME, identity))
    hidden = False
    for number, row in enumerate(messages, 1):
        content = parsed(str(row.get("content_json")))
        if not isinstance(content, list):
            source.problem("not_json", "a message", path=path, line=number)
            continue
        seen = mapping(parsed(str(row.get("metadata_json")))).get("agentVisible") is not False
        if hidden and seen:
            # What stands before is kept for the person and was taken from the model: it was summed up.
            conversation.compaction(number)
        hidden = not seen
        items = [mapping(item) for item in content]
        conversation.passed_over += sum(not _is_known(item) for item in items)
        for turn in _turns(row, items, number):
            conversation.add(turn)
    parent = word(about.get("parent_session_id")) or word(about.get("parent_id"))
    cwd = word(about.get("working_dir"))
    session = Session(
        conversation.key,
        NAME,
        identity,
        relation="subagent" if parent or about.get("session_type") == "sub_agent" else "root",
        parent=session_key(NAME, parent) if parent and parent != identity else None,
        agent=NAME,
        model=word(mapping(parsed(str(about.get("model_config_json")))).get("model_name")),
        application=last_name(cwd),
        cwd=cwd,
    )
    events = conversation.events()
    # Stamps are whole seconds: a call within one has no length that could be told.
    for event in events:
        if event.start_us is not None and event.start_us == event.end_us:
            amended(event, start_us=None, end_us=None, time_source=TimeSource.NONE)
    yield from tell(source, conversation, session, path=path)


def _turns(row: dict[str, Any], items: list[dict[str, Any]], number: int) -> Iterator[Turn]:
    at, uid = micros(row.get("created_timestamp")), word(row.get("message_id"))
    text = "\n".join(said for item in items if item.get("type") == "text" and (said := text_of(item.get("text"))))
    results = tuple(result for item in items if (result := _result(item)) is not None)
    if results:
        yield Turn(Role.TOOL, results=results, time_us=at, line=number)
    if row.get("role") == "assistant":
        calls = tuple(call for item in items if (call := _call(item)) is not None)
        yield Turn(Role.MODEL, text or None, calls, uid=uid, time_us=at, line=number)
    elif text:
        role = Role.HARNESS if HARNESS_TEXT.fullmatch(text) else Role.USER
        yield Turn(role, text, uid=uid, time_us=at, line=number)


def _is_known(item: dict[str, Any]) -> bool:
    """Whether an item is read, or is known to say nothing to the model; a request may be for a call that is broken."""
    kind = item.get("type")
    if kind in _REQUESTS:
        asked = mapping(item.get("toolCall"))
        return asked.get("status") == "error" or word(mapping(asked.get("value")).get("name")) is not None
    return word(kind) in _ITEMS


def _call(item: dict[str, Any]) -> Call | None:
    asked = mapping(item.get("toolCall"))
    value = mapping(asked.get("value"))
    if item.get("type") not in _REQUESTS or not word(value.get("name")):
        return None
    return Call(value["name"], value.get("arguments"), word(item.get("id")))


def _result(item: dict[str, Any]) -> Result | None:
    if item.get("type") != "toolResponse":
        return None
    told = mapping(item.get("toolResult"))
    value = told.get("value")
    failed = flag(mapping(value).get("isError"))
    text = text_of(mapping(value).get("content") if isinstance(value, dict) else value)
    status = Status.ERROR if failed or told.get("status") == "error" else Status.UNKNOWN
    if told.get("status") == "success" and not failed:
        status = Status.OK
    if text is None:
        text = text_of(told.get("error"))
    structured = mapping(value).get("structuredContent")
    error = None if status is Status.UNKNOWN else status is Status.ERROR
    code = integer(mapping(structured).get("exit_code"))
    return Result(text, word(item.get("id")), None, status, error, structured, code)


EXAMPLE_NAME = "sessions.db"
_ASKED = {"status": "success", "value": {"name": "developer__shell", "arguments": {"command": "ls"}}}
_ANSWERED = {"status": "success", "value": {"content": [{"type": "text", "text": "gone"}], "isError": True}}
_CONTENTS = (
    ("user", {"type": "text", "text": "List the files."}),
    ("assistant", {"type": "toolRequest", "id": "c1", "toolCall": _ASKED}),
    ("user", {"type": "toolResponse", "id": "c1", "toolResult": _ANSWERED}),
)
EXAMPLE = database(
    {
        "sessions": ("id TEXT, working_dir TEXT, session_type TEXT", [("20260501_1", "/srv/shop", "user")]),
        "messages": (
            "id INTEGER, session_id TEXT, role TEXT, content_json TEXT, created_timestamp INTEGER, metadata_json TEXT",
            [
                (place, "20260501_1", role, json_text([content]), 1777629600 + place, "{}")
                for place, (role, content) in enumerate(_CONTENTS)
            ],
        ),
    }
)
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [("developer__shell", {"command": "ls"}, "error")]
