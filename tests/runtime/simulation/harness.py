"""Runs a scripted agent with and without speculation and says what is wrong with what happened."""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any

from miner.runtime.budget import Budget
from miner.runtime.canonical import canonical
from miner.runtime.drift import Drift
from miner.runtime.history import check_history
from miner.runtime.ledger import Ledger
from miner.runtime.run import Mode
from miner.runtime.speculator import Session, Speculator

from .script import Ask, Oracle, Script, script
from .virtual_loop import VirtualLoop
from .world import ToolCrashError, World, policy

_NEVER_EARLY = ("write", "approve", "note", "unknown", "read_all")

_CALLER: ContextVar[str] = ContextVar("caller", default="")


@dataclass
class Answer:
    """What the agent saw of one call."""

    kind: str
    value: str = ""
    issued: float = 0.0
    known: int = 0
    """Version of the key when the call was issued."""
    executions: int = 0
    """Real runs of the tool for this call."""
    delay: float = 0.0
    """Seconds from the call to its real run."""


@dataclass
class Watch:
    """What happened to one agent, and every complaint about it."""

    script: Script
    world: World
    answers: dict[tuple[int, int], Answer] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    off: bool = False
    strict: bool = False
    capacity: int | None = None
    asked_far: bool = False
    waiting: set[str] = field(default_factory=set)
    """Calls under way."""
    running: set[str] = field(default_factory=set)
    """Calls under way whose real run has begun."""
    crowds: list[tuple[str, int, int, int]] = field(default_factory=list)
    """At the start of each early run: its tool, early runs going on, calls that wait for one, real runs."""

    @property
    def happenings(self) -> set[str]:
        return {what for step in self.script.steps for _, what in step.events}


def simulate(seed: int, *, speculate: bool = True, calm: bool | None = None) -> tuple[Watch, Speculator | None]:
    """One schedule. Odd seeds are calm ones, fit for a paired comparison."""
    calm = bool(seed % 2) if calm is None else calm
    rng = Random(f"schedule/{seed}")
    hangs, stubborn = rng.choice((0.0, 0.0, 0.3)), rng.choice((0.0, 0.0, 0.5))
    faults = rng.choice((0.0, 0.0, 0.0, 0.3))
    loop = VirtualLoop()
    world = World(loop.time, seed, hangs, stubborn)
    watch = Watch(script(seed, calm=calm), world)
    loop.set_exception_handler(lambda _, context: watch.complaints.append(f"I-19 {context['message']}"))
    offset = [0.0]
    try:
        if not speculate:
            loop.run_until_complete(_agent(watch, None, None, offset))
            return watch, None
        oracle = Oracle(watch.script, faults)
        speculator = Speculator(
            oracle,
            policy(),
            budget(rng),
            execute=lambda tool, arguments: _watched(watch, tool, arguments),
            mode=Mode.ON,
            clock=lambda: loop.time() + offset[0],
            ledger=Ledger(key=b"seed"),
            drift=Drift(alpha=1e-6),
        )
        watch.capacity = speculator.core.budget.capacity
        loop.run_until_complete(_session(watch, speculator, oracle, offset))
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        _final_checks(watch, speculator, len(left))
        return watch, speculator
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(1.0))
        loop.close()


def budget(rng: Random) -> Budget:
    """Limits from none at all to plenty."""
    return Budget(
        in_flight=rng.choice((1, 2, 2, 4)),
        capacity=rng.choice((None, None, 2, 3)),
        per_decision=rng.choice((2, 4, 8)),
        stored_results=rng.choice((3, 256)),
        result_bytes=rng.choice((40, 1 << 20, 1 << 20)),
        wasted_share=1.0,
        patience_s=5.0,
        proofs=rng.choice((0, 0, 0, 1)),
    )


async def _watched(watch: Watch, tool: str, arguments: Any) -> Any:
    """The tools as the speculator reaches them: early runs are looked at before they start."""
    task = asyncio.current_task()
    if task is not None and task.get_name().startswith("speculation-"):
        if watch.off:
            watch.complaints.append("I-14 dispatched while off")
        if tool in _NEVER_EARLY or (watch.strict and tool in ("read", "view", "ask")):
            watch.complaints.append(f"I-10 {tool} was called early")
        if tool == "ask" and not watch.asked_far:
            watch.complaints.append("I-13 an unknown server was called early")
        going_on = sum(run.early and run.ended is None for run in watch.world.executions) + 1
        real = len(watch.running)
        watch.crowds.append((tool, going_on, len(watch.waiting - watch.running), real))
        return await watch.world.execute(tool, arguments)
    caller = _CALLER.get()
    watch.running.add(caller)
    asyncio.get_running_loop().call_later(0.001, _check_slack, watch)
    try:
        return await watch.world.execute(tool, arguments, caller)
    finally:
        watch.running.discard(caller)


def _check_slack(watch: Watch) -> None:
    """Shortly after a real call began: speculations that competed with it are gone."""
    early = sum(run.early and run.ended is None for run in watch.world.executions)
    joined = len(watch.waiting - watch.running)
    short = watch.capacity is not None and early + len(watch.running) > watch.capacity
    if short and early > joined and not watch.world.stubborn:
        watch.complaints.append("I-15 an early run keeps a slot that a real call needs")


