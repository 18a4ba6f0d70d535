"""OpenHands, V0 and V1: event files of conversations, and the output lines of its evaluations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from miner.events import Event, Session, Status, TimeSource
from miner.readers import session_key
from miner.readers.blocks import first, usage_of
from miner.readers.changed import changed
from miner.readers.clock import has_zone, micros
from miner.readers.content import text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.head import Head
from miner.readers.opening import strip_compression
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, integer, listing, mapping, number, word

VERSION = 1
TITLE = "OpenHands conversations (V0, V1) and evaluation outputs"
WHERE = "~/.openhands/conversations/<id>/events/*.json, sessions/<id>/events/*.json, or output.jsonl of an evaluation"
RESTS_ON = "the producers' source; hand-made files"

NAME = "openhands"
_KINDS = frozenset(
    {"ActionEvent", "ObservationEvent", "MessageEvent", "SystemPromptEvent", "AgentErrorEvent", "UserRejectObservation"}
    | {"Condensation"}
)
_QUIET = frozenset({"change_agent_state", "null", "recall", "agent_state_changed", "start", "pause", "resume", "stop"})
"""Actions and observations between the host's own parts."""
_NUMBER = re.compile(r"(?:event-)?(\d{1,12})")


def recognises(head: Head) -> float:
    """By the kind that V1 states; by an action or an observation with its cause; by an evaluation's history."""
    document = head.document()
    values = [document] if isinstance(document, dict) else head.records(4)
    best = 0.0
    for value in values:
        record = mapping(value)
        if word(record.get("kind")) in _KINDS and "timestamp" in record:
            best = max(best, 0.9)
        elif _is_v0(record):
            best = max(best, 0.85)
        elif "instance_id" in record and isinstance(record.get("history"), list) and _is_history(record["history"]):
            return 0.92
    if not best and not head.complete and b"\n" not in head.start:
        is_output = b'"instance_id"' in head.start and b'"history"' in head.start and b'"observation"' in head.start
        return 0.7 if is_output else 0.0
    return best


def _is_v0(record: dict[str, Any]) -> bool:
    return "source" in record and "timestamp" in record and ("action" in record or "observation" in record)


def _is_history(history: list[Any]) -> bool:
    flat = _flat(history[:4])
    return any(_is_v0(event) or event.get("kind") in _KINDS for event in flat if isinstance(event.get("kind", ""), str))


def _flat(history: list[Any]) -> list[dict[str, Any]]:
    """The events of a history; older evaluations kept pairs of action and observation."""
    return [mapping(e) for item in history for e in (item if isinstance(item, list) else [item])]


def groups(paths: list[Path]) -> list[tuple[Path, ...]]:
    """The events of a conversation, one file each, in the order of their numbers."""
    found: dict[Path, list[Path]] = {}
    for path in paths:
        found.setdefault(path.parent if path.parent.name == "events" else path, []).append(path)
    return [tuple(sorted(files, key=_order)) for _, files in sorted(found.items())]


def _order(path: Path) -> tuple[int, str]:
    match = _NUMBER.match(path.name)
    return (int(match[1]), path.name) if match else (0, path.name)


def read(source: Source) -> Iterator[Session | Event]:
    """One session for a folder of events, or one for each line of an evaluation."""
    loose: list[tuple[dict[str, Any], int]] = []
    seen: set[str] = set()
    for path in source.paths:
        one = replace(source, paths=(path,))
        for record in one.values("", "history"):
            value = mapping(record.value)
            if isinstance(value.get("history"), list):
                yield from _evaluation(source, record, value, seen)
            elif _is_v0(value) or word(value.get("kind")) in _KINDS:
                loose.append((value, len(loose) + 1))
            else:
                source.account.unknown += 1
    if loose:
        folder = source.path.parent.parent if source.path.parent.name == "events" else source.path
        name = folder.name if folder != source.path else strip_compression(source.path).stem
        yield from _session(source, source.path, name, loose, Session("", NAME, name, agent=NAME))


def _evaluation(source: Source, record: Record, value: dict[str, Any], seen: set[str]) -> Iterator[Session | Event]:
    task = word(value.get("instance_id"))
    about = mapping(value.get("metadata"))
    name = f"{strip_compression(record.path).name}#{task or record.line}"
    name = f"{name}@{record.line}" if name in seen else name
    seen.add(name)
    report = mapping(mapping(value.get("test_result")).get("report"))
    resolved = report.get("resolved")
    session = Session(
        "",
        NAME,
        name,
        agent=word(about.get("agent_class")) or NAME,
        model=word(mapping(about.get("llm_config")).get("model")),
        task=task,
        attempt=integer(value.get("attempt")) if (integer(value.get("attempt")) or 0) >= 0 else None,
        reward=float(resolved) if isinstance(resolved, bool) else number(value.get("reward")),
        outcome="error" if value.get("error") else None,
    )
    events = [(event, place) for place, event in enumerate(_flat(value["history"]), 1)]
    yield from _session(source, record.path, name, events, session)


