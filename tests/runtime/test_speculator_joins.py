"""Narrower calls that a broader one under way may answer, and what the ledger's checker makes of parts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from miner.runtime.budget import Budget
from miner.runtime.history import check_history
from miner.runtime.policy import Policy
from miner.runtime.run import Mode
from miner.runtime.serving_rules import Serving
from miner.runtime.threads import ThreadSpeculator
from tests.runtime.simulation.host import POLICY, READ, Scripted
from tests.runtime.simulation.virtual_loop import VirtualLoop
from tests.runtime.test_speculation_records import ENDED, RETURNED, START, WRITE, WRITTEN, called, launched, numbered
from tests.runtime.test_speculator_serving import RULE, TEXT, asked, guess, host_of, part


def test_calls_join_a_broader_one_under_way(loop: VirtualLoop) -> None:
    """Parts are given when the whole has ended, what was begun for them is taken back, and it stays for others."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think(0.6)
        both = await asyncio.gather(asked(host, part(2, 1)), asked(host, part(3, 1)))
        assert both == [("2\tb", pytest.approx(0.4)), ("3\tc", pytest.approx(0.4))]
        assert await asked(host, part(4, 1)) == ("4\td", 0.0)
        assert host.tools.ended == 3

    loop.run_until_complete(play())
    assert host.how() == ["derived_joined", "derived_joined", "derived"]
    assert host.speculator.ledger.hidden_s == pytest.approx(0.6 + 0.6 + 1.0)
    assert check_history(host.speculator.ledger) == []


@pytest.mark.parametrize(
    ("seconds", "answer"), [(1.0, "no numbers"), (50.0, TEXT)], ids=["gives no part", "takes too long"]
)
def test_a_whole_under_way_that_is_no_answer_holds_nobody_up(loop: VirtualLoop, seconds: float, answer: str) -> None:
    """The call runs beside it from the start, and its own result is given when that is there first."""
    host = host_of(loop, guess())

    async def play() -> None:
        host.tools.seconds, host.tools.answer = seconds, lambda tool, path: answer
        await host.think(0.6)
        host.tools.seconds = 1.0
        assert await asked(host, part(2, 1)) == (answer, 1.0)
        assert await host.session.close() == []

    loop.run_until_complete(play())
    ledger = host.speculator.ledger
    assert host.how() == ["derived_joined"]
    assert ledger.counts["fell_back", "read", ""] == 1
    assert check_history(ledger) == []


def test_an_error_of_its_own_is_the_answer_if_it_comes_first(loop: VirtualLoop) -> None:
    """A call that fails before the whole has ended fails as it would alone."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think(0.6)
        host.tools.seconds = 0.1

        def answer(tool: str, path: Any) -> Any:
            raise ValueError("broken")

        host.tools.answer = answer
        with pytest.raises(ValueError, match="broken"):
            await asked(host, part(2, 1))

    loop.run_until_complete(play())
    assert check_history(host.speculator.ledger) == []


def test_a_real_call_still_pushes_a_broader_one_out(loop: VirtualLoop) -> None:
    """Slots are for real calls: with one slot there is nothing to join, and the call takes what it takes."""
    host = host_of(loop, guess(), budget=Budget(proofs=0, capacity=1))

    async def play() -> None:
        await host.think(0.6)
        assert (await asked(host, part(2, 1)))[1] == 1.0

    loop.run_until_complete(play())
    assert host.reasons("dropped") == ["preempted"]
    assert check_history(host.speculator.ledger) == []


@pytest.mark.parametrize("who", ["this session", "a neighbour"])
def test_a_change_while_a_part_is_under_way_has_it_run(loop: VirtualLoop, who: str) -> None:
    """What the whole reads may be old by then, whoever changed the one world: nothing of it is given out."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think(0.6)
        waiting = asyncio.create_task(asked(host, part(2, 1)))
        await asyncio.sleep(0.1)
        if who == "this session":
            await asked(host, {"path": "a"}, "write")
        else:
            neighbour = host.speculator.session("neighbour")
            neighbour.call_finished(neighbour.call_started("write", {"path": "a"}))
        assert (await waiting)[1] == pytest.approx(1.0)

    loop.run_until_complete(play())
    assert host.speculator.ledger.counts["delivered", "read", "served_derived"] == 0
    assert host.speculator.ledger.counts["fell_back", "read", ""] == 1
    assert check_history(host.speculator.ledger) == []


def test_who_gives_up_a_part_leaves_the_whole_to_others(loop: VirtualLoop) -> None:
    """A cancelled caller takes its own run along, and the broader call goes on."""
    host = host_of(loop, guess())

    async def play() -> None:
        await host.think(0.6)
        waiting = asyncio.create_task(asked(host, part(2, 1)))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert host.tools.ended == 1
        await asyncio.sleep(1.0)
        assert (await asked(host, part(3, 1)))[1] == 0.0

    loop.run_until_complete(play())
    assert host.how() == ["derived_joined", "derived"]
    assert check_history(host.speculator.ledger) == []


