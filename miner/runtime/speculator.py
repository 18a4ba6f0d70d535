"""The speculator for asyncio: starts likely calls while the model thinks, and answers real ones with their results.

    speculator = Speculator(load_bundle("bundle.json"), policy, execute=call_tool, mode=Mode.ON)
    async with speculator.session("s1") as session:
        session.user_message("…")
        session.model_started()
        result = await session.call("read_file", {"path": "a.txt"})

Without it the host would write ``await call_tool("read_file", {"path": "a.txt"})``; the agent sees the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

from .budget import Budget
from .core import Core
from .drift import Drift
from .effects import Level
from .ledger import Ledger
from .live import Call, Live
from .policy import Policy
from .results import describe
from .run import Mode, Orphan, Predictor, Run, State
from .serving_rules import with_text

Execute = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
_CLOSE_S = 2.0


class _Outcome(NamedTuple):
    """How the work of a run ended, without raising."""

    value: Any
    failure: str | None


class Adopted(NamedTuple):
    """The result of a speculation that a call took."""

    value: Any


class Speculator:
    """One for a process: its budget, policy and ledger are shared by all sessions."""

    def __init__(
        self,
        predictor: Predictor,
        policy: Policy | None = None,
        budget: Budget | None = None,
        *,
        execute: Execute,
        warm: Execute | None = None,
        mode: Mode = Mode.OFF,
        clock: Callable[[], float] = time.monotonic,
        ledger: Ledger | None = None,
        drift: Drift | None = None,
        mined_changes: Mapping[str, frozenset[str]] | None = None,
        describe_result: Callable[[Any], tuple[str, str]] = describe,
        retell_result: Callable[[Any, str], Any] = with_text,
    ) -> None:
        """``execute`` runs a tool, for real and early alike; ``warm`` is the host's warm-up for level ``warm``.

        ``describe_result`` gives (status, text) of a result, ``retell_result`` a result of the same kind with another
        text, or None; ``mined_changes`` says for a tool which tools' answers
        it was seen to change.
        """
        self.core = Core(
            predictor,
            policy or Policy(),
            budget or Budget(),
            clock,
            mode=mode,
            ledger=Ledger() if ledger is None else ledger,
            drift=drift or Drift(),
            mined_changes=mined_changes,
            can_warm=warm is not None,
            describe_result=describe_result,
            retell_result=retell_result,
        )
        self._execute, self._warm = execute, warm
        self._sessions: dict[str, Session] = {}
        self._tasks: dict[asyncio.Task[_Outcome | None], Run] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def ledger(self) -> Ledger:
        """Everything that was predicted, launched, served, wasted and refused."""
        return self.core.ledger

    def session(
        self,
        id: str,  # noqa: A002 - the word users know
        *,
        world: str = "",
        environment: Mapping[str, str] | None = None,
        execute: Execute | None = None,
    ) -> Session:
        """The session of that name, new unless it is open. Sessions of one ``world`` see each other's changes.

        ``environment`` is what arguments may be taken from beside what happens, such as ``cwd``; ``execute`` runs
        this session's tools, where they are its own.
        """
        found = self._sessions.get(id)
        if found is None:
            found = self._sessions[id] = Session(self, Live(self.core, id, world, environment), execute)
        return found

    def set_policy(self, policy: Policy) -> None:
        """Puts another policy in force, at once and for what is already running."""
        self.core.set_policy(policy)
        self.obey()

    def set_mode(self, mode: Mode) -> None:
        """Moves along off → shadow → on. Works from any thread."""
        self.core.set_mode(mode)
        self.obey()

    def off(self) -> None:
        """Plain calls from now on: once this returns no speculation is dispatched. Works from any thread."""
        self.set_mode(Mode.OFF)

    def tools_changed(self) -> None:
        """A server's list of tools changed: nothing that was launched before may answer a call."""
        self.core.discard_all("tools_changed")
        self.obey()

    async def close(self) -> list[Orphan]:
        """Turns off and ends every session."""
        self.off()
        orphans = []
        for session in list(self._sessions.values()):
            orphans += await session.close()
        return orphans

    def obey(self) -> None:
        """Starts and stops the work that the core asked for, in the loop that it belongs to."""
        core = self.core
        if not core.to_launch and not core.to_cancel:
            return
        if self.is_at_home():
            self._obey_here()
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._obey_here)

    def is_at_home(self) -> bool:
        """True in the loop that the speculations run in: the first that was used, as long as it is open."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._loop is not running and (self._loop is None or self._loop.is_closed()):
            for run in self._tasks.values():
                self.core.finish(run, None, "cancelled")
            self._tasks.clear()
            self._loop = running
        return self._loop is running

    def _obey_here(self) -> None:
        core = self.core
        with core.lock:
            cancel, core.to_cancel = core.to_cancel, []
            launch, core.to_launch = core.to_launch, []
        for run in cancel:
            if run.handle is not None:
                core.record("cancel", run.session, run=run.number, tool=run.tool)
                run.handle.cancel()
        for run in launch:
            if run.number in core.runs:
                task = asyncio.get_running_loop().create_task(self._work(run), name=f"speculation-{run.number}")
                run.handle, self._tasks[task] = task, run
                task.add_done_callback(self._done)

    async def _work(self, run: Run) -> _Outcome | None:
        """The task of one run; None when it was not let through the gate."""
        if not self.core.may_dispatch(run):
            return None
        level, arguments = run.verdict.level, run.speculation.arguments
        try:
            if level is Level.WARM and self._warm is not None:
                return _Outcome(await self._warm(run.tool, arguments), None)
            tool = run.verdict.rule.twin if level is Level.DRY_RUN else run.tool
            session = self._sessions.get(run.session)
            return _Outcome(await self.runner(session)(tool, arguments), None)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - an early error is never the agent's (I-8)
            return _Outcome(None, type(error).__name__)

    def _done(self, task: asyncio.Task[_Outcome | None]) -> None:
        """The work of a run has ended, whatever became of it."""
        run = self._tasks.pop(task)
        outcome = _Outcome(None, "cancelled") if task.cancelled() else task.result()
        if outcome is not None:
            self.core.finish(run, outcome.value, outcome.failure and _reason(outcome.failure))
        session = self._sessions.get(run.session)
        if session is not None:
            session.live.run_ended(run)
        self.obey()

    def runner(self, session: Session | None) -> Execute:
        """What runs the tools of a session."""
        return self._execute if session is None or session.execute is None else session.execute

    async def stopped(self, session: str) -> list[Orphan]:
        """Waits for the given-up work of a session that was closed; answers what goes on all the same."""
        self._sessions.pop(session, None)
        left = {
            task: run for task, run in self._tasks.items() if run.session == session and run.state is not State.JOINED
        }
        if left:
            await asyncio.wait(left, timeout=_CLOSE_S)
        return [Orphan(run.tool, run.number) for task, run in left.items() if not task.done()]


class Session:
    """One session of the agent. Its methods never raise on account of speculation."""

    def __init__(self, speculator: Speculator, live: Live, execute: Execute | None) -> None:
        self.live = live
        self.execute = execute
        """Runs this session's own tools, where it has any."""
        self._speculator, self._core = speculator, live.core

    def user_message(self, text: str) -> None:
        """The user said something."""
        self.live.message("user", text)

    def message(self, kind: str, text: str) -> None:
        """Any other message: ``host`` for what the host injected, ``said`` for the model's own text."""
        self.live.message(kind, text)

    def model_started(self) -> None:
        """The model starts to think. Predictions follow as soon as the loop is free, so nothing waits for them.

        In another loop than the speculator's own there are none, and calls are plain.
        """
        self.live.thinking()
        self._speculator.obey()
        if self._core.mode is not Mode.OFF and self._speculator.is_at_home():
            asyncio.get_running_loop().call_soon(self._decide)

    def call_started(self, tool: str, arguments: Mapping[str, Any]) -> Call:
        """The host itself runs a call; give what this returns to ``call_finished``."""
        call = self.live.begin(tool, arguments, serve=False)
        self._speculator.obey()
        return call

    def call_finished(self, call: Call, result: Any = None, status: str = "ok") -> None:
        """A call that the host ran has ended."""
        self.live.end(call, status, result)

    def ask(self, tool: str, arguments: Mapping[str, Any]) -> Call:
        """The model asks for a call, and the host runs it itself if ``adopt`` has no answer.

        For hosts whose calls are messages to pass on; everybody else uses ``call``. While ``Call.run`` is None there
        is nothing to adopt. Give the call to ``call_finished`` in the end, whoever answered it.
        """
        call = self.live.begin(tool, arguments)
        self._speculator.obey()
        return call

    async def adopt(self, call: Call) -> Adopted | None:
        """The result of the speculation that answers a call; None when the call must be run."""
        return None if call.run is None else await self._adopt(call, call.run)

    async def call(
        self, tool: str, arguments: Mapping[str, Any], run: Callable[[], Awaitable[Any]] | None = None
    ) -> Any:
        """The result of a call: of a speculation that is exactly this call, or of ``execute`` as usual.

        A host that must run its own calls in its own way gives ``run``, which then stands for ``execute``.
        """
        call = self.live.begin(tool, arguments, may_race=True)
        self._speculator.obey()
        execute = run or partial(self._speculator.runner(self), tool, arguments)
        status, result = "cancelled", None
        try:
            if call.run is not None and call.broader is not None and call.derived is None:
                result = await self._race(call, call.run, execute())
            else:
                adopted = None if call.run is None else await self._adopt(call, call.run)
                result = await execute() if adopted is None else adopted.value
            status = "ok"
        except Exception:
            status = "error"
            raise
        else:
            return result
        finally:
            self.live.end(call, status, result)

    async def close(self) -> list[Orphan]:
        """Ends the session and its speculations, within two seconds; what cannot be stopped is returned."""
        self.live.close()
        self._speculator.obey()
        orphans = await self._speculator.stopped(self.live.id)
        self._core.record("closed", self.live.id, orphans=[orphan.run for orphan in orphans])
        return orphans

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _decide(self) -> None:
        self.live.decide()
        self._speculator.obey()

    async def _adopt(self, call: Call, run: Run) -> Adopted | None:
        """The result of a speculation that was claimed; None when the call must be run after all."""
        core = self._core
        part = self.live.hand_over(call, run)
        if part is not None:
            return Adopted(part.value)
        if call.joined and not run.ended:
            await self._join(run)
        if run.result is None or call.broader is not None:
            core.forsake(run, "no_answer")
            self._speculator.obey()
            self._fall_back(call, run)
            return None
        value = core.deliver(run)
        core.record("delivered", self.live.id, call=call.number, tool=call.tool, run=run.number)
        return Adopted(value)

    async def _race(self, call: Call, run: Run, execute: Awaitable[Any]) -> Any:
        """Runs a call, and takes its part of a broader one that is under way if that ends first.

        The call reads and no more, so it may be taken back; nobody ever waits longer than for the call itself.
        """
        own = asyncio.ensure_future(execute)
        try:
            await asyncio.wait({own, run.handle}, return_when=asyncio.FIRST_COMPLETED)
            part = None if own.done() else self.live.hand_over(call, run)
            if part is not None:
                own.cancel()
                own.add_done_callback(_passed_over)
                return part.value
            self._fall_back(call, run)
            return await own
        except asyncio.CancelledError:
            if not own.done():
                own.cancel()
                await asyncio.wait({own})
            raise

    def _fall_back(self, call: Call, run: Run) -> None:
        """The call is answered by its own run."""
        call.run = None
        self._core.record("fell_back", self.live.id, call=call.number, tool=call.tool, run=run.number)

    async def _join(self, run: Run) -> None:
        """Waits for a running speculation, which is the real call from now on: a cancelled caller cancels it.

        Its time to live counted until the claim; a result that the call itself waits for is not old. Patience is
        for tools that hang.
        """
        left = max(0.0, run.started_s + self._core.patience_s(run) - self._core.clock())
        task = run.handle
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            if run.result is None:
                self._core.forsake(run, "cancelled")
                raise


def _passed_over(own: asyncio.Future[Any]) -> None:
    """What became of a call that was answered before it had ended is nobody's business, an error least of all."""
    if not own.cancelled():
        own.exception()


def _reason(error_name: str) -> str:
    """A word for the ledger: the class of an error, never its text."""
    return error_name if error_name == "cancelled" else "failed"
