"""FastMCP: a server that answers foreseen calls itself.    python examples/fastmcp_server.py

With ``--serve`` it is the same server without miner, over pipes: examples/mcp_proxy.py stands a proxy before it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import fastmcp
import library

from miner.integrations.fastmcp import speculate
from miner.runtime import Mode


def server() -> fastmcp.FastMCP:
    """The library as an MCP server."""
    made: Any = fastmcp.FastMCP("library")
    made.tool(library.search, output_schema=None)
    made.tool(library.open_page, output_schema=None)
    return made


async def play(client: fastmcp.Client[Any]) -> list[str]:
    """What the scripted agent asks for."""
    answers = []
    async with client:
        for tool, arguments in library.STEPS:
            await asyncio.sleep(library.THINK_S)
            answers.append((await client.call_tool(tool, arguments)).content[0].text)
    return answers


async def run(mode: Mode) -> tuple[list[str], list[str]]:
    """One conversation."""
    made = server()
    middleware = speculate(made, library.bundle(), library.POLICY, session_of=lambda _: "one", mode=mode)
    made.add_middleware(middleware)  # this is all
    return await play(fastmcp.Client(made)), library.how(middleware.speculator)


if __name__ == "__main__":
    if "--serve" in sys.argv:
        server().run(show_banner=False, log_level="error")
    else:
        library.compare(run)
