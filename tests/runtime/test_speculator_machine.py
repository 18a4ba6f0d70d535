"""A state machine over the public API against a plain model: a dict of values and a list of effects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from miner.runtime.budget import Budget
from miner.runtime.drift import Drift
from miner.runtime.effects import Effect, Level
from miner.runtime.history import check_history
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.run import Mode
from miner.runtime.serving_rules import Serving, ServingRule
from miner.runtime.speculation import Speculation
from miner.runtime.speculator import Speculator
from tests.runtime.simulation.virtual_loop import VirtualLoop

KEYS = st.sampled_from(["a", "b", 1, 1.0, True, "1", None])
POLICY = Policy(
    {
        "get": ToolRule(Level.FULL, Effect.LOCAL_READ, frozenset({"values"}), ttl_s=5.0),
        "shape": ToolRule(Level.FULL, Effect.PURE),
        "view": ToolRule(Level.FULL, Effect.LOCAL_READ, frozenset({"values"}), ttl_s=5.0),
        "put": ToolRule(effect=Effect.WRITE, writes=frozenset({"values"})),
    }
)
PREDICTIONS = st.lists(
    st.tuples(st.sampled_from(["get", "get", "shape", "view", "put", "other"]), KEYS, st.sampled_from([0.3, 0.9, 1.0])),
    max_size=5,
)


PARTS = ServingRule(
    "view",
    "view",
    "line_range",
    (("count", "limit"), ("first", "offset"), ("lines", "numbered"), ("origin", "1")),
    whole=(9, 1_000),
    fired=98,
    right=98,
)


class Machine(RuleBasedStateMachine):
    """An agent that thinks, asks and waits in any order; the model answers what a plain call would."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.serving = Serving([PARTS])
        self.values: dict[str, int] = {}
        self.effects: list[str] = []
        self.expected_effects: list[str] = []
        self.guesses: list[Speculation] = []
        self.speculator = Speculator(
            self,
            POLICY,
            Budget(in_flight=3, wasted_share=1.0, proofs=0),
            execute=self.execute,
            mode=Mode.ON,
            drift=Drift(alpha=1e-9),
            clock=self.loop.time,
        )
        self.session = self.speculator.session("s")

    def start(self, session: str) -> Machine:
        return self

    def observe_message(self, kind: str, text: str) -> None:
        return None

    def observe_call(self, tool: str, arguments: Mapping[str, Any], status: str, text: str) -> None:
        return None

    def predict(self, most: int) -> list[Speculation]:
        return self.guesses

    async def execute(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        name = repr(arguments["key"])
        if tool == "get":
            value = self.values.get(name, 0)
            await asyncio.sleep(0.5)
            return {"value": value, "list": []}
        if tool == "view":
            text = lines(self.values.get(name, 0), arguments)
            await asyncio.sleep(0.5)
            return {"content": text}
        await asyncio.sleep(0.5)
        if tool == "shape":
            return {"shape": name, "list": []}
        self.effects.append(f"{tool} {name}")
        self.values[name] = self.values.get(name, 0) + 1
        return {"done": name, "list": []}

    @rule(predictions=PREDICTIONS, seconds=st.sampled_from([0.0, 0.2, 1.0, 6.0]))
    def think(self, predictions: list[tuple[str, Any, float]], seconds: float) -> None:
        self.guesses = [
            Speculation(tool, {"key": key}, chance, origins={"key": "constant"}) for tool, key, chance in predictions
        ]

        async def play() -> None:
            self.session.model_started()
            await asyncio.sleep(seconds)

        self.loop.run_until_complete(play())

    @rule(tool=st.sampled_from(["get", "get", "shape", "put", "other"]), key=KEYS)
    def ask(self, tool: str, key: Any) -> None:
        name = repr(key)
        before = self.values.get(name, 0)
        result = self.loop.run_until_complete(self.session.call(tool, {"key": key}))
        expected: dict[str, Any] = {
            "get": {"value": before, "list": []},
            "shape": {"shape": name, "list": []},
        }.get(tool, {"done": name, "list": []})
        if tool not in ("get", "shape"):
            self.expected_effects.append(f"{tool} {name}")
        assert result == expected
        result["list"].append("changed by the agent")

    @rule(tool=st.sampled_from(["get", "shape", "view"]), key=KEYS, seconds=st.sampled_from([0.2, 0.6, 6.0]))
    def ask_for_what_is_foreseen(self, tool: str, key: Any, seconds: float) -> None:
        self.think([(tool, key, 0.9)], seconds)
        if tool == "view":
            self.ask_for_parts(key, first=1, count=1, together=True)
        else:
            self.ask(tool, key)

    @rule(key=KEYS, first=st.sampled_from([1, 2, 4]), count=st.sampled_from([1, 3]), together=st.booleans())
    def ask_for_parts(self, key: Any, first: int, count: int, together: bool) -> None:
        asked = [{"key": key, "offset": first, "limit": count}, {"key": key, "offset": 2, "limit": 2}][: 1 + together]
        before = self.values.get(repr(key), 0)

        async def play() -> list[Any]:
            return await asyncio.gather(*(self.session.call("view", arguments) for arguments in asked))

        expected = [{"content": lines(before, arguments)} for arguments in asked]
        assert self.loop.run_until_complete(play()) == expected

    @rule(seconds=st.sampled_from([0.1, 5.0]))
    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    @rule(mode=st.sampled_from(list(Mode)))
    def switch(self, mode: Mode) -> None:
        self.speculator.set_mode(mode)

    @rule()
    def change_policy(self) -> None:
        self.speculator.set_policy(Policy(dict(POLICY.tools)))

    @rule()
    def reopen(self) -> None:
        assert self.loop.run_until_complete(self.session.close()) == []
        assert self.speculator.core.runs == {}
        self.session = self.speculator.session("s")

    @invariant()
    def effects_are_those_that_were_asked_for(self) -> None:
        assert self.effects == self.expected_effects

    @invariant()
    def no_fault_was_hidden(self) -> None:
        assert not [name for name in self.speculator.ledger.counts if name[0] == "fault"]

    def teardown(self) -> None:
        self.loop.run_until_complete(self.speculator.close())
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()
        assert check_history(self.speculator.ledger) == []


def lines(value: int, arguments: Mapping[str, Any]) -> str:
    """Some of three numbered lines that say a value."""
    first = arguments.get("offset", 1)
    return "\n".join(f"{line}\t{value}" for line in range(first, min(4, first + arguments.get("limit", 3))))


TestMachine = pytest.mark.filterwarnings("error")(Machine.TestCase)
TestMachine.__doc__ = "Whatever is thought, asked, switched and reopened, answers and effects are those of plain calls."
TestMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
