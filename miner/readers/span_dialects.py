"""What a span means, whatever its dialect: a tool, a model call or an agent, and what it says."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from miner.readers.blocks import first
from miner.readers.content import parsed, text_of
from miner.readers.dialects import ROLES, Role
from miner.readers.exchange import exchange_of
from miner.readers.items import turns_in, turns_of
from miner.readers.span_names import (
    ARGUMENTS,
    CALL_ID,
    INPUT,
    OLD_EVENTS,
    OUTPUT,
    PROMPT,
    SIGNS,
    TOOL_NAME,
    TOOL_SPAN_NAMES,
    WHOLE,
    WRAPPERS,
    Work,
)
from miner.readers.span_rows import Span
from miner.readers.turns import Call, Turn
from miner.readers.values import listing, word

LEVELS = 64
"""So deep are messages looked into for dotted keys and wrappers; no dialect has them deeper, and damaged logs nest
hundreds of levels."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a model was shown and answered, as far as the span tells."""

    shown: tuple[Turn, ...]
    answer: tuple[Turn, ...]


def work_of(span: Span) -> Work | None:
    """What a span is about; None for the many that only structure a trace."""
    for name, values in SIGNS:
        value = span.attributes.get(name)
        if isinstance(value, str):
            # MLflow writes every attribute as JSON.
            work = values.get(value.strip('"'))
            if work is not None:
                return work
    return Work.TOOL if span.name in TOOL_SPAN_NAMES else None


def text_attribute(span: Span, names: tuple[str, ...]) -> str | None:
    """The first of these attributes that is text."""
    value = first(span.attributes, *names)
    return value if isinstance(value, str) and value else None


def tool_call(span: Span) -> Call:
    """The call that a tool span ran; arguments are None where content was not recorded."""
    name = text_attribute(span, TOOL_NAME) or span.name.removeprefix("execute_tool ").removeprefix("tools/call ")
    raw = first(span.attributes, *ARGUMENTS)
    return Call(name or "unknown", _arguments(raw), text_attribute(span, CALL_ID))


def _arguments(raw: Any) -> Any:
    """JSON, JSON in JSON, or the print of a Python dictionary."""
    if not isinstance(raw, str):
        return raw
    value = parsed(raw)
    if value is None and raw.startswith("{'"):
        try:
            value = ast.literal_eval(raw)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return raw
    if isinstance(value, dict) and set(value) == {"inputs"} and isinstance(value["inputs"], dict):
        return value["inputs"]
    return value if isinstance(value, dict) else raw


def said(span: Span) -> Said:
    """The messages of a model span, in whichever dialect."""
    shown = [turn for name in PROMPT for turn in _prompt(span.attributes.get(name))]
    shown += next((turns for name in INPUT if (turns := _messages(span.attributes, name))), [])
    answer = next((turns for name in OUTPUT if (turns := _messages(span.attributes, name, answer=True))), [])
    answer = answer or _vercel_answer(span.attributes)
    if not shown and not answer:
        shown, answer = _from_events(span)
    if not shown and not answer:
        shown, answer = _from_whole(span.attributes)
    return Said(tuple(shown), tuple(turn for turn in answer if turn.role is Role.MODEL))


def _prompt(value: Any) -> list[Turn]:
    text = text_of(parsed(value) if isinstance(value, str) and value[:1] in '["{' else value)
    return [Turn(Role.HARNESS, text)] if text else []


def _messages(attributes: dict[str, Any], name: str, *, answer: bool = False) -> list[Turn]:
    value = attributes.get(name)
    if isinstance(value, str):
        read = parsed(value)
        value = read if read is not None else [{"role": "assistant" if answer else "user", "content": value}]
    if value is None:
        prefix = name + "."
        flat = {key[len(prefix) :]: inner for key, inner in attributes.items() if key.startswith(prefix)}
        value = nested(flat) if flat else None
    if isinstance(value, dict):
        value = value.get("messages", [value])
    return turns_in([_message(item, answer=answer) for item in value] if isinstance(value, list) else [])


def _message(item: Any, *, answer: bool) -> Any:
    """One message without its dialect's wrappers."""
    if isinstance(item, str):
        item = parsed(item)
    if not _is_plain(item):
        item = _unwrapped(nested(item))
    if not isinstance(item, dict):
        return item
    if len(item) == 1:
        [(role, content)] = item.items()
        if role in ROLES:
            return _keyed(role, content)
    item = {"role": "assistant", **item} if answer else item
    if isinstance(item.get("contents"), list) and not item.get("content"):
        item = {**item, "content": item["contents"]}
    return item


