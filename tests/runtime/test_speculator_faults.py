"""Failures, cancellations, limits and switches of the speculator, case by case, on virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from miner.runtime.budget import Budget
from miner.runtime.drift import Drift
from miner.runtime.policy import Policy
from miner.runtime.run import Mode
from miner.runtime.speculation import Speculation
from tests.runtime.simulation.host import POLICY, Host, Scripted, guess
from tests.runtime.simulation.virtual_loop import VirtualLoop


def test_an_early_error_is_never_seen(loop: VirtualLoop) -> None:
    """Whether finished or joined, a failed speculation is followed by exactly one real run."""
    for wait in (0.5, 2.0):
        host = Host(loop, Scripted(guess()))
        answers = iter([ValueError("early"), "fine"])

        def answer(tool: str, path: Any, answers: Iterator[Any] = answers) -> Any:
            value = next(answers)
            if isinstance(value, Exception):
                raise value
            return value

        host.tools.answer = answer

        async def play(host: Host = host, wait: float = wait) -> None:
            await host.think(wait)
            assert (await host.timed())[0] == "fine"

        loop.run_until_complete(play())
        assert [early for _, _, early in host.tools.ran] == [True, False]


def test_a_real_error_is_the_agents(loop: VirtualLoop) -> None:
    """An error of a plain call passes through unchanged."""
    host = Host(loop, Scripted())

    def answer(tool: str, path: Any) -> Any:
        raise ValueError("real")

    host.tools.answer = answer
    with pytest.raises(ValueError, match="real"):
        loop.run_until_complete(host.timed())


def test_cancelling_a_joined_call_cancels_its_run_and_nothing_else(loop: VirtualLoop) -> None:
    """The joined run is the call; another speculation goes on."""
    host = Host(loop, Scripted(guess(), guess("list")))

    async def play() -> None:
        await host.think(0.5)
        call = asyncio.create_task(host.session.call("read", {"path": "a"}))
        await asyncio.sleep(0.1)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        assert host.tools.ended == 1
        await asyncio.sleep(1.0)
        assert (await host.timed("list"))[1] == 0.0

    loop.run_until_complete(play())
    assert host.how() == ["joined", "served"]


def test_what_is_no_longer_likely_is_cancelled(loop: VirtualLoop) -> None:
    """A running speculation that the next decision does not repeat is stopped."""
    host = Host(loop, Scripted(guess()))

    async def play() -> None:
        await host.think(0.2)
        host.predictor.guesses = [guess("list")]
        await host.think(0.2)
        assert host.tools.ended == 1

    loop.run_until_complete(play())
    assert host.reasons("dropped") == ["unlikely"]


def test_real_calls_push_speculations_out(loop: VirtualLoop) -> None:
    """With capacity for one, a real call ends the speculation that holds it."""
    host = Host(loop, Scripted(guess()), budget=Budget(capacity=1))

    async def play() -> None:
        await host.think(0.2)
        assert (await host.timed("list"))[1] == 1.0

    loop.run_until_complete(play())
    assert host.reasons("dropped") == ["preempted"]


def test_work_that_cannot_be_cancelled_counts_until_it_ends(loop: VirtualLoop) -> None:
    """A given-up run of such a tool keeps its slot, and is an orphan if it outlives the close."""
    host = Host(loop, Scripted(guess("slow_stop")), budget=Budget(in_flight=1))

    async def hang(tool: str, arguments: Mapping[str, Any]) -> Any:
        await asyncio.sleep(50.0)

    host.speculator._execute = hang

    async def play() -> None:
        await host.think(0.2)
        host.predictor.guesses = [guess()]
        await host.think(0.2)
        assert host.reasons("refused") == ["no_slot"]
        orphans = await host.session.close()
        assert [orphan.tool for orphan in orphans] == ["slow_stop"]
        await asyncio.sleep(50.0)
        assert host.speculator.core.runs == {}

    loop.run_until_complete(play())


def test_a_waiting_speculation_starts_when_a_slot_is_free(loop: VirtualLoop) -> None:
    """Two guesses, one slot: the second runs after the first, while the model still thinks."""
    host = Host(loop, Scripted(guess(), guess("list", probability=0.8)), budget=Budget(in_flight=1))

    async def play() -> None:
        await host.think(1.9)
        assert [one[0] for one in host.tools.ran] == ["read", "list"]

    loop.run_until_complete(play())


def test_late_steps_are_bound_to_early_results(loop: VirtualLoop) -> None:
    """A beam: what a speculated result says is read early too, and serves the decision after the next."""
    host = Host(loop, Scripted(guess("list")))
    host.tools.answer = lambda tool, path: "b" if tool == "list" else f"text of {path}"
    host.predictor.after = lambda parent, text: (
        [guess("read", text, after=parent.identity)] if parent.tool == "list" else []
    )

    async def play() -> None:
        await host.think(2.5)
        assert await host.timed("list") == ("b", 0.0)
        host.predictor.guesses = [guess("read", "b")]
        await host.think(0.0)
        assert await host.timed("read", "b") == ("text of b", 0.0)

    loop.run_until_complete(play())
    assert host.tools.count(early=False) == 0


def test_warm_and_dry_run_levels_never_answer(loop: VirtualLoop) -> None:
    """A warm-up runs the host's own function, a dry run its twin; the real call runs as usual."""
    warmed: list[str] = []

    async def warm(tool: str, arguments: Mapping[str, Any]) -> None:
        warmed.append(tool)

    host = Host(loop, Scripted(guess("connect"), guess("book")), warm=warm)

    async def play() -> None:
        await host.think()
        assert await host.timed("connect") == ("connect a", 1.0)
        assert await host.timed("book") == ("book a", 1.0)

    loop.run_until_complete(play())
    assert warmed == ["connect"]
    assert host.tools.ran == [("list", "a", True), ("connect", "a", False), ("book", "a", False)]