async def _session(watch: Watch, speculator: Speculator, oracle: Oracle, offset: list[float]) -> None:
    session = speculator.session("agent")
    session.user_message("go")
    agent = asyncio.create_task(_agent(watch, session, speculator, offset, oracle), name="agent")
    if watch.script.close_after is not None:
        asyncio.get_running_loop().call_later(watch.script.close_after, agent.cancel)
    neighbour = asyncio.create_task(_neighbour(watch, speculator), name="neighbour")
    await asyncio.wait({agent})
    neighbour.cancel()
    await asyncio.wait({neighbour})
    if not agent.cancelled() and agent.exception() is not None:
        watch.complaints.append(f"I-19 the agent saw {agent.exception()!r}")
    orphans = await session.close()
    if orphans and not watch.world.stubborn:
        watch.complaints.append("I-17 orphans although every tool obeys")
    going_on = sum(run.early and run.ended is None for run in watch.world.executions)
    if going_on > len(orphans):
        watch.complaints.append("I-17 early work outlives the session")


async def _neighbour(watch: Watch, speculator: Speculator) -> None:
    """Another agent that changes what the first one reads."""
    async with speculator.session("neighbour") as session:
        for wait, tool, key in watch.script.neighbour:
            await asyncio.sleep(wait)
            await session.call(tool, {"key": key})


async def _agent(
    watch: Watch, session: Session | None, speculator: Speculator | None, offset: list[float], oracle: Any = None
) -> None:
    loop = asyncio.get_running_loop()
    for number, step in enumerate(watch.script.steps):
        if session is not None and speculator is not None:
            oracle.position = number
            session.model_started()
            for after, what in step.events:
                loop.call_later(after, _happen, watch, speculator, offset, what)
        await asyncio.sleep(step.think)
        calls = [
            asyncio.create_task(_call(watch, session, (number, place), ask), name=f"call-{number}-{place}")
            for place, ask in enumerate(step.batch)
        ]
        try:
            for task, ask in zip(calls, step.batch, strict=True):
                if ask.cancel_after is not None:
                    loop.call_later(ask.after + ask.cancel_after, task.cancel)
            if calls:
                await asyncio.wait(calls)
        except asyncio.CancelledError:
            for task in calls:
                task.cancel()
            await asyncio.wait(calls)
            raise


def _happen(watch: Watch, speculator: Speculator, offset: list[float], what: str) -> None:
    """Something the operator or the machine does in the middle of it."""
    if what == "off":
        speculator.off()
        watch.off = True
    elif what == "on":
        watch.off = False
        speculator.set_mode(Mode.ON)
    elif what in ("strict", "policy"):
        watch.strict = what == "strict"
        speculator.set_policy(policy(strict=watch.strict))
    elif what == "tools":
        speculator.tools_changed()
    else:
        offset[0] += 100.0 if what == "jump" else -5.0


async def _call(watch: Watch, session: Session | None, place: tuple[int, int], ask: Ask) -> None:
    await asyncio.sleep(ask.after + place[1] * 1e-6)  # the loop does not keep the order of equal times
    world = watch.world
    key = str(ask.arguments.get("key"))
    answer = Answer("cancelled", issued=world.loop_time(), known=world.state.get(key, 0))
    watch.answers[place] = answer
    watch.asked_far = watch.asked_far or ask.tool == "ask"
    task = asyncio.current_task()
    name = task.get_name() if task is not None else ""
    watch.waiting.add(name)
    before = len(world.executions)
    try:
        result = await asyncio.wait_for(_asked(watch, session, ask, name), ask.timeout)
        answer.kind, answer.value = "ok", canonical(result)
        if isinstance(result, dict) and isinstance(result.get("list"), list):
            result["list"].append("the agent's own")
    except TimeoutError:
        answer.kind = "timeout"
    except ToolCrashError as error:
        answer.kind, answer.value = "error", type(error).__name__
    finally:
        watch.waiting.discard(name)
        mine = [run for run in world.executions[before:] if run.caller == name and not run.early]
        answer.executions = len(mine)
        answer.delay = mine[0].started - answer.issued if mine else 0.0


async def _asked(watch: Watch, session: Session | None, ask: Ask, name: str) -> Any:
    _CALLER.set(name)
    arguments = dict(ask.arguments)
    if session is None:
        return await _watched(watch, ask.tool, arguments)
    if not ask.host:
        return await session.call(ask.tool, arguments)
    call, status, result = session.call_started(ask.tool, arguments), "cancelled", None
    try:
        result = await _watched(watch, ask.tool, arguments)
        status = "ok"
    finally:
        session.call_finished(call, result, status)
    return result