def _is_plain(value: Any, levels: int = LEVELS) -> bool:
    """Whether no key is dotted or a number, and no wrapper is around anything: most messages need no rebuilding."""
    if not levels:
        return True
    if isinstance(value, list):
        return all(_is_plain(item, levels - 1) for item in value)
    if not isinstance(value, dict):
        return True
    for key, inner in value.items():
        if type(key) is not str or "." in key or key.isdigit() or (key in WRAPPERS and len(value) == 1):
            return False
        if isinstance(inner, dict | list) and not _is_plain(inner, levels - 1):
            return False
    return True


def _keyed(role: str, content: Any) -> dict[str, Any]:
    """Monocle: ``{"ai": words}``, ``{"ai": {name, args, id}}``, ``{"tool": words}``."""
    calls = content if isinstance(content, list) else [content]
    if ROLES[role] is Role.MODEL and all(isinstance(c, dict) and "name" in c and "args" in c for c in calls):
        return {"role": role, "tool_calls": calls}
    return {"role": role, "content": content}


def _unwrapped(value: Any, levels: int = LEVELS) -> Any:
    if not levels:
        return value
    if isinstance(value, list):
        return [_unwrapped(item, levels - 1) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(key, inner)] = value.items()
        if key in WRAPPERS and isinstance(inner, dict):
            return _unwrapped(inner, levels - 1)
    return {key: _unwrapped(inner, levels - 1) for key, inner in value.items()}


def nested(value: Any, levels: int = LEVELS) -> Any:
    """``{"0.message.role": "user"}`` as ``[{"message": {"role": "user"}}]``: dotted keys become objects and lists.

    What lies more than ``levels`` deep stays as it is.
    """
    if not levels:
        return value
    if isinstance(value, list):
        return [nested(item, levels - 1) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        at = found
        name = str(key)
        *steps, last = [name] if name.startswith(".") or name.count(".") > levels else name.split(".")
        for step in steps:
            below = at.setdefault(step, {})
            if not isinstance(below, dict):
                below = at[step] = {}
            at = below
        deeper = nested(inner, levels - 1)
        known = at.get(last)
        at[last] = {**known, **deeper} if isinstance(known, dict) and isinstance(deeper, dict) else deeper
    return _lists(found, levels)


def _lists(value: Any, levels: int) -> Any:
    if not levels or not isinstance(value, dict):
        return value
    inner = {key: _lists(item, levels - 1) for key, item in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _vercel_answer(attributes: dict[str, Any]) -> list[Turn]:
    text, calls = attributes.get("ai.response.text"), attributes.get("ai.response.toolCalls")
    calls = parsed(calls) if isinstance(calls, str) else calls
    if not isinstance(text, str) and not isinstance(calls, list):
        return []
    parts = [{"type": "tool-call", **call} for call in listing(calls) if isinstance(call, dict)]
    words = [{"type": "text", "text": text}] if isinstance(text, str) and text else []
    return turns_of({"role": "assistant", "content": [*words, *parts]})


def _from_events(span: Span) -> tuple[list[Turn], list[Turn]]:
    """Conventions before messages were attributes: an event for each message, and ``gen_ai.choice`` for the answer."""
    listed = first(span.attributes, "events", "all_messages_events")
    listed = parsed(listed) if isinstance(listed, str) else listed
    events = [{**e, "name": e.get("event.name")} for e in listing(listed) if isinstance(e, dict)] or list(span.events)
    shown: list[Turn] = []
    answer: list[Turn] = []
    for event in events:
        name = word(event.get("name"))
        if name == "gen_ai.choice":
            message = event.get("message")
            message = parsed(message) if isinstance(message, str) else message
            answer += turns_of({"role": "assistant", **(message if isinstance(message, dict) else event)})
        elif name in OLD_EVENTS:
            body = {key: inner for key, inner in event.items() if key != "name"}
            if OLD_EVENTS[name] == "tool":
                body.setdefault("tool_call_id", event.get("id"))
            shown += turns_of({"role": OLD_EVENTS[name], **body})
    return shown, answer


def _from_whole(attributes: dict[str, Any]) -> tuple[list[Turn], list[Turn]]:
    for request_name, response_name in WHOLE:
        request, response = attributes.get(request_name), attributes.get(response_name)
        request = parsed(request) if isinstance(request, str) else request
        response = parsed(response) if isinstance(response, str) else response
        if isinstance(request, list):
            request = {"messages": request[0] if request and isinstance(request[0], list) else request}
        if isinstance(request, dict) or isinstance(response, dict):
            exchange = exchange_of({"request": request, "response": response}, 0)
            if exchange is not None:
                for turn in exchange.answer[:1]:
                    turn.passed_over += exchange.passed_over
                return list(exchange.shown), list(exchange.answer)
        if isinstance(response, list):
            return [], turns_in(response, 0)
    return [], []
