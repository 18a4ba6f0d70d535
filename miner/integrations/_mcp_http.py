"""The MCP proxy between HTTP and HTTP: requests, responses and event streams pass as they are, and are watched.

A client's session is known by ``Mcp-Session-Id`` where the protocol has sessions, else by who the client is. Early
calls carry the headers of that client's own latest message, and only answer requests that come with the same ones: what
one person may see is never shown to another.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PARAM_HEADER_PREFIX,
    MCP_PROTOCOL_VERSION_HEADER,
    encode_header_value,
)

from . import _mcp_wire as wire
from ._mcp_http_near import NearClient
from ._mcp_listen import Channel, Headers, Request
from ._mcp_relay import Relay, Write
from ._mcp_stream import Body
from .mcp_proxy import Proxy

_log = logging.getLogger(__name__)
MOST_CLIENTS = 256
"""Beyond this the connection that was used least recently is forgotten; its client only loses what was made early."""
FIRST_STATELESS = b"2026-07-28"
"""From this version on a request is cancelled by closing its response."""
_SESSION = b"mcp-session-id"
_VERSION = MCP_PROTOCOL_VERSION_HEADER.encode()
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer", b"upgrade"}
    | {b"transfer-encoding", b"host", b"content-length"}
)
_OF_ONE_REQUEST = frozenset({b"baggage", b"traceparent", b"tracestate", b"x-correlation-id", b"x-request-id"})
_NOT_COMPARED = _HOP_BY_HOP | _OF_ONE_REQUEST | {b"accept", b"accept-encoding", b"content-type", b"last-event-id"}
_NOT_COMPARED |= {b"mcp-method", b"mcp-name", _VERSION, _SESSION}
"""Headers that differ from request to request and do not say who asks."""
_PARAM = MCP_PARAM_HEADER_PREFIX.lower().encode()


class _Client:
    """One session of one client."""

    def __init__(self, connect: Callable[[Write, Write], Relay], to_server: Callable[[_Client, bytes], None]) -> None:
        self.relay = connect(_nowhere, lambda line: to_server(self, line))
        self.headers: Headers | None = None
        """Those of its latest message."""
        self.open: dict[str, asyncio.Future[bytes | None]] = {}
        """Requests on their way, by id; what is decided of each: None when the server answers."""


class HttpProxy:
    """Answers the requests of all clients, most of them with what the server answers."""

    def __init__(self, proxy: Proxy, url: str, path: str, server: httpx2.AsyncClient) -> None:
        """``path`` is where clients find the server that is at ``url``; other paths are those of its host."""
        self._proxy, self._url, self._path, self._server = proxy, httpx2.URL(url), path, server
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self._clients: OrderedDict[tuple[bytes, bytes, int], _Client] = OrderedDict()
        self._early: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request, channel: Channel) -> None:
        """One request of a client."""
        if request.method == "POST" and request.path == self._path:
            await self._message(request, channel)
            return
        client = self._client(request, "") if request.header(_SESSION) else None
        await self._pass(request, channel, client, None)
        if client is not None and request.method == "DELETE":
            await self._forget(client)

    async def _message(self, request: Request, channel: Channel) -> None:
        """A message of the protocol: the relay says whether it passes or is answered."""
        message = wire.read(request.body)
        id_ = message.id if message is not None and message.is_request else None
        client = self._client(request, id_ or "", is_new=message is not None and message.method == "initialize")
        client.headers = request.headers
        decided: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        if id_ is not None:
            client.open[id_] = decided
        try:
            client.relay.from_client(request.body, lambda: _settle(decided, None), lambda line: _settle(decided, line))
            if message is not None and message.method == "notifications/cancelled" and not decided.done():
                # The server never saw that request: both it and this message end here.
                taken_back = client.open.get(json.dumps((message.body.get("params") or {}).get("requestId")))
                _settle(taken_back, b"")
                _settle(decided, b"")
            if not decided.done() and not await channel.until_gone(_settled(decided)):
                client.relay.lost(id_ or "")
            elif (answer := decided.result()) is None:
                await self._pass(request, channel, client, id_)
            else:
                await channel.whole(200 if answer else 202, answer.strip())
        finally:
            if id_ is not None:
                client.open.pop(id_, None)

    async def close(self) -> None:
        """Nothing is asked of the server any more."""
        for task in (*self._early.values(), *self._tasks):
            task.cancel()
        await asyncio.gather(*self._early.values(), *self._tasks, return_exceptions=True)
        await self._proxy.close()

    # --- what passes ---------------------------------------------------------------------------------------------

    async def _pass(self, request: Request, channel: Channel, client: _Client | None, id_: str | None) -> None:
        """Sends a request on and its response back, piece by piece; a client that leaves takes its request along."""
        is_over = True
        try:
            stayed = await channel.until_gone(self._exchange(request, channel, client))
            # An interrupted stream may be taken up again, where the protocol has sessions.
            is_over = stayed or _is_stateless(request.headers)
        except httpx2.HTTPError as error:
            raise ConnectionError("the server broke off") from error
        finally:
            if client is not None and id_ is not None and is_over:
                client.relay.lost(id_)

    async def _exchange(self, request: Request, channel: Channel, client: _Client | None) -> None:
        """One request and its response. Until the response has begun, a server that is not there is said to be so."""
        url: httpx2.URL | str = self._url
        if request.path != self._path or request.query:
            url = str(self._url) if request.path == self._path else self._origin + request.path
            url = f"{url}?{request.query.decode('latin-1')}" if request.query else url
        sent = httpx2.Request(request.method, url, headers=_forwarded(request.headers), content=request.body or None)
        try:
            response = await self._server.send(sent, stream=True)
        except httpx2.HTTPError as error:
            await channel.refuse(502, f"the server does not answer ({type(error).__name__})")
            return
        try:
            await self._relay_response(request, response, channel, client)
        finally:
            await response.aclose()

    async def _relay_response(
        self, request: Request, response: httpx2.Response, channel: Channel, client: _Client | None
    ) -> None:
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        await channel.start(response.status_code, [pair for pair in headers if _passes_back(pair[0])])
        if client is not None and (session := dict(headers).get(_SESSION)):
            self._clients[session, _who(request), 0] = client
        seen = client.relay.passed if client is not None else _nowhere
        body = Body(response.headers.get("content-type", ""), response.headers.get("content-encoding", ""))
        async for piece in response.aiter_raw():
            await channel.write(piece)
            for message in body.feed(piece):
                seen(message)
        for message in body.end():
            seen(message)
        await channel.end()

    # --- clients -------------------------------------------------------------------------------------------------

    def _client(self, request: Request, id_: str, *, is_new: bool = False) -> _Client:
        """Who sent a request, known or new.

        Clients without sessions may look the same; one that uses an id which is on its way is another one.
        """
        session, who = request.header(_SESSION), _who(request)
        slot = next(slot for slot in itertools.count() if not self._is_taken((session, who, slot), id_))
        client = None if is_new and not session else self._clients.get((session, who, slot))
        if client is None:
            client = self._clients[session, who, slot] = _Client(self._proxy.connect, self._to_server)
        self._clients.move_to_end((session, who, slot))
        if len(self._clients) > MOST_CLIENTS:
            idle = next((one for one in self._clients.values() if not one.open and one is not client), None)
            if idle is not None:
                self._start(self._forget(idle))
        return client

    def _is_taken(self, key: tuple[bytes, bytes, int], id_: str) -> bool:
        return key in self._clients and id_ in self._clients[key].open

    async def _forget(self, client: _Client) -> None:
        for key in [key for key, one in self._clients.items() if one is client]:
            del self._clients[key]
        await client.relay.close()
        for decided in client.open.values():
            _settle(decided, b"")

    # --- early calls ---------------------------------------------------------------------------------------------

    def _to_server(self, client: _Client, line: bytes) -> None:
        """A line of the relay's own: an early call, one that is taken back, or a refusal."""
        message = wire.read(line)
        headers = client.headers
        if message is None or headers is None:
            return
        if message.is_request and message.id is not None:
            id_ = message.id
            task = self._early[id_] = self._start(self._call_early(client.relay, message, line, headers))
            task.add_done_callback(lambda _: self._early.pop(id_, None))
            return
        taken_back = self._early.get(json.dumps((message.body.get("params") or {}).get("requestId")))
        if taken_back is not None:
            taken_back.cancel()
        if not _is_stateless(headers):
            self._start(self._tell(message, line, headers))

    async def _call_early(self, relay: Relay, message: wire.Message, line: bytes, headers: Headers) -> None:
        """An early call has a response of its own, in which every message is for us."""
        sent = httpx2.Request("POST", self._url, headers=_early(headers, message), content=line.rstrip())
        response = None
        try:
            response = await self._server.send(sent, stream=True)
            body = Body(response.headers.get("content-type", ""), response.headers.get("content-encoding", ""))
            async for piece in response.aiter_raw():
                for answer in body.feed(piece):
                    relay.from_early(answer)
            for answer in body.end():
                relay.from_early(answer)
        except httpx2.HTTPError as error:
            _log.debug("an early call broke off (%s)", type(error).__name__)
        finally:
            relay.lost(message.id or "")
            if response is not None:
                await response.aclose()

    async def _tell(self, message: wire.Message, line: bytes, headers: Headers) -> None:
        """Sends what needs no answer."""
        sent = httpx2.Request("POST", self._url, headers=_early(headers, message), content=line.rstrip())
        with suppress(httpx2.HTTPError):
            await self._server.send(sent)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def reach(url: str) -> httpx2.AsyncClient:
    """What asks a server: patient, since a tool may take its time, and straight where it is on this machine."""
    parts = urlsplit(url)
    home = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if home and parts.scheme == "http":
        return NearClient()
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
    return httpx2.AsyncClient(timeout=httpx2.Timeout(None, connect=30.0), limits=limits, trust_env=not home)


