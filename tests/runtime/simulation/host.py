"""A host with a speculator, scripted guesses and tools that take a second, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from miner.runtime.effects import Effect, Level
from miner.runtime.ledger import Ledger
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.run import Mode
from miner.runtime.speculation import Speculation
from miner.runtime.speculator import Speculator

from .virtual_loop import VirtualLoop

READ = ToolRule(Level.FULL, Effect.LOCAL_READ, frozenset({"files"}))
POLICY = Policy(
    {
        "read": READ,
        "list": READ,
        "add": ToolRule(Level.FULL, Effect.PURE),
        "write": ToolRule(effect=Effect.WRITE, writes=frozenset({"files"})),
        "note": ToolRule(effect=Effect.WRITE, writes=frozenset({"notes"})),
        "connect": ToolRule(Level.WARM, Effect.WRITE, speculation_safe=True),
        "book": ToolRule(Level.DRY_RUN, Effect.WRITE, twin="list"),
        "slow_stop": ToolRule(Level.FULL, Effect.LOCAL_READ, frozenset({"files"}), cancellable=False),
    }
)


def guess(tool: str = "read", path: Any = "a", probability: float = 0.9, **more: Any) -> Speculation:
    return Speculation(tool, {"path": path}, probability, origins={"path": "constant"}, **more)


class Scripted:
    """A predictor that says what it is told to say."""

    def __init__(self, *guesses: Speculation) -> None:
        self.guesses = list(guesses)
        self.after: Callable[[Speculation, str], list[Speculation]] = lambda parent, text: []
        self.seen: list[tuple[Any, ...]] = []

    def start(self, session: str) -> Scripted:
        return self

    def observe_message(self, kind: str, text: str) -> None:
        self.seen.append((kind, text))

    def observe_call(self, tool: str, arguments: Mapping[str, Any], status: str, text: str) -> None:
        self.seen.append((tool, dict(arguments), status, text))

    def predict(self, most: int) -> list[Speculation]:
        return self.guesses

    def predict_after(self, parent: Speculation, status: str, text: str, most: int) -> list[Speculation]:
        return self.after(parent, text)


class Tools:
    """Tools that take a second unless told otherwise, and remember who called them."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, Any, bool]] = []
        self.ended = 0
        self.seconds = 1.0
        self.answer: Callable[[str, Any], Any] = lambda tool, path: f"{tool} {path}"

    async def __call__(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        task = asyncio.current_task()
        early = task is not None and task.get_name().startswith("speculation-")
        self.ran.append((tool, arguments.get("path"), early))
        try:
            await asyncio.sleep(self.seconds)
            return self.answer(tool, arguments.get("path"))
        finally:
            self.ended += 1

    def count(self, *, early: bool) -> int:
        return sum(one[2] is early for one in self.ran)


class Host:
    """A speculator with its tools, on virtual time."""

    def __init__(self, loop: VirtualLoop, predictor: Scripted, **settings: Any) -> None:
        self.loop, self.tools, self.predictor = loop, Tools(), predictor
        settings = {"policy": POLICY, "mode": Mode.ON, "ledger": Ledger(key=b"k"), **settings}
        self.speculator = Speculator(predictor, execute=self.tools, clock=loop.time, **settings)
        self.session = self.speculator.session("s")

    async def think(self, seconds: float = 2.0) -> None:
        self.session.model_started()
        await asyncio.sleep(seconds)

    async def timed(self, tool: str = "read", path: Any = "a") -> tuple[Any, float]:
        start = self.loop.time()
        return await self.session.call(tool, {"path": path}), self.loop.time() - start

    def reasons(self, kind: str) -> list[str]:
        return [entry["reason"] for entry in self.speculator.ledger if entry["kind"] == kind]

    def how(self) -> list[str]:
        return [entry["how"] for entry in self.speculator.ledger if entry["kind"] == "call"]
