"""One record of a message log -> one exchange: what the model was shown, what it answered, and whose it is.

Containers are told by their keys: a list of messages, ``messages`` with a task beside it, a training line, a gateway's
request and response, a stored Responses object, a thread's state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from miner.readers.blocks import first, usage_of
from miner.readers.clock import micros
from miner.readers.content import parsed, text_of
from miner.readers.dialects import Role
from miner.readers.items import Reading, turns_in
from miner.readers.turns import Turn

LISTS = ("messages", "conversations", "conversation", "input", "contents", "history", "traj", "trajectory", "prompt")
"""Keys under which a record keeps its messages."""
SESSIONS = ("session_id", "sessionId", "conversation_id", "conversationId", "thread_id", "threadId", "chat_id")
TASKS = ("task_id", "taskId", "task", "instance_id", "problem_id", "question_id")
APPLICATIONS = ("application", "app", "domain", "project", "environment", "env")
STARTS = ("start_time", "startTime", "started_at", "request_time", "requested_at")
STAMPS = ("end_time", "endTime", "completed_at", "timestamp", "time", "created_at", "created", "ts")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one record says."""

    shown: tuple[Turn, ...]
    answer: tuple[Turn, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    """The record's own fields, for session, task, application, outcome."""
    session: str | None = None
    response: str | None = None
    previous: str | None = None
    """Id of the response that this one continues; what it shows is then no history."""
    start_us: int | None = None
    passed_over: int = 0
    """Answers that are of no known kind; messages, where none of them is."""


def exchange_of(value: Any, line: int, reading: Reading | None = None) -> Exchange | None:
    """The exchange of a record, or None when it holds no message."""
    if isinstance(value, list):
        shown = turns_in(value, line)
        return Exchange(tuple(shown)) if shown else None
    if not isinstance(value, dict):
        return None
    request = _request_of(value)
    shown = _prompt(request, line) + _shown(request, line, reading)
    response = _response_of(value)
    answer, passed_over = _answer(response, value, line)
    if not shown:
        passed_over += sum(len(request[name]) for name in LISTS if isinstance(request.get(name), list))
    if not shown and not answer:
        return None
    about = {**request, **value}
    meta = first(value, "metadata", "extra", "meta")
    session = first(value, *SESSIONS) or first(request, *SESSIONS)
    if session is None and isinstance(meta, dict):
        session = first(meta, *SESSIONS)
    previous = first(response, "previous_response_id") or request.get("previous_response_id")
    return Exchange(
        tuple(shown),
        tuple(answer),
        about,
        str(session) if isinstance(session, str | int) else None,
        _text(response.get("id")),
        _text(previous),
        micros(first(value, *STARTS)),
        passed_over,
    )


def _request_of(value: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that holds the messages."""
    for name in ("request", "body", "values", "input", "kwargs", "payload", "state"):
        inner = value.get(name)
        inner = parsed(inner) if isinstance(inner, str) and inner.startswith("{") else inner
        if isinstance(inner, dict):
            deeper = inner.get("body") if isinstance(inner.get("body"), dict) else inner
            if isinstance(deeper, dict) and any(isinstance(deeper.get(key), list) for key in LISTS):
                return deeper
    return value


def _shown(request: dict[str, Any], line: int, reading: Reading | None) -> list[Turn]:
    for name in LISTS:
        if isinstance(request.get(name), list):
            found = turns_in(request[name], line, reading)
            if found:
                return found
    text = request.get("input")
    is_responses = "output" in request or "previous_response_id" in request or "instructions" in request
    return turns_in(text, line) if isinstance(text, str) and is_responses else []


def _prompt(request: dict[str, Any], line: int) -> list[Turn]:
    """A system prompt that stands beside the messages."""
    if not any(isinstance(request.get(name), list) for name in LISTS):
        return []
    prompt = first(request, "system", "instructions", "system_prompt", "systemInstruction", "system_instruction")
    if isinstance(prompt, dict):
        prompt = prompt.get("parts")
    text = text_of(prompt) if isinstance(prompt, str | list) else None
    return [Turn(Role.HARNESS, text, line=line)] if text else []


def _response_of(value: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value.get("output"), list):
        return value
    response = first(value, "response", "completion", "output", "result")
    response = parsed(response) if isinstance(response, str) and response.startswith("{") else response
    if not isinstance(response, dict):
        return value if isinstance(value.get("choices"), list) else {}
    body = response.get("body")
    return body if isinstance(body, dict) else response


def _answer(response: dict[str, Any], value: dict[str, Any], line: int) -> tuple[list[Turn], int]:
    """The turns of the answer, and how many parts of it are none."""
    preferred = first(value, "preferred_output", "completion")
    if isinstance(preferred, list):
        return turns_in(preferred, line), 0
    message: Any = response
    for name, key in (("choices", "message"), ("candidates", "content")):
        options = response.get(name)
        if isinstance(options, list) and options and isinstance(options[0], dict):
            message = options[0].get(key)
    output = response.get("output")
    if isinstance(output, dict):
        message = output.get("message") or output
    items = output if isinstance(output, list) else [message]
    turns = turns_in(items, line)
    is_lost = message is not response and not turns
    answers = [turn for turn in turns if turn.role in (Role.MODEL, Role.TOOL)]
    others = sum(not turn.compacts for turn in turns) - sum(not turn.compacts for turn in answers)
    return _stamped(answers, response, value), is_lost + others


def _stamped(turns: list[Turn], response: dict[str, Any], value: dict[str, Any]) -> list[Turn]:
    """Model, tokens, times and the step's id from the response around an answer."""
    start = micros(first(value, *STARTS))
    end = micros(first(value, *STAMPS)) or micros(first(response, "completed_at", "created_at", "created"))
    if start is not None and end is not None and end < start:
        start = None
    tokens_in, tokens_out = usage_of(first(response, "usage", "usageMetadata") or value.get("usage"))
    model, identity = _text(first(response, "model")) or _text(value.get("model")), _text(response.get("id"))
    for index, turn in enumerate(turns):
        if turn.role is Role.MODEL:
            turn.model, turn.time_us = turn.model or model, turn.time_us or end
            turn.response, turn.start_us = identity, start
            if index == 0 and turn.tokens_in is None:
                turn.tokens_in, turn.tokens_out = tokens_in, tokens_out
    return turns


def without_demonstrations(turns: tuple[Turn, ...], *, answered: bool) -> tuple[Turn, ...]:
    """Calls before the first word of a person are examples in the prompt: text that the model sees, never its calls."""
    people = [index for index, turn in enumerate(turns) if turn.role is Role.USER]
    if not people or not any(turn.calls for turn in turns[: people[0]]):
        return turns
    # A person who comes last, with no answer, is no question that examples prepare: the calls were real.
    if not answered and not any(turn.role is Role.MODEL for turn in turns[people[0] :]):
        return turns
    return tuple(_demonstration(turn) for turn in turns[: people[0]]) + turns[people[0] :]


def _demonstration(turn: Turn) -> Turn:
    said = [turn.text or ""]
    said += [f"{call.name} {text_of(call.arguments) or ''}" for call in turn.calls]
    said += [result.text or "" for result in turn.results]
    return Turn(Role.HARNESS, "\n".join(part for part in said if part), line=turn.line)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
