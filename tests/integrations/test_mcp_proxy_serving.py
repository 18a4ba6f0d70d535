"""Parts of a broader answer through the proxy: written as the server writes, or not given at all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from miner.integrations import _mcp_wire as wire
from miner.runtime.budget import Budget
from miner.runtime.serving_rules import ServingRule
from tests.integrations.relay_connection import Connection
from tests.runtime.simulation.virtual_loop import VirtualLoop

OPTIONS = (("count", "limit"), ("first", "offset"), ("lines", "numbered"), ("origin", "1"))
RULE = ServingRule("open", "open", "line_range", OPTIONS, whole=(9, 1_000), fired=98, right=98)
TEXT = "1\ta\n2\tb é\n3\tc"
WAYS: list[dict[str, Any]] = [
    {},
    {"separators": (",", ":")},
    {"ensure_ascii": False},
    {"separators": (",", ":"), "ensure_ascii": False},
]


def play(connection: Connection) -> None:
    """Finds the files, thinks while the first of them is opened early, and opens its second line."""
    connection.files["a.txt"] = TEXT

    async def whole() -> None:
        connection.call(1, "find", {})
        await asyncio.sleep(4.0)
        connection.answer = part  # type: ignore[method-assign]
        connection.call(2, "open", {"path": "a.txt", "offset": 2, "limit": 1})
        await asyncio.sleep(3.0)

    def part(message: wire.Message) -> None:
        result = {"content": [{"type": "text", "text": "2\tb é"}]}
        connection.relay.from_server(connection.write(message.id or "", result))

    connection.run(whole)
    assert connection.early[0] == "a.txt"
    assert connection.texts()[2] == "2\tb é"


@pytest.mark.parametrize("way", WAYS)
def test_a_part_is_written_as_the_server_would(loop: VirtualLoop, way: dict[str, Any]) -> None:
    """Blanks, escapes and line ends are those of its own answers, byte for byte."""
    connection = Connection(loop, serving=(RULE,), budget=Budget(proofs=0))

    def write(id_: str, result: dict[str, Any]) -> bytes:
        return json.dumps({"jsonrpc": "2.0", "id": json.loads(id_), "result": result}, **way).encode() + b"\n"

    connection.write = write  # type: ignore[method-assign]
    play(connection)
    assert connection.how() == ["plain", "derived"]
    assert not any(b"offset" in line and b"miner-" not in line for line in connection.server)
    assert connection.client[-1] == write("2", {"content": [{"type": "text", "text": "2\tb é"}]})


def test_a_server_that_writes_in_a_way_of_its_own_is_asked(loop: VirtualLoop) -> None:
    """What cannot be written as it would be is not given."""
    connection = Connection(loop, serving=(RULE,), budget=Budget(proofs=0))
    play(connection)
    assert connection.how() == ["plain", "plain"]


@pytest.mark.parametrize(
    "line", [b'{"a": 1.50}\n', b'{"a":1,"a":2}\n', b'{"a" :1}\n', b'{"a":"\\/"}\n', b'{"a":"\\ud800 \xc3\xa9"}\n']
)
def test_no_line_is_rewritten_that_would_not_come_out_the_same(line: bytes) -> None:
    """Numbers, names twice, blanks and escapes that JSON does not keep."""
    assert wire.rewritten(line, json.loads(line), {"a": 3}) is None
