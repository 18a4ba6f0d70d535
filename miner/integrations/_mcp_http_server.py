"""The MCP proxy between clients over HTTP and a server over pipes: each client gets a process of its own."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from . import _mcp_wire as wire
from ._mcp_listen import Channel, Headers, Request
from ._mcp_stdio import ended, pump, started
from ._mcp_stream import event_of, line_of
from .mcp_proxy import Proxy

MOST_SESSIONS = 64
"""Each is a process; further clients are refused."""
MOST_WAITING = 1_000
"""Messages kept for a client that does not listen; older ones are forgotten."""
_SESSION = b"mcp-session-id"
_STREAM = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


class Hosted:
    """A client's session and the process that serves it."""

    def __init__(self, process: asyncio.subprocess.Process, proxy: Proxy) -> None:
        self.name, self.process = secrets.token_hex(16), process
        self._to_server, self._from_server = started(process)
        self.relay = proxy.connect(self._to_client, self._to_server.write)
        self._streams: dict[str, asyncio.Queue[bytes]] = {}
        """Requests on their way, by id, each with what its client is sent."""
        self._progress: dict[str, str] = {}
        """Token -> id of the request that it tells of."""
        self.unasked: asyncio.Queue[bytes] | None = None
        """The stream for what the server says of its own accord, while the client listens."""
        self._waiting: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._pump = asyncio.get_running_loop().create_task(self._serve())

    @property
    def has_ended(self) -> bool:
        """True when the process is gone."""
        return self._pump.done()

    def open(self, message: wire.Message, line: bytes) -> asyncio.Queue[bytes] | None:
        """Takes a request; what its client is sent, up to an empty line. None for an id that is on its way."""
        id_ = message.id or ""
        if id_ in self._streams:
            return None
        stream = self._streams[id_] = asyncio.Queue()
        params = message.body.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        if isinstance(meta, dict) and "progressToken" in meta:
            self._progress[json.dumps(meta["progressToken"])] = id_
        self.relay.from_client(line)
        return stream

    def cancelled(self, message: wire.Message) -> None:
        """A request that the client took back may never be answered."""
        params = message.body.get("params")
        stream = self._streams.pop(json.dumps(params.get("requestId")), None) if isinstance(params, dict) else None
        if stream is not None:
            stream.put_nowait(b"")

    def listen(self) -> asyncio.Queue[bytes]:
        """The stream for what the server says of its own accord."""
        self.unasked = asyncio.Queue()
        while self._waiting:
            self.unasked.put_nowait(self._waiting.popleft())
        return self.unasked

    async def close(self) -> None:
        """Ends the session and the process."""
        self._to_server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._pump), 2.0)
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
        await ended(self.process)

    async def _serve(self) -> None:
        """Takes the server's lines as long as there are any; who still waits is told when there are no more."""
        try:
            await pump(self._from_server, self.relay.from_server, None)
        finally:
            for id_ in list(self._streams):
                self._to_client(wire.error(id_, "the server has ended"))
            if self.unasked is not None:
                self.unasked.put_nowait(b"")
            await self.relay.close()

    def _to_client(self, line: bytes) -> None:
        """A line goes to the request that it belongs to, or to whoever listens."""
        message = wire.read(line)
        if message is not None and message.is_response:
            stream = self._streams.pop(message.id or "", None)
            if stream is not None:
                stream.put_nowait(line)
                stream.put_nowait(b"")
            return
        stream = None
        if message is not None and message.method == "notifications/progress":
            token = json.dumps((message.body.get("params") or {}).get("progressToken"))
            stream = self._streams.get(self._progress.get(token, ""))
        stream = stream or self.unasked or next(reversed(self._streams.values()), None)
        if stream is None:
            self._waiting.append(line)
        else:
            stream.put_nowait(line)


class HttpHost:
    """Answers the requests of all clients."""

    def __init__(self, proxy: Proxy, command: Sequence[str], path: str) -> None:
        self._proxy, self._command, self._path = proxy, command, path
        self._hosted: dict[bytes, Hosted] = {}

    async def handle(self, request: Request, channel: Channel) -> None:
        """One request of a client."""
        message = wire.read(request.body) if request.method == "POST" else None
        hosted = self._hosted.get(request.header(_SESSION))
        if request.path != self._path:
            await channel.refuse(404, f"the server is at {self._path}")
        elif request.method == "POST" and message is None:
            await channel.refuse(400, "the request is no single message")
        elif message is not None and message.method == "initialize" and hosted is None:
            await self._begin(message, request.body, channel)
        elif hosted is None or hosted.has_ended:
            self._hosted.pop(request.header(_SESSION), None)
            known = bool(request.header(_SESSION))
            await channel.refuse(
                404 if known else 400, "there is no such session" if known else "begin with initialize"
            )
        elif message is not None:
            await self._message(hosted, message, request.body, channel)
        elif request.method == "GET":
            await self._listen(hosted, channel)
        elif request.method == "DELETE":
            del self._hosted[request.header(_SESSION)]
            await hosted.close()
            await channel.whole(200, b"")
        else:
            await channel.refuse(405, "POST, GET or DELETE")

    async def close(self) -> None:
        """Ends every session."""
        await asyncio.gather(*(hosted.close() for hosted in self._hosted.values()))
        await self._proxy.close()

    async def _begin(self, message: wire.Message, body: bytes, channel: Channel) -> None:
        for name in [name for name, hosted in self._hosted.items() if hosted.has_ended]:
            del self._hosted[name]
        if len(self._hosted) >= MOST_SESSIONS:
            await channel.refuse(503, "too many sessions")
            return
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        hosted = Hosted(process, self._proxy)
        self._hosted[hosted.name.encode()] = hosted
        await self._message(hosted, message, body, channel)

    async def _message(self, hosted: Hosted, message: wire.Message, body: bytes, channel: Channel) -> None:
        session = (_SESSION, hosted.name.encode())
        if not message.is_request:
            hosted.relay.from_client(line_of(body))
            if message.method == "notifications/cancelled":
                hosted.cancelled(message)
            await channel.whole(202, b"", more=[session])
            return
        stream = hosted.open(message, line_of(body))
        if stream is None:
            await channel.refuse(400, "a request with this id is on its way")
            return
        await channel.until_gone(_answer(stream, channel, [session]))

    async def _listen(self, hosted: Hosted, channel: Channel) -> None:
        if hosted.unasked is not None:
            await channel.refuse(409, "the session has a listening client")
            return
        stream = hosted.listen()
        await channel.start(200, [*_STREAM, (_SESSION, hosted.name.encode())])
        try:
            await channel.until_gone(_send(stream, channel))
        finally:
            hosted.unasked = None


async def _answer(stream: asyncio.Queue[bytes], channel: Channel, headers: Headers) -> None:
    """Sends the answer of a request: as it is, or as a stream where the server tells something before it."""
    first = await stream.get()
    if not first:
        await channel.whole(202, b"", more=headers)
    elif not stream.empty() and (message := wire.read(first)) is not None and message.is_response:
        await channel.whole(200, first.rstrip(), more=headers)
    else:
        await channel.start(200, [*_STREAM, *headers])
        await channel.write(event_of(first))
        await _send(stream, channel)


async def _send(stream: asyncio.Queue[bytes], channel: Channel) -> None:
    """Sends what the stream brings, up to an empty line."""
    await channel.write(b"")
    while line := await stream.get():
        await channel.write(event_of(line))
    await channel.end()
