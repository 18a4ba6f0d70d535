"""A server made with the MCP library, with what a proxy must pass on: progress, errors, resources."""

from __future__ import annotations

import json

from fastmcp import Context, FastMCP

FILES = {"a.txt": "alpha", "b.txt": "beta"}
server = FastMCP("files")


@server.tool(output_schema=None)
def find() -> str:
    """The files there are."""
    return json.dumps({"items": [{"path": path} for path in FILES]})


@server.tool(name="open", output_schema=None)
def opened(path: str) -> str:
    """What a file holds."""
    return FILES[path]


@server.tool(output_schema=None)
async def count(to: int, context: Context) -> str:
    """Counts, and tells each number."""
    for number in range(1, to + 1):
        await context.report_progress(number, to)
    return str(to)


@server.resource("note://one")
def note() -> str:
    """A resource."""
    return "the note"


if __name__ == "__main__":
    server.run(show_banner=False)
