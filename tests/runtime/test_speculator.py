"""How results of speculations answer real calls, case by case, on virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from miner.runtime.effects import Effect, Level
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.run import Mode
from miner.runtime.speculator import Speculator
from tests.runtime.simulation.host import Host, Scripted, Tools, guess
from tests.runtime.simulation.virtual_loop import VirtualLoop


def test_a_finished_speculation_answers_at_once(loop: VirtualLoop) -> None:
    """The agent gets the result without waiting and the tool runs once."""
    host = Host(loop, Scripted(guess()))

    async def play() -> None:
        await host.think(2.0)
        assert await host.timed() == ("read a", 0.0)
        assert await host.session.close() == []

    loop.run_until_complete(play())
    assert host.tools.ran == [("read", "a", True)]
    assert host.how() == ["served"]
    assert host.speculator.ledger.hidden_s == pytest.approx(1.0)


def test_a_running_speculation_is_joined(loop: VirtualLoop) -> None:
    """The agent waits only for what is left."""
    host = Host(loop, Scripted(guess()))

    async def play() -> None:
        await host.think(0.25)
        assert await host.timed() == ("read a", pytest.approx(0.75))

    loop.run_until_complete(play())
    assert host.tools.ran == [("read", "a", True)]
    assert host.speculator.ledger.hidden_s == pytest.approx(0.25)


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SHADOW])
def test_off_and_shadow_execute_nothing(loop: VirtualLoop, mode: Mode) -> None:
    """Off predicts nothing; shadow writes down what it would have done."""
    host = Host(loop, Scripted(guess()), mode=mode)

    async def play() -> None:
        await host.think()
        assert (await host.timed())[1] == 1.0

    loop.run_until_complete(play())
    assert host.tools.count(early=True) == 0
    assert host.reasons("refused") == ([] if mode is Mode.OFF else ["shadow"])


def test_the_default_is_off_with_an_empty_policy(loop: VirtualLoop) -> None:
    """A speculator nobody configured makes plain calls."""
    tools = Tools()
    speculator = Speculator(Scripted(guess()), execute=tools, clock=loop.time)

    async def play() -> None:
        session = speculator.session("s")
        session.model_started()
        await asyncio.sleep(2.0)
        assert await session.call("read", {"path": "a"}) == "read a"

    loop.run_until_complete(play())
    assert tools.ran == [("read", "a", False)]


@pytest.mark.parametrize("asked", [1, 1.0, True, "1"])
def test_only_the_same_type_is_the_same_call(loop: VirtualLoop, asked: Any) -> None:
    """``1``, ``1.0``, ``true`` and ``"1"`` are four calls, whatever Python says of their equality."""
    host = Host(loop, Scripted(guess(path=1)))

    async def play() -> None:
        await host.think()
        await host.timed(path=asked)

    loop.run_until_complete(play())
    assert host.how() == ["served" if asked == 1 and type(asked) is int else "plain"]


def test_declared_irrelevant_arguments_are_not_compared(loop: VirtualLoop) -> None:
    """A description for people does not make another call."""
    policy = Policy({"read": ToolRule(Level.FULL, Effect.LOCAL_READ, irrelevant=frozenset({"why"}))})
    host = Host(loop, Scripted(guess()), policy=policy)

    async def play() -> None:
        await host.think()
        assert await host.session.call("read", {"path": "a", "why": "to know"}) == "read a"

    loop.run_until_complete(play())
    assert host.how() == ["served"]


def test_a_result_is_delivered_once_unless_it_is_pure(loop: VirtualLoop) -> None:
    """The second call of a read runs; that of a pure tool is answered again, with a copy of its own."""
    host = Host(loop, Scripted(guess(), guess("add")))
    host.tools.answer = lambda tool, path: [tool]

    async def play() -> None:
        await host.think()
        for tool in ("read", "read", "add", "add"):
            result, _ = await host.timed(tool)
            result.append("mine")

    loop.run_until_complete(play())
    assert host.how() == ["served", "plain", "served", "served"]


def test_a_write_makes_reads_of_its_group_old(loop: VirtualLoop) -> None:
    """Finished and running reads of the group go; a write of another group changes nothing."""
    for tool, expected in (("write", "plain"), ("note", "served"), ("unheard_of", "plain")):
        host = Host(loop, Scripted(guess()))

        async def play(host: Host = host, tool: str = tool) -> None:
            await host.think()
            await host.timed(tool)
            await host.timed()

        loop.run_until_complete(play())
        assert host.how() == ["plain", expected]


def test_a_mined_conflict_adds_to_the_declared_ones(loop: VirtualLoop) -> None:
    """A tool that was seen to change another's answers makes them old although nobody declared it."""
    host = Host(loop, Scripted(guess()), mined_changes={"note": frozenset({"read"})})

    async def play() -> None:
        await host.think()
        await host.timed("note")
        await host.timed()

    loop.run_until_complete(play())
    assert host.how() == ["plain", "plain"]


def test_sessions_of_one_world_see_each_others_writes(loop: VirtualLoop) -> None:
    """A write of a neighbour makes our early read old, unless we live in another world."""
    for world, expected in (("", "plain"), ("elsewhere", "served")):
        host = Host(loop, Scripted(guess()))

        async def play(host: Host = host, world: str = world) -> None:
            await host.think()
            await host.speculator.session("other", world=world).call("write", {"path": "a"})
            await host.timed()

        loop.run_until_complete(play())
        assert host.how()[-1] == expected


def test_results_grow_old(loop: VirtualLoop) -> None:
    """After the time to live, counted from the start of the run, a result is not given out."""
    for wait, expected in ((9.9, "served"), (10.1, "plain")):
        host = Host(loop, Scripted(guess()))

        async def play(host: Host = host, wait: float = wait) -> None:
            await host.think(wait)
            await host.timed()

        loop.run_until_complete(play())
        assert host.how() == [expected]
