"""A server made with the MCP library, with what a proxy must pass on, and with what a server may do wrong.

Over pipes, or with ``--http PORT`` over HTTP.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from fastmcp import Context, FastMCP
from mcp_types import SamplingMessage, TextContent, ToolListChangedNotification

FILES = {"a.txt": "alpha", "b.txt": "beta"}
server = FastMCP("files")


def tell(*words: object) -> None:
    """What runs, for the test to read."""
    print("ran", *words, file=sys.stderr, flush=True)


@server.tool(output_schema=None)
def find() -> str:
    """The files there are."""
    tell("find")
    return json.dumps({"items": [{"path": path} for path in FILES]})


@server.tool(name="open", output_schema=None)
async def opened(path: str) -> str:
    """What a file holds."""
    tell("open", path)
    await asyncio.sleep(0.05)
    return FILES[path]


@server.tool(output_schema=None)
def write(path: str, text: str) -> str:
    """Changes a file."""
    FILES[path] = text
    return "done"


@server.tool(output_schema=None)
async def count(to: int, context: Context) -> str:
    """Counts, and tells each number."""
    for number in range(1, to + 1):
        await context.report_progress(number, to)
    return str(to)


@server.tool(output_schema=None)
async def think(about: str, context: Context) -> str:
    """Asks the client's model."""
    asked = SamplingMessage(role="user", content=TextContent(type="text", text=about))
    answer = await context.session.create_message([asked], max_tokens=10, related_request_id=context.request_id)
    return f"it says {answer.content.text}"


@server.tool(output_schema=None)
async def learn(context: Context) -> str:
    """Becomes a server with one more tool, and says so."""

    @server.tool(output_schema=None)
    def learned() -> str:
        """Was not there before."""
        return "new"

    await context.send_notification(ToolListChangedNotification(method="notifications/tools/list_changed"))
    return "learned"


@server.tool(output_schema=None)
def much(size: int) -> str:
    """A large answer."""
    return "x" * size


@server.tool(output_schema=None)
async def hang(seconds: float) -> str:
    """Takes its time."""
    tell("hang")
    await asyncio.sleep(seconds)
    return "at last"


@server.tool(output_schema=None)
def die() -> str:
    """Ends the server in the middle of a call."""
    os._exit(7)


@server.resource("note://one")
def note() -> str:
    """A resource."""
    return "the note"


if __name__ == "__main__":
    if "--http" in sys.argv:
        port = int(sys.argv[sys.argv.index("--http") + 1])
        stateless = "--stateless" in sys.argv
        server.run(transport="http", port=port, show_banner=False, log_level="error", stateless_http=stateless or None)
    else:
        server.run(show_banner=False)
