"""What the fields of Codex's lines mean: who speaks, how a call ended, when it ran. Pure functions, one at a time."""

from __future__ import annotations

import re
import shlex
from typing import Any

from miner.events import Caller, Status
from miner.readers.blocks import first
from miner.readers.clock import micros
from miner.readers.content import parsed, text_of
from miner.readers.dialects import HARNESS_TEXT, Role
from miner.readers.telling import Fact
from miner.readers.turns import Call, Result
from miner.readers.values import count, flag, integer, mapping, word

CALLS = frozenset(
    {"function_call", "custom_tool_call", "local_shell_call", "web_search_call", "tool_search_call"}
    | {"image_generation_call"}
)
OUTPUTS = frozenset(
    {"function_call_output", "custom_tool_call_output", "local_shell_call_output", "tool_search_output"}
)
_FIXED = {
    "local_shell_call": ("shell", "action"),
    "web_search_call": ("web_search", "action"),
    "tool_search_call": ("tool_search", "arguments"),
    "image_generation_call": ("image_generation", "revised_prompt"),
}
"""Items whose type is the tool: its name, and where its arguments stand."""
_EXECUTIONS = frozenset(
    {"CommandExecution", "McpToolCall", "FileChange", "exec_command_end", "mcp_tool_call_end", "patch_apply_end"}
)
_MCP = "mcp__"
_STATUS = {
    "completed": Status.OK,
    "success": Status.OK,
    "failed": Status.ERROR,
    "declined": Status.DENIED,
    "aborted": Status.CANCELLED,
    "in_progress": Status.RUNNING,
}
_EXIT = re.compile(r"^(?:Exit code: |Process exited with code )(-?\d{1,9})\s*$", re.MULTILINE)
_WALL = re.compile(r"^Wall time: (\d{1,9}(?:\.\d+)?) seconds\s*$", re.MULTILINE)
_RUNNING = re.compile(r"^Process running with session ID ", re.MULTILINE)
_HEAD = 600
"""The summary of an execution stands in the first lines of its text; further down speaks the command."""
_CANCELLED = re.compile(r"(?:aborted by user|command was interrupted|aborted)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"(?:exec(?:_command)? (?:failed[^\n]{0,80})?)?rejected by user|[^\n]{0,80}\brejected by user\b", re.IGNORECASE
)
_TIMEOUT = re.compile(r"(?:execution error: )?command timed out\b", re.IGNORECASE)
_INJECTED = re.compile(
    r"\s*(?:# AGENTS\.md|<(?:environment_context|user_instructions|permissions|skills?|apps?_instructions|INSTRUCTIONS|"
    r"turn_aborted|subagent_notification|collaboration_mode|user_shell_command)\b)"
)


def speaker(item: dict[str, Any], text: str) -> Role:
    """Who speaks in a message item; hosts put instructions and surroundings into the user's role."""
    role = item.get("role")
    if role == "assistant":
        return Role.MODEL
    if role != "user":
        return Role.HARNESS
    kinds = mapping(item.get("internal_chat_message_metadata_passthrough")).get("content_item_kinds")
    kinds = kinds if isinstance(kinds, list) else item.get("content_item_kinds")
    if isinstance(kinds, list) and kinds:
        return Role.USER if any(kind == "user.text" for kind in kinds) else Role.HARNESS
    return Role.HARNESS if _INJECTED.match(text) or HARNESS_TEXT.fullmatch(text) else Role.USER


def call_of(item: dict[str, Any]) -> Call | None:
    """The call of a response item; arguments are JSON text, or the raw text of a custom tool."""
    kind = str(item.get("type"))
    identity = word(item.get("call_id")) or word(item.get("id"))
    if kind in _FIXED:
        name, key = _FIXED[kind]
        return Call(name, item.get(key), identity)
    bare = word(item.get("name"))
    if bare is None:
        return None
    name = bare
    space = (word(item.get("namespace")) or "").rstrip("_")
    if space:
        name = f"{space}__{name}" if space.startswith(_MCP) else f"{space}.{name}"
    return Call(
        name, item.get("arguments") if kind == "function_call" else item.get("input"), identity, server_of(name)
    )


def server_of(name: str) -> str | None:
    """The MCP server in a tool's full name."""
    parts = name.split("__", 2)
    return parts[1] if len(parts) == 3 and name.startswith(_MCP) else None


