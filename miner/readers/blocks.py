"""One message of any dialect -> one ``Turn``: who spoke, what was said, which calls were asked for, what came back.

Where each dialect keeps id, tool, arguments and result is data, in ``dialects``.
"""

from __future__ import annotations

import functools
from typing import Any

from miner.events import Caller, Status
from miner.readers.clock import micros
from miner.readers.content import parsed, text_of
from miner.readers.dialects import BAD, BOTH, CALLS, GOOD, HARNESS_TEXT, OTHER, RESULTS, ROLES, Role, Shape
from miner.readers.turns import Call, Result, Turn
from miner.readers.unwrap import printed_result
from miner.readers.values import count


def first(value: dict[str, Any], *names: str) -> Any:
    """The value under the first of these names that is there and not None."""
    for name in names:
        found = value.get(name)
        if found is not None:
            return found
    return None


def block_type(block: dict[str, Any]) -> str | None:
    """What kind of block it says it is."""
    kind = first(block, "type", "part_kind")
    return kind if isinstance(kind, str) else None


def call_in(block: dict[str, Any]) -> Call | None:
    """The call that a block holds."""
    found = _shaped(block, CALLS)
    if found is None:
        flat = block.get("name"), first(block, "arguments", "args", "input")
        if (
            isinstance(flat[0], str)
            and flat[0]
            and block_type(block) in (None, "tool_call", "function", "invalid_tool_call")
        ):
            return Call(flat[0], flat[1], _id(block.get("id")), None, _caller(block))
        return None
    shape, body = found
    name = block_type(block) if shape.fixed_name else first(body, *shape.name)
    if not isinstance(name, str) or not name:
        return None
    name = name.removesuffix("_call") if shape.fixed_name else name
    server = first(body, *shape.server)
    payload = first(body, *shape.payload)
    identity = first(body, *shape.id) if shape.id else first(block, "id", "call_id")
    return Call(name, payload, _id(identity), server if isinstance(server, str) else None, _caller(block))


def result_in(block: dict[str, Any]) -> Result | None:
    """The result that a block holds."""
    found = _shaped(block, RESULTS)
    if found is not None:
        shape, body = found
        name = first(body, *shape.name) if shape.name else None
        return make_result(first(body, *shape.payload), body, _id(first(body, *shape.id)), name, block_type(block))
    kind = block_type(block)
    if kind in BOTH and any(block.get(key) is not None for key in (*BOTH[kind], "status")):
        return make_result(first(block, *BOTH[kind]) if BOTH[kind] else None, block, _id(first(block, "call_id", "id")))
    invocation = block.get("toolInvocation") if isinstance(block.get("toolInvocation"), dict) else block
    state = invocation.get("state") if isinstance(invocation, dict) else None
    if isinstance(invocation, dict) and state in ("result", "output-available", "output-error", "output-denied"):
        content = first(invocation, "result", "output", "errorText")
        return make_result(content, invocation | {"status": state}, _id(invocation.get("toolCallId")))
    return None


def make_result(
    content: Any, holder: dict[str, Any], identity: str | None, name: Any = None, kind: str | None = None
) -> Result:
    """A result with the status that its holder states; a log that states none leaves it unknown."""
    status, error = _status(content, holder, kind)
    structured = content if isinstance(content, dict) and "type" not in content else None
    if isinstance(content, dict) and content.get("type") in ("text", "json", "error-text", "error-json", "content"):
        structured = content.get("value") if content["type"] == "json" else None
        content = content.get("value", content.get("text"))
    text = text_of(content)
    printed = printed_result(text) if text else None
    if printed is not None:
        text, error = printed.text, printed.is_error
        status = {True: Status.ERROR, False: Status.OK, None: Status.UNKNOWN}[error]
    code = first(holder, "exit_code", "returncode")
    return Result(
        text,
        identity,
        name if isinstance(name, str) else None,
        status,
        error,
        structured,
        code if type(code) is int else None,
        truncated=printed is not None and printed.is_error is None,
    )


