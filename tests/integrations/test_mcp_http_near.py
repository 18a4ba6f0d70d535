"""The proxy's own way to a server on its machine: connections, bodies and failures, against a server of a few bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

httpx2 = pytest.importorskip("httpx2")
pytest.importorskip("httptools")

from miner.integrations._mcp_http_near import NearClient  # noqa: E402
from miner.integrations._mcp_listen import _Gathered  # noqa: E402

HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
PIECES = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


class Scripted:
    """A server that answers with given bytes, and closes a connection where they are empty."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.reads: list[bytes] = []
        """What arrived at once."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        while (read := await reader.read(1 << 16)) and self.answers:
            self.reads.append(read)
            answer = self.answers.pop(0)
            writer.write(answer.removesuffix(b"|"))
            if not answer or answer.endswith(b"|"):
                break
        writer.close()

    def run(self, asks: Callable[[httpx2.AsyncClient, str], Awaitable[None]]) -> None:
        """Asks this server."""

        async def ask() -> None:
            server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
            async with server, NearClient() as client:
                await asks(client, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp")

        asyncio.run(ask())


def test_requests_after_each_other_share_a_connection_and_arrive_in_one_piece() -> None:
    """Head and body are one write, and bodies of both kinds leave the connection fit for the next request."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        for _ in range(3):
            assert (await client.post(url, content=b"question")).text == "hello"

    server = Scripted(HELLO, PIECES, HELLO)
    server.run(asks)
    assert server.connections == 1
    assert len(server.reads) == 3
    assert all(
        read.startswith(b"POST /mcp HTTP/1.1\r\n") and read.endswith(b"\r\n\r\nquestion") for read in server.reads
    )


def test_requests_at_once_have_connections_of_their_own() -> None:
    """Two requests under way do not wait for each other."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        answers = await asyncio.gather(client.get(url), client.get(url))
        assert [answer.text for answer in answers] == ["hello", "hello"]

    server = Scripted(HELLO, HELLO)
    server.run(asks)
    assert server.connections == 2


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    """An idle connection whose other end has gone costs a new one, never an error."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        assert (await client.get(url)).text == "hello"
        await asyncio.sleep(0.05)
        assert (await client.get(url)).text == "hello"

    server = Scripted(HELLO + b"|", HELLO)
    server.run(asks)
    assert server.connections == 2


def test_a_response_that_is_not_read_to_its_end_frees_nothing() -> None:
    """What a closed response left on the connection is never taken for the answer to another request."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        async with client.stream("GET", url) as response:
            assert response.status_code == 200
        assert (await client.get(url)).text == "hello"

    server = Scripted(PIECES[:-5], HELLO)
    server.run(asks)
    assert server.connections == 2


def test_cookies_are_kept_for_who_asks_with_the_clients_own_requests() -> None:
    """A server that tells sessions apart by a cookie gets it back."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        for _ in range(2):
            async with client.stream("GET", url) as response:
                await response.aread()

    server = Scripted(HELLO.replace(b"\r\n\r\n", b"\r\nset-cookie: a=b\r\n\r\n"), HELLO)
    server.run(asks)
    assert [b"cookie: a=b" in read.lower() for read in server.reads] == [False, True]


def test_what_follows_a_response_is_no_answer_to_anything() -> None:
    """A second response that nobody asked for, or a response of no stated length, ends the connection."""
    alone = b"HTTP/1.1 200 OK\r\n\r\nhello"

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        for _ in range(3):
            assert (await client.get(url)).text == "hello"

    server = Scripted(HELLO + HELLO.replace(b"hello", b"wrong"), alone + b"|", HELLO)
    server.run(asks)
    assert server.connections == 3


def test_a_head_is_answered_by_a_head() -> None:
    """The length that it states is that of a body which does not come."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        response = await client.head(url)
        assert (response.headers["content-length"], response.content) == ("5", b"")

    Scripted(HELLO.removesuffix(b"hello")).run(asks)


def test_no_header_can_begin_another() -> None:
    """A line end in a value is refused before anything is sent."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        with pytest.raises(httpx2.LocalProtocolError):
            await client.get(url, headers={"x": "a\r\ny: b"})

    server = Scripted(HELLO)
    server.run(asks)
    assert server.reads == []


def test_news_before_the_response_is_passed_over() -> None:
    """An informational response is not the response."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        assert (await client.get(url)).text == "hello"

    Scripted(b"HTTP/1.1 103 Early Hints\r\n\r\n" + HELLO).run(asks)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200|",
        b"nonsense\r\n\r\n|",
        HELLO[:-1] + b"|",
        PIECES[:-9] + b"|",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    ],
)
def test_a_server_that_breaks_off_or_talks_nonsense_is_an_error(answer: bytes) -> None:
    """It is an error of the kind that the proxy answers for, in bounded time and memory."""

    async def asks(client: httpx2.AsyncClient, url: str) -> None:
        async with asyncio.timeout(20):
            with pytest.raises(httpx2.HTTPError):
                await client.get(url)

    Scripted(answer).run(asks)


def test_nobody_there_is_an_error_of_connecting() -> None:
    """An address that nothing listens at is told apart from a server that breaks off."""

    async def ask() -> None:
        async with NearClient() as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get("http://127.0.0.1:9/")

    asyncio.run(ask())


def test_what_is_written_in_one_turn_leaves_as_one_piece() -> None:
    """The pieces keep their order, and none is lost when the connection is closed in the same turn."""

    class Transport:
        sent: list[bytes | str] = []  # noqa: RUF012 - one per test

        def write(self, piece: bytes) -> None:
            self.sent.append(piece)

        def close(self) -> None:
            self.sent.append("closed")

    async def write() -> list[bytes | str]:
        gathered = _Gathered(Transport())  # type: ignore[arg-type]
        gathered.write(b"head ")
        gathered.write(b"body")
        await asyncio.sleep(0)
        gathered.write(b"last")
        gathered.close()
        await asyncio.sleep(0)
        return Transport.sent

    assert asyncio.run(write()) == [b"head body", b"last", "closed"]