def _session(
    source: Source, path: Path, name: str, events: list[tuple[dict[str, Any], int]], session: Session
) -> Iterator[Session | Event]:
    talk = _Talk(Conversation(session_key(NAME, name)))
    for event, place in events:
        kind = word(event.get("kind"))
        if kind in _KINDS:
            talk.v1(event, kind or "", place)
        else:
            talk.v0(event, place)
    told = talk.conversation.events()
    if talk.local:
        # The clock's zone is not stated: the lengths are right, the times may be off by hours.
        told[:] = [_inferred(event) for event in told]
    yield from tell(source, talk.conversation, changed(session, key=talk.conversation.key), talk.facts, path=path)


def _inferred(event: Event) -> Event:
    return event if event.start_us is None else changed(event, time_source=TimeSource.INFERRED)


@dataclass(slots=True)
class _Talk:
    """A conversation while its events are read."""

    conversation: Conversation
    facts: dict[str, Fact] = field(default_factory=dict)
    local: bool = False
    _calls: dict[str, str] = field(default_factory=dict)
    """Action -> id of the call that it was."""

    def _at(self, event: dict[str, Any]) -> int | None:
        stamp = event.get("timestamp")
        self.local = self.local or (stamp is not None and not has_zone(stamp))
        return micros(stamp)

    def v0(self, event: dict[str, Any], place: int) -> None:
        """An action or an observation, linked by number."""
        if "observation" in event:
            self._observed(event, place)
            return
        action, source = word(event.get("action")), event.get("source")
        made = mapping(event.get("tool_call_metadata"))
        args = mapping(event.get("args"))
        at = self._at(event)
        if action == "message" and not made:
            text = text_of(first(args, "content")) or text_of(event.get("message"))
            role = Role.MODEL if source == "agent" else Role.USER if source == "user" else Role.HARNESS
            self.conversation.add(Turn(role, text, time_us=at, line=place))
        elif action == "system":
            self.conversation.add(Turn(Role.HARNESS, text_of(args.get("content")), time_us=at, line=place))
        elif action in ("condensation", "condensation_request"):
            if action == "condensation":
                self.conversation.compaction(place)
        elif action is not None and source == "agent" and (made or action not in _QUIET):
            self._acted(event, action, args, made, at, place)
        elif action not in _QUIET or text_of(args.get("content")):
            self.conversation.passed_over += 1

    def _acted(
        self, event: dict[str, Any], action: str, args: dict[str, Any], made: dict[str, Any], at: int | None, place: int
    ) -> None:
        """A call: as the model wrote it, where the log has its answer, else as the host normalised it."""
        identity = word(made.get("tool_call_id")) or f"action {event.get('id', place)}"
        answer = mapping(made.get("model_response"))
        name, arguments = word(made.get("function_name")) or action, _original(answer, identity)
        if arguments is None:
            hidden = ("thought", "confirmation_state", "security_risk", "hidden", "is_input", "blocking", "is_static")
            arguments = {k: v for k, v in args.items() if k not in hidden and v not in (None, "", -1)}
        tokens_in, tokens_out = usage_of(answer.get("usage"))
        turn = Turn(
            Role.MODEL,
            text_of(args.get("thought")) or None,
            (Call(name, arguments, identity),),
            time_us=at,
            model=word(answer.get("model")),
            tokens_in=count(tokens_in),
            tokens_out=count(tokens_out),
            response=word(answer.get("id")) or f"action {place}",
            line=place,
        )
        self.conversation.add(turn)
        self._calls[str(event.get("id"))] = identity

    def _observed(self, event: dict[str, Any], place: int) -> None:
        kind = word(event.get("observation"))
        cause = str(event.get("cause"))
        made = mapping(event.get("tool_call_metadata"))
        identity = self._calls.get(cause) or word(made.get("tool_call_id"))
        text = text_of(event.get("content")) or text_of(event.get("message"))
        if identity is None or not self.conversation.waits_for(Result(None, identity)):
            self.conversation.passed_over += kind not in _QUIET
            return
        extras = mapping(event.get("extras"))
        code = integer(mapping(extras.get("metadata")).get("exit_code"))
        code = code if code is not None else integer(extras.get("exit_code"))
        status = {"error": Status.ERROR, "user_rejected": Status.DENIED}.get(kind or "", Status.OK)
        result = Result(text, identity, None, status, status is not Status.OK, exit_code=code)
        self.conversation.add(Turn(Role.TOOL, results=(result,), time_us=self._at(event), line=place))

    def v1(self, event: dict[str, Any], kind: str, place: int) -> None:
        """An event of the agent SDK, whose kind says what it is."""
        at = self._at(event)
        if kind == "MessageEvent":
            message = mapping(event.get("llm_message"))
            role = Role.MODEL if event.get("source") == "agent" else Role.USER
            self.conversation.add(Turn(role, text_of(message.get("content")), time_us=at, line=place))
        elif kind == "SystemPromptEvent":
            self.conversation.add(Turn(Role.HARNESS, text_of(event.get("system_prompt")), time_us=at, line=place))
        elif kind == "Condensation":
            self.conversation.compaction(place)
        elif kind == "ActionEvent":
            self._action(event, at, place)
        else:
            self._result(event, kind, at, place)

    def _action(self, event: dict[str, Any], at: int | None, place: int) -> None:
        call = mapping(event.get("tool_call"))
        identity = word(event.get("tool_call_id")) or word(call.get("id")) or f"action {place}"
        inner = mapping(call.get("function")) or call
        name = word(event.get("tool_name")) or word(inner.get("name"))
        arguments = first(inner, "arguments")
        if arguments is None:
            arguments = {key: value for key, value in mapping(event.get("action")).items() if key != "kind"}
        if name is None:
            self.conversation.passed_over += 1
            return
        turn = Turn(
            Role.MODEL,
            text_of(event.get("thought")) or None,
            (Call(name, arguments, identity),),
            time_us=at,
            response=word(event.get("llm_response_id")) or f"action {place}",
            line=place,
        )
        self.conversation.add(turn)
        self._calls[str(event.get("id"))] = identity

    def _result(self, event: dict[str, Any], kind: str, at: int | None, place: int) -> None:
        identity = self._calls.get(str(event.get("action_id"))) or word(event.get("tool_call_id"))
        if identity is None:
            self.conversation.passed_over += 1
            return
        observation = mapping(event.get("observation"))
        failed = observation.get("is_error") is True or observation.get("error") is True
        status = Status.ERROR if failed or kind == "AgentErrorEvent" else Status.OK
        if kind == "UserRejectObservation":
            status = Status.DENIED
        content = first(observation, "content", "output") or first(event, "error", "rejection_reason")
        metadata = mapping(observation.get("metadata"))
        code = (
            integer(first(observation, "exit_code"))
            if "exit_code" in observation
            else integer(metadata.get("exit_code"))
        )
        result = Result(text_of(content), identity, None, status, status is not Status.OK, exit_code=code)
        self.conversation.add(Turn(Role.TOOL, results=(result,), time_us=at, line=place))


