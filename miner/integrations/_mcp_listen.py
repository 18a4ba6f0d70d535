"""What the proxy's HTTP sides have in common: listening on this machine, requests, answers, and who may come in."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
MOST_BYTES = 64 << 20
"""A longer request is refused."""
_IDLE_S = 300
"""How long a connection may lie idle: a model that thinks must not have to connect anew."""
_HOME = frozenset({"127.0.0.1", "localhost", "::1"})


class Request(NamedTuple):
    """An HTTP request of a client, read to its end."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes
    client: str
    """Its address."""

    def header(self, name: bytes) -> bytes:
        """The value of a header; empty when there is none."""
        return next((value for key, value in self.headers if key == name), b"")


class Channel:
    """The way back to the client of one request."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send

    async def start(self, status: int, headers: Headers) -> None:
        """Sends the head of the response."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, piece: bytes) -> None:
        """Sends a piece of its body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        """There is no more."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def whole(
        self, status: int, body: bytes, kind: bytes = b"application/json", more: Headers | None = None
    ) -> None:
        """A response in one go."""
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, [(b"content-type", kind), length, *(more or [])] if body else [length, *(more or [])])
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def refuse(self, status: int, text: str) -> None:
        """Says in MCP's own form why nothing is done."""
        fault = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": text}}
        await self.whole(status, json.dumps(fault).encode())

    async def gone(self) -> None:
        """Returns when the client has gone away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def until_gone(self, work: Awaitable[None]) -> bool:
        """Does the work, but no longer than the client is there; False when it left."""
        working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(self.gone())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            return False
        finally:
            leaving.cancel()
            if not working.done():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)


class _Gathered:
    """A transport that sends what is written in one turn of the loop as one piece: each piece costs a wake-up."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._pieces = transport, list[bytes]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        """Sends a piece before the loop does anything else."""
        if piece:
            if not self._pieces:
                asyncio.get_running_loop().call_soon(self._flush)
            self._pieces.append(piece)

    def close(self) -> None:
        """Closes after the last piece."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._transport.write(b"".join(pieces))


Handle = Callable[[Request, Channel], Awaitable[None]]


class Listener:
    """Serves HTTP at an address of this machine."""

    def __init__(self, host: str, port: int, handle: Handle) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio sends small pieces at once only where the socket says that it is TCP's, and `create_server` does not.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self._handle, self._only_home = handle, host in _HOME

    async def serve(self) -> None:
        """Until the process is asked to end."""
        import uvicorn
        from uvicorn.protocols.http.auto import AutoHTTPProtocol

        class Gathering(AutoHTTPProtocol):  # type: ignore[misc, unused-ignore]
            """Speaks HTTP; the head of a response and what follows at once leave together."""

            def connection_made(self, transport: asyncio.Transport) -> None:
                super().connection_made(_Gathered(transport))

        config = uvicorn.Config(
            self,
            http=Gathering,
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            date_header=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=_IDLE_S,
        )
        await uvicorn.Server(config).serve(sockets=[self._socket])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        channel = Channel(receive, send)
        if not self._is_welcome(scope["headers"]):
            await channel.refuse(403, "requests from other places than this machine are refused")
            return
        body = await _body(receive)
        if body is None:
            await channel.refuse(413, "the request is too large")
            return
        client = (scope.get("client") or ("",))[0]
        request = Request(scope["method"], scope["path"], scope["query_string"], list(scope["headers"]), body, client)
        with suppress(ConnectionError):
            await self._handle(request, channel)

    def _is_welcome(self, headers: Headers) -> bool:
        """False for what a web page elsewhere has a browser ask under our name: its host or origin is another."""
        if not self._only_home:
            return True
        named = [b"//" + value for name, value in headers if name == b"host"]
        named += [value for name, value in headers if name == b"origin"]
        return all(_host(value) in _HOME for value in named)


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None when it is too large, or its client is gone."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(pieces)


def _host(address: bytes) -> str | None:
    try:
        return urlsplit(address.decode("latin-1")).hostname
    except ValueError:
        return None