def _status(content: Any, holder: dict[str, Any], kind: str | None) -> tuple[Status, bool | None]:
    flag = first(holder, "is_error", "isError", "error")
    if isinstance(flag, bool):
        return (Status.ERROR if flag else Status.OK), flag
    word = first(holder, "status", "outcome")
    if isinstance(word, str) and word.lower() in OTHER:
        return OTHER[word.lower()], True
    bad_word = isinstance(word, str) and word.lower() in BAD
    if bad_word or kind in ("retry-prompt", "tool-error") or (flag is not None and flag != ""):
        return Status.ERROR, True
    if isinstance(content, dict) and str(content.get("type", "")).startswith("error"):
        return Status.ERROR, True
    if isinstance(content, dict) and str(content.get("type", "")).endswith("_error"):
        return Status.ERROR, True
    if "error_code" in holder:
        return Status.ERROR, True
    if kind is None and isinstance(content, dict) and set(content) == {"error"}:
        return Status.ERROR, True
    if isinstance(word, str) and word.lower() in GOOD:
        return Status.OK, False
    # Anthropic: a flag that is absent, null or false says the same.
    if kind is not None and kind.endswith("tool_result"):
        return Status.OK, None
    return Status.UNKNOWN, None


def _shaped(block: dict[str, Any], shapes: tuple[Shape, ...]) -> tuple[Shape, dict[str, Any]] | None:
    kind = block_type(block)
    if kind not in _TYPED and _INSIDE.isdisjoint(block) and not (kind is not None and kind.startswith("tool-")):
        return None
    for shape in _candidates(kind, is_result=shapes is RESULTS):
        if shape.inside is not None:
            inner = block.get(shape.inside)
            if isinstance(inner, dict):
                return shape, inner
        elif shapes is RESULTS or not shape.name or first(block, *shape.name) is not None:
            return shape, block
    if (
        shapes is CALLS
        and kind is not None
        and kind.startswith("tool-")
        and "toolCallId" in block
        and kind not in _TYPED
    ):
        body = block | {"toolName": block.get("toolName") or kind.removeprefix("tool-")}
        return _UI_PART, body
    return None


@functools.lru_cache(maxsize=256)
def _candidates(kind: str | None, *, is_result: bool) -> tuple[Shape, ...]:
    """The shapes that a block of this kind may have."""
    shapes = RESULTS if is_result else CALLS
    return tuple(shape for shape in shapes if shape.inside is not None or kind in shape.types)


_TYPED = frozenset(kind for shape in (*CALLS, *RESULTS) for kind in shape.types)
_INSIDE = frozenset(shape.inside for shape in (*CALLS, *RESULTS) if shape.inside is not None)
_UI_PART = Shape(id=("toolCallId",), name=("toolName",), payload=("input", "args"))