def _original(answer: dict[str, Any], identity: str) -> Any:
    """The arguments as the model wrote them, from the answer that the host kept."""
    for choice in listing(answer.get("choices")):
        for call in listing(mapping(mapping(choice).get("message")).get("tool_calls")):
            if mapping(call).get("id") == identity:
                return mapping(mapping(call).get("function")).get("arguments")
    return None


EXAMPLE_NAME = "output.jsonl"
EXAMPLE = b"""\
{"instance_id":"shop-17","metadata":{"agent_class":"CodeActAgent","llm_config":{"model":"m"}},"test_result":{"report":{"resolved":true}},"history":[{"id":0,"timestamp":"2026-05-01T10:00:00.000000","source":"user","action":"message","args":{"content":"Fix it."}},{"id":1,"timestamp":"2026-05-01T10:00:02.000000","source":"agent","action":"run","args":{"command":"ls","thought":"Look."},"tool_call_metadata":{"tool_call_id":"c1","function_name":"execute_bash","model_response":{"id":"r1","model":"m","choices":[{"message":{"tool_calls":[{"id":"c1","function":{"name":"execute_bash","arguments":"{\\"command\\": \\"ls\\"}"}}]}}],"usage":{"prompt_tokens":9,"completion_tokens":2}},"total_calls_in_response":1}},{"id":2,"timestamp":"2026-05-01T10:00:02.500000","source":"agent","cause":1,"observation":"run","content":"a.py","extras":{"metadata":{"exit_code":0}}}]}
{"instance_id":"shop-18","history":[[{"id":0,"timestamp":"2026-05-01T10:00:00.000000","source":"agent","action":"read","args":{"path":"gone.py","thought":""}},{"id":1,"timestamp":"2026-05-01T10:00:00.500000","source":"agent","cause":0,"observation":"error","content":"no such file","extras":{}}]]}
"""  # noqa: E501 - a line is a run
EXAMPLE_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("execute_bash", {"command": "ls"}, "ok"),
    ("read", {"path": "gone.py"}, "error"),
]