def _final_checks(watch: Watch, speculator: Speculator, tasks_left: int) -> None:
    world, complaints = watch.world, watch.complaints
    early = [run for run in world.executions if run.early]
    if tasks_left and not world.stubborn:
        complaints.append(f"I-17 {tasks_left} tasks left")
    if speculator.ledger.total("launched") != len(early):
        complaints.append("I-21 the ledger does not count what the tools count")
    if any(run.ended for run in speculator.core.runs.values()) or (speculator.core.runs and not world.stubborn):
        complaints.append("I-16 runs are kept after the session")
    if speculator.core.real:
        complaints.append("I-16 real calls are counted that are over")
    _check_slots(watch, speculator.core.budget)
    _check_answers(watch)
    jumps = watch.happenings & {"jump", "back"}
    times = [run.started for run in early if run.tool == "now"]
    if not jumps and any(times[i + 3] - times[i] < 60.0 for i in range(len(times) - 3)):
        complaints.append("I-16 max_rate exceeded")
    if any(
        entry["tool"] == "ask" and entry["origins"] not in ([], ["constant"])
        for entry in speculator.ledger
        if entry["kind"] == "admitted"
    ):
        complaints.append("I-5 a value left for a destination that nobody allowed")
    complaints += [f"{one.invariant} {one.what}" for one in check_history(speculator.ledger)]


def _check_slots(watch: Watch, limits: Budget) -> None:
    """Early runs never exceed the limit; those that a call waits for are that call."""
    for tool, going_on, joined, real in watch.crowds:
        if going_on - joined > limits.in_flight:
            watch.complaints.append(f"I-16 {going_on} early runs at once, {joined} joined: {tool}")
        if limits.capacity is not None and going_on + real > limits.capacity:
            watch.complaints.append("I-15 an early run took a slot that real calls need")


def _check_answers(watch: Watch) -> None:
    for (number, place), answer in watch.answers.items():
        ask = watch.script.steps[number].batch[place]
        if answer.executions > 1:
            watch.complaints.append("I-2 one call ran twice")
        if answer.executions == 0 and answer.kind in ("ok", "error") and ask.tool in _NEVER_EARLY:
            watch.complaints.append("I-2 a call that must run did not")
        if answer.kind != "ok":
            continue
        value = json.loads(answer.value)
        if "version" in value and value["version"] < answer.known:
            watch.complaints.append("I-6 an answer from before a write that had ended")
        shown = value.get("content")
        if isinstance(shown, str) and any(int(line.split()[-1]) < answer.known for line in shown.splitlines()):
            watch.complaints.append("I-6 a part of an answer from before a write that had ended")
        if "time" in value and not watch.happenings & {"jump", "back"} and value["time"] < answer.issued - 1.0 - 1e-6:
            watch.complaints.append("I-7 an answer older than its time to live")
        if ask.tool == "shape" and value["type"] != type(ask.arguments["key"]).__name__:
            watch.complaints.append("I-3 an answer for another type")
        if value.get("isError") and not answer.executions:
            watch.complaints.append("I-8 an early error was given to the agent")
        if "the agent's own" in answer.value:
            watch.complaints.append("I-9 an answer that another call changed")
        if answer.delay > 0.0 and not watch.world.hangs and ask.arguments.get("key") not in ("broken", "error"):
            watch.complaints.append("I-15 a real call waited for speculation")


def compare(plain: Watch, early: Watch) -> list[str]:
    """Differences that the agent could see (I-1), and differences in what was really done (I-2)."""
    found = []
    for place, expected in plain.answers.items():
        ask = plain.script.steps[place[0]].batch[place[1]]
        seen = early.answers.get(place)
        if seen is None:
            found.append("I-1 a call was never made")
        elif expected.kind in ("timeout", "cancelled"):
            if seen.kind == "error":
                found.append("I-1 a time limit became an error")
        elif early.world.hangs and (ask.timeout is not None or ask.cancel_after is not None):
            continue  # the early run hung, so the tool's answers were not equal
        elif seen.delay > 0.0 and (ask.timeout is not None or ask.cancel_after is not None):
            continue  # joined a run that failed and ran again (I-8), for which its time limit left no room
        elif early.world.hangs and seen.delay > 0.0 and seen.kind == expected.kind:
            continue  # run afresh after its early run hung, so later than the plain one; never older, as checked above
        elif (expected.kind, expected.value) != (seen.kind, seen.value) and ask.tool != "now":
            found.append(f"I-1 {ask.tool}: {expected.kind} {expected.value} became {seen.kind} {seen.value}")
        elif expected.kind != seen.kind:
            found.append(f"I-1 {ask.tool}: {expected.kind} became {seen.kind}")
    effects = [
        [(run.tool, run.arguments) for run in one.world.executions if _has_effect(run)] for one in (plain, early)
    ]
    if effects[0] != effects[1]:
        found.append("I-2 other effects, or in another order")
    return found


def _has_effect(run: Any) -> bool:
    return run.tool in _NEVER_EARLY


def complaints(seed: int) -> list[str]:
    """Everything wrong with one seed; calm ones are compared with a plain run of the same agent."""
    watch, _ = simulate(seed)
    found = list(watch.complaints)
    if seed % 2:
        plain, _ = simulate(seed, speculate=False)
        found += compare(plain, watch)
    return found
