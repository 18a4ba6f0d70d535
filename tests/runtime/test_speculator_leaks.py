"""Nothing of speculation outlives its session: no task, thread or descriptor, on real loops and real threads."""

from __future__ import annotations

import asyncio
import os
import threading
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from miner.runtime.budget import Budget
from miner.runtime.effects import Effect, Level
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.run import Mode
from miner.runtime.speculation import Speculation
from miner.runtime.speculator import Speculator
from miner.runtime.threads import ThreadSpeculator

POLICY = Policy(
    {
        "read": ToolRule(Level.FULL, Effect.LOCAL_READ, frozenset({"files"})),
        "write": ToolRule(effect=Effect.WRITE, writes=frozenset({"files"})),
    }
)
SESSIONS = 10_000 if "SOAK" in os.environ else 1_000
BUDGET = Budget(in_flight=4, default_think_s=5.0)


class Guesses:
    """Predicts the same reads at every decision."""

    def start(self, session: str) -> Guesses:
        return self

    def observe_message(self, kind: str, text: str) -> None:
        return None

    def observe_call(self, tool: str, arguments: Mapping[str, Any], status: str, text: str) -> None:
        return None

    def predict(self, most: int) -> list[Speculation]:
        return [Speculation("read", {"path": path}, 0.9, origins={"path": "constant"}) for path in "abc"]


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_a_thousand_sessions_leave_no_task_and_no_descriptor() -> None:
    """Sessions closed at any moment, in the middle of running work, leave the loop as it was."""

    async def execute(tool: str, arguments: Mapping[str, Any]) -> str:
        await asyncio.sleep(0.001 if arguments["path"] == "a" else 30.0)
        return "text"

    async def play() -> None:
        speculator = Speculator(Guesses(), POLICY, BUDGET, execute=execute, mode=Mode.ON)
        for number in range(1_000):
            async with speculator.session(f"s{number}") as session:
                session.model_started()
                await asyncio.sleep(0)
                if number % 3:
                    assert await session.call("read", {"path": "a"}) == "text"
        assert len(asyncio.all_tasks()) == 1
        assert speculator.core.runs == {}
        assert speculator._sessions == {}
        assert speculator._tasks == {}

    before = open_files()
    asyncio.run(play())
    assert open_files() == before


def test_thousands_of_sessions_at_once() -> None:
    """All think and ask at the same time: each is answered, the limits hold, and nothing is left."""
    early = 0
    most = 0

    async def execute(tool: str, arguments: Mapping[str, Any]) -> str:
        nonlocal early, most
        task = asyncio.current_task()
        is_early = task is not None and task.get_name().startswith("speculation-")
        early += is_early
        most = max(most, early)
        await asyncio.sleep(0)
        early -= is_early
        return "text"

    async def agent(speculator: Speculator, number: int) -> str:
        async with speculator.session(f"s{number}") as session:
            session.model_started()
            await asyncio.sleep(0)
            answer: str = await session.call("read", {"path": "a"})
            return answer

    async def play() -> None:
        speculator = Speculator(Guesses(), POLICY, BUDGET, execute=execute, mode=Mode.ON)
        answers = await asyncio.gather(*(agent(speculator, number) for number in range(SESSIONS)))
        assert set(answers) == {"text"}
        assert speculator.core.runs == {}
        assert speculator.core.real == 0

    asyncio.run(play())
    assert 0 < most <= BUDGET.in_flight


def test_a_speculator_outlives_its_loop_and_is_plain_in_a_second_one() -> None:
    """A closed loop gives its slots back to the next one; in a loop beside its own, calls are plain."""
    ran: list[str] = []

    async def execute(tool: str, arguments: Mapping[str, Any]) -> str:
        task = asyncio.current_task()
        ran.append(task.get_name() if task is not None else "")
        await asyncio.sleep(30.0 if len(ran) <= 3 else 0.0)
        return "text"

    speculator = Speculator(Guesses(), POLICY, BUDGET, execute=execute, mode=Mode.ON)

    async def think(ask: str | None) -> None:
        session = speculator.session(f"asks {ask}")
        session.model_started()
        for _ in range(5):
            await asyncio.sleep(0)
        if ask is not None:
            assert await session.call("read", {"path": ask}) == "text"

    asyncio.run(think(None))
    assert len(ran) == 3

    async def both() -> None:
        await think("a")
        before = len(ran)
        thread = threading.Thread(target=lambda: asyncio.run(think("b")))
        thread.start()
        await asyncio.to_thread(thread.join)
        assert [name.startswith("speculation-") for name in ran[before:]] == [False]
        await speculator.close()

    asyncio.run(both())
    assert len(ran) == 7
    assert speculator.core.runs == {}


def test_memory_does_not_grow_with_calls() -> None:
    """Ten thousand more decisions of one session keep no more than the ledger's last entries."""

    async def execute(tool: str, arguments: Mapping[str, Any]) -> str:
        return "text"

    async def play() -> int:
        speculator = Speculator(Guesses(), POLICY, BUDGET, execute=execute, mode=Mode.ON)
        speculator.ledger._entries.clear()
        session = speculator.session("s")

        async def decisions(count: int) -> int:
            for number in range(count):
                session.model_started()
                await asyncio.sleep(0)
                await session.call("read", {"path": "abcd"[number % 4]})
                await session.call("write", {"path": str(number)})
            speculator.ledger._entries.clear()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        first = await decisions(300)
        last = await decisions(1_500)
        tracemalloc.stop()
        await speculator.close()
        return last - first

    assert asyncio.run(play()) < 50_000


