"""A small MCP server over stdio, for tests and measurements: finds, reads and writes files that it keeps in memory.

Every request takes ``--delay`` seconds, many at once. Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

FILES = {"a.txt": "alpha", "b.txt": "beta"}
TOOLS = [
    {"name": "find", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
    {"name": "open", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
    {"name": "write", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": False}},
]
_lock = threading.Lock()


def send(message: dict[str, Any]) -> None:
    """One line, unusual in its spacing and in what it holds, so that a proxy that rewrites it shows."""
    with _lock:
        sys.stdout.write(json.dumps(message, indent=None, separators=(" , ", " :  "), ensure_ascii=False) + "\n")
        sys.stdout.flush()


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the server answers."""
    if method == "initialize":
        return {
            "protocolVersion": params.get("protocolVersion", "2025-06-18"),
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "files", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": TOOLS}
    if method != "tools/call":
        return {}
    tool, arguments = params["name"], params["arguments"]
    if tool == "find":
        text = json.dumps({"items": [{"path": path} for path in FILES]})
    elif tool == "write":
        FILES[arguments["path"]] = arguments["text"]
        text = "done"
    elif arguments["path"] not in FILES:
        return {"content": [{"type": "text", "text": "no such file"}], "isError": True}
    else:
        text = FILES[arguments["path"]]
    return {"content": [{"type": "text", "text": text}], "unknownToAll": "é"}


def answer(request: dict[str, Any], delay: float) -> None:
    """One request, in a thread of its own; whether it was made early is written to stderr."""
    params = request.get("params") or {}
    if request["method"] == "tools/call":
        who = "early" if str(request["id"]).startswith("miner-") else "asked"
        print(who, params["name"], params["arguments"].get("path"), file=sys.stderr, flush=True)
        time.sleep(delay)
    send({"jsonrpc": "2.0", "id": request["id"], "result": result_of(request["method"], params)})


def main() -> None:
    """Serves until the input ends."""
    delay = float(sys.argv[sys.argv.index("--delay") + 1]) if "--delay" in sys.argv else 0.0
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request and "method" in request:
            threading.Thread(target=answer, args=(request, delay), daemon=True).start()
    # Python aborts where a thread that it no longer waits for holds the lock of a stream: leave without its help.
    with _lock:
        os._exit(0)


if __name__ == "__main__":
    main()
