"""The MCP proxy: stands between clients and a server, and answers calls that it has made while the model was thinking.

What all connections share is here; ``_mcp_relay`` is one of them, and the other modules bring its lines.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from miner.runtime.budget import Budget
from miner.runtime.ledger import Ledger
from miner.runtime.policy import Policy
from miner.runtime.results import describe
from miner.runtime.run import Mode, Predictor
from miner.runtime.serving_rules import with_text
from miner.runtime.speculator import Execute, Session, Speculator

from . import _mcp_wire as wire
from ._mcp_authority import Authority
from ._mcp_relay import EarlyCallError, Relay, Write


class Proxy:
    """One server: all connections to it share the budget, the policy in force, and what each other's calls change."""

    def __init__(
        self,
        predictor: Predictor,
        policy: Policy,
        *,
        mode: Mode = Mode.OFF,
        prefix: str = "",
        budget: Budget | None = None,
        ledger: Ledger | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``prefix`` is what bundle and policy have before the names of this server's tools."""
        self.prefix, self._environment = prefix, environment
        self.authority = Authority(policy, prefix, getattr(predictor, "fingerprints", None))
        self.speculator = Speculator(
            predictor,
            policy,
            budget,
            execute=_nobody,
            mode=mode,
            clock=clock,
            ledger=ledger,
            describe_result=_describe,
            retell_result=_retold,
        )
        self._numbers = itertools.count(1)

    def connect(self, to_client: Write, to_server: Write) -> Relay:
        """A connection of a client, given what writes to it and what writes to its server."""
        return Relay(self, f"mcp-{next(self._numbers)}", to_client, to_server)

    def session(self, name: str, execute: Execute) -> Session:
        """What a connection does, as the speculator sees it."""
        return self.speculator.session(name, environment=self._environment, execute=execute)

    def enforce(self) -> None:
        """Puts in force what the server's words and deeds leave of the policy."""
        policy = self.authority.policy
        if policy != self.speculator.core.policy:
            self.speculator.set_policy(policy)

    async def close(self) -> None:
        """Everything ends."""
        await self.speculator.close()


async def _nobody(tool: str, _: Mapping[str, Any]) -> Any:
    """Every connection has its own way of running a tool."""
    raise EarlyCallError(tool)


def _describe(result: Any) -> tuple[str, str]:
    """(status, text) of a result: of the server's line when it came early, else of the result in it."""
    if isinstance(result, tuple):
        result = json.loads(result[1])["result"]
    return describe(result)


def _retold(result: tuple[str, bytes], text: str) -> tuple[str, bytes] | None:
    """The server's line with another text in it, written as the server writes; None when its way is not known."""
    id_, line = result
    message = wire.read(line)
    said = None if message is None else with_text(message.body.get("result"), text)
    if message is None or said is None:
        return None
    new = wire.rewritten(line, message.body, {**message.body, "result": said})
    return None if new is None else (id_, new)