def _nowhere(_: bytes) -> None:
    """Every answer goes the way of its request."""


def _settle(decided: asyncio.Future[bytes | None] | None, outcome: bytes | None) -> None:
    """Says what becomes of a request, unless it is known already."""
    if decided is not None and not decided.done():
        decided.set_result(outcome)


async def _settled(decided: asyncio.Future[bytes | None]) -> None:
    await asyncio.wait({decided})


def _who(request: Request) -> bytes:
    """A digest of who asks: the address, and every header that may say on whose behalf."""
    told = sorted(pair for pair in request.headers if not _says_nothing(pair[0]))
    return hashlib.sha256(repr((request.client, told)).encode()).digest()


def _says_nothing(name: bytes) -> bool:
    return name in _NOT_COMPARED or name.startswith(_PARAM)


def _is_stateless(headers: Headers) -> bool:
    version = next((value for name, value in headers if name == _VERSION), b"")
    return version >= FIRST_STATELESS


def _forwarded(headers: Headers) -> Headers:
    """A request's headers as the server gets them; what is compressed could not be looked at."""
    kept = [pair for pair in headers if pair[0] not in _HOP_BY_HOP and pair[0] != b"accept-encoding"]
    return [*kept, (b"accept-encoding", b"identity")]


def _passes_back(name: bytes) -> bool:
    return name == b"content-length" or name not in _HOP_BY_HOP


def _early(headers: Headers, message: wire.Message) -> Headers:
    """The headers of a message of our own: those of the client's latest one, which say who it is, made to fit."""
    dropped = _OF_ONE_REQUEST | {b"mcp-method", b"mcp-name", b"last-event-id"}
    kept = [pair for pair in _forwarded(headers) if pair[0] not in dropped and not pair[0].startswith(_PARAM)]
    if _is_stateless(headers) and message.method is not None:
        kept.append((MCP_METHOD_HEADER.encode(), message.method.encode()))
        if message.method == "tools/call":
            kept.append((MCP_NAME_HEADER.encode(), encode_header_value(message.body["params"]["name"]).encode()))
    return kept
