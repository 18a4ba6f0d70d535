"""A client, a relay and a server that takes a second for every call, on virtual time."""

from __future__ import annotations

import json
from typing import Any

from miner.integrations import _mcp_wire as wire
from miner.integrations.mcp_proxy import Proxy
from miner.runtime.budget import Budget
from miner.runtime.bundle import load_bundle
from miner.runtime.history import check_history
from miner.runtime.run import Mode
from miner.runtime.serving_rules import ServingRule
from tests.integrations.found_files import bundle, policy
from tests.runtime.simulation.virtual_loop import VirtualLoop


class Connection:
    """A client, a relay and a server that takes a second for every call."""

    def __init__(
        self,
        loop: VirtualLoop,
        *,
        mode: Mode = Mode.ON,
        prefix: str = "",
        fingerprints: dict[str, str] | None = None,
        serving: tuple[ServingRule, ...] = (),
        budget: Budget | None = None,
        **rule: Any,
    ) -> None:
        self.loop = loop
        self.client: list[bytes] = []
        """Lines the client got."""
        self.server: list[bytes] = []
        """Lines the server got."""
        self.files = {"a.txt": "alpha", "b.txt": "beta"}
        self.answers = True
        self.result: dict[str, Any] = {}
        self.proxy = Proxy(
            load_bundle(bundle(prefix, fingerprints, serving)),
            policy(prefix, **rule),
            mode=mode,
            prefix=prefix,
            budget=budget,
            clock=loop.time,
        )
        self.relay = self.proxy.connect(self.client.append, self._serve)

    def _serve(self, line: bytes) -> None:
        self.server.append(line)
        message = wire.read(line)
        if message is not None and message.method == "tools/call" and message.id is not None and self.answers:
            self.loop.call_later(1.0, self.answer, message)

    def answer(self, message: wire.Message) -> None:
        """Runs a tool and sends its answer, spaced as nobody else would."""
        params = message.body["params"]
        tool, arguments = params["name"], params["arguments"]
        if tool == "write":
            self.files[arguments["path"]] = arguments["text"]
        found = {"items": [{"path": path} for path in self.files]}
        text = json.dumps(found) if tool == "find" else self.files.get(arguments.get("path"), "none")
        result = {"content": [{"type": "text", "text": text}], **self.result}
        self.relay.from_server(self.write(message.id or "", result))

    def write(self, id_: str, result: dict[str, Any]) -> bytes:
        """The line of an answer."""
        return f'{{ "result":{json.dumps(result)},  "id" :{id_}, "jsonrpc":"2.0"}}\r\n'.encode()

    def say(self, method: str, params: Any = None, id_: Any = None) -> bytes:
        """The client sends a message."""
        body = {"jsonrpc": "2.0", "method": method, "params": params}
        line = json.dumps(body if id_ is None else {**body, "id": id_}).encode() + b"\n"
        self.relay.from_client(line)
        return line

    def call(self, id_: Any, tool: str, arguments: Any, **more: Any) -> bytes:
        """The client calls a tool."""
        return self.say("tools/call", {"name": tool, "arguments": arguments, **more}, id_)

    def texts(self) -> dict[Any, str]:
        """What the client was answered, by id."""
        found = {}
        for line in self.client:
            body = json.loads(line)
            if "id" in body and "result" in body:
                assert body["id"] not in found
                found[body["id"]] = body["result"]["content"][0]["text"]
        return found

    @property
    def early(self) -> list[str]:
        """Paths that were opened early."""
        bodies = [json.loads(line) for line in self.server if b"tools/call" in line and b"miner-" in line]
        return [body["params"]["arguments"].get("path", "") for body in bodies if "id" in body]

    def how(self) -> list[str]:
        """How each call of the client was answered."""
        return [entry["how"] for entry in self.relay.speculator.ledger if entry["kind"] == "call"]

    def run(self, play: Any) -> None:
        """Plays, ends, and checks what every connection must hold."""

        async def whole() -> None:
            await play()
            await self.relay.close()
            await self.proxy.close()

        self.loop.run_until_complete(whole())
        assert list(check_history(self.relay.speculator.ledger)) == []
        assert not any(b"miner-" in line for line in self.client)
