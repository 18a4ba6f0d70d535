"""The conversations of one Claude Code session while its files are read: each line goes to the one it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from miner.events import Event, EventKind, Session
from miner.readers import claude_lines as lines
from miner.readers import session_key
from miner.readers.claude_branches import Part
from miner.readers.claude_conversation import SYNTHETIC, Conversation, spoken_part
from miner.readers.claude_files import agent_of
from miner.readers.claude_lines import mapping, word
from miner.readers.claude_parts import Result
from miner.readers.content import json_text, text_of
from miner.readers.opening import strip_compression
from miner.readers.source import Source

NAME = "claude_code"
AGENT = "claude-code"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
SIDE_LINES = frozenset(
    (
        "summary",
        "ai-title",
        "custom-title",
        "tag",
        "last-prompt",
        "mode",
        "permission-mode",
        "agent-name",
        "agent-color",
        "agent-setting",
        "file-history-snapshot",
        "queue-operation",
        "pr-link",
        "frame-link",
        "content-replacement",
        "attribution-snapshot",
        "atis-latch",
        "tools-used",
        "cost-state",
        "api-request",
        "api-request-shape",
        "api-request-blob",
        "stream_event",
        "rate_limit_event",
        "control_request",
        "control_response",
        "keep_alive",
        "tool_progress",
        "tool_use_summary",
        "auth_status",
        "result",
    )
)
"""Known lines that stand outside the conversation."""


@dataclass(slots=True)
class Agent:
    """What is known of a sub-agent besides its own lines."""

    spawned_by: str | None = None
    kind: str | None = None
    parent: str = ""
    """Id of the agent that started it; empty for the main conversation."""


@dataclass(slots=True)
class Family:
    """The conversations of one session while its files are read."""

    source: Source
    root: str | None = None
    out: list[Event | Session] = field(default_factory=list)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    """By agent id; the main one has the empty id."""
    agents: dict[str, Agent] = field(default_factory=dict)
    logged: frozenset[str] = frozenset()
    """Agents with a file of their own: what progress lines tell of them is a copy."""
    sidechains: dict[str, str] = field(default_factory=dict)
    agent_of_file: str = ""
    forked_from: str | None = None
    outcome: str | None = None

    def read(self) -> Iterator[Session | Event]:
        """The sessions and events of all files, the session's own first."""
        files = [(path, agent_of(path)) for path in self.source.paths]
        self.logged = frozenset(found[0] for _, found in files if found and not found[1])
        if files[0][1] is None and _UUID.fullmatch(strip_compression(files[0][0]).stem):
            self.root = strip_compression(files[0][0]).stem
        for path, found in files:
            part = replace(self.source, paths=(path,))
            self.agent_of_file = found[0] if found else ""
            if found and found[1]:
                for record in part.elements():
                    self._describe(found[0], mapping(record.value))
                continue
            for record in part.records():
                self._line(record.value, record.line)
                if self.out:
                    yield from self.out
                    self.out.clear()
        self._close()
        yield from self.out

    def _describe(self, agent: str, meta: dict[str, Any]) -> None:
        parent = word(meta.get("parentAgentId")) or ""
        self.agents[agent] = Agent(word(meta.get("toolUseId")), word(meta.get("agentType")), parent)

    def _line(self, line: Any, number: int) -> None:
        kind = line.get("type") if type(line) is dict else None
        if kind == "assistant" or kind == "user":
            self._spoken(line, kind, number)
        elif kind == "progress":
            self._progress(line, number)
        elif kind == "system":
            self._system(line, number)
        elif kind == "attachment":
            self._attachment(line, number)
        elif type(kind) is str and kind in SIDE_LINES:
            self._silent(line, kind)
        else:
            self.source.account.unknown += 1
            if type(line) is dict and word(line.get("uuid")):
                self._enter(line, number)

    def _spoken(self, line: dict[str, Any], kind: str, number: int) -> None:
        entered = self._enter(line, number)
        if entered is None:
            return
        conversation, uid = entered
        at = lines.time_of(line.get("timestamp"))
        message = mapping(line.get("message"))
        original = mapping(line.get("forkedFrom"))
        if original:
            self.forked_from = word(original.get("sessionId")) or self.forked_from
        self._say(conversation, line, kind, message, uid, word(original.get("messageUuid")) or uid, at, number)

    def _say(
        self,
        conversation: Conversation,
        line: dict[str, Any],
        kind: str,
        message: dict[str, Any],
        uuid: str | None,
        uid: str | None,
        at: int | None,
        number: int,
    ) -> None:
        """Give a user or assistant line to its conversation, and its events to the tree of branches."""
        conversation.saw(at)
        first, key, part = conversation.seq, None, Part.OTHER
        if kind == "assistant":
            key = conversation.model_line(message, uid, at, number)
            conversation.passed_over += "toolUseResult" in line
            part = Part.OTHER if key == SYNTHETIC else Part.MODEL
        else:
            part = self._heard(conversation, line, message, uid, at, number)
        if uuid is not None:
            conversation.branches.holds(uuid, part, key, first, conversation.seq)

    def _heard(
        self,
        conversation: Conversation,
        line: dict[str, Any],
        message: dict[str, Any],
        uid: str | None,
        at: int | None,
        number: int,
    ) -> Part:
        """The results and the text of a user line."""
        content, results = message.get("content"), []
        if type(content) is list:
            results = [b for b in content if type(b) is dict and type(b.get("tool_use_id")) is str]
            typed = line.get("toolUseResult", line.get("tool_use_result")) if len(results) == 1 else None
            for block in results:
                conversation.result(Result(block, typed, line.get("permissionDecision"), at, number))
            if results:
                content = [block for block in content if block not in results]
        conversation.passed_over += "toolUseResult" in line and len(results) != 1
        text = text_of(content) if content else None
        if not text:
            return Part.OTHER
        if line.get("isCompactSummary"):
            conversation.compaction(text, uid, at, number)
            return Part.HUMAN
        task = lines.finished_task(text)
        if task:
            conversation.task_ended(task, at)
        kind = EventKind.HARNESS_MESSAGE if lines.is_harness(line, text) else EventKind.USER_MESSAGE
        conversation.message(kind, text, uid, at, number)
        return spoken_part(kind)

    def _progress(self, line: dict[str, Any], number: int) -> None:
        """A sub-agent's inner lines, where it has no file of its own; other progress says nothing to the model."""
        entered = self._enter(line, number)
        data = line.get("data")
        if entered is None or type(data) is not dict:
            return
        agent, inner = word(data.get("agentId")), mapping(data.get("message"))
        kind = inner.get("type")
        if data.get("type") != "agent_progress" or agent is None or (kind != "assistant" and kind != "user"):
            # Other progress holds no message.
            self.source.account.unknown += "message" in data
            return
        asked = word(line.get("parentToolUseID"))
        if asked:
            parent = next((a for a, c in self.conversations.items() if c is entered[0]), "")
            self.agents.setdefault(agent, Agent(asked, None, parent))
        if agent in self.logged:
            return
        conversation = self._conversation(agent, line)
        uuid = word(inner.get("uuid"))
        if uuid is not None and not conversation.branches.add(uuid, None):
            return
        at = lines.time_of(inner.get("timestamp"))
        self._say(conversation, inner, kind, mapping(inner.get("message")), uuid, uuid, at, number)

    def _system(self, line: dict[str, Any], number: int) -> None:
        """Compaction; what the session runs under (stream-json); everything else is for people's eyes."""
        kind = line.get("subtype")
        if kind == "init":
            self._conversation("", line)
            return
        entered = self._enter(line, number)
        if entered is not None and kind == "compact_boundary":
            self._restart(*entered, line, number)

    def _restart(self, conversation: Conversation, uid: str | None, line: dict[str, Any], number: int) -> None:
        first = conversation.seq
        conversation.compaction(None, uid, lines.time_of(line.get("timestamp")), number)
        if uid is not None:
            conversation.branches.holds(uid, Part.OTHER, None, first, conversation.seq)

    def _attachment(self, line: dict[str, Any], number: int) -> None:
        """What the host put before the model: files, reminders, hook output, and messages typed meanwhile."""
        entered = self._enter(line, number)
        attached = mapping(line.get("attachment"))
        if entered is None or not attached:
            return
        conversation, uid = entered
        at = lines.time_of(line.get("timestamp"))
        kind, content = EventKind.HARNESS_MESSAGE, attached.get("content")
        if attached.get("type") == "queued_command":
            content = attached.get("prompt")
            person = attached.get("commandMode") in (None, "prompt")
            if person and not lines.is_harness(line, text_of(content) or ""):
                kind = EventKind.USER_MESSAGE
        text = text_of(content) if type(content) in (str, list) else json_text(attached)
        if not text:
            return
        task = lines.finished_task(text)
        if task:
            conversation.task_ended(task, at)
        first = conversation.seq
        conversation.message(kind, text, uid, at, number)
        if uid is not None:
            conversation.branches.holds(uid, spoken_part(kind), None, first, conversation.seq)

    def _silent(self, line: dict[str, Any], kind: str) -> None:
        main = self.conversations.get("")
        if main is None:
            return
        if kind == "last-prompt":
            main.branches.go_back_to(line.get("leafUuid"))
        elif kind == "queue-operation":
            task = lines.finished_task(line.get("content"))
            if task:
                main.task_ended(task, lines.time_of(line.get("timestamp")))
        elif kind == "result":
            self.outcome = word(line.get("subtype")) or self.outcome

    def _enter(self, line: dict[str, Any], number: int) -> tuple[Conversation, str | None] | None:
        """The conversation a line belongs to, and its id; None for a line that was there before."""
        uuid, parent = word(line.get("uuid")), word(line.get("parentUuid"))
        agent = word(line.get("agentId")) or self.agent_of_file
        if not agent:
            spawn = line.get("parent_tool_use_id")
            if type(spawn) is str and spawn:
                agent = spawn
                self.agents.setdefault(agent, Agent(spawn))
            elif line.get("isSidechain") is True:
                agent = self._sidechain(line, uuid, parent)
        conversation = self.conversations.get(agent) or self._conversation(agent, line)
        if uuid is None:
            return conversation, None
        branches = conversation.branches
        first = parent is None and line.get("type") == "user" and "planContent" not in line
        if parent is None and "parentUuid" in line and not first:
            parent = word(line.get("logicalParentUuid"))
            if parent is None and conversation.has_steps and not branches.knows(uuid):
                conversation.cleared(number)
        return (conversation, uuid) if branches.add(uuid, parent, root=first and "parentUuid" in line) else None

    def _sidechain(self, line: dict[str, Any], uuid: str | None, parent: str | None) -> str:
        """The sub-agent of a line in the oldest generation, where their chains stand in the main file."""
        agent = self.sidechains.get(parent or "")
        if agent is None:
            agent = uuid or "sidechain"
            text = text_of(mapping(line.get("message")).get("content"))
            main = self.conversations.get("")
            taken = {known.spawned_by for known in self.agents.values()}
            for call in main.pending.values() if main else ():
                given = mapping(call.arguments)
                if call.call_id not in taken and text and text in [v for v in given.values() if type(v) is str]:
                    self.agents[agent] = Agent(call.call_id, word(given.get("subagent_type")))
                    break
        if uuid:
            self.sidechains[uuid] = agent
        return agent

    def _conversation(self, agent: str, line: dict[str, Any]) -> Conversation:
        """The conversation of an agent, begun with what its first line says about the surroundings."""
        known = self.conversations.get(agent)
        if known is not None:
            return known
        if self.root is None:
            self.root = word(line.get("sessionId")) or word(line.get("session_id")) or self.source.path.name
        cwd = word(line.get("cwd"))
        session = Session(
            self._key(agent),
            NAME,
            f"{self.root}/{agent}" if agent else self.root,
            relation="subagent" if agent else "root",
            parent=self._key("") if agent else None,
            agent=AGENT,
            agent_version=word(line.get("version")) or word(line.get("claude_code_version")),
            application=re.split(r"[\\/]", cwd.rstrip("\\/"))[-1] or None if cwd else None,
            cwd=cwd,
            branch=word(line.get("gitBranch")),
        )
        self.out.append(session)
        conversation = self.conversations[agent] = Conversation(session, self.out.append)
        return conversation

    def _key(self, agent: str) -> str:
        return session_key(NAME, self.root, agent) if agent else session_key(NAME, self.root)

    def _close(self) -> None:
        for agent, conversation in self.conversations.items():
            for spawned, call_id in conversation.spawned.items():
                known = self.agents.setdefault(spawned, Agent(parent=agent))
                known.spawned_by = known.spawned_by or call_id
        for agent, conversation in self.conversations.items():
            self.out.append(conversation.close(**(self._origin(agent) if agent else self._fate())))
            self.source.account.unknown += conversation.passed_over
            for number in conversation.unanswered_results:
                self.source.problem("result_without_call", line=number)

    def _origin(self, agent: str) -> dict[str, Any]:
        known = self.agents.get(agent, Agent())
        parent = known.parent if known.parent != agent else ""
        return {"spawned_by": known.spawned_by, "parent": self._key(parent), "agent": known.kind or AGENT}

    def _fate(self) -> dict[str, Any]:
        fate: dict[str, Any] = {"outcome": self.outcome}
        if self.forked_from and self.forked_from != self.root:
            fate |= {"relation": "fork", "parent": session_key(NAME, self.forked_from)}
        return fate
