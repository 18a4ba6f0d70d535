"""The relay of the MCP proxy: what it passes on, what it answers itself, and what nobody must see; on virtual time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.integrations import _mcp_wire as wire
from miner.runtime.run import Mode
from tests.integrations.relay_connection import Connection
from tests.runtime.simulation.virtual_loop import VirtualLoop


def test_a_foreseen_call_is_answered_without_the_server(loop: VirtualLoop) -> None:
    """The answer has the client's id and every other byte as the server wrote it; the tool ran once."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(4.0)
        start = loop.time()
        connection.call("two", "open", {"path": "a.txt"})
        await asyncio.sleep(0.001)
        assert connection.texts()["two"] == "alpha"
        assert loop.time() - start == pytest.approx(0.001)

    connection.run(play)
    assert connection.client[-1].startswith(b'{ "result":')
    assert connection.client[-1].endswith(b',  "id" :"two", "jsonrpc":"2.0"}\r\n')
    assert connection.early.count("a.txt") == 1
    assert not any(b'"two"' in line for line in connection.server)
    assert connection.how() == ["plain", "served"]


def test_a_running_early_call_is_joined(loop: VirtualLoop) -> None:
    """The client waits for the rest of it."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.5)
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(0.6)
        assert connection.texts()[2] == "alpha"

    connection.run(play)
    assert connection.how() == ["plain", "joined"]


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SHADOW])
def test_off_and_shadow_send_the_server_nothing_of_their_own(loop: VirtualLoop, mode: Mode) -> None:
    """The server sees what the client sent and no more."""
    connection = Connection(loop, mode=mode)
    sent: list[bytes] = []

    async def play() -> None:
        sent.append(connection.call(1, "find", {}))
        await asyncio.sleep(2.0)
        sent.append(connection.call(2, "open", {"path": "a.txt"}))
        await asyncio.sleep(2.0)

    connection.run(play)
    assert connection.server == sent
    assert connection.texts() == {1: '{"items": [{"path": "a.txt"}, {"path": "b.txt"}]}', 2: "alpha"}


STRANGE = [
    b"\n",
    b"not json\n",
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]\r\n',
    b'{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"x"}}\n',
    b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":0.5}}\n',
    b'{"jsonrpc":"2.0","id":9,"error":{"code":-1,"message":"no"}}\n',
    b'{"jsonrpc":"2.0","id":{"a":1},"method":"tools/call","params":[1]}\n',
    b'{"jsonrpc":"2.0","id":1,"method":5}\n',
    b'\xff\xfe {"id":NaN}\n',
    b'{"a":' * 5_000 + b"\n",
    b'{"jsonrpc":"2.0","id":3,"result":{"tools":[1,{"name":2},{"name":"x","annotations":[]}]}}\n',
]


@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_what_is_not_understood_passes_untouched(loop: VirtualLoop, number: int) -> None:
    """In both directions, byte for byte, and the connection goes on."""
    connection = Connection(loop)

    async def play() -> None:
        connection.relay.from_client(STRANGE[number])
        connection.relay.from_server(STRANGE[number])

    connection.run(play)
    assert (connection.server, connection.client) == ([STRANGE[number]], [STRANGE[number]])


@settings(max_examples=300, deadline=None)
@given(line=st.binary(max_size=200), method=st.sampled_from(["tools/call", "tools/list", "ping", "notifications/x"]))
def test_no_bytes_are_lost_or_changed(line: bytes, method: str) -> None:
    """Whatever is sent on a connection without foreseen calls arrives, once, in order."""
    loop = VirtualLoop()
    connection = Connection(loop)
    connection.answers = False
    framed = b'{"jsonrpc":"2.0","id":5,"method":"%b","params":%b}' % (method.encode(), line)

    async def play() -> None:
        for each in (line, framed):
            connection.relay.from_client(each)
            connection.relay.from_server(each)

    try:
        connection.run(play)
    finally:
        loop.close()
    assert (connection.server, connection.client) == ([line, framed], [line, framed])


@pytest.mark.parametrize(
    ("more", "repeated"),
    [({"task": {"ttl": 1}}, ""), ({"_meta": {"session": "x"}}, ""), ({}, '"name":"write",')],
)
def test_a_call_with_more_to_it_is_never_answered_early(loop: VirtualLoop, more: Any, repeated: str) -> None:
    """An unknown parameter, other metadata, or a name twice: the server decides."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(3.0)
        body = json.dumps({"name": "open", "arguments": {"path": "a.txt"}, **more}).replace("{", "{" + repeated, 1)
        connection.relay.from_client(b'{"id":2,"method":"tools/call","params":%b}' % body.encode())
        await asyncio.sleep(2.0)

    connection.run(play)
    assert connection.how() == ["plain", "plain"]
    assert connection.texts()[2] == "alpha"


def test_a_progress_token_does_not_make_another_call(loop: VirtualLoop) -> None:
    """Progress may be told but need not be."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {}, _meta={"progressToken": 1})
        await asyncio.sleep(3.0)
        connection.call(2, "open", {"path": "a.txt"}, _meta={"progressToken": 2})
        await asyncio.sleep(0.01)

    connection.run(play)
    assert connection.how() == ["plain", "served"]


def test_a_write_is_always_run_and_makes_early_reads_old(loop: VirtualLoop) -> None:
    """After it the file is read anew."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(3.0)
        connection.call(2, "write", {"path": "a.txt", "text": "new"})
        await asyncio.sleep(1.001)
        connection.call(3, "open", {"path": "a.txt"})
        await asyncio.sleep(1.5)

    connection.run(play)
    assert connection.texts()[3] == "new"


