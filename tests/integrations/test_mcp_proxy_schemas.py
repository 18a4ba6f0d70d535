"""The relay and tools whose schemas are not those that were mined; on virtual time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from miner.runtime.fingerprint import fingerprint_of
from tests.integrations.relay_connection import Connection
from tests.runtime.simulation.virtual_loop import VirtualLoop

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
CHANGED = {"type": "object", "properties": {"path": {"type": "array"}}}


def listed(connection: Connection, id_: int, schema: Any) -> None:
    """The client asks which tools there are."""
    connection.say("tools/list", {}, id_)
    tools = [{"name": "open", "inputSchema": schema}]
    connection.relay.from_server(json.dumps({"id": id_, "result": {"tools": tools}}).encode())


@pytest.mark.parametrize("schema", [CHANGED, None, [], {"type": "object", "properties": {"path": float("inf")}}])
def test_a_tool_that_has_changed_since_it_was_mined_is_refused_by_name(loop: VirtualLoop, schema: Any) -> None:
    """Its calls are plain and the ledger says why; listed as it was again, it is called early again."""
    mined = fingerprint_of(SCHEMA)
    assert mined is not None
    connection = Connection(loop, fingerprints={"open": mined})

    async def play() -> None:
        listed(connection, 1, schema)
        connection.call(2, "find", {})
        await asyncio.sleep(3.0)
        connection.call(3, "open", {"path": "a.txt"})
        await asyncio.sleep(3.0)
        listed(connection, 4, {**SCHEMA, "title": "openArguments"})
        connection.call(5, "find", {})
        await asyncio.sleep(3.0)

    connection.run(play)
    entries = list(connection.relay.speculator.ledger)
    assert {one["reason"] for one in entries if one["kind"] == "refused" and one["tool"] == "open"} >= {
        "schema_changed"
    }
    launches = [one["n"] for one in entries if one["kind"] == "launched" and one["tool"] == "open"]
    calls = [one["n"] for one in entries if one["kind"] == "call"]
    assert connection.how() == ["plain"] * 3
    assert launches
    assert min(launches) > calls[2]


def test_the_tools_are_compared_at_the_start_even_if_the_client_never_lists_them(loop: VirtualLoop) -> None:
    """The proxy asks for every page itself, and the client sees nothing of it."""
    mined = fingerprint_of(SCHEMA)
    assert mined is not None
    connection = Connection(loop, fingerprints={"open": mined})
    pages: list[Any] = [
        {"tools": [{"name": "find", "inputSchema": {}}], "nextCursor": "more"},
        {"tools": [{"name": "open", "inputSchema": CHANGED}]},
    ]

    async def play() -> None:
        connection.say("notifications/initialized")
        for page in pages:
            await asyncio.sleep(0.1)
            asked = json.loads(connection.server[-1])
            assert asked["method"] == "tools/list"
            connection.relay.from_server(json.dumps({"id": asked["id"], "result": page}).encode())
        connection.call(2, "find", {})
        await asyncio.sleep(3.0)

    connection.run(play)
    assert json.loads(connection.server[2])["params"] == {"cursor": "more"}
    assert connection.early == []
    assert len(connection.client) == 1


def test_a_bundle_without_schemas_asks_for_no_list(loop: VirtualLoop) -> None:
    """The server sees what the client sent and no more."""
    connection = Connection(loop)

    async def play() -> None:
        connection.say("notifications/initialized")
        await asyncio.sleep(1.0)

    connection.run(play)
    assert len(connection.server) == 1


def test_a_tool_without_a_mined_schema_is_taken_as_it_comes(loop: VirtualLoop) -> None:
    """Most logs have no schemas, so a bundle without fingerprints refuses nothing for them."""
    connection = Connection(loop)

    async def play() -> None:
        listed(connection, 1, CHANGED)
        connection.call(2, "find", {})
        await asyncio.sleep(3.0)

    connection.run(play)
    assert connection.early
