"""What the fields of Claude Code's lines mean: times, outcomes, who speaks. Pure functions, one value at a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from miner.events import Status
from miner.readers.clock import micros
from miner.readers.content import json_text, text_of

TEXT_LIMIT = 1 << 20
"""Longer texts are cut: no rule copies from beyond, and a session has many."""

_LARGE = 1 << 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HARNESS = re.compile(
    r"\s*(?:<(?:command-(?:name|message|args|contents)|local-command-[a-z]+|system-reminder|user-memory-input|"
    r"(?:task|agent|shell|background)-notification|bash-(?:input|stdout|stderr)|user-prompt-submit-hook|"
    r"session-start-hook|ide_[a-z_]+|teammate-message)>|\[Request interrupted by user|"
    r"Continue from where you left off\.\s*$|Caveat: The messages below were generated)"
)
_MACHINES = frozenset({"system", "hook", "task-notification", "notification", "channel", "peer", "coordinator", "cron"})
_INTERRUPTED = "[Request interrupted by user"
_NOTIFICATION = re.compile(r"\s*<(?:task|agent|shell|background)-notification>")
_TASK_ID = re.compile(r"<(?:task|agent|shell)-id>\s*([^<\s]+)\s*<")
_EXIT_CODE = re.compile(r"(?:Error: )?Exit code (-?\d{1,9})\b")
_TIMEOUT = re.compile(r"(?:Error: )?(?:Exit code \d+\s+)?(?:Command|Request|Operation|Tool(?: call)?) timed out\b")
_CANCELLED = re.compile(
    r"(?:<tool_use_error>)?(?:Error: )?(?:\[Request interrupted by user|Sibling tool call errored|Cancelled\b|"
    r"Interrupted by user|The operation was aborted|Tool use was interrupted)"
)
_DENIED = re.compile(
    r"(?:<tool_use_error>)?(?:Error: )?"
    r"(?:The user doesn't want to |User rejected tool use|Claude requested permissions|"
    r"Permission to use .{1,1500}?(?:been|was) denied|[^\n]{0,300}\bwas blocked\b|"
    r"[^\n]{0,300}\bhook\b[^\n]{0,80}\b(?:blocked|blocking error|denied)\b)",
    re.DOTALL,
)
_REFUSALS = ("den", "reject", "block", "abort")
_SAVED_OUTPUT = "<persisted-output>"


def mapping(value: Any) -> dict[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if type(value) is dict else {}


def word(value: Any) -> str | None:
    """The value when it is a text that is not empty, else None."""
    return value if type(value) is str and value else None


def count(value: Any) -> int | None:
    """The value when it is a whole number of anything, else None."""
    return value if type(value) is int and 0 <= value < 1 << 62 else None


def time_of(text: Any) -> int | None:
    """Microseconds since 1970 of a line's ``timestamp``."""
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return micros(text)
    if when.tzinfo is None:
        return micros(text)
    delta = when - _EPOCH
    return delta.days * 86_400_000_000 + delta.seconds * 1_000_000 + delta.microseconds if delta.days >= 0 else None


def is_harness(line: dict[str, Any], text: str) -> bool:
    """True when the host, not a person, wrote this text of a ``user`` line."""
    if line.get("isMeta") or line.get("isVisibleInTranscriptOnly") or line.get("isSynthetic"):
        return True
    for key in ("promptSource", "turnOrigin", "origin"):
        said = line.get(key)
        if said is not None and (mapping(said).get("kind") or said) in tuple(_MACHINES):
            return True
    return _HARNESS.match(text) is not None


def is_interrupt(text: str) -> bool:
    """True for the host's note that a person stopped the agent."""
    return text.startswith(_INTERRUPTED)


def finished_task(text: Any) -> str | None:
    """The id of the background task whose end a notification tells."""
    if type(text) is not str or not _NOTIFICATION.match(text):
        return None
    found = _TASK_ID.search(text)
    return found[1] if found else None


def cut(text: str | None) -> tuple[str | None, bool, int | None]:
    """(text up to the limit, whether it was cut, its size before)."""
    if text is None or len(text) <= TEXT_LIMIT:
        return text, False, None
    return text[:TEXT_LIMIT], True, len(text.encode("utf-8", "replace"))


def typed_result(value: Any, content: Any) -> str | None:
    """``toolUseResult`` as JSON text, pictures replaced by size and hash; None where it is absent or far too large.

    Pictures are looked for where ``content``, what the model saw, is more than text, and in large results: looking
    through every result costs more than all else that is done with it.
    """
    if value is None:
        return None
    text = json_text(value)
    if (len(text) > _LARGE or _shows_more_than_text(content)) and "base64" in text:
        text = json_text(_without_pictures(value))
    return text if len(text) <= TEXT_LIMIT else None


def _shows_more_than_text(content: Any) -> bool:
    return type(content) is list and any(mapping(block).get("type") != "text" for block in content)


def _without_pictures(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("type") == "base64":
            return {**value, "data": _picture(value.get("data"))}
        return {key: _picture(child) if key == "base64" else _without_pictures(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_pictures(item) for item in value]
    return text_of(value) if isinstance(value, str) else value


def _picture(data: Any) -> Any:
    return text_of(f"data:image/any;base64,{data}") if isinstance(data, str) else data


def exit_code_of(text: str | None) -> int | None:
    """The exit code of a failed command: the log has it in words only."""
    found = _EXIT_CODE.match(text) if text else None
    return int(found[1]) if found else None


def status_of(*, flagged: bool, text: str, typed: Any, decision: Any) -> Status:
    """How a call ended, from the flag, the words and the typed result of its result line."""
    known = mapping(typed)
    if flagged:
        said = mapping(decision).get("decision")
        if isinstance(said, str) and said.lower().startswith(_REFUSALS):
            return Status.DENIED
        if known.get("interrupted") is True or _CANCELLED.match(text):
            return Status.CANCELLED
        if _TIMEOUT.match(text):
            return Status.TIMEOUT
        if exit_code_of(text) is None and _DENIED.match(text):
            return Status.DENIED
        return Status.ERROR
    if known:
        if task_of(known) is not None:
            return Status.RUNNING
        if known.get("interrupted") is True:
            return Status.CANCELLED
        if known.get("timedOutAfterMs"):
            return Status.TIMEOUT
    return Status.OK


def task_of(typed: dict[str, Any]) -> str | None:
    """The id under which a call goes on in the background; None when it ended with its result."""
    if typed.get("status") in ("async_launched", "remote_launched"):
        return word(typed.get("agentId")) or word(typed.get("taskId")) or ""
    return word(typed.get("backgroundTaskId"))


def duration_us(typed: Any) -> int | None:
    """How long the tool itself says it ran."""
    known = mapping(typed)
    for key, factor in (("durationMs", 1e3), ("totalDurationMs", 1e3), ("durationSeconds", 1e6)):
        value = known.get(key)
        if isinstance(value, int | float) and 0 <= value < 1e12:
            return round(value * factor)
    return None


def asked_a_person(decision: Any) -> bool | None:
    """Whether a person was asked for permission; None when the log does not tell."""
    source = mapping(decision).get("source")
    return source.startswith("user") if isinstance(source, str) else None


def saved_elsewhere(text: str, typed: Any) -> tuple[bool, int | None]:
    """(whether the host put the full output into a file, its size)."""
    known = mapping(typed)
    if word(known.get("persistedOutputPath")) is None and not text.startswith(_SAVED_OUTPUT):
        return False, None
    return True, count(known.get("persistedOutputSize"))