def test_a_policy_change_discards_what_was_launched(loop: VirtualLoop) -> None:
    """Even an equal policy is another one: nothing launched before it answers after it."""
    host = Host(loop, Scripted(guess()))

    async def play() -> None:
        await host.think()
        host.speculator.set_policy(Policy(dict(POLICY.tools)))
        assert (await host.timed())[1] == 1.0

    loop.run_until_complete(play())
    assert host.how() == ["plain"]


def test_off_from_another_thread_stops_everything(loop: VirtualLoop) -> None:
    """Once ``off`` returned in any thread nothing more is dispatched."""
    host = Host(loop, Scripted(guess()))

    async def play() -> None:
        host.session.model_started()
        thread = threading.Thread(target=host.speculator.off)
        thread.start()
        thread.join()
        await asyncio.sleep(2.0)

    loop.run_until_complete(play())
    assert host.tools.ran == []


def test_three_faults_turn_it_off(loop: VirtualLoop) -> None:
    """A predictor that raises costs the agent nothing but the speculation."""
    host = Host(loop, Scripted())

    def broken(most: int) -> list[Speculation]:
        raise RuntimeError("broken")

    host.predictor.predict = broken  # type: ignore[method-assign]

    async def play() -> None:
        for _ in range(3):
            await host.think(0.1)
            assert (await host.timed())[0] == "read a"

    loop.run_until_complete(play())
    assert host.speculator.core.mode is Mode.OFF
    assert host.speculator.ledger.counts["fault", "", "RuntimeError"] == 3


def test_broken_promises_turn_it_off(loop: VirtualLoop) -> None:
    """A bundle that promises 90 % and keeps nothing is off after some decisions, and says why."""
    host = Host(loop, Scripted(guess()), drift=Drift(alpha=0.01))

    async def play() -> None:
        for _ in range(20):
            await host.think(0.1)
            await host.timed("list")

    loop.run_until_complete(play())
    assert host.speculator.core.mode is Mode.OFF
    assert host.reasons("mode") == ["start", "drift"]


def test_calls_of_the_host_are_observed_and_invalidate(loop: VirtualLoop) -> None:
    """A host that runs tools itself tells when; the predictor learns of it and results grow old."""
    host = Host(loop, Scripted(guess()))

    async def play() -> None:
        host.session.user_message("please")
        await host.think()
        call = host.session.call_started("write", {"path": "a"})
        host.session.call_finished(call, "done")
        assert (await host.timed())[1] == 1.0
        await host.think(0.1)

    loop.run_until_complete(play())
    assert host.predictor.seen == [
        ("user", "please"),
        ("write", {"path": "a"}, "ok", "done"),
        ("read", {"path": "a"}, "ok", "read a"),
    ]


@pytest.mark.parametrize("arguments", [{"path": float("nan")}, {"path": object()}, None, {1: 2, "a": 3}])
def test_arguments_that_are_no_json_are_plain_calls(loop: VirtualLoop, arguments: Any) -> None:
    """What cannot be compared is executed as usual."""
    host = Host(loop, Scripted(guess()))

    async def execute(tool: str, arguments: Any) -> str:
        return "ran"

    host.speculator._execute = host.session._execute = execute

    async def play() -> None:
        await host.think()
        assert await host.session.call("read", arguments) == "ran"

    loop.run_until_complete(play())


def test_results_are_limited(loop: VirtualLoop) -> None:
    """A result that is too large or too intricate is not kept, and the call runs; a joined one is handed on."""
    for result in ("x" * 200, [[]] * 50):
        host = Host(loop, Scripted(guess()), budget=Budget(result_bytes=100, result_nodes=20))
        host.tools.answer = lambda tool, path, result=result: result

        async def play(host: Host = host, result: Any = result) -> None:
            await host.think(2.0)
            assert await host.timed() == (result, 1.0)
            await host.think(0.5)
            assert await host.timed() == (result, 0.5)

        loop.run_until_complete(play())


def test_the_ledger_holds_no_content(loop: VirtualLoop) -> None:
    """Neither an argument, nor a result, nor an error text, nor the session's name is in any entry."""
    host = Host(loop, Scripted(guess(path="canary-argument"), guess("list", "canary-fails")))

    def answer(tool: str, path: Any) -> Any:
        if path == "canary-fails":
            raise ValueError("canary-error")
        return "canary-result"

    host.tools.answer = answer
    session = host.speculator.session("canary-session")

    async def play() -> None:
        session.user_message("canary-message")
        session.model_started()
        await asyncio.sleep(2.0)
        await session.call("read", {"path": "canary-argument"})
        with pytest.raises(ValueError, match="canary-error"):
            await session.call("list", {"path": "canary-fails"})
        await session.close()

    loop.run_until_complete(play())
    text = "\n".join(host.speculator.ledger.lines())
    assert "canary" not in text
    assert len(json.loads(text.splitlines()[-1])["session"]) == 24