def _id(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _caller(block: dict[str, Any]) -> Caller:
    """Code that the model wrote may call tools too; the log then names the program as caller."""
    caller = block.get("caller")
    kind = caller.get("type") if isinstance(caller, dict) else None
    if isinstance(kind, str) and (kind == "program" or kind.startswith("code_execution")):
        return Caller.PROGRAM
    return Caller.USER if block.get("requestor") == "user" else Caller.MODEL


def usage_of(usage: Any) -> tuple[int | None, int | None]:
    """(prompt tokens with cached ones, completion tokens), whatever the provider counts as input."""
    if not isinstance(usage, dict):
        return None, None
    tokens_in = first(usage, "prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount")
    tokens_out = first(usage, "completion_tokens", "output_tokens", "completionTokens", "outputTokens")
    if type(tokens_in) is int and "input_tokens" in usage:
        # Anthropic leaves cached tokens out of its input; OpenAI keeps them in, under another name.
        cached = (usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens"))
        tokens_in += sum(part for part in cached if type(part) is int)
    return count(tokens_in), count(tokens_out)


def role_of(value: dict[str, Any]) -> Role | None:
    """Who speaks in this message, or None when it is no message."""
    for name in ("role", "from", "type", "kind"):
        word = value.get(name)
        if isinstance(word, str) and word.lower() in ROLES:
            return ROLES[word.lower()]
    return None


def message_turns(value: dict[str, Any]) -> list[Turn]:
    """The turns of one message: one, or two where results and words of a person share it."""
    role = role_of(value)
    if role is None:
        return []
    content = first(value, "content", "parts", "value", "text")
    blocks = [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []
    calls, results, said = _split(blocks, content)
    listed, nameless = _listed_calls(value)
    calls += listed
    tokens_in, tokens_out, model, time = (None,) * 4 if value.keys() <= _BARE else _about(value)
    text = text_of(said)
    if role is Role.USER and text and HARNESS_TEXT.fullmatch(text):
        role = Role.HARNESS
    uid = _id(first(value, "id", "uuid")) if role is not Role.TOOL else None
    came = tuple(results)
    if role is Role.TOOL:
        came = came or (_tool_message(value, content),)
        found = [Turn(role, None, (), came, uid, time, model, tokens_in, tokens_out)]
    elif role is Role.MODEL:
        found = [Turn(role, text, tuple(calls), came, uid, time, model, tokens_in, tokens_out)]
    else:
        found = [Turn(Role.TOOL, None, (), came, uid, time, model, tokens_in, tokens_out)] if came else []
        if text or calls or not came:
            found.append(Turn(role, text, tuple(calls), (), uid, time, model, tokens_in, tokens_out))
    found[0].passed_over = nameless
    return found


_BARE = frozenset({"role", "content", "tool_calls", "tool_call_id", "name", "type", "id"})
"""The keys of a message that says nothing about itself, as nearly all do."""


def _about(value: dict[str, Any]) -> tuple[int | None, int | None, str | None, int | None]:
    """(prompt tokens, completion tokens, model, time) of a message."""
    tokens_in, tokens_out = usage_of(first(value, "usage", "usage_metadata"))
    meta = value.get("response_metadata")
    model = first(value, "model", "model_name") or (meta.get("model_name") if isinstance(meta, dict) else None)
    time = micros(first(value, "timestamp", "created_at", "createdAt", "ts", "time"))
    return tokens_in, tokens_out, model if isinstance(model, str) else None, time


def _split(blocks: list[dict[str, Any]], content: Any) -> tuple[list[Call], list[Result], Any]:
    """Calls and results out of content blocks, and what is left: the words."""
    if not blocks:
        return [], [], content
    calls, results, words = [], [], []
    for block in content:
        speaks = isinstance(block, dict) and not _is_words(block)
        call = call_in(block) if speaks else None
        result = result_in(block) if speaks else None
        if call is not None:
            calls.append(call)
        if result is not None:
            results.append(result)
        if call is None and result is None:
            words.append(block)
    return calls, results, words


def _is_words(block: dict[str, Any]) -> bool:
    return block_type(block) in ("text", "input_text", "output_text", "thinking", "reasoning", "image", "image_url")


def _listed_calls(value: dict[str, Any]) -> tuple[list[Call], int]:
    """Calls beside the content (``tool_calls``, and the older single ``function_call``), and how many lack a name."""
    if _LISTED.isdisjoint(value):
        return [], 0
    listed = first(value, "tool_calls", "toolCalls")
    extra = value.get("additional_kwargs")
    if not listed and isinstance(extra, dict):
        listed = extra.get("tool_calls")
    entries = listed if isinstance(listed, list) else []
    invalid = value.get("invalid_tool_calls")
    entries = [*entries, *(invalid if isinstance(invalid, list) else [])]
    calls = [call for call in (call_in(entry) for entry in entries if isinstance(entry, dict)) if call is not None]
    nameless = len(entries) - len(calls)
    single = value.get("function_call")
    if not calls and isinstance(single, dict) and isinstance(single.get("name"), str):
        calls.append(Call(single["name"], first(single, "arguments", "args")))
    if not calls and value.get("from") == "function_call" and isinstance(value.get("value"), str):
        written = parsed(value["value"])
        if isinstance(written, dict) and isinstance(written.get("name"), str):
            calls.append(Call(written["name"], first(written, "arguments", "parameters")))
    return calls, nameless


_LISTED = frozenset({"tool_calls", "toolCalls", "additional_kwargs", "invalid_tool_calls", "function_call", "from"})


def _tool_message(value: dict[str, Any], content: Any) -> Result:
    identity = _id(first(value, "tool_call_id", "toolCallId", "call_id"))
    if identity is None and "tool_call_id" not in value:
        identity = _id(value.get("id"))
    return make_result(content, value, identity, value.get("name"))
