"""One Codex thread while its lines are read: response items tell what was said, item events when it ran."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from miner.events import Caller, Event, EventKind, Session, TimeSource
from miner.readers import codex_items as items
from miner.readers import session_key
from miner.readers.changed import amended, changed
from miner.readers.clock import micros
from miner.readers.content import json_text, text_of
from miner.readers.conversation import Conversation
from miner.readers.dialects import Role
from miner.readers.record import Record
from miner.readers.source import Source
from miner.readers.telling import CallIds, Fact, tell
from miner.readers.turns import Call, Result, Turn
from miner.readers.values import count, last_name, listing, mapping, word

NAME = "codex"
_SILENT = frozenset({"world_state", "state"})


@dataclass(slots=True)
class _Step:
    """What is known of a model step only after its items."""

    end_us: int | None = None
    tokens: tuple[int | None, int | None] = (None, None)


@dataclass(slots=True)
class Rollout:
    """A thread: its conversation, and what is waiting to be joined to it."""

    source: Source
    record: Record
    meta: dict[str, Any]
    conversation: Conversation
    model: str | None = None
    cwd: str | None = None
    spawned: dict[str, str] = field(default_factory=dict)
    """Thread -> id of the call that started it."""
    _ids: CallIds = field(default_factory=CallIds)
    _facts: dict[str, Fact] = field(default_factory=dict)
    _steps: dict[int, _Step] = field(default_factory=dict)
    _walls: dict[str, int] = field(default_factory=dict)
    _came: dict[str, int] = field(default_factory=dict)
    _uids: list[str] = field(default_factory=list)
    """A chained digest for each event: copied histories are equal from their beginning on."""
    _seed: bytes = b""
    _chain: bytes = b""
    _people: list[int] = field(default_factory=list)
    _off_path: list[int] = field(default_factory=list)
    _programs: list[str] = field(default_factory=list)
    """Ids of calls that are running code of the model, which may call tools itself."""
    _executed: set[str] = field(default_factory=set)
    """Ids of what was executed by the word of an event; each is to be the id of a call."""
    _key: str = ""
    _step: int = 0
    """The model step that was told last."""
    _count: int = 0
    _open: bool = False
    _usage: Any = None

    @classmethod
    def begin(cls, source: Source, record: Record, meta: dict[str, Any], identity: str) -> Rollout:
        """A thread that begins with this header."""
        return cls(source, record, meta, Conversation(session_key(NAME, identity)), cwd=word(meta.get("cwd")))

    def line(self, kind: str, payload: dict[str, Any], at: int | None, line: dict[str, Any], number: int) -> bool:
        """Take one line; False when its kind is not known."""
        if kind == "response_item":
            return self._item(payload, at, mapping(line.get("metadata")), number)
        handler = _LINES.get(kind)
        if handler is None:
            return kind in _SILENT
        handler(self, payload, at, number)
        self._mark(b"")
        return True

    def _item(self, item: dict[str, Any], at: int | None, metadata: dict[str, Any], number: int) -> bool:
        kind = word(item.get("type"))
        known = True
        if kind == "message":
            self._message(item, at, metadata, number)
        elif kind == "reasoning":
            self._model(Turn(Role.MODEL, time_us=at, line=number), metadata)
        elif kind in items.CALLS:
            self._asked(item, at, metadata, number)
        elif kind in items.OUTPUTS:
            self._answered(item, at, number)
        elif kind in ("compaction", "context_compaction"):
            self._compaction({}, at, number)
        else:
            known = False
        identity = item.get("call_id") or item.get("id") or item.get("encrypted_content")
        if identity and not self._seed and kind != "message":
            # What the model made is unique; before it, two sessions may well begin with the same words.
            self._seed = str(identity).encode("utf-8", "replace")
        self._mark(
            json_text({k: v for k, v in item.items() if k != "internal_chat_message_metadata_passthrough"}).encode()
        )
        return known

    def _mark(self, said: bytes) -> None:
        """Give the new events their place in the chain."""
        if said:
            self._chain = hashlib.blake2b(self._chain + said, digest_size=16).digest()
        for _ in range(len(self._uids), len(self.conversation)):
            self._uids.append(hashlib.blake2b(self._chain + str(len(self._uids)).encode(), digest_size=16).hexdigest())

    def _message(self, item: dict[str, Any], at: int | None, metadata: dict[str, Any], number: int) -> None:
        text = text_of(item.get("content")) or ""
        role = items.speaker(item, text)
        turn = Turn(role, text, time_us=at, line=number)
        if role is Role.MODEL:
            self._model(turn, metadata)
        elif text:
            if role is Role.USER:
                self._people.append(len(self.conversation))
            self._open = False
            self.conversation.add(turn)

    def _asked(self, item: dict[str, Any], at: int | None, metadata: dict[str, Any], number: int) -> None:
        call = items.call_of(item)
        if call is None:
            self.conversation.passed_over += 1
            return
        call = changed(call, id=self._ids.asked(call.id))
        self._model(Turn(Role.MODEL, calls=(call,), time_us=at, line=number), metadata)
        if item.get("type") == "custom_tool_call" and call.id and "tools." in str(call.arguments):
            self._programs.append(call.id)
        if item.get("type") in ("web_search_call", "image_generation_call") and call.id:
            # The provider ran it: no output item follows.
            status = items.fact_of({"item": {**item, "id": call.id}})
            self._facts[call.id] = status[1] if status else Fact()

    def _answered(self, item: dict[str, Any], at: int | None, number: int) -> None:
        result = items.result_of(item)
        result = changed(result, id=self._ids.latest(result.id))
        if result.id:
            wall = items.wall_us(item)
            if wall is not None:
                self._walls[result.id] = wall
            if at is not None:
                self._came[result.id] = at
            if result.id in self._programs:
                self._programs.remove(result.id)
        self._open = False
        self.conversation.add(Turn(Role.TOOL, results=(result,), time_us=at, line=number))
        for thread in _threads(result.text):
            self.spawned.setdefault(thread, result.id or "")

    def _model(self, turn: Turn, metadata: dict[str, Any]) -> None:
        """Add to the step that the item belongs to: stated in newer files, else a run of items between outputs."""
        sampled = metadata.get("sampled_through_sequence")
        if type(sampled) is int:
            self._key = f"{metadata.get('turn_id')}/{sampled}"
        elif not self._open:
            self._count += 1
            self._key = f"#{self._count}"
        self._open = True
        turn.response, turn.model = self._key, self.model
        self.conversation.add(turn)
        self._step = self._last_step()
        step = self._steps.setdefault(self._step, _Step())
        if turn.time_us is not None:
            step.end_us = max(step.end_us or 0, turn.time_us)

    def _last_step(self) -> int:
        events = self.conversation.events()
        return next((e.step for e in reversed(events) if e.kind is EventKind.MODEL_STEP), 0)

    def _turn_context(self, payload: dict[str, Any], _at: int | None, _number: int) -> None:
        self.model = word(payload.get("model")) or self.model
        self.cwd = self.cwd or word(payload.get("cwd"))

    def _tokens(self, payload: dict[str, Any], _at: int | None, _number: int) -> None:
        if self._steps:
            self._steps[self._step].tokens = items.tokens_of(payload.get("usage"))
        self._open = False

    def _compaction(self, payload: dict[str, Any], at: int | None, number: int) -> None:
        events = self.conversation.events()
        if not events or events[-1].kind is not EventKind.COMPACTION:
            self.conversation.compaction(number)
        if word(payload.get("message")):
            self.conversation.add(Turn(Role.HARNESS, payload["message"], time_us=at, line=number))
        self._open = False

    def _agents(self, payload: dict[str, Any], at: int | None, number: int) -> None:
        text = text_of(payload.get("content") or payload.get("message"))
        if text:
            self.conversation.add(Turn(Role.HARNESS, text, time_us=at, line=number))

    def _event(self, payload: dict[str, Any], at: int | None, number: int) -> None:
        kind = word(payload.get("type"))
        if kind == "thread_rolled_back":
            self._roll_back(payload.get("num_turns"))
        elif kind == "token_count":
            self._token_count(mapping(payload.get("info")))
        elif kind in ("item_completed", "exec_command_end", "mcp_tool_call_end", "patch_apply_end"):
            self._ran(payload, at, number)
        elif kind is None or ("item" in payload and kind not in ("item_started", "item_updated")):
            self.conversation.passed_over += 1

    def _roll_back(self, turns: Any) -> None:
        """The last human turns are taken back: what followed them is on no path."""
        if type(turns) is not int or not 0 < turns <= len(self._people):
            return
        start = self._people[-turns]
        del self._people[-turns:]
        self._off_path += self.conversation.abandon(start)
        self._open, self._key = False, ""

    def _token_count(self, info: dict[str, Any]) -> None:
        """Repeated and cumulative: only a count that moved ends a step."""
        total, last = info.get("total_token_usage"), info.get("last_token_usage")
        if not isinstance(last, dict) or total == self._usage:
            return
        self._usage = total
        if self._steps and self._steps[self._step].tokens == (None, None):
            self._steps[self._step].tokens = items.tokens_of(last)
        self._open = False

    def _ran(self, payload: dict[str, Any], at: int | None, number: int) -> None:
        told = items.fact_of(payload)
        item = mapping(payload.get("item"))
        if told is None:
            self.conversation.passed_over += bool(item) and (
                word(item.get("type")) is None or word(item.get("id")) is None
            )
            return
        stated, fact = told
        identity = self._ids.latest(stated) or stated
        if fact.end_us is None and payload.get("type") != "item_completed":
            fact = _from_duration(fact, payload.get("duration"), at)
        for thread in listing(item.get("receiver_thread_ids")):
            if isinstance(thread, str):
                self.spawned[thread] = identity
        is_nested = identity.startswith("exec-")
        call = items.nested_call(item) if is_nested and self._programs else None
        if is_nested and call is None and not items.is_execution(payload, item):
            self.conversation.passed_over += 1
        elif call is not None and identity not in self._facts:
            self._nested(call, items.nested_text(item), fact, number)
        self._facts[identity] = fact
        if items.is_execution(payload, item):
            self._executed.add(identity)

    def _nested(self, call: Call, text: str | None, fact: Fact, number: int) -> None:
        """A call that the model's code made: part of the step that wrote the code."""
        asked = Turn(Role.MODEL, calls=(call,), response=self._key, time_us=fact.start_us, line=number)
        self.conversation.add(asked)
        self.conversation.add(Turn(Role.TOOL, results=(Result(text, call.id),), line=number))

    def finish(self, identity: str, spawned_by: str | None) -> Iterator[Session | Event]:
        """The session and its events."""
        events = self.conversation.events()
        self.conversation.passed_over += len(self._executed - {event.call_id for event in events})
        self._date_calls(events)
        for place, event in enumerate(events):
            step = self._steps.get(event.step) if event.kind is EventKind.MODEL_STEP else None
            if step is not None:
                tokens_in, tokens_out = step.tokens
                amended(event, time_us=step.end_us, tokens_in=tokens_in, tokens_out=tokens_out)
            if self._seed and place < len(self._uids):
                uid = hashlib.blake2b(self._seed + self._uids[place].encode(), digest_size=16).hexdigest()
                amended(event, uid=uid)
        session = changed(self._session(identity), spawned_by=spawned_by)
        yield from tell(self.source, self.conversation, session, self._facts, path=self.record.path, infer_steps=True)

    def _date_calls(self, events: list[Event]) -> None:
        """Outputs of a batch are written together when its last call ends: their lines say nothing about each one."""
        sizes: dict[int, int] = {}
        for event in events:
            if event.kind is EventKind.TOOL_CALL and event.caller is Caller.MODEL:
                sizes[event.step] = sizes.get(event.step, 0) + 1
        for event in events:
            identity = event.call_id
            if event.kind is not EventKind.TOOL_CALL or identity is None:
                continue
            known = self._facts.get(identity)
            if known is not None and known.end_us is not None:
                continue
            wall, came = self._walls.get(identity), self._came.get(identity)
            alone = sizes.get(event.step) == 1
            if wall is not None and came is not None and alone:
                self._facts[identity] = changed(known or Fact(), start_us=came - wall, end_us=came)
            elif wall is not None and event.time_us is not None:
                end = event.time_us + wall
                self._facts[identity] = changed(
                    known or Fact(), start_us=event.time_us, end_us=end, time_source=TimeSource.INFERRED
                )
            elif not alone:
                amended(event, start_us=None, end_us=None, time_source=TimeSource.NONE)

    def _session(self, identity: str) -> Session:
        meta = self.meta
        thread = mapping(mapping(mapping(meta.get("source")).get("subagent")).get("thread_spawn"))
        parent = word(meta.get("parent_thread_id")) or word(thread.get("parent_thread_id"))
        origin = word(meta.get("forked_from_id")) or word(mapping(meta.get("history_base")).get("thread_id"))
        relation = "subagent" if parent else "fork" if origin else "root"
        origin = parent or origin
        git = mapping(meta.get("git"))
        return Session(
            self.conversation.key,
            NAME,
            identity,
            relation=relation,
            parent=session_key(NAME, origin) if origin and origin != identity else None,
            agent=word(thread.get("agent_role")) or NAME,
            agent_version=word(meta.get("cli_version")),
            model=self.model,
            application=last_name(self.cwd),
            cwd=self.cwd,
            branch=word(git.get("branch")),
            started_us=micros(meta.get("timestamp")),
            off_path=tuple(self._off_path),
        )


_LINES: dict[str, Callable[[Rollout, dict[str, Any], int | None, int], None]] = {
    "turn_context": Rollout._turn_context,
    "token_usage_record": Rollout._tokens,
    "compacted": Rollout._compaction,
    "inter_agent_communication": Rollout._agents,
    "event_msg": Rollout._event,
}
_THREAD = re.compile(r'\{"agent_id":\s*"([^"]+)"')


def _threads(text: str | None) -> list[str]:
    """Threads that the output of a spawning call names."""
    return _THREAD.findall(text[:2000]) if text and text.startswith("{") else []


def _from_duration(fact: Fact, duration: Any, at: int | None) -> Fact:
    """An end event of the older kind: it is written when the call ends, and says how long it took."""
    seconds, nanos = (count(mapping(duration).get(name)) for name in ("secs", "nanos"))
    if at is None or seconds is None or nanos is None or seconds > at:
        return fact
    return changed(fact, start_us=at - seconds * 1_000_000 - nanos // 1_000, end_us=at)
