"""The canonical form of every log: a session and its events, oldest first, times in UTC microseconds.

One row per event. A tool call and its result are one event, because mining asks "which call, and what came back";
the model step that asked for it is another, so calls that share a ``step`` were asked for in parallel and a step
with no calls is a decision not to call. Column names follow the OpenTelemetry GenAI words where one exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What happened."""

    USER_MESSAGE = "user_message"
    """A person (or a simulated one) said something."""
    HARNESS_MESSAGE = "harness_message"
    """The host injected text: reminders, environment, notifications, system prompts."""
    MODEL_STEP = "model_step"
    """One answer of the model: its text, and zero, one or several calls that carry the same ``step``."""
    TOOL_CALL = "tool_call"
    """One call with its result."""
    COMPACTION = "compaction"
    """The host replaced the context by a summary."""


class Status(StrEnum):
    """How a call ended, by the producer's own word."""

    OK = "ok"
    ERROR = "error"
    DENIED = "denied"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    RUNNING = "running"
    """Started in the background; the result says so and the true end comes later."""
    MISSING = "missing"
    """The log holds no result for it."""
    UNKNOWN = "unknown"


class Caller(StrEnum):
    """Who asked for a call. Only the model's calls are predicted."""

    MODEL = "model"
    PROGRAM = "program"
    """Code the model wrote made the call (code mode, programmatic tool calling)."""
    USER = "user"
    """A simulated user with tools of its own, or a person's shell escape."""
    HARNESS = "harness"


class TimeSource(StrEnum):
    """Where ``start_us`` and ``end_us`` come from, from best to none."""

    NATIVE = "native"
    """The tool or the host measured the execution itself."""
    SPAN = "span"
    """A trace span around the execution."""
    LOG_DELTA = "log_delta"
    """The difference of two log lines: holds waiting for permission, and is an upper bound."""
    INFERRED = "inferred"
    NONE = "none"
    """No usable time; ``start_us`` and ``end_us`` are None."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one agent. A sub-agent is a session of its own, linked by ``parent``."""

    key: str
    """Stable over re-imports: see ``session_key``."""
    reader: str
    native_id: str
    relation: str = "root"
    """root, subagent, fork, resume, attempt."""
    parent: str | None = None
    """Key of the session it came from."""
    spawned_by: str | None = None
    """Call id, in the parent, of the call that started it."""
    agent: str | None = None
    agent_version: str | None = None
    model: str | None = None
    application: str | None = None
    """What the agent works on or for: a benchmark's domain, a service name, else the project's folder name."""
    cwd: str | None = None
    branch: str | None = None
    task: str | None = None
    """Which task it attempts; sessions of one task never straddle a split."""
    attempt: int | None = None
    started_us: int | None = None
    ended_us: int | None = None
    reward: float | None = None
    outcome: str | None = None
    off_path: tuple[int, ...] = ()
    """``seq`` of events on branches the conversation abandoned (rewinds, edits)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one session; fields that do not apply to its kind stay None."""

    session: str
    """``Session.key``."""
    seq: int
    """Order as the model's context saw it, unique in the session; not necessarily clock order."""
    kind: EventKind
    turn: int
    """Human turn, from 0; rises at each user message."""
    step: int
    """Model step, from 0. A message carries the number of the next step, which is the first to see it."""
    text: str | None = None
    """Message text, the model's text, or the result of a call as the model saw it."""
    uid: str | None = None
    """The log's own id of this record: the same id in two sessions means a copied history."""
    time_us: int | None = None
    """When the log recorded it. For a call: when the model asked."""
    start_us: int | None = None
    end_us: int | None = None
    time_source: TimeSource = TimeSource.NONE
    wait_us: int | None = None
    """Part of the interval spent waiting for a person's permission, where the log tells."""
    model: str | None = None
    tokens_in: int | None = None
    """Prompt tokens, cached ones included."""
    tokens_out: int | None = None
    call_id: str | None = None
    call_index: int = 0
    """Position among the parallel calls of its step."""
    caller: Caller | None = None
    tool: str | None = None
    raw_tool: str | None = None
    """The name as logged, where ``tool`` was normalised or unwrapped."""
    server: str | None = None
    arguments: str | None = None
    """A JSON object as text, keys in the log's order, numbers as written."""
    arguments_ok: bool = True
    """False when the log held no JSON object; ``arguments`` is then ``{"input": <the raw text>}``."""
    result: str | None = None
    """The typed result as JSON text, where the log has one beside ``text``."""
    status: Status | None = None
    native_error: bool | None = None
    exit_code: int | None = None
    read_only: bool | None = None
    """What the log or the tool's annotations say; None is unknown, and unknown is unsafe."""
    truncated: bool = False
    """The producer or the reader cut ``text``."""
    text_bytes: int | None = None
    """Size before cutting."""
    line: int | None = None
    """Line, or ordinal of the record, in the source."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that could not be used: where it lies and why. Never quotes the record's content."""

    path: str
    reason: str
    """One of a small set of words, fit for grouping: ``not_json``, ``truncated_tail``, ``too_long``…"""
    detail: str = ""
    line: int | None = None
    offset: int | None = None
    length: int | None = None
    fatal: bool = False
    """True when the rest of the file was given up."""


@dataclass(frozen=True, slots=True)
class SessionLog:
    """A session with its events, ordered by ``seq``: on the active path, no copies of another session's history."""

    session: Session
    events: tuple[Event, ...]