def test_requests_that_may_change_anything_make_early_results_old(loop: VirtualLoop) -> None:
    """A method nobody here knows, or a batch, counts as a write."""
    for line in (b'{"id":8,"method":"tasks/run"}\n', b'[{"id":8,"method":"tools/call"}]\n'):
        connection = Connection(loop)

        async def play(connection: Connection = connection, line: bytes = line) -> None:
            connection.call(1, "find", {})
            await asyncio.sleep(3.0)
            connection.relay.from_client(line)
            connection.call(2, "open", {"path": "a.txt"})
            await asyncio.sleep(1.5)

        connection.run(play)
        assert connection.how() == ["plain", "plain"]


@pytest.mark.parametrize("result", [{"isError": True}, {"resultType": "input_required"}, {"task": {"taskId": "1"}}])
def test_only_a_complete_answer_without_error_is_given_out(loop: VirtualLoop, result: dict[str, Any]) -> None:
    """An early call that failed or asks for more is made again for the client."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.5)
        connection.result = result
        await asyncio.sleep(1.5)
        connection.result = {}
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(1.5)

    connection.run(play)
    assert json.loads(connection.client[-1])["id"] == 2
    assert connection.how() == ["plain", "plain"]


def test_cancelling_a_joined_call_cancels_ours_and_is_not_passed_on(loop: VirtualLoop) -> None:
    """The server never saw the client's id, so it is told ours; no answer follows."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.5)
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(0.1)
        connection.say("notifications/cancelled", {"requestId": 2})
        await asyncio.sleep(2.0)

    connection.run(play)
    cancelled = [json.loads(line)["params"]["requestId"] for line in connection.server if b"cancelled" in line]
    assert cancelled[0].startswith("miner-")
    assert 2 not in cancelled
    assert list(connection.texts()) == [1]


def test_cancelling_a_plain_call_is_passed_on(loop: VirtualLoop) -> None:
    """As every notification is."""
    connection = Connection(loop)
    sent: list[bytes] = []

    async def play() -> None:
        sent.append(connection.call(1, "find", {}))
        sent.append(connection.say("notifications/cancelled", {"requestId": 1}))
        await asyncio.sleep(0.1)

    connection.run(play)
    assert connection.server[:2] == sent


def test_a_cancelled_write_may_still_happen_so_nothing_is_served_until_it_ends(loop: VirtualLoop) -> None:
    """What it may change counts as changing."""
    connection = Connection(loop)

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.01)
        connection.call(2, "write", {"path": "a.txt", "text": "late"})
        connection.say("notifications/cancelled", {"requestId": 2})
        connection.call(3, "find", {"again": 1})
        await asyncio.sleep(0.5)
        assert connection.early == ["a.txt"]

    connection.run(play)
    assert connection.how() == ["plain"] * 3


def test_a_question_of_a_tool_that_ran_early_reaches_nobody(loop: VirtualLoop) -> None:
    """The server gets a refusal, and the tool is not called early again."""
    connection = Connection(loop)
    question = b'{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}\n'

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(1.5)
        assert connection.early
        connection.relay.from_server(question)
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(5.0)

    connection.run(play)
    assert question not in connection.client
    assert [line for line in connection.server if b"-32601" in line and b'"id":0' in line]
    assert connection.how() == ["plain", "plain"]
    assert connection.early == ["a.txt"]


def test_a_question_while_the_client_waits_is_passed_on(loop: VirtualLoop) -> None:
    """It may be the client's own call that asks."""
    connection = Connection(loop)
    question = b'{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{}}\n'

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(0.5)
        connection.relay.from_server(question)

    connection.run(play)
    assert connection.client == [question]


def test_a_changed_list_of_tools_discards_what_was_launched(loop: VirtualLoop) -> None:
    """The notification goes on, and early results of the old tools answer nothing."""
    connection = Connection(loop)
    changed = b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n'

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(3.0)
        connection.relay.from_server(changed)
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(1.5)

    connection.run(play)
    assert changed in connection.client
    assert connection.how() == ["plain", "plain"]


def test_annotations_of_the_server_only_lower_what_is_allowed(loop: VirtualLoop) -> None:
    """A tool that says it writes is not called early, although the operator took it for a read."""
    connection = Connection(loop)
    tools = [{"name": "open", "annotations": {"readOnlyHint": False}}]

    async def play() -> None:
        connection.say("tools/list", {}, 1)
        connection.relay.from_server(json.dumps({"id": 1, "result": {"tools": tools}}).encode())
        connection.call(2, "find", {})
        await asyncio.sleep(3.0)

    connection.run(play)
    assert connection.early == []


def test_bundle_and_policy_may_know_the_tools_by_longer_names(loop: VirtualLoop) -> None:
    """The server only ever hears its own names."""
    connection = Connection(loop, prefix="mcp__files__")

    async def play() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(3.0)
        connection.call(2, "open", {"path": "a.txt"})
        await asyncio.sleep(0.01)

    connection.run(play)
    assert connection.how() == ["plain", "served"]
    assert not any(b"mcp__files__" in line for line in connection.server)


def test_an_answer_in_which_our_id_stands_twice_is_not_given_out() -> None:
    """Exchanging it would change what the tool said."""
    assert wire.readdressed(b'{"id":"miner-1","result":"x"}', "miner-1", "7") == b'{"id":7,"result":"x"}'
    assert wire.readdressed(b'{"id":"miner-1","result":"miner-1"}', "miner-1", "7") is None
