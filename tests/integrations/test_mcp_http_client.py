"""The proxy between pipes and HTTP: which version of the protocol its requests name."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

pytest.importorskip("httpx2")
mcp_types = pytest.importorskip("mcp_types")

from miner.integrations._mcp_http import reach  # noqa: E402
from miner.integrations._mcp_http_client import Upstream  # noqa: E402

OLD, NEW = "2025-06-18", "2026-07-28"
META = {mcp_types.PROTOCOL_VERSION_META_KEY: NEW}


def test_a_client_that_falls_back_to_an_older_version_is_believed() -> None:
    """A try with the newest version that nobody answered leaves no trace in the requests of the session after it."""
    seen: list[tuple[str, str]] = []
    asked = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
            message = json.loads(await reader.readexactly(length))
            version = re.search(rb"mcp-protocol-version: (\S+)", head.lower())
            seen.append((message["method"], version[1].decode() if version else ""))
            asked.release()
            if message["method"] == "server/discover":
                continue
            result = {"protocolVersion": OLD if message["method"] == "initialize" else "nonsense"}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
            writer.write(body)

    async def ask() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        async with asyncio.timeout(60), reach(url) as client:
            upstream = Upstream(url, client, {})
            sending = asyncio.create_task(upstream.run())
            for number, (method, params) in enumerate(ASKED):
                body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                upstream.write(json.dumps(body).encode() + b"\n")
                await asked.acquire()
            sending.cancel()
            await upstream.close()
            server.close()

    asyncio.run(ask())
    assert seen == [("server/discover", NEW), ("initialize", ""), ("tools/list", OLD), ("tools/list", OLD)]


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("server/discover", {"_meta": META}),
    ("initialize", {"protocolVersion": OLD}),
    ("tools/list", {}),
    ("tools/list", {}),
]
