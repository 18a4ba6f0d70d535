"""The proxy between HTTP and HTTP when something breaks off: a server that dies, a client that leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("httpx2")
pytest.importorskip("mcp")

from miner.integrations._mcp_http import HttpProxy, reach
from miner.integrations._mcp_listen import Channel, Request
from miner.integrations.mcp_proxy import Proxy
from miner.runtime.bundle import load_bundle
from miner.runtime.history import check_history
from miner.runtime.ledger import Entry
from miner.runtime.run import Mode
from tests.integrations.found_files import bundle, policy

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS, JSON = HEAD % b"text/event-stream", HEAD % b"application/json"


def chunk(piece: bytes) -> bytes:
    """A piece of a body on the wire."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def answer(text: str = "alpha", number: int = 1) -> bytes:
    """A whole response to a call."""
    body = {"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": text}]}}
    return JSON + chunk(json.dumps(body).encode()) + b"0\r\n\r\n"


class Broken:
    """A server that sends what it is told to, then waits for its client to leave; "|" at the end makes it die."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while await reader.read(1 << 16):
            said = self.answers.pop(0) if self.answers else b"|"
            writer.write(said.removesuffix(b"|"))
            await writer.drain()
            self.asked.set()
            if said.endswith(b"|"):
                break
        else:
            self.left.set()
        writer.close()


class Client:
    """What one request of a client gets."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.leaves = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        """Says that the client has left, once it has."""
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Takes a piece of the response."""
        self.sent.append(message)

    @property
    def status(self) -> int | None:
        """Of the response, if one has begun."""
        return next((one["status"] for one in self.sent if one["type"] == "http.response.start"), None)

    @property
    def body(self) -> bytes:
        """What has come of the response."""
        return b"".join(one.get("body", b"") for one in self.sent)


def called(tool: str = "open", number: int = 1, version: bytes = b"2025-06-18", **arguments: Any) -> Request:
    """A client's call."""
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = [(b"content-type", b"application/json"), (b"mcp-protocol-version", version), (b"mcp-session-id", b"s")]
    return Request("POST", "/mcp", b"", headers, json.dumps(message).encode(), "127.0.0.1")


def play(server: Broken, act: Callable[[HttpProxy], Awaitable[None]]) -> list[Entry]:
    """Acts on a proxy in front of a server; the proxy's ledger, in which every promise is kept."""

    async def run() -> list[Entry]:
        proxy = Proxy(load_bundle(bundle()), policy(), mode=Mode.ON)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp"
        async with asyncio.timeout(60), listening, reach(url) as client:
            http = HttpProxy(proxy, url, "/mcp", client)
            await act(http)
            await http.close()
        return list(proxy.speculator.ledger)

    entries = asyncio.run(run())
    assert check_history(entries) == []
    return entries


def returned(entries: list[Entry]) -> list[str]:
    """How the calls ended."""
    return [entry["reason"] for entry in entries if entry["kind"] == "returned"]


async def asked(http: HttpProxy, request: Request) -> Client:
    """One request from start to end."""
    client = Client()
    await http.handle(request, Channel(client.receive, client.send))
    return client


@pytest.mark.parametrize("said", [b"|", b"HTTP/1.1 200|", b"\x16\x03\x01 no HTTP at all\r\n\r\n|"])
def test_a_server_that_dies_before_it_answers_is_said_to_be_gone(said: bytes) -> None:
    """The client gets a status and an error of the protocol, and the next request is answered."""

    async def act(http: HttpProxy) -> None:
        client = await asked(http, called(path="a.txt"))
        assert client.status == 502
        assert json.loads(client.body)["error"]["message"].startswith("the server does not answer")
        assert b"alpha" in (await asked(http, called(number=2, path="a.txt"))).body

    assert returned(play(Broken(said, answer(number=2)), act)) == ["error", "ok"]


@pytest.mark.parametrize("said", [JSON + chunk(b'{"jsonrpc"') + b"|", EVENTS + chunk(b"data: {}\n\ndata: {") + b"|"])
def test_a_server_that_dies_in_mid_answer_breaks_the_answer_off(said: bytes) -> None:
    """The client has what came, and sees that there is no end to it; the call counts as failed."""

    async def act(http: HttpProxy) -> None:
        client = Client()
        with pytest.raises(ConnectionError, match="broke off"):
            await http.handle(called(path="a.txt"), Channel(client.receive, client.send))
        assert client.status == 200
        assert client.sent[-1]["more_body"] is True
        assert b"alpha" in (await asked(http, called(number=2, path="a.txt"))).body

    assert returned(play(Broken(said, answer(number=2)), act)) == ["error", "ok"]


@pytest.mark.parametrize("said", [b"", JSON + chunk(b"{"), EVENTS + chunk(b"data: {}\n\n")])
def test_a_client_that_leaves_takes_its_request_along(said: bytes) -> None:
    """The server sees that nobody listens any more, in whatever state the answer was."""
    server = Broken(said)

    async def act(http: HttpProxy) -> None:
        client = Client()
        work = asyncio.create_task(
            http.handle(called(version=b"2026-07-28", path="a.txt"), Channel(client.receive, client.send))
        )
        await server.asked.wait()
        client.leaves.set()
        await work
        await server.left.wait()

    assert returned(play(server, act)) == ["error"]


def test_a_client_that_leaves_while_a_change_is_made_leaves_it_to_change() -> None:
    """Where the protocol has sessions the call goes on, and what it changes is not read early until it has ended."""
    server = Broken(EVENTS + chunk(b"data: {}\n\n"))

    async def act(http: HttpProxy) -> None:
        client = Client()
        work = asyncio.create_task(http.handle(called("write", path="a.txt"), Channel(client.receive, client.send)))
        await server.asked.wait()
        client.leaves.set()
        await work

    entries = play(server, act)
    assert [entry["kind"] for entry in entries if entry["kind"] in ("call", "launched")] == ["call"]


def test_a_thousand_clients_that_leave_at_once_leave_nothing_behind() -> None:
    """No task, no connection and no open request stays."""

    async def act(http: HttpProxy) -> None:
        before = len(asyncio.all_tasks())
        for _ in range(20):
            clients = [Client() for _ in range(50)]
            work = [
                http.handle(called(number=place, version=b"2026-07-28"), Channel(one.receive, one.send))
                for place, one in enumerate(clients)
            ]
            for one in clients:
                one.leaves.set()
            await asyncio.gather(*work, return_exceptions=True)
        for _ in range(100):
            if len(asyncio.all_tasks()) <= before:
                break
            await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) <= before
        assert not any(client.open for client in http._clients.values())

    play(Broken(*[b""] * 1_000), act)
