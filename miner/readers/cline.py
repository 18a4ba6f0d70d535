"""Cline, Roo Code and Kilo: task folders of the editor extensions, and the sessions of Cline's own command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from miner.events import Event, Session, Status
from miner.readers import session_key
from miner.readers.blocks import first
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import parsed
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.items import is_passed_over, turns_of
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, last_name, listing, mapping, word

VERSION = 1
TITLE = "Cline, Roo Code and Kilo tasks (and Cline CLI sessions)"
WHERE = (
    "<editor's user folder>/globalStorage/<extension>/tasks/<task>/ ; ~/.cline/data/sessions/<id>/<id>.messages.json"
)
RESTS_ON = "the producers' source; hand-made files"

NAME = "cline"
_HISTORY, _SCREEN = "api_conversation_history.json", "ui_messages.json"
_DETAILS = re.compile(r"<environment_details>.*?</environment_details>", re.DOTALL)
_TASK = re.compile(r"\s*<(task|user_message|feedback)>\s*(.*?)\s*</\1>\s*", re.DOTALL)
_RESULT = re.compile(r"\[(?P<tool>[a-zA-Z][\w]*)(?P<about> [^\n]*)?\] Result:[ \t]*\n?(?P<text>.*)", re.DOTALL)
_REFUSED = re.compile(r"The user denied this operation")
_FAILED = re.compile(r"\s*(?:The tool execution failed|<error>|Error executing)")
_CHILD = re.compile(r"<(?P<name>[a-z_]+)>(?P<value>.*?)</(?P=name)>", re.DOTALL)


def recognises(head: Head) -> float:
    """By the extension's file names, and by fields and words that no other message list has."""
    start = head.start
    if head.name == _HISTORY:
        return 0.9 if b'"role"' in start else 0.0
    if re.match(rb"\s*\[\s*\{", start) and re.search(rb'"(?:say|ask)"\s*:\s*"', start) and b'"ts"' in start[:4096]:
        return 0.85
    if re.match(rb"\s*\{", start) and b'"sessionId"' in start and b'"messages"' in start and b'"modelInfo"' in start:
        return 0.9
    is_list = re.match(rb'\s*\[\s*\{[^{}]{0,40}"role"', start)
    return 0.8 if is_list and (b"<environment_details>" in start or b"] Result:" in start) else 0.0


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """The files of a task: what was said, and what the screen showed when."""
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        is_task = strip_compression(path).name in (_HISTORY, _SCREEN)
        folders.setdefault(path.parent if is_task else path, []).append(path)
    return [tuple(sorted(files)) for _, files in sorted(folders.items())]


def read(source: Source) -> Iterator[Session | Event]:
    """One session for each conversation; the screen's messages lend it their times."""
    said: list[tuple[Path, list[Record], dict[str, Any]]] = []
    shown: list[dict[str, Any]] = []
    for path in source.paths:
        one = replace(source, paths=(path,))
        about = one.members("sessionId", "systemPrompt")
        records = list(one.elements("messages", ""))
        if any("say" in mapping(r.value) or "ask" in mapping(r.value) for r in records[:50]):
            shown += [mapping(record.value) for record in records]
        elif records:
            said.append((path, records, about))
    for path, records, about in said:
        if any("role" in mapping(record.value) for record in records):
            yield from _task(source, path, records, about, shown if len(said) == 1 else [])


def _task(
    source: Source, path: Path, records: list[Record], about: dict[str, Any], shown: list[dict[str, Any]]
) -> Iterator[Session | Event]:
    identity = word(about.get("sessionId")) or _name(path)
    conversation = Conversation(session_key(NAME, identity))
    messages = [(mapping(record.value), record.line) for record in records]
    screen = _Screen.of(shown, sum(message.get("role") == "assistant" for message, _ in messages))
    answered = 0
    for (message, line), (after, _) in pairwise([*messages, ({}, 0)]):
        if message.get("isSummary") or message.get("isTruncationMarker"):
            conversation.compaction(line)
        turns = turns_of(message, line)
        conversation.passed_over += is_passed_over(message, turns)
        for turn in turns:
            if turn.role is Role.MODEL:
                conversation.add(_step(turn, message, _named_results(after), screen.step(answered)))
                answered += 1
            else:
                _heard(conversation, turn, screen.came(answered))
    extension = path.parent.parent.parent.name
    cwd = word(about.get("cwd"))
    session = Session(
        conversation.key,
        NAME,
        identity,
        agent=extension if "." in extension else "cline",
        application=last_name(cwd),
        cwd=cwd,
    )
    yield from tell(source, conversation, session, path=path)


def _name(path: Path) -> str:
    name = strip_compression(path).name
    return path.parent.name if name == _HISTORY else name.removesuffix(".json").removesuffix(".messages")


def _step(turn: Turn, message: dict[str, Any], named: list[str], times: tuple[int | None, int | None]) -> Turn:
    """A model turn, with the calls that older versions wrote as tags into the text."""
    start, end = times
    metrics, model = mapping(message.get("metrics")), mapping(message.get("modelInfo"))
    text, calls = turn.text or "", list(turn.calls)
    if not calls:
        for tool in named:
            call = _tagged(text, tool)
            if call is not None:
                calls.append(call)
    at = turn.time_us if turn.time_us is not None else end
    return changed(
        turn,
        calls=tuple(calls),
        start_us=start if at is not None and start is not None and start <= at else None,
        time_us=at,
        model=turn.model or word(first(model, "id", "modelId")),
        tokens_in=count(first(metrics, "inputTokens", "tokensIn")) or turn.tokens_in,
        tokens_out=count(first(metrics, "outputTokens", "tokensOut")) or turn.tokens_out,
    )


