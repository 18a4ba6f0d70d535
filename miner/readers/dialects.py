"""The dialects of messages as data: who speaks, and where each kind of block keeps its call or its result.

Anthropic, Responses, Bedrock, Gemini, Vercel, LangChain, pydantic-ai, OTel GenAI and AutoGen are rows here; a new
dialect is a new row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from miner.events import Status


class Role(StrEnum):
    """Who speaks in a message."""

    HARNESS = "harness"
    USER = "user"
    MODEL = "model"
    TOOL = "tool"


ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer", "systemmessage", "system_prompt", "instructions"), Role.HARNESS),
    **dict.fromkeys(("user", "human", "humanmessage"), Role.USER),
    **dict.fromkeys(("assistant", "model", "ai", "gpt", "bot", "aimessage", "aimessagechunk", "chatbot"), Role.MODEL),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "toolmessage", "functionmessage"), Role.TOOL),
    "function_call": Role.MODEL,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one kind of block keeps its parts; the first name present wins. ``inside`` is a key that wraps the rest."""

    types: frozenset[str] = frozenset()
    inside: str | None = None
    id: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    payload: tuple[str, ...] = ()
    server: tuple[str, ...] = ()
    fixed_name: bool = False
    """The block's type is the tool's name (``web_search_call``)."""


CALLS = (
    Shape(
        frozenset({"tool_use", "server_tool_use", "mcp_tool_use"}),
        None,
        ("id",),
        ("name",),
        ("input",),
        ("server_name",),
    ),
    Shape(frozenset({"function_call"}), None, ("call_id", "id"), ("name",), ("arguments",), ("namespace",)),
    Shape(frozenset({"custom_tool_call"}), None, ("call_id", "id"), ("name",), ("input",), ("namespace",)),
    Shape(frozenset({"mcp_call"}), None, ("id",), ("name",), ("arguments",), ("server_label",)),
    Shape(frozenset({"tool_call", "server_tool_call"}), None, ("id", "tool_call_id"), ("name",), ("arguments", "args")),
    Shape(frozenset({"tool-call"}), None, ("toolCallId", "tool_call_id"), ("toolName", "tool_name"), ("input", "args")),
    Shape(frozenset({"tool-call", "builtin-tool-call"}), None, ("tool_call_id",), ("tool_name",), ("args",)),
    Shape(frozenset({"FunctionCall"}), None, ("id",), ("name",), ("arguments",)),
    Shape(inside="toolUse", id=("toolUseId",), name=("name",), payload=("input",)),
    Shape(inside="functionCall", id=("id",), name=("name",), payload=("args",)),
    Shape(inside="function_call", id=("id",), name=("name",), payload=("args", "arguments")),
    Shape(inside="toolInvocation", id=("toolCallId",), name=("toolName",), payload=("args", "input")),
    Shape(inside="function", name=("name",), payload=("arguments",)),
    Shape(inside="custom", name=("name",), payload=("input",)),
    Shape(
        frozenset(
            {
                "web_search_call",
                "file_search_call",
                "code_interpreter_call",
                "image_generation_call",
                "computer_call",
                "local_shell_call",
                "shell_call",
                "apply_patch_call",
                "tool_search_call",
            }
        ),
        None,
        ("call_id", "id"),
        (),
        ("action", "operation", "queries", "code", "arguments"),
        fixed_name=True,
    ),
)
RESULTS = (
    Shape(
        frozenset(
            {
                "tool_result",
                "web_search_tool_result",
                "web_fetch_tool_result",
                "code_execution_tool_result",
                "bash_code_execution_tool_result",
                "text_editor_code_execution_tool_result",
                "tool_search_tool_result",
                "mcp_tool_result",
            }
        ),
        None,
        ("tool_use_id",),
        (),
        ("content", "error_code"),
    ),
    Shape(
        frozenset(
            {
                "function_call_output",
                "custom_tool_call_output",
                "computer_call_output",
                "local_shell_call_output",
                "shell_call_output",
                "apply_patch_call_output",
                "tool_search_output",
            }
        ),
        None,
        ("call_id", "id"),
        (),
        ("output", "tools"),
    ),
    Shape(
        frozenset({"tool_call_response", "server_tool_call_response"}),
        None,
        ("id", "tool_call_id"),
        ("name",),
        ("response", "result"),
    ),
    Shape(
        frozenset({"tool-result", "tool-error"}),
        None,
        ("toolCallId", "tool_call_id"),
        ("toolName", "tool_name"),
        ("output", "result", "error"),
    ),
    Shape(
        frozenset({"tool-return", "builtin-tool-return", "retry-prompt"}),
        None,
        ("tool_call_id",),
        ("tool_name",),
        ("content",),
    ),
    Shape(frozenset({"FunctionExecutionResult"}), None, ("call_id",), ("name",), ("content",)),
    Shape(inside="toolResult", id=("toolUseId",), payload=("content",)),
    Shape(inside="functionResponse", id=("id",), name=("name",), payload=("response",)),
    Shape(inside="function_response", id=("id",), name=("name",), payload=("response",)),
)
BOTH = {"mcp_call": ("output", "error"), "web_search_call": (), "file_search_call": ("results",)} | {
    "code_interpreter_call": ("outputs",),
    "image_generation_call": ("result",),
}
"""Items that hold the call and its result at once."""
GOOD = {"success", "ok", "completed", "succeeded"}
BAD = {"error", "failed", "failure", "output-error"}
OTHER = {
    "denied": Status.DENIED,
    "output-denied": Status.DENIED,
    "interrupted": Status.CANCELLED,
    "cancelled": Status.CANCELLED,
    "incomplete": Status.CANCELLED,
    "timeout": Status.TIMEOUT,
}
HARNESS_TEXT = re.compile(
    r"\s*<(?P<tag>system[-_]reminder|environment_(?:context|details)|user_instructions|task-notification"
    r"|(?:local-)?command-\w+|current_uploads|turn_aborted)\b[^>]*>.*</(?P=tag)>\s*",
    re.DOTALL,
)
"""What hosts put into a person's message: it must not look like a human turn."""