def result_of(item: dict[str, Any]) -> Result:
    """The result of an output item: only its text says how it ended."""
    output = first(item, "output", "tools")
    text = text_of(output)
    structured = parsed(text) if text and text.startswith("{") else None
    metadata = mapping(mapping(structured).get("metadata"))
    if metadata and "output" in mapping(structured):
        # The older wrapping of a command's output.
        text = text_of(mapping(structured)["output"])
        code = metadata.get("exit_code")
        return Result(text, word(item.get("call_id")), status=said_status(text), exit_code=integer(code))
    code = exit_code(text)
    return Result(text, word(item.get("call_id")) or word(item.get("id")), status=said_status(text), exit_code=code)


def said_status(text: str | None) -> Status:
    """How a call ended by the words of its output alone; what the words do not say stays unknown."""
    if not text:
        return Status.UNKNOWN
    for pattern, status in ((_CANCELLED, Status.CANCELLED), (_DENIED, Status.DENIED), (_TIMEOUT, Status.TIMEOUT)):
        if pattern.match(text):
            return status
    return Status.RUNNING if _RUNNING.search(text[:_HEAD]) else Status.UNKNOWN


def exit_code(text: str | None) -> int | None:
    """The exit code in the first lines of an output."""
    found = _EXIT.search(text[:_HEAD]) if text else None
    return int(found[1]) if found else None


def wall_us(item: dict[str, Any]) -> int | None:
    """How long the output itself says the command ran."""
    text = text_of(first(item, "output", "tools")) or ""
    found = _WALL.search(text[:_HEAD])
    if found:
        return round(float(found[1]) * 1e6)
    seconds = mapping(mapping(parsed(text) if text.startswith("{") else None).get("metadata")).get("duration_seconds")
    return round(seconds * 1e6) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else None


def fact_of(event: dict[str, Any]) -> tuple[str, Fact] | None:
    """(call id, what it says) of an event that tells how a call ran: ``item_completed``, or an older end event."""
    item = mapping(event.get("item")) or event
    identity = word(item.get("id")) if item is not event else word(event.get("call_id"))
    if identity is None:
        return None
    result = mapping(item.get("result"))
    result = mapping(first(result, "Ok", "ok")) or result
    status = _STATUS.get(str(item.get("status")))
    failed = first(result, "isError", "is_error")
    if failed is True:
        status = Status.ERROR
    code, hint = item.get("exit_code"), first(item, "readOnlyHint", "read_only_hint")
    start, end = micros(event.get("started_at_ms")), micros(event.get("completed_at_ms"))
    return identity, Fact(
        start_us=start,
        end_us=end,
        status=status,
        native_error=flag(failed),
        exit_code=integer(code),
        read_only=flag(hint),
        structured=first(result, "structuredContent", "structured_content"),
    )


def is_execution(event: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether an event may tell that a call of the model ran; what a person ran is repeated in a message."""
    kind = word((item or event).get("type"))
    return (kind is None or kind in _EXECUTIONS) and word((item or event).get("source")) not in (
        "user_shell",
        "userShell",
    )


def nested_call(item: dict[str, Any]) -> Call | None:
    """The call of an item that a program made: only these leave a trace of their arguments."""
    kind, identity = item.get("type"), word(item.get("id"))
    if kind == "CommandExecution":
        return Call("exec_command", {"cmd": _command(item.get("command"))}, identity, caller=Caller.PROGRAM)
    if kind == "McpToolCall" and word(item.get("tool")):
        server = (word(item.get("server")) or "").rstrip("_")
        name = f"{_MCP}{server}__{item['tool']}" if server else str(item["tool"])
        return Call(name, item.get("arguments"), identity, server or None, Caller.PROGRAM)
    if kind == "FileChange":
        return Call("apply_patch", {"changes": item.get("changes")}, identity, caller=Caller.PROGRAM)
    if kind == "WebSearch":
        return Call("web_search", {"query": item.get("query")}, identity, caller=Caller.PROGRAM)
    return None


def nested_text(item: dict[str, Any]) -> str | None:
    """What a nested call brought back to its program."""
    result = mapping(item.get("result"))
    result = mapping(first(result, "Ok", "ok")) or result
    return text_of(first(item, "aggregated_output", "output") if "content" not in result else result["content"])


def _command(command: Any) -> str:
    """The command line as the model wrote it, without the shell that runs it."""
    if not isinstance(command, list):
        return command if isinstance(command, str) else ""
    parts = [str(part) for part in command]
    return parts[2] if len(parts) == 3 and parts[1] in ("-lc", "-c") else shlex.join(parts)


def tokens_of(usage: Any) -> tuple[int | None, int | None]:
    """(prompt tokens, which here hold the cached ones, completion tokens)."""
    return count(mapping(usage).get("input_tokens")), count(mapping(usage).get("output_tokens"))
