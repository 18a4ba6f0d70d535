"""Nested chats of AutoGen 0.2 agents (Agent-E and others): the inner agent's messages, seen from the outer one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from miner.events import Event, Session
from miner.readers import session_key
from miner.readers.changed import changed
from miner.readers.content import json_text
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.items import is_passed_over, turns_in, turns_of
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Turn
from miner.readers.values import mapping

VERSION = 1
TITLE = "AutoGen 0.2 nested chats (JSON lists of messages with tool_responses)"
WHERE = "log_files/<user>/nested_chat_log_*.json of Agent-E, or a dump of chat_messages"
RESTS_ON = "thirteen real chats"

NAME = "autogen"


def recognises(head: Head) -> float:
    """By results that come bundled in one message."""
    start = head.start
    return 0.9 if re.match(rb"\s*[\[{]", start) and b'"tool_responses"' in start and b'"role"' in start else 0.0


def read(source: Source) -> Iterator[Session | Event]:
    """One session a file."""
    for path in source.paths:
        one = replace(source, paths=(path,))
        records = list(one.values("", "messages", "chat_history"))
        if any("role" in mapping(record.value) for record in records):
            yield from _session(one, records)


def _session(source: Source, records: list[Record]) -> Iterator[Session | Event]:
    said = hashlib.blake2b(json_text([r.value for r in records]).encode("utf-8", "replace"), digest_size=16).hexdigest()
    conversation = Conversation(session_key(NAME, said))
    messages = [mapping(record.value) for record in records]
    # The log is the outer agent's: what it sent is its "assistant", and the inner agent answers as its "user".
    first = next((turn for message in messages for turn in turns_of(message)), None)
    seen_from_outside = first is not None and first.role is Role.MODEL and not first.calls
    for message, record in zip(messages, records, strict=True):
        turns = _turns(message, record.line)
        conversation.passed_over += is_passed_over(message, turns)
        for turn in turns:
            conversation.add(_turned(turn) if seen_from_outside else turn)
    session = Session(conversation.key, NAME, strip_compression(source.path).stem, agent="autogen")
    yield from tell(source, conversation, session, path=source.path)


def _turns(message: dict[str, Any], line: int) -> list[Turn]:
    """The turns of a message; its bundled results are taken apart, and not told again as one."""
    bundled = message.get("tool_responses")
    if isinstance(bundled, list) and bundled:
        return turns_in([{"role": "tool", **mapping(inner)} for inner in bundled], line)
    return turns_of(message, line)


def _turned(turn: Turn) -> Turn:
    if turn.role is Role.USER:
        return changed(turn, role=Role.MODEL)
    return changed(turn, role=Role.USER) if turn.role is Role.MODEL and not turn.calls else turn


EXAMPLE_NAME = "nested_chat_log_1777629600000000000.json"
EXAMPLE = b"""[
 {"role": "assistant", "content": "Find the price of bread."},
 {"role": "assistant", "content": null, "tool_calls": [
  {"id": "c1", "type": "function", "function": {"name": "click", "arguments": "{\\"selector\\": \\"#bread\\"}"}},
  {"id": "c2", "type": "function", "function": {"name": "get_url", "arguments": "{}"}}]},
 {"role": "tool", "content": "clicked\\n\\nshop.example", "tool_responses": [
  {"tool_call_id": "c1", "role": "tool", "content": "clicked"},
  {"tool_call_id": "c2", "role": "tool", "content": "shop.example"}]},
 {"role": "user", "content": "It costs 3 euros. ##TERMINATE##"}]
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("click", {"selector": "#bread"}, "unknown"),
    ("get_url", {}, "unknown"),
]
