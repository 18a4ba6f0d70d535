"""The MCP proxy between a client's pipes and a server's address: lines become requests, and responses lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx2
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp_types import PROTOCOL_VERSION_META_KEY

from . import _mcp_wire as wire
from ._mcp_relay import Relay
from ._mcp_stream import Body, line_of

_SESSION, _LAST = "Mcp-Session-Id", "Last-Event-ID"
FIRST_STATELESS = "2026-07-28"
MOST_RETRIES = 5
"""How often an interrupted stream is taken up again."""
_RETRY_S = 1.0


class Upstream:
    """A client's session with a server over HTTP."""

    def __init__(self, url: str, server: httpx2.AsyncClient, headers: Mapping[str, str]) -> None:
        """``headers`` go with every request, such as one that says who asks."""
        self._url, self._server, self._own = url, server, dict(headers)
        self._session: dict[str, str] = {}
        self._opening: str | None = None
        """The id of the request that opened a session, where the protocol has sessions."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.relay: Relay | None = None

    def write(self, line: bytes) -> None:
        """Sends a line, after those that came before it."""
        self._lines.put_nowait(line)

    async def run(self) -> None:
        """Sends lines until it is cancelled. Only requests may overtake: what opens a session and what needs no
        answer keep their place.
        """
        while True:
            line = await self._lines.get()
            message = wire.read(line)
            if message is not None and message.is_request and message.method != "initialize":
                self._start(message.id or "", self._request(message, line))
            elif message is not None and message.method == "notifications/cancelled" and self._is_stateless:
                task = self._tasks.get(json.dumps((message.body.get("params") or {}).get("requestId")))
                if task is not None:
                    task.cancel()
            else:
                await self._request(message, line)
            if message is not None and message.method == "notifications/initialized":
                self._start("", self._listen())
            self._lines.task_done()

    async def finished(self, seconds: float) -> None:
        """Waits until every request that was taken has its answer, but no longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lines.join()
                await asyncio.gather(*(task for name, task in self._tasks.items() if name), return_exceptions=True)

    async def close(self) -> None:
        """Ends the session."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if _SESSION in self._session:
            with suppress(httpx2.HTTPError, TimeoutError):
                async with asyncio.timeout(2.0):
                    await self._server.delete(self._url, headers=self._headers())

    @property
    def _is_stateless(self) -> bool:
        return self._session.get(MCP_PROTOCOL_VERSION_HEADER, "") >= FIRST_STATELESS

    def _start(self, name: str, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda ended: self._tasks.pop(name) if self._tasks.get(name) is ended else None)

    def _headers(self, message: wire.Message | None = None) -> dict[str, str]:
        """Those of the session and, for a message, those that name it as newer versions of the protocol ask."""
        if message is not None and message.method == "initialize":
            # A client that tried a newer version first and had no answer in time begins again with this one.
            self._session.pop(MCP_PROTOCOL_VERSION_HEADER, None)
            self._opening = message.id
        own = {**self._own, **self._session, "Accept": "application/json, text/event-stream"}
        if message is None or message.method is None:
            return own
        params = message.body.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        version = meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
        if isinstance(version, str):
            self._session[MCP_PROTOCOL_VERSION_HEADER] = own[MCP_PROTOCOL_VERSION_HEADER] = version
            own[MCP_METHOD_HEADER] = message.method
            name = params.get(NAME_BEARING_METHODS.get(message.method, ""))
            if isinstance(name, str):
                own[MCP_NAME_HEADER] = encode_header_value(name)
        return own

    async def _request(self, message: wire.Message | None, line: bytes) -> None:
        """Sends one message, and passes on what comes of it; a request is answered in any case."""
        waits = message.id if message is not None and message.is_request else None
        headers = {**self._headers(message), "Content-Type": "application/json"}
        fault = "the server ended without an answer"
        try:
            async with self._server.stream("POST", self._url, headers=headers, content=line.rstrip()) as response:
                if _SESSION in response.headers:
                    self._session[_SESSION] = response.headers[_SESSION]
                if response.status_code >= 400:
                    fault = f"the server answers {response.status_code}"
                body, answered = await self._read(response, waits)
            if waits is not None and not answered and body.last_id:
                answered = await self._resume(body, waits)
        except httpx2.HTTPError as error:
            answered, fault = False, f"the server cannot be reached ({type(error).__name__})"
        if waits is not None and not answered:
            self._take(wire.error(waits, fault))

    async def _read(self, response: httpx2.Response, waits: str | None) -> tuple[Body, bool]:
        """Passes on every message of a response; True when the one waited for was among them."""
        body, answered = Body(response.headers.get("content-type", "")), False
        try:
            async for piece in response.aiter_bytes():
                for message in body.feed(piece):
                    answered = self._take(message, waits) or answered
        except httpx2.HTTPError:
            if not body.last_id:
                raise
        for message in body.end():
            answered = self._take(message, waits) or answered
        return body, answered

    def _take(self, text: bytes, waits: str | None = None) -> bool:
        """Hands a message over; True for the answer that is waited for."""
        message = wire.read(text)
        if message is not None and message.is_response and message.id == self._opening:
            result = message.body.get("result")
            version = result.get("protocolVersion") if isinstance(result, dict) else None
            if isinstance(version, str):
                self._session[MCP_PROTOCOL_VERSION_HEADER] = version
        if self.relay is not None and (message is not None or waits is None):
            self.relay.from_server(line_of(text))
        return message is not None and message.is_response and message.id == waits

    async def _resume(self, body: Body, waits: str | None) -> bool:
        """Takes up a stream that ended too soon."""
        for _ in range(MOST_RETRIES):
            await asyncio.sleep(_RETRY_S if body.retry_s is None else min(body.retry_s, 60.0))
            headers = {**self._headers(), _LAST: body.last_id.decode("latin-1")}
            with suppress(httpx2.HTTPError):
                async with self._server.stream("GET", self._url, headers=headers) as response:
                    if response.status_code >= 400:
                        return False
                    more, answered = await self._read(response, waits)
                    if answered:
                        return True
                    body.last_id = more.last_id or body.last_id
        return False

    async def _listen(self) -> None:
        """What the server says of its own accord, where it offers a stream for that."""
        last, failures = b"", 0
        while failures < MOST_RETRIES:
            headers = {**self._headers(), **({_LAST: last.decode("latin-1")} if last else {})}
            try:
                async with self._server.stream("GET", self._url, headers=headers) as response:
                    if response.status_code >= 400:
                        return
                    failures = 0
                    body, _ = await self._read(response, None)
                    last = body.last_id or last
            except httpx2.HTTPError:
                failures += 1
            await asyncio.sleep(_RETRY_S)
