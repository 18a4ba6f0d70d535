"""The MCP proxy over pipes: a client at our own stdin and stdout, a server that we start or that has an address."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ._mcp_relay import Write
    from .mcp_proxy import Proxy

_CHUNK = 1 << 16
_PATIENCE_S = 5.0
"""How long a server may take to end after its input was closed, and again after it was asked to."""


async def serve(command: Sequence[str], proxy: Proxy) -> int:
    """Relays until one side ends; the server's exit code, 128 and the number of the signal that ended it.

    Args:
        command: starts the server.
        proxy: what predicts and decides.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    to_server, from_server = started(process)
    from_client, to_client = await _own_pipes()
    relay = proxy.connect(to_client.write, to_server.write)
    client = asyncio.create_task(pump(from_client, relay.from_client, to_server))
    server = asyncio.create_task(pump(from_server, relay.from_server, to_client))
    _on_signal(client.cancel)
    try:
        await asyncio.wait({client, server}, return_when=asyncio.FIRST_COMPLETED)
        to_server.close()
        await asyncio.wait({server}, timeout=_PATIENCE_S)
    finally:
        await relay.close()
        await proxy.close()
        client.cancel()
        server.cancel()
        await asyncio.gather(client, server, return_exceptions=True)
        code = await ended(process)
        with suppress(ConnectionError):
            await to_client.drain()
        to_client.close()
    return code


async def serve_address(url: str, proxy: Proxy, headers: Mapping[str, str]) -> int:
    """Relays between our own pipes and a server over HTTP until the client ends."""
    from ._mcp_http import reach
    from ._mcp_http_client import Upstream

    from_client, to_client = await _own_pipes()
    async with reach(url) as server:
        upstream = Upstream(url, server, headers)
        upstream.relay = relay = proxy.connect(to_client.write, upstream.write)
        client = asyncio.create_task(pump(from_client, relay.from_client, None))
        sending = asyncio.create_task(upstream.run())
        _on_signal(client.cancel)
        try:
            await asyncio.wait({client, sending}, return_when=asyncio.FIRST_COMPLETED)
            await upstream.finished(_PATIENCE_S)
        finally:
            await relay.close()
            await proxy.close()
            for task in (client, sending):
                task.cancel()
            await asyncio.gather(client, sending, return_exceptions=True)
            await upstream.close()
            with suppress(ConnectionError):
                await to_client.drain()
            to_client.close()
    return 0


def started(process: asyncio.subprocess.Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    """The pipes of a server that was started with both."""
    if process.stdin is None or process.stdout is None:
        raise BrokenPipeError("the server has no pipes")
    return process.stdin, process.stdout


async def pump(source: asyncio.StreamReader, take: Write, target: asyncio.StreamWriter | None) -> None:
    """Hands over each line as it is complete, at most as fast as the other side reads; the last may lack its end."""
    rest: list[bytes] = []
    with suppress(ConnectionError):
        while chunk := await source.read(_CHUNK):
            first, newline, more = chunk.partition(b"\n")
            if not newline:
                rest.append(chunk)
                continue
            take(b"".join((*rest, first, newline)))
            *lines, last = more.split(b"\n")
            for line in lines:
                take(line + b"\n")
            rest = [last] if last else []
            if target is not None:
                await target.drain()
        if rest:
            take(b"".join(rest))


async def ended(process: asyncio.subprocess.Process) -> int:
    """The exit code of a server whose input is closed; it is asked, then made, to end."""
    for stop in (process.terminate, process.kill):
        with suppress(TimeoutError):
            return _exit_code(await asyncio.wait_for(process.wait(), _PATIENCE_S))
        with suppress(ProcessLookupError):
            stop()
    return _exit_code(await process.wait())


def _exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code


def _on_signal(stop: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


async def _own_pipes() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Our stdin and stdout."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), _own(sys.stdin, "rb"))
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, _own(sys.stdout, "wb"))
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


def _own(stream: TextIO, mode: str) -> IO[bytes]:
    """A second handle on our input or output, which may be closed while Python keeps the first."""
    return os.fdopen(os.dup(stream.fileno()), mode, buffering=0)
