"""How the proxy asks a server on its own machine: plain HTTP/1.1, a request in one piece, connections kept open.

The network is no cost there, so the client is: this one takes a third of the time that the general one takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import httpx2

_CONNECT_S = 30.0
_IDLE_S = 4.0
"""Servers close idle connections, many after five seconds: one is not used again when that may be about to happen."""
_MOST_IDLE = 64
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
            head = await connection.ask(request, await request.aread())
        except BaseException:
            connection.close()
            raise
        return httpx2.Response(head.status_code, headers=head.headers.raw_items(), stream=_Answer(self, connection))

    async def aclose(self) -> None:
        """Closes what is idle; whoever still reads closes its own."""
        while self._idle:
            self._idle.pop().close()

    def put_back(self, connection: _Connection) -> None:
        """Keeps a connection whose response was read to its end; any other is closed."""
        if connection.is_reusable() and len(self._idle) < _MOST_IDLE:
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


class _Connection:
    """One connection to a server."""

    def __init__(self, address: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.address = address
        self._reader, self._writer = reader, writer
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        self._since = 0.0

    async def ask(self, request: httpx2.Request, body: bytes) -> h11.Response:
        """Sends a request in one piece; the head of the response."""
        with _told():
            head = h11.Request(
                method=request.method.encode("ascii"), target=request.url.raw_path, headers=request.headers.raw
            )
            pieces = [self._state.send(head)]
            if body:
                pieces.append(self._state.send(h11.Data(data=body)))
            pieces.append(self._state.send(h11.EndOfMessage()))
            self._writer.write(b"".join(piece for piece in pieces if piece))
            await self._writer.drain()
            event = await self._event()
            while isinstance(event, h11.InformationalResponse):
                event = await self._event()
        if not isinstance(event, h11.Response):
            raise httpx2.RemoteProtocolError("the server answers with no response")
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """The body of the response, piece by piece."""
        with _told():
            while isinstance(event := await self._event(), h11.Data):
                yield bytes(event.data)

    def is_reusable(self) -> bool:
        """True when request and response are both over, and the server will take another."""
        if self._state.our_state is not h11.DONE or self._state.their_state is not h11.DONE:
            return False
        self._state.start_next_cycle()
        self._since = asyncio.get_running_loop().time()
        return True

    def is_fresh(self, now: float) -> bool:
        """True while the server has not closed it, and is not about to."""
        return now - self._since < _IDLE_S and not self._reader.at_eof() and not self._writer.is_closing()

    def close(self) -> None:
        """Gives it up."""
        self._writer.close()

    async def _event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            self._state.receive_data(await self._reader.read(_CHUNK))
        return event


class _Answer(httpx2.AsyncByteStream):  # type: ignore[misc, unused-ignore]
    """The body of a response; closing it frees the connection."""

    def __init__(self, near: Near, connection: _Connection) -> None:
        self._near, self._connection = near, connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._connection.body():
            yield piece

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
    except h11.RemoteProtocolError as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
    except h11.LocalProtocolError as error:
        raise httpx2.LocalProtocolError(str(error)) from error
