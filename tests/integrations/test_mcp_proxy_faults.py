"""The relay when something goes wrong: on the server's side, on the way, and in itself; on virtual time."""

from __future__ import annotations

import asyncio

from miner.runtime.run import Mode
from tests.integrations.relay_connection import Connection
from tests.runtime.simulation.virtual_loop import VirtualLoop


def test_a_server_that_never_answers_an_early_call_delays_nobody_for_ever(loop: VirtualLoop) -> None:
    """Past its patience the client's call goes to the server."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.001)
        connection.answers = False
        await asyncio.sleep(0.5)
        connection.answers = True
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(40.0)

    connection.run(play)
    assert connection.texts()[2] == "alpha"


def test_an_early_answer_of_megabytes_is_not_kept(loop: VirtualLoop) -> None:
    """The client's call goes to the server, whose answer passes whole."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.5)
        connection.result = {"more": "x" * 3_000_000}
        await asyncio.sleep(2.0)
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(2.0)

    connection.run(play)
    assert connection.how() == ["plain", "plain"]
    assert len(connection.client[-1]) > 3_000_000


def test_an_answer_after_its_cancellation_reaches_nobody(loop: VirtualLoop) -> None:
    """A server may ignore that an early call was taken back; what it still says is ours alone."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.5)
        assert connection.early == ["a.txt"]
        connection.call(2, "write", {"path": "a.txt", "text": "new"})
        await asyncio.sleep(0.1)
        connection.call(3, "open", {"path": "a.txt"})
        await asyncio.sleep(3.0)

    connection.run(play)
    assert [line for line in connection.server if b"notifications/cancelled" in line and b"miner-" in line]
    assert sorted(connection.texts()) == [1, 2, 3]
    assert connection.how() == ["plain"] * 3


def test_lost_requests_end_what_waits_for_them(loop: VirtualLoop) -> None:
    """A connection that breaks off under a call, real or early, leaves nothing behind that counts as running."""
    connection = Connection(loop)
    connection.answers = False

    async def play() -> None:
        connection.call(1, "write", {"path": "a.txt", "text": "new"})
        await asyncio.sleep(0.1)
        connection.relay.lost("1")
        connection.relay.lost("1")
        connection.relay.lost('"never asked"')
        connection.answers = True
        connection.call(2, "find", {})
        await asyncio.sleep(4.0)
        connection.call(3, "open", {"path": "a.txt"})
        await asyncio.sleep(0.01)

    connection.run(play)
    assert connection.how() == ["plain", "plain", "served"]
    assert connection.relay.speculator.core.real == 0


def test_what_only_an_early_call_led_to_stays_from_the_client(loop: VirtualLoop) -> None:
    """On a stream of its own everything belongs to it: a question is refused, a notice only makes its tool suspect."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.5)
        connection.call("slow", "find", {"deep": True})
        connection.relay.from_early(b'{"jsonrpc":"2.0","method":"notifications/message","params":{}}\n')
        connection.relay.from_early(b'{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{}}\n')
        connection.relay.from_early(b"no json")
        await asyncio.sleep(3.0)

    connection.run(play)
    assert [line for line in connection.server if b"-32601" in line]
    assert len(connection.client) == 2


def test_a_fault_of_ours_leaves_a_plain_relay(loop: VirtualLoop) -> None:
    """Lines go on passing, both ways."""
    connection = Connection(loop)
    connection.relay._call = lambda *_: 1 / 0  # type: ignore[method-assign,assignment]
    sent: list[bytes] = []

    async def play() -> None:
        sent.append(connection.call(1, "find", {}))
        await asyncio.sleep(3.0)
        sent.append(connection.call(2, "open", {"path": "a.txt"}))
        await asyncio.sleep(3.0)

    connection.run(play)
    assert connection.server == sent
    assert len(connection.client) == 2
    assert connection.relay.speculator.core.mode is Mode.OFF
