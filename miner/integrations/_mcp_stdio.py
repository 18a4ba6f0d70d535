"""The MCP proxy over pipes: a client at our own stdin and stdout, a server that we start at its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, TextIO

from .mcp_proxy import Relay, Write

_CHUNK = 1 << 16
_PATIENCE_S = 5.0
"""How long a server may take to end after its input was closed, and again after it was asked to."""


async def serve(command: Sequence[str], relay_of: Callable[[Write, Write], Relay]) -> int:
    """Relays until one side ends; the server's exit code, 128 and the number of the signal that ended it.

    Args:
        command: starts the server.
        relay_of: makes the relay, from what writes to the client and what writes to the server.
    """
    loop = asyncio.get_running_loop()
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    to_server, from_server = process.stdin, process.stdout
    if to_server is None or from_server is None:
        raise BrokenPipeError("the server has no pipes")
    from_client = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(from_client), _own(sys.stdin, "rb"))
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, _own(sys.stdout, "wb"))
    to_client = asyncio.StreamWriter(transport, protocol, None, loop)
    relay = relay_of(to_client.write, to_server.write)
    client = asyncio.create_task(pump(from_client, relay.from_client, to_server))
    server = asyncio.create_task(pump(from_server, relay.from_server, to_client))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, client.cancel)
    try:
        await asyncio.wait({client, server}, return_when=asyncio.FIRST_COMPLETED)
        to_server.close()
        await asyncio.wait({server}, timeout=_PATIENCE_S)
    finally:
        await relay.close()
        client.cancel()
        server.cancel()
        await asyncio.gather(client, server, return_exceptions=True)
        code = await _ended(process)
        code = code if code >= 0 else 128 - code
        with suppress(ConnectionError):
            await to_client.drain()
        to_client.close()
    return code


async def pump(source: asyncio.StreamReader, take: Write, target: asyncio.StreamWriter) -> None:
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
            await target.drain()
        if rest:
            take(b"".join(rest))


def _own(stream: TextIO, mode: str) -> IO[bytes]:
    """A second handle on our input or output, which may be closed while Python keeps the first."""
    return os.fdopen(os.dup(stream.fileno()), mode, buffering=0)


async def _ended(process: asyncio.subprocess.Process) -> int:
    """The exit code of a server whose input is closed; it is asked, then made, to end."""
    for stop in (process.terminate, process.kill):
        with suppress(TimeoutError):
            return await asyncio.wait_for(process.wait(), _PATIENCE_S)
        with suppress(ProcessLookupError):
            stop()
    return await process.wait()