def test_cancelling_the_agent_ends_its_speculation() -> None:
    """An agent that is cancelled inside its session leaves nothing running."""
    running: set[str] = set()
    all_run = asyncio.Event()

    async def execute(tool: str, arguments: Mapping[str, Any]) -> str:
        running.add(arguments["path"])
        if len(running) == 3:
            all_run.set()
        try:
            await asyncio.sleep(30.0)
        finally:
            running.discard(arguments["path"])
        return "text"

    async def agent(speculator: Speculator) -> None:
        async with speculator.session("s") as session:
            session.model_started()
            await asyncio.sleep(30.0)

    async def play() -> None:
        speculator = Speculator(Guesses(), POLICY, BUDGET, execute=execute, mode=Mode.ON)
        task = asyncio.create_task(agent(speculator))
        await all_run.wait()
        task.cancel()
        await asyncio.wait({task})
        assert running == set()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(play())


class Tools:
    """Tools for threads that wait until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.started = threading.Semaphore(0)
        self.ran: list[tuple[str, bool]] = []
        self.fails = False

    def __call__(self, tool: str, arguments: Mapping[str, Any]) -> str:
        early = threading.current_thread().name.startswith("speculation-")
        self.ran.append((arguments["path"], early))
        self.started.release()
        self.go.wait(10.0)
        if early and self.fails:
            raise ValueError("early")
        return f"text of {arguments['path']}"


@pytest.fixture
def tools() -> Tools:
    return Tools()


def thread_speculator(tools: Tools) -> ThreadSpeculator:
    return ThreadSpeculator(Guesses(), POLICY, BUDGET, execute=tools, mode=Mode.ON)


def test_threads_serve_what_has_finished(tools: Tools) -> None:
    """A call from a thread is answered by the early run, which ran in a thread of its own."""
    tools.go.set()
    before = set(threading.enumerate())
    speculator = thread_speculator(tools)
    session = speculator.session("s")
    session.model_started()
    for _ in range(3):
        assert tools.started.acquire(timeout=10.0)
    assert session.call("read", {"path": "b"}) == "text of b"
    assert session.call("read", {"path": "z"}) == "text of z"
    assert speculator.close() == []
    assert sorted(tools.ran) == [("a", True), ("b", True), ("c", True), ("z", False)]
    own = set(threading.enumerate()) - before
    assert not [thread for thread in own if thread.name.startswith("speculation-")]


def test_threads_join_what_is_running_and_fall_back_when_it_fails(tools: Tools) -> None:
    """A running early run is waited for; if it fails the call runs, once, in the thread that asked."""
    for fails in (False, True):
        tools.go.clear()
        tools.ran.clear()
        tools.fails = fails
        speculator = thread_speculator(tools)
        session = speculator.session("s")
        session.model_started()
        for _ in range(3):
            assert tools.started.acquire(timeout=10.0)
        answers: list[str] = []
        caller = threading.Thread(target=lambda s=session, a=answers: a.append(s.call("read", {"path": "a"})))
        caller.start()
        while not any(entry["kind"] == "call" for entry in speculator.ledger):
            threading.Event().wait(0.001)
        tools.go.set()
        caller.join(10.0)
        assert answers == ["text of a"]
        assert tools.ran.count(("a", False)) == int(fails)
        assert speculator.close() == []


def test_threads_that_cannot_be_stopped_are_named(tools: Tools) -> None:
    """Closing gives up on running threads after two seconds and lists them; they count until they end."""
    speculator = thread_speculator(tools)
    session = speculator.session("s")
    session.model_started()
    for _ in range(3):
        assert tools.started.acquire(timeout=10.0)
    orphans = session.close()
    assert [orphan.tool for orphan in orphans] == ["read", "read", "read"]
    assert len(speculator.core.runs) == 3
    tools.go.set()
    for thread in list(speculator._threads):
        thread.join(10.0)
    assert speculator.core.runs == {}
    assert speculator.close() == []


def test_many_threads_share_one_speculator(tools: Tools) -> None:
    """Eight agents in eight threads get their answers, every write runs once, and nothing is left."""
    tools.go.set()
    speculator = thread_speculator(tools)
    wrong: list[str] = []

    def agent(number: int) -> None:
        with speculator.session(f"s{number}") as session:
            for turn in range(20):
                session.model_started()
                path = "abcd"[turn % 4]
                if session.call("read", {"path": path}) != f"text of {path}":
                    wrong.append(path)
                session.call("write", {"path": f"{number}/{turn}"})

    agents = [threading.Thread(target=agent, args=(number,)) for number in range(8)]
    for one in agents:
        one.start()
    for one in agents:
        one.join(60.0)
    assert speculator.close() == []
    assert wrong == []
    writes = [path for path, _ in tools.ran if "/" in path]
    assert len(writes) == len(set(writes)) == 160
    assert speculator.core.real == 0
    assert not [name for name in speculator.ledger.counts if name[0] == "fault"]
