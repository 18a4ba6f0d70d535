"""MCP messages on the wire, looked at just enough to know what passes; whatever is not understood stays bytes.

An MCP library would parse every message into its own types and write it anew, and so could not keep what it does not
know. Here a line is read, never rewritten: only the id of an answer is exchanged, and only when the answer is ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

HARMLESS = frozenset(
    {
        "completion/complete",
        "initialize",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/subscribe",
        "resources/templates/list",
        "resources/unsubscribe",
        "server/discover",
        "subscriptions/listen",
        "tools/list",
    }
)
"""Requests of a client that change nothing that a tool reads. Any other but ``tools/call`` may change everything."""
_NOT_COMPARED = frozenset({"progressToken", "traceparent", "tracestate", "baggage"})
"""Entries of ``_meta`` that differ from call to call and do not change the answer."""


_WAYS = [(separators, ascii_only) for separators in ((",", ":"), (", ", ": ")) for ascii_only in (False, True)]
"""How libraries write JSON: JavaScript's and pydantic's way first, then those of Python's own."""


class Message(NamedTuple):
    """A JSON-RPC message."""

    id: str | None
    """As JSON text, because ``1`` and ``"1"`` are two ids."""
    method: str | None
    body: dict[str, Any]

    @property
    def is_request(self) -> bool:
        """It asks for an answer."""
        return self.method is not None and self.id is not None

    @property
    def is_response(self) -> bool:
        """It answers a request."""
        return self.method is None and self.id is not None


class ToolCall(NamedTuple):
    """The parameters of a ``tools/call`` request."""

    tool: str
    arguments: dict[str, Any]
    meta: str
    """What else the server is told, as JSON text; ids of progress and traces apart."""
    exact: bool
    """True when the request holds nothing that is not understood, so that an early answer may serve it."""


def read(line: bytes) -> Message | None:
    """The message of a line; None for anything that is not understood, such as a batch."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    id_, method = body.get("id"), body.get("method")
    if not (method is None or isinstance(method, str)):
        return None
    return Message(None if id_ is None else json.dumps(id_), method, body)


def tool_call(message: Message, line: bytes) -> ToolCall | None:
    """What a ``tools/call`` request asks for; None when it cannot be told."""
    params = message.body.get("params")
    if not isinstance(params, dict):
        return None
    tool, arguments, meta = params.get("name"), params.get("arguments", {}), params.get("_meta", {})
    if not (isinstance(tool, str) and isinstance(arguments, dict) and isinstance(meta, dict)):
        return None
    rest = {name: value for name, value in meta.items() if name not in _NOT_COMPARED}
    exact = params.keys() - {"_meta"} == {"name", "arguments"} and not _repeats_a_name(line)
    return ToolCall(tool, arguments, json.dumps(rest, sort_keys=True), exact)


def tool_request(id_: str, tool: str, arguments: Mapping[str, Any], meta: str) -> bytes:
    """The line of a ``tools/call`` request of our own."""
    params: dict[str, Any] = {"name": tool, "arguments": arguments}
    if meta != "{}":
        params["_meta"] = json.loads(meta)
    return _line({"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params})


def list_request(id_: str, cursor: Any = None) -> bytes:
    """The line of a ``tools/list`` request of our own."""
    params = {} if cursor is None else {"cursor": cursor}
    return _line({"jsonrpc": "2.0", "id": id_, "method": "tools/list", "params": params})


def cancellation(id_: str) -> bytes:
    """The line that takes back a request of our own."""
    return _line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id_}})


def refusal(id_: str) -> bytes:
    """The line that answers a server's question which nobody may see, because only a speculation led to it."""
    error = {"code": -32601, "message": "not available"}
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}\n' % (id_.encode(), json.dumps(error).encode())


def readdressed(line: bytes, ours: str, theirs: str) -> bytes | None:
    """An answer to our id as an answer to theirs, every other byte as the server wrote it.

    None when our id, which nobody can guess, stands anywhere else in it too.
    """
    quoted = json.dumps(ours).encode()
    return line.replace(quoted, theirs.encode()) if line.count(quoted) == 1 else None


def rewritten(line: bytes, body: Mapping[str, Any], new: Mapping[str, Any]) -> bytes | None:
    """A line that says something else in the same way: blanks and escapes are as in the one given.

    None when none of the ways that are known would have written that one, byte for byte.
    """
    end = line[len(line.rstrip(b"\r\n")) :]
    for separators, ascii_only in _WAYS:
        write = json.JSONEncoder(separators=separators, ensure_ascii=ascii_only).encode
        try:
            if write(body).encode() + end == line:
                return write(new).encode() + end
        except ValueError:
            continue  # half of a character that only an escape can say
    return None


def is_fine(message: Message) -> bool:
    """True for an answer that may be given out as that of another call: complete, and no error of any kind."""
    result = message.body.get("result")
    if not isinstance(result, dict) or result.get("isError") is True or "task" in result:
        return False
    return bool(result.get("resultType", "complete") == "complete")


def tools_of(message: Message) -> list[dict[str, Any]]:
    """The tools of an answer to ``tools/list``."""
    result = message.body.get("result")
    tools = result.get("tools") if isinstance(result, dict) else None
    listed = tools if isinstance(tools, list) else []
    return [tool for tool in listed if isinstance(tool, dict) and isinstance(tool.get("name"), str)]


def error(id_: str, text: str) -> bytes:
    """The line that answers a request which no server will answer any more; the id is JSON text."""
    fault = {"code": -32000, "message": text}
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}\n' % (id_.encode(), json.dumps(fault).encode())


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def _repeats_a_name(line: bytes) -> bool:
    """True when an object has a name twice: servers differ in which value they take."""
    repeated = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        repeated.append(len({name for name, _ in pairs}) < len(pairs))

    json.loads(line, object_pairs_hook=look)
    return any(repeated)
