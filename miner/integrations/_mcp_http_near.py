"""How the proxy asks a server on its own machine: plain HTTP/1.1, a request in one piece, connections kept open.

The network is no cost there, so the client is: this one takes a third of the time that the general one takes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httptools
import httpx2

_CONNECT_S = 30.0
_IDLE_S = 4.0
"""Servers close idle connections, many after five seconds: one is not used again when that may be about to happen."""
_MOST_IDLE = 64
_BREAKS = re.compile(rb"[\r\n\0]")
_CHUNK = 1 << 16
_MOST_HEAD = 100 << 10
"""Bytes of a response's head."""


class NearClient(httpx2.AsyncClient):  # type: ignore[misc, unused-ignore]
    """The client for such a server: no redirects, no proxies, no authentication of its own."""

    def __init__(self) -> None:
        self._near = Near()
        super().__init__(transport=self._near, trust_env=False, timeout=None)

    async def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """Sends a request."""
        response = await self._near.handle_async_request(request)
        response.request = request
        if "set-cookie" in response.headers:
            self.cookies.extract_cookies(response)
        if not stream:
            await response.aread()
        return response


class Near(httpx2.AsyncBaseTransport):  # type: ignore[misc, unused-ignore]
    """Connections to servers on this machine, each used by one request at a time."""

    def __init__(self) -> None:
        self._idle: list[_Connection] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends a request and answers with the head of its response; the body follows as it comes."""
        url = request.url
        address = url.host, url.port or 80
        connection = self._taken(address) or await _connected(address)
        try:
            reply = await connection.ask(request, await request.aread())
        except BaseException:
            connection.close()
            raise
        return httpx2.Response(reply.status, headers=reply.headers, stream=_Answer(self, connection, reply))

    async def aclose(self) -> None:
        """Closes what is idle; whoever still reads closes its own."""
        while self._idle:
            self._idle.pop().close()

    def put_back(self, connection: _Connection) -> None:
        """Keeps a connection whose response was read to its end; any other is closed."""
        if connection.is_reusable() and len(self._idle) < _MOST_IDLE:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()

    def _taken(self, address: tuple[str, int]) -> _Connection | None:
        """The connection that was used last, if the server still holds it; those that it has left are closed."""
        now = asyncio.get_running_loop().time()
        for connection in [one for one in self._idle if not one.is_fresh(now)]:
            self._idle.remove(connection)
            connection.close()
        found = next((one for one in reversed(self._idle) if one.address == address), None)
        if found is not None:
            self._idle.remove(found)
        return found


class _Reply:
    """A response as the parser finds it."""

    def __init__(self, method: str) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.status = 0
        self.begun = self.complete = self.overfull = self.keeps_open = False
        self._method = method
        self._head = 0
        """Bytes until the head was complete."""

    def feed(self, data: bytes) -> None:
        """Takes what came; nothing is the end of the connection."""
        if not data and not self.complete:
            if not self.begun or any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
                raise httpx2.RemoteProtocolError("the server broke off")
            self.complete = self.overfull = True
        elif data:
            self.parser.feed_data(data)
            self._head += 0 if self.begun else len(data)
            if self._head > _MOST_HEAD:
                raise httpx2.RemoteProtocolError("the head of the response has no end")

    def leaves_room(self) -> bool:
        """True when the connection may take another request."""
        return self.complete and not self.overfull and self.keeps_open

    def on_message_begin(self) -> None:
        """Nothing may follow a response that was not asked for."""
        self.overfull = self.overfull or self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        if not self.complete:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete; that of mere news is passed over."""
        status = self.parser.get_status_code()
        if self.complete:
            return
        if status < 200:
            self.headers.clear()
            return
        self.status, self.begun = status, True
        if self._method == "HEAD":
            self.complete = self.overfull = True

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if self.begun and not self.complete:
            self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """The end of the response, or of news before it."""
        if self.begun and not self.complete:
            self.keeps_open = self.parser.should_keep_alive()
            self.complete = True


class _Connection:
    """One connection to a server."""

    def __init__(self, address: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.address = address
        self._reader, self._writer = reader, writer
        self._reply: _Reply | None = None
        self.idle_since = 0.0

    async def ask(self, request: httpx2.Request, body: bytes) -> _Reply:
        """Sends a request in one piece; its response, once the head has come."""
        reply = self._reply = _Reply(request.method)
        head = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
        head += [b"%b: %b" % pair for pair in request.headers.raw]
        if any(_BREAKS.search(line) for line in head):
            raise httpx2.LocalProtocolError("a header breaks its line")
        with _told():
            self._writer.write(b"\r\n".join([*head, b"", body]))
            with suppress(ConnectionError):  # who is refused in mid-request may still be told why
                await self._writer.drain()
            while not reply.begun:
                reply.feed(await self._reader.read(_CHUNK))
        return reply

    async def body(self, reply: _Reply) -> AsyncIterator[bytes]:
        """The body of the response, piece by piece."""
        with _told():
            while True:
                pieces, reply.pieces = reply.pieces, []
                if pieces:
                    yield b"".join(pieces)
                elif reply.complete:
                    return
                else:
                    reply.feed(await self._reader.read(_CHUNK))

    def is_reusable(self) -> bool:
        """True when request and response are both over, and the server will take another."""
        return self._reply is not None and self._reply.leaves_room()

    def is_fresh(self, now: float) -> bool:
        """True while the server has not closed it, and is not about to."""
        return now - self.idle_since < _IDLE_S and not self._reader.at_eof() and not self._writer.is_closing()

    def close(self) -> None:
        """Gives it up."""
        self._writer.close()


class _Answer(httpx2.AsyncByteStream):  # type: ignore[misc, unused-ignore]
    """The body of a response; closing it frees the connection."""

    def __init__(self, near: Near, connection: _Connection, reply: _Reply) -> None:
        self._near, self._connection, self._reply = near, connection, reply

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.body(self._reply)

    async def aclose(self) -> None:
        self._near.put_back(self._connection)


async def _connected(address: tuple[str, int]) -> _Connection:
    host, port = address
    try:
        async with asyncio.timeout(_CONNECT_S):
            # ``localhost`` may be an address that nothing listens at: the next one is tried without waiting for it.
            reader, writer = await asyncio.open_connection(host, port, happy_eyeballs_delay=0.1)
    except TimeoutError as error:
        raise httpx2.ConnectTimeout("the server does not take the connection") from error
    except OSError as error:
        raise httpx2.ConnectError(str(error)) from error
    return _Connection(address, reader, writer)


@contextmanager
def _told() -> Iterator[None]:
    """Failures as the general client tells them."""
    try:
        yield
    except OSError as error:
        raise httpx2.NetworkError(str(error)) from error
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        raise httpx2.RemoteProtocolError("the server's response is no HTTP") from error
