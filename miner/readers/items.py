"""One element of a message list, whatever its dialect -> turns: messages by role, items by their type."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson

from miner.readers.blocks import block_type, call_in, first, message_turns, result_in, usage_of
from miner.readers.changed import changed
from miner.readers.clock import micros
from miner.readers.content import text_of
from miner.readers.dialects import BOTH, CALLS, RESULTS, Role
from miner.readers.turns import Turn

_ITEM_CALLS = frozenset(kind for shape in CALLS for kind in shape.types) - {"tool_use"}
_ITEM_RESULTS = frozenset(kind for shape in RESULTS for kind in shape.types) - {"tool_result"}


def is_silent(value: Any) -> bool:
    """True for an element that belongs to a message list and says nothing of its own."""
    return isinstance(value, dict) and _FIXED.get(str(value.get("type"))) == ()


Reading = Callable[[Any, int | None], list[Turn]]
"""How the turns of one element are had: ``turns_of``, or a ``Memory`` of those that were read."""


class Memory:
    """The turns of messages that a log repeats in every request: each is taken apart once."""

    def __init__(self, most: int = 1024) -> None:
        self._most = most
        self._known: OrderedDict[bytes, tuple[Turn, ...]] = OrderedDict()

    def turns_of(self, value: Any, line: int | None) -> list[Turn]:
        """The same as the function of that name, of turns that nobody else has."""
        try:
            key = hashlib.blake2b(orjson.dumps(value), digest_size=16).digest()
        except orjson.JSONEncodeError:
            return turns_of(value, line)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = tuple(turns_of(value, line))
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return [changed(turn, line=line) for turn in known]


def turns_in(items: Any, line: int | None = None, reading: Reading | None = None) -> list[Turn]:
    """The turns of a list of messages or items; an element that is neither is counted on a turn beside it."""
    if isinstance(items, str):
        return [Turn(Role.USER, items, line=line)]
    found: list[Turn] = []
    passed_over = 0
    for item in items if isinstance(items, list) else ():
        turns = (reading or turns_of)(item, line)
        passed_over += is_passed_over(item, turns)
        found += turns
    if found:
        found[-1].passed_over += passed_over
    return found


def is_passed_over(value: Any, turns: list[Turn]) -> bool:
    """Whether an element of a message list is none of the kinds that are known, though it may say something."""
    return not turns and not is_silent(value)


def turns_of(value: Any, line: int | None = None) -> list[Turn]:
    """The turns that one element of a message list holds: none for what is no message."""
    if not isinstance(value, dict):
        return []
    value = _unwrapped(value)
    kind = next((word for word in (value.get("type"), value.get("kind")) if isinstance(word, str)), "")
    special = _ITEMS.get(kind)
    if kind in _FIXED:
        found = [changed(turn) for turn in _FIXED[kind]]
    elif special is not None:
        found = special(value)
    elif "role" not in value and kind in _ITEM_CALLS | _ITEM_RESULTS:
        found = _bare_item(value)
    else:
        found = message_turns(value)
    for turn in found:
        turn.line = line
    return found


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """LangChain's serialised objects keep a message under ``kwargs`` or ``data``, and its class beside that."""
    kwargs, data = value.get("kwargs"), value.get("data")
    if (value.get("type") == "constructor" or "lc" in value) and isinstance(kwargs, dict):
        names = value.get("id")
        name = names[-1] if isinstance(names, list) and names else ""
        return {"role": name, **{key: inner for key, inner in kwargs.items() if key != "type"}}
    if isinstance(data, dict) and value.get("type") in ("human", "ai", "system", "tool", "function"):
        return {**data, "type": value["type"]}
    return value


def _bare_item(value: dict[str, Any]) -> list[Turn]:
    """A Responses item: a call, a result, or both at once; consecutive ones of the model are one step."""
    call, result = call_in(value), result_in(value)
    time = micros(first(value, "timestamp", "created_at"))
    if call is not None and (result is None or block_type(value) in BOTH):
        return [Turn(Role.MODEL, calls=(call,), results=(result,) if result else (), time_us=time, joins=True)]
    if result is not None:
        return [Turn(Role.TOOL, results=(result,), time_us=time)]
    return []


def _responses_message(value: dict[str, Any]) -> list[Turn]:
    found = message_turns(value)
    for turn in found:
        turn.joins = turn.role is Role.MODEL
    return found


def _request(value: dict[str, Any]) -> list[Turn]:
    """pydantic-ai: what was sent to the model (system, user, tool returns)."""
    found = []
    roles = {"system-prompt": Role.HARNESS, "user-prompt": Role.USER}
    for part in _parts(value):
        result, role = result_in(part), roles.get(str(part.get("part_kind")))
        time = micros(part.get("timestamp"))
        if result is not None and (result.id or result.name):
            found.append(Turn(Role.TOOL, results=(result,), time_us=time))
        elif role is not None:
            found.append(Turn(role, text_of(part.get("content")), time_us=time))
        elif result is not None:
            found.append(Turn(Role.HARNESS, result.text, time_us=time))
    return found


def _response(value: dict[str, Any]) -> list[Turn]:
    """pydantic-ai: what the model answered."""
    parts = _parts(value)
    calls = tuple(call for call in map(call_in, parts) if call is not None)
    results = tuple(result for result in map(result_in, parts) if result is not None)
    said = [str(part["content"]) for part in parts if part.get("part_kind") == "text" and part.get("content")]
    model = value.get("model_name")
    return [
        Turn(
            Role.MODEL,
            "\n".join(said) or None,
            calls,
            results,
            time_us=micros(value.get("timestamp")),
            model=model if isinstance(model, str) else None,
            tokens_in=usage_of(value.get("usage"))[0],
            tokens_out=usage_of(value.get("usage"))[1],
        )
    ]


def _parts(value: dict[str, Any], key: str = "parts") -> list[dict[str, Any]]:
    parts = value.get(key)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _autogen_calls(value: dict[str, Any]) -> list[Turn]:
    calls = tuple(c for c in (call_in({"type": "FunctionCall", **p}) for p in _parts(value, "content")) if c)
    time = micros(value.get("created_at"))
    return [Turn(Role.MODEL, calls=calls, time_us=time)]


def _autogen_results(value: dict[str, Any]) -> list[Turn]:
    parts = _parts(value, "content")
    results = tuple(r for r in (result_in({"type": "FunctionExecutionResult", **p}) for p in parts) if r)
    return [Turn(Role.TOOL, results=results, time_us=micros(value.get("created_at")))]


def _autogen_text(value: dict[str, Any]) -> list[Turn]:
    role = Role.USER if value.get("source") in ("user", "user_proxy") else Role.MODEL
    return [Turn(role, text_of(value.get("content")), time_us=micros(value.get("created_at")))]


_ITEMS: dict[str, Callable[[dict[str, Any]], list[Turn]]] = {
    "message": _responses_message,
    "request": _request,
    "response": _response,
    "ToolCallRequestEvent": _autogen_calls,
    "ToolCallExecutionEvent": _autogen_results,
    "TextMessage": _autogen_text,
}
"""Elements that say by their type what they are."""
_FIXED: dict[str, tuple[Turn, ...]] = {
    "reasoning": (Turn(Role.MODEL, joins=True),),
    "compaction": (Turn(Role.HARNESS, compacts=True),),
    "mcp_list_tools": (),
    "mcp_approval_request": (),
    "mcp_approval_response": (),
    "ToolCallSummaryMessage": (),
}
"""Elements whose content does not matter; a summary that repeats results (AutoGen) is left out."""
