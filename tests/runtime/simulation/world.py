"""A small world with tools that read, write, fail, hang and ignore cancellation, and that notices who ran what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from miner.runtime.canonical import canonical
from miner.runtime.effects import Effect, Level
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.serving_rules import Serving, ServingRule

KEYS = ("a", "b", "c")
LINES = {"a": 4, "b": 9, "c": 3}
"""How many lines ``view`` has of each key; more than ``SHOWN`` at once are cut off without a word."""
SHOWN = 5
SERVING = Serving(
    [
        ServingRule(
            "view",
            "view",
            "line_range",
            (("count", "limit"), ("first", "offset"), ("lines", "numbered"), ("origin", "1")),
            whole=(4, 1_000),
            fired=100,
            right=100,
        )
    ]
)


class ToolCrashError(Exception):
    """The tool broke."""


def policy(*, strict: bool = False) -> Policy:
    """What the operator allows: reads by key group, a pure tool, a remote one; everything else runs for real only."""
    read = {
        "level": Level.FULL,
        "effect": Effect.LOCAL_READ,
        "reads": frozenset({"state"}),
        "writes": frozenset[str](),
        "ttl_s": 4.0,
    }
    tools = {
        "read": ToolRule(**read, irrelevant=frozenset({"why"})),  # type: ignore[arg-type]
        "view": ToolRule(**read),  # type: ignore[arg-type]
        "now": ToolRule(Level.FULL, Effect.LOCAL_READ, frozenset({"clock"}), ttl_s=1.0, max_rate_per_min=3),
        "shape": ToolRule(Level.FULL, Effect.PURE, frozenset(), frozenset()),
        "ask": ToolRule(
            Level.FULL,
            Effect.REMOTE_READ,
            frozenset({"state"}),
            server="far",
            destination="far",
            speculation_safe=True,
            ttl_s=4.0,
        ),
        "write": ToolRule(Level.FULL, Effect.WRITE, writes=frozenset({"state"})),
        "approve": ToolRule(Level.FULL, Effect.LOCAL_READ, frozenset({"state"}), approval=True),
        "note": ToolRule(effect=Effect.WRITE, writes=frozenset({"notes"})),
    }
    if strict:
        del tools["read"], tools["view"], tools["ask"]
    return Policy(tools)


@dataclass
class Execution:
    """One physical run of a tool."""

    tool: str
    arguments: str
    early: bool
    started: float
    caller: str
    ended: float | None = None
    finished: bool = False


@dataclass
class World:
    """State with versions, and the list of everything that was executed."""

    loop_time: Any
    seed: int
    hangs: float = 0.0
    """Share of early runs that hang or crash."""
    stubborn: float = 0.0
    """Share of early runs that swallow their first cancellation."""
    state: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KEYS, 0))
    executions: list[Execution] = field(default_factory=list)
    begun: int = 0

    def latency(self, tool: str, arguments: str) -> float:
        """The same for the same call, early or real, in every run of the same seed; ``why`` is said for people."""
        return Random(f"{self.seed}/{tool}/{arguments}").choice((0.01, 0.1, 0.4, 1.0, 2.5))

    async def execute(self, tool: str, arguments: Mapping[str, Any], caller: str = "") -> Any:
        """Runs a tool. Reads see the state at their start, writes change it at their end."""
        task = asyncio.current_task()
        early = task is not None and task.get_name().startswith("speculation-")
        text = canonical(dict(arguments))
        alike = canonical({name: value for name, value in arguments.items() if name != "why"})
        run = Execution(tool, text, early, self.loop_time(), caller)
        self.executions.append(run)
        try:
            result = self._answer(tool, arguments)
            await self._take_time(tool, alike, early=early)
            if tool in ("write", "read_all", "unknown"):
                self.state[str(arguments.get("key", "a"))] = self.state.get(str(arguments.get("key", "a")), 0) + 1
            run.finished = True
            return result
        finally:
            run.ended = self.loop_time()

    async def _take_time(self, tool: str, text: str, *, early: bool) -> None:
        self.begun += 1
        luck = Random(f"{self.seed}/luck/{self.begun}") if early else None
        if luck is not None and luck.random() < self.hangs:
            if luck.random() < 0.5:
                raise ToolCrashError
            await asyncio.sleep(1_000.0)
        try:
            await asyncio.sleep(self.latency(tool, text))
        except asyncio.CancelledError:
            if luck is None or luck.random() >= self.stubborn:
                raise
            await asyncio.sleep(0.7)
            raise

    def _answer(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        key = arguments.get("key")
        if tool == "now":
            return {"time": self.loop_time()}
        if tool == "shape":
            return {"type": type(key).__name__, "text": str(key), "list": [1, 2]}
        if tool == "view" and key in LINES:
            return {"content": self._lines(str(key), arguments)}
        if key == "broken":
            raise ToolCrashError
        if key == "error":
            return {"isError": True, "content": [{"text": "no such key"}]}
        return {"tool": tool, "key": key, "version": self.state.get(str(key), 0), "list": [1]}

    def _lines(self, key: str, arguments: Mapping[str, Any]) -> str:
        """Some lines of a key, each with the version it was read at."""
        first = arguments.get("offset", 1)
        last = min(LINES[key], first + min(arguments.get("limit", SHOWN), SHOWN) - 1)
        return "\n".join(f"{line}\t{key} version {self.state[key]}" for line in range(first, last + 1))