def _tagged(text: str, tool: str) -> Call | None:
    """The call whose result the next message names: only that makes a tag in a text a call."""
    block = re.search(rf"<{re.escape(tool)}>(.*?)</{re.escape(tool)}>", text, re.DOTALL)
    if block is None:
        return None
    arguments = {child["name"]: child["value"].strip("\n") for child in _CHILD.finditer(block[1])}
    inner = arguments.get("arguments")
    if inner is not None and isinstance(parsed(inner), dict):
        return Call(tool, {**arguments, "arguments": parsed(inner)})
    return Call(tool, arguments)


def _texts(message: dict[str, Any]) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    return [text for block in listing(content) if (text := word(mapping(block).get("text")))]


def _named_results(message: dict[str, Any]) -> list[str]:
    """Tools whose results a person's message holds as text."""
    if message.get("role") != "user":
        return []
    return [found["tool"] for text in _texts(message) if (found := _RESULT.match(text))]


def _heard(conversation: Conversation, turn: Turn, came_us: int | None) -> None:
    """A turn of the user's role: results, words of the person, and what the host adds of its own."""
    at = turn.time_us if turn.time_us is not None else came_us
    # People call no tools here: such a block is damage.
    conversation.passed_over += len(turn.calls)
    text, turn = turn.text, changed(turn, calls=(), time_us=at)
    if turn.results or not text:
        conversation.add(turn)
        return
    found = _RESULT.match(text)
    if found is not None and turn.role is Role.USER:
        output = _DETAILS.sub("", found["text"]).strip("\n")
        conversation.add(changed(turn, role=Role.TOOL, text=None, results=(_result(found["tool"], output),)))
        details = _DETAILS.search(text)
        if details:
            conversation.add(changed(turn, role=Role.HARNESS, text=details[0]))
        return
    details = _DETAILS.search(text)
    words = _DETAILS.sub("", text).strip()
    person = _TASK.fullmatch(words)
    if words:
        role = Role.HARNESS if words.startswith("[ERROR]") else turn.role
        conversation.add(changed(turn, role=role, text=person[2] if person else words))
    if details:
        conversation.add(changed(turn, role=Role.HARNESS, text=details[0]))


def _result(tool: str, text: str) -> Result:
    status = Status.UNKNOWN
    if _REFUSED.match(text):
        status = Status.DENIED
    elif _FAILED.match(text):
        status = Status.ERROR
    return Result(text, None, tool, status)


@dataclass(slots=True)
class _Screen:
    """When requests were sent and calls shown, by number of the model's answer."""

    requests: list[int] = field(default_factory=list)
    asked: list[int | None] = field(default_factory=list)

    @classmethod
    def of(cls, shown: list[dict[str, Any]], answers: int) -> _Screen:
        """The times of a screen that tells of as many requests as there are answers; else of none."""
        screen = cls()
        for message in shown:
            at = micros(message.get("ts"))
            kind = message.get("say") or message.get("ask")
            if at is None:
                continue
            if kind == "api_req_started":
                screen.requests.append(at)
                screen.asked.append(None)
            elif kind in ("tool", "command", "use_mcp_server", "text", "browser_action") and screen.asked:
                screen.asked[-1] = max(at, screen.asked[-1] or 0)
        return screen if answers and len(screen.requests) in (answers, answers + 1) else cls()

    def step(self, number: int) -> tuple[int | None, int | None]:
        """(when the request was sent, when its answer was last shown growing)."""
        return (self.requests[number], self.asked[number]) if number < len(self.requests) else (None, None)

    def came(self, number: int) -> int | None:
        """When results went to the model: with its next request."""
        return self.requests[number] if 0 < number < len(self.requests) else None


EXAMPLE_NAME = "1777629600000.messages.json"
EXAMPLE = b"""{"sessionId": "1777629600000", "messages": [
 {"id": "m1", "role": "user", "ts": 1777629600000, "content": [
  {"type": "text", "text": "<task>\\nFix the test.\\n</task>"},
  {"type": "text", "text": "<environment_details>\\n# Time\\n10:00\\n</environment_details>"}]},
 {"id": "m2", "role": "assistant", "ts": 1777629602000, "modelInfo": {"id": "m", "provider": "p"},
  "metrics": {"inputTokens": 90, "outputTokens": 9}, "content": [
  {"type": "text", "text": "Running."},
  {"type": "tool_use", "id": "t1", "name": "execute_command", "input": {"command": "pytest"}},
  {"type": "tool_use", "id": "t2", "name": "read_file", "input": {"path": "gone.py"}}]},
 {"id": "m3", "role": "user", "ts": 1777629605000, "content": [
  {"type": "tool_result", "tool_use_id": "t1", "name": "execute_command", "content": "1 failed"},
  {"type": "tool_result", "tool_use_id": "t2", "name": "read_file", "content": "no such file", "is_error": true}]},
 {"id": "m4", "role": "assistant", "ts": 1777629607000, "content": [{"type": "text", "text": "A typo."}]}]}
"""
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("execute_command", {"command": "pytest"}, "ok"),
    ("read_file", {"path": "gone.py"}, "error"),
]