@pytest.mark.parametrize("why", ["the rule is to be proved", "it cannot be cancelled", "the host adopts"])
def test_nothing_under_way_is_joined_where_that_would_cost(loop: VirtualLoop, why: str) -> None:
    """Neither on the word of a new rule, nor where two runs would go on, nor where the call has to wait for it."""
    proofs = int(why == "the rule is to be proved")
    policy = Policy({"read": replace(READ, cancellable=why != "it cannot be cancelled")})
    host = host_of(loop, guess(), budget=Budget(proofs=proofs), policy=policy)

    async def play() -> None:
        await host.think(0.6)
        if why == "the host adopts":
            call = host.session.ask("read", part(2, 1))
            assert call.run is None
            host.session.call_finished(call, "2\tb")
        else:
            assert (await asked(host, part(2, 1)))[1] == 1.0

    loop.run_until_complete(play())
    assert host.how() == ["plain"]


def test_a_thread_runs_its_call_beside_a_broader_one_under_way() -> None:
    """A thread cannot take a call back, so it waits for nothing: the call runs as if there were no speculation."""
    predictor = Scripted(guess())
    predictor.serving = Serving([RULE])  # type: ignore[attr-defined]
    begun, go_on = threading.Event(), threading.Event()

    def execute(tool: str, arguments: Mapping[str, Any]) -> Any:
        if "offset" in arguments:
            return "its own"
        begun.set()
        go_on.wait(20)
        return TEXT

    speculator = ThreadSpeculator(predictor, POLICY, Budget(proofs=0), execute=execute, mode=Mode.ON)
    session = speculator.session("s")
    session.model_started()
    assert begun.wait(20)
    assert session.call("read", part(2, 1)) == "its own"
    go_on.set()
    assert session.close() == []
    assert [entry["how"] for entry in speculator.ledger if entry["kind"] == "call"] == ["plain"]
    assert check_history(speculator.ledger) == []


def derived(number: int = 1, **more: Any) -> dict[str, Any]:
    """The ledger's entry of a narrower call that run 1 answers."""
    return called(number, **{"run": 1, "how": "derived", "broader": "k", "key": f"part {number}", **more})


def delivered(number: int = 1) -> dict[str, Any]:
    """The ledger's entry of its answer."""
    return {"kind": "delivered", "call": number, "run": 1, "reason": "served_derived"}


GIVEN_UP: dict[str, Any] = {"kind": "dropped", "run": 1, "tool": "read", "reason": "changed", "wasted": False}


def test_the_checker_accepts_parts_of_one_result() -> None:
    """Several different parts, some of them waited for, and then the whole are in order."""
    waited = [launched(), derived(how="derived_joined"), ENDED, delivered(), RETURNED]
    assert check_history(numbered([*START, *waited])) == []
    parts = [derived(), delivered(), RETURNED, derived(2), delivered(2)]
    whole = [called(3, run=1, how="served"), {"kind": "delivered", "call": 3, "run": 1}]
    assert check_history(numbered([*START, launched(), ENDED, *parts, *whole])) == []


@pytest.mark.parametrize(
    ("entries", "invariant"),
    [
        ([launched(), ENDED, derived(), delivered(), RETURNED, derived(2, key="part 1"), delivered(2)], "I-4"),
        ([launched(), ENDED, called(run=1, how="served"), delivered(), derived(2), delivered(2)], "I-4"),
        ([launched(), ENDED, derived(broader="other")], "I-3"),
        ([launched(), ENDED, derived(session="another")], "I-3"),
        ([launched(), ENDED, derived(tool="unlisted")], "I-12"),
        ([launched(), ENDED, derived(changes=["notes"])], "I-8"),
        ([launched(), derived()], "I-8"),
        ([launched(), ENDED, derived(how="derived_joined")], "I-8"),
        ([launched(), derived(how="derived_joined"), delivered()], "I-8"),
        ([launched(), derived(how="derived_joined"), ENDED, *WRITE, WRITTEN, delivered()], "I-6"),
        ([launched(), derived(how="derived_joined"), ENDED, GIVEN_UP, delivered()], "I-8"),
        ([launched(), ENDED, *WRITE, WRITTEN, derived()], "I-6"),
    ],
    ids=[
        "twice",
        "after the whole",
        "of another call",
        "session",
        "not allowed",
        "a change",
        "not there",
        "no wait",
        "too soon",
        "old at last",
        "given up",
        "old",
    ],
)
def test_the_checker_names_what_is_wrong_with_a_part(entries: list[dict[str, Any]], invariant: str) -> None:
    """Every promise holds for parts as it does for whole answers."""
    assert {one.invariant for one in check_history(numbered([*START, *entries]))} == {invariant}
