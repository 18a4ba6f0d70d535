"""The speculator for hosts that call tools from threads: the same core, with a thread for each early run.

A real call always runs in the thread that asked for it. A thread cannot be stopped, so an early run that was given
up counts as running until it has ended.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
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

Execute = Callable[[str, Mapping[str, Any]], Any]
_CLOSE_S = 2.0


class _Adopted(NamedTuple):
    """The result of a speculation that a call took."""

    value: Any


class ThreadSpeculator:
    """One for a process; every method may be called from any thread."""

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
        """The arguments are those of ``Speculator``, with plain functions."""
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
        self._sessions: dict[str, ThreadSession] = {}
        self._threads: dict[threading.Thread, Run] = {}
        self._thinking: queue.SimpleQueue[Live | None] = queue.SimpleQueue()
        self._decider: threading.Thread | None = None

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
    ) -> ThreadSession:
        """The session of that name, new unless it is open. Sessions of one ``world`` see each other's changes.

        ``environment`` is what arguments may be taken from beside what happens, such as ``cwd``.
        """
        with self.core.lock:
            found = self._sessions.get(id)
            if found is None:
                live = Live(self.core, id, world, environment)
                found = self._sessions[id] = ThreadSession(self, live, self._execute)
            return found

    def set_policy(self, policy: Policy) -> None:
        """Puts another policy in force, at once and for what is already running."""
        self.core.set_policy(policy)

    def set_mode(self, mode: Mode) -> None:
        """Moves along off → shadow → on."""
        self.core.set_mode(mode)

    def off(self) -> None:
        """Plain calls from now on: once this returns no speculation passes the gate."""
        self.set_mode(Mode.OFF)

    def tools_changed(self) -> None:
        """A server's list of tools changed: nothing that was launched before may answer a call."""
        self.core.discard_all("tools_changed")

    def close(self) -> list[Orphan]:
        """Turns off, ends every session and the deciding thread."""
        self.off()
        orphans = [orphan for session in list(self._sessions.values()) for orphan in session.close()]
        with self.core.lock:
            decider, self._decider = self._decider, None
        if decider is not None:
            self._thinking.put(None)
            decider.join(_CLOSE_S)
        return orphans

    def decide_soon(self, live: Live) -> None:
        """Has the next predictions of a session made, away from the thread of the agent."""
        with self.core.lock:
            if self._decider is None:
                self._decider = threading.Thread(target=self._decide, name="speculation-decider", daemon=True)
                self._decider.start()
        self._thinking.put(live)

    def obey(self) -> None:
        """Starts what the core asked for; a thread that should stop is only counted until it does."""
        core = self.core
        with core.lock:
            launch, core.to_launch = core.to_launch, []
            core.to_cancel.clear()
            for run in launch:
                if run.state is State.ADMITTED:
                    thread = threading.Thread(
                        target=self._work, args=(run,), name=f"speculation-{run.number}", daemon=True
                    )
                    run.handle, self._threads[thread] = threading.Event(), run
                    thread.start()

    def stopped(self, session: str) -> list[Orphan]:
        """Waits for the given-up work of a session that was closed; answers what goes on all the same."""
        with self.core.lock:
            self._sessions.pop(session, None)
            left = [
                (thread, run)
                for thread, run in self._threads.items()
                if run.session == session and run.state is not State.JOINED
            ]
        end = time.monotonic() + _CLOSE_S
        for thread, _ in left:
            thread.join(max(0.0, end - time.monotonic()))
        return [Orphan(run.tool, run.number) for thread, run in left if thread.is_alive()]

    def _decide(self) -> None:
        while (live := self._thinking.get()) is not None:
            live.decide()
            self.obey()

    def _work(self, run: Run) -> None:
        """The thread of one run."""
        done = run.handle
        value, failure = None, "failed"
        if self.core.may_dispatch(run):
            try:
                value = self._early(run)
                failure = ""
            except (Exception, SystemExit):  # noqa: BLE001 - an early error is never the agent's (I-8)
                failure = "failed"
            self.core.finish(run, value, failure or None)
        done.set()
        with self.core.lock:
            self._threads.pop(threading.current_thread(), None)
            session = self._sessions.get(run.session)
        if session is not None:
            session.live.run_ended(run)
        self.obey()

    def _early(self, run: Run) -> Any:
        level, arguments = run.verdict.level, run.speculation.arguments
        if level is Level.WARM and self._warm is not None:
            return self._warm(run.tool, arguments)
        return self._execute(run.verdict.rule.twin if level is Level.DRY_RUN else run.tool, arguments)


class ThreadSession:
    """One session of the agent. Its methods never raise on account of speculation."""

    def __init__(self, speculator: ThreadSpeculator, live: Live, execute: Execute) -> None:
        self.live = live
        self._speculator, self._core, self._execute = speculator, live.core, execute

    def user_message(self, text: str) -> None:
        """The user said something."""
        self.live.message("user", text)

    def message(self, kind: str, text: str) -> None:
        """Any other message: ``host`` for what the host injected, ``said`` for the model's own text."""
        self.live.message(kind, text)

    def model_started(self) -> None:
        """The model starts to think; predictions are made in another thread."""
        self.live.thinking()
        if self._core.mode is not Mode.OFF:
            self._speculator.decide_soon(self.live)

    def call_started(self, tool: str, arguments: Mapping[str, Any]) -> Call:
        """The host itself runs a call; give what this returns to ``call_finished``."""
        return self.live.begin(tool, arguments, serve=False)

    def call_finished(self, call: Call, result: Any = None, status: str = "ok") -> None:
        """A call that the host ran has ended."""
        self.live.end(call, status, result)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """The result of a call: of a speculation that is exactly this call, or of ``execute`` as usual."""
        call = self.live.begin(tool, arguments)
        status, result = "error", None
        try:
            adopted = None if call.run is None else self._adopt(call, call.run)
            result = self._execute(tool, arguments) if adopted is None else adopted.value
            status = "ok"
            return result
        finally:
            self.live.end(call, status, result)

    def close(self) -> list[Orphan]:
        """Ends the session and its speculations, within two seconds; threads that still run are returned."""
        self.live.close()
        orphans = self._speculator.stopped(self.live.id)
        self._core.record("closed", self.live.id, orphans=[orphan.run for orphan in orphans])
        return orphans

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _adopt(self, call: Call, run: Run) -> _Adopted | None:
        """The result of a speculation that was claimed; None when the call must be run after all."""
        core = self._core
        part = self.live.hand_over(call, run)
        if part is not None:
            return _Adopted(part.value)
        with core.lock:
            done = None if run.ended else run.handle
        if done is not None:
            done.wait(max(0.0, run.started_s + core.patience_s(run) - core.clock()))
        with core.lock:
            if run.result is not None and call.derived is None:
                value = core.deliver(run)
                core.record("delivered", self.live.id, call=call.number, tool=call.tool, run=run.number)
                return _Adopted(value)
            core.forsake(run, "no_answer")
            call.run = None
            core.record("fell_back", self.live.id, call=call.number, tool=call.tool, run=run.number)
            return None
