"""Calls inside calls: routers, batches, and results printed as Python text, told by their shape alone.

A router is one tool through which an agent reaches many (``execute-tool{server_name, tool_name, params}``): what the
model asked for is the inner tool. ``ROUTERS`` says which argument names hold what; a call fits when its arguments are
those and nothing else, whatever the router's own name.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

from miner.readers.content import arguments_of, object_of


@dataclass(frozen=True, slots=True)
class Router:
    """Names under which a router's arguments hold the server, the tool and its parameters."""

    tool: frozenset[str]
    parameters: frozenset[str]
    server: frozenset[str] = frozenset()


_PARAMETERS = frozenset(
    {"params", "parameters", "arguments", "args", "input", "tool_input", "tool_args", "tool_arguments", "toolInput"}
)
ROUTERS = (
    Router(
        server=frozenset({"server_name", "server", "serverName", "mcp_server", "server_id", "mcp_server_name"}),
        tool=frozenset({"tool_name", "tool", "toolName", "name"}),
        parameters=_PARAMETERS,
    ),
    Router(tool=frozenset({"tool_name", "toolName"}), parameters=_PARAMETERS),
    Router(tool=frozenset({"name"}), parameters=frozenset({"arguments"})),
)
"""Tried in order. Without a server the names must be telling, or any call with a ``name`` would be a router."""

BATCH_LISTS = frozenset({"tool_uses", "tool_calls", "calls", "invocations"})
"""Argument names that hold a list of calls to be made in parallel."""
BATCH_TOOLS = ("recipient_name", "tool_name", "toolName", "tool", "name")
_TOOL_NAME = re.compile(r"[A-Za-z_][\w.:/\-]{0,127}")
_PREFIXES = ("functions.", "default_api.", "tools.")
"""Name spaces that a model's chat template adds to every tool: no part of the name."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A call as it was meant."""

    tool: str
    arguments: str
    arguments_ok: bool
    raw_tool: str | None = None
    server: str | None = None


def unwrap(name: str, raw: Any, server: str | None = None) -> list[Unwrapped]:
    """The calls that one logged call stands for: nearly always one, several for a batch.

    A tool reached through a server's router is called ``server/tool``, because two servers may have tools of one name.
    """
    arguments, value = object_of(raw)
    ok = value is not None
    if value:
        batch = _batch(value)
        if batch:
            return [
                Unwrapped(inner.tool, inner.arguments, inner.arguments_ok, name, inner.server or server)
                for tool, parameters in batch
                for inner in unwrap(tool, parameters, server)
            ]
        routed = _routed(name, value)
        if routed is not None:
            return [routed]
    plain = _plain(name)
    return [Unwrapped(plain, arguments, ok, name if plain != name else None, server)]


NAME_SPACE = "name space left out"
WITH_SERVER = "router of a server's tools"
WITHOUT_SERVER = "router or batch"


def rule_of(logged: str, tool: str, server: str | None) -> str | None:
    """The rule by which a call became one of another tool; None where a reader only spells the name otherwise."""
    if _plain(logged) == tool:
        return NAME_SPACE
    if server and tool.startswith(f"{server}/"):
        return None if logged.endswith(tool.removeprefix(f"{server}/")) else WITH_SERVER
    return WITHOUT_SERVER if logged.rpartition(".")[2].lower() not in tool.lower() else None


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix) and len(name) > len(prefix):
            return name[len(prefix) :]
    return name


def _batch(value: dict[str, Any]) -> list[tuple[str, Any]]:
    """The inner calls when the only argument is a list of calls, each a tool's name with its parameters."""
    if len(value) != 1:
        return []
    [(key, items)] = value.items()
    if key not in BATCH_LISTS or not isinstance(items, list):
        return []
    found = []
    for item in items:
        tool = next((item[k] for k in BATCH_TOOLS if isinstance(item.get(k), str)), None) if _is_call(item) else None
        if not tool:
            return []
        found.append((tool, next((item[k] for k in item if k in _PARAMETERS), None)))
    return found


def _is_call(item: Any) -> bool:
    return isinstance(item, dict) and bool(_PARAMETERS & item.keys()) and bool(set(BATCH_TOOLS) & item.keys())


def _routed(name: str, value: dict[str, Any]) -> Unwrapped | None:
    for router in ROUTERS:
        if router.tool.isdisjoint(value) or router.parameters.isdisjoint(value):
            continue
        tool = _only(value, router.tool)
        parameters = _only(value, router.parameters)
        server = _only(value, router.server)
        if tool is None or parameters is None or (router.server and server is None):
            continue
        if len(value) != 2 + (server is not None) or not _is_name(value[tool]):
            continue
        inner, ok = arguments_of(value[parameters])
        if not ok or (server is not None and not isinstance(value[server], str)):
            continue
        where = value[server] or None if server is not None else None
        called = f"{where}/{value[tool]}" if where else value[tool]
        return Unwrapped(called, inner, arguments_ok=True, raw_tool=name, server=where)
    return None


def _only(value: dict[str, Any], names: frozenset[str]) -> str | None:
    found = [key for key in value if key in names]
    return found[0] if len(found) == 1 else None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _TOOL_NAME.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class PrintedResult:
    """An MCP result that a harness wrote with ``str()``."""

    text: str
    is_error: bool | None
    """None when the harness cut the text before the flag."""


_PRINTED = re.compile(r"\s*(?:meta=.{0,4096}? )?content=\[(?:\]|(?=\w+\(type='))", re.DOTALL)
_FLAG = re.compile(r"\](?: structuredContent=.*)? isError=(True|False)\s*", re.DOTALL)
_LITERAL = re.compile(
    r"""(?P<name>\b\w+=)?(?:'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z))""", re.DOTALL
)


def printed_result(text: str) -> PrintedResult | None:
    """Text and error flag of ``meta=None content=[TextContent(type='text', text='…')] isError=False``, else None."""
    start = _PRINTED.match(text)
    if start is None:
        return None
    said, end = [], start.end() - (text[start.end() - 1] == "]")
    for literal in _LITERAL.finditer(text, end):
        closed = text.find("]", end, literal.start())
        if closed >= 0 and _FLAG.match(text, closed):
            break
        end = literal.end()
        if literal["name"] == "text=":
            said.append(_literal(literal.group()[len("text=") :]))
    flag = _FLAG.search(text, end)
    return PrintedResult("\n".join(said), flag[1] == "True" if flag else None)


def _literal(quoted: str) -> str:
    """The string that a Python literal stands for; of one that was cut, or that Python refuses, what can be had."""
    whole = quoted if len(quoted) > 1 and quoted[-1] == quoted[0] else quoted.rstrip("\\") + quoted[0]
    try:
        value = ast.literal_eval(whole)
    except (ValueError, SyntaxError, MemoryError):
        return quoted[1:]
    return value if isinstance(value, str) else quoted[1:]
