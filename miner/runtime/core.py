"""What all sessions of one speculator share: the gate, the limits, the runs. No input, output, task or thread.

The asyncio and the thread flavour both sit on this core: they call it, then start ``to_launch`` and stop
``to_cancel``.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from .budget import Budget, Load
from .canonical import call_identity
from .drift import Drift
from .effects import Effect, Level
from .invalidation import World
from .ledger import Ledger
from .policy import Policy, ToolRule
from .results import Snapshot, describe, snapshot
from .run import Mode, Predictor, Run, State
from .serving_rules import Serving, ServingRule, with_text
from .timing import Durations

if TYPE_CHECKING:
    from .live import Live

_log = logging.getLogger(__name__)
_MOST_FAULTS = 3
_WASTE_MEMORY_S = 600.0
_DISPROVED = -1
_Answer = TypeVar("_Answer")


class Core:
    """State and rules that are common to all sessions."""

    def __init__(
        self,
        predictor: Predictor,
        policy: Policy,
        budget: Budget,
        clock: Callable[[], float],
        *,
        mode: Mode,
        ledger: Ledger,
        drift: Drift,
        mined_changes: Mapping[str, frozenset[str]] | None = None,
        can_warm: bool = False,
        describe_result: Callable[[Any], tuple[str, str]] = describe,
        retell_result: Callable[[Any, str], Any] = with_text,
    ) -> None:
        self.predictor, self.budget, self.clock = predictor, budget, clock
        self.ledger, self.drift = ledger, drift
        self.describe, self.retell = describe_result, retell_result
        self.lock = threading.RLock()
        self.durations = Durations()
        for tool, seconds in getattr(predictor, "tool_seconds", {}).items():
            self.durations.tool_took(tool, seconds)
        self.serving: Serving = getattr(predictor, "serving", None) or Serving()
        """Which calls the results of broader ones answer."""
        self.refused_parts: Counter[str] = Counter()
        """Tool -> results of it in a row that did not answer a call although a rule would have had them."""
        self.proofs: Counter[ServingRule] = Counter()
        """How often each rule foresaw a real result since it was last wrong; below zero it is not used any more."""
        self.generation = 0
        self.mode = mode
        self.real = 0
        self.spent = 0.0
        self.runs: dict[int, Run] = {}
        """Every run that is not both settled and physically ended."""
        self.can_warm = can_warm
        self.waiting: dict[Live, None] = {}
        """Sessions that want a slot, in the order in which they asked."""
        self.to_launch: list[Run] = []
        self.to_cancel: list[Run] = []
        """Runs that were given up while their work goes on."""
        self._mined = mined_changes
        self._worlds: WeakValueDictionary[str, World] = WeakValueDictionary()
        self._policy = policy
        self._faults = 0
        self._next = 0
        self._launches: dict[str, deque[float]] = {}
        self._settled: deque[tuple[float, bool]] = deque(maxlen=budget.waste_window)
        self.record("mode", mode=mode.value, reason="start")
        self._record_policy()

    # --- authority -----------------------------------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def set_policy(self, policy: Policy) -> None:
        """Puts another policy in force; what was launched under the old one is discarded."""
        with self.lock:
            self._policy = policy
            self.discard_all("policy_changed")
            self._record_policy()

    def set_mode(self, mode: Mode, reason: str = "asked") -> None:
        """Moves along the roll-out ladder. Once this returns with another mode than ON, nothing is dispatched."""
        with self.lock:
            if mode is self.mode:
                return
            self.mode = mode
            self.discard_all("mode_changed")
            self.record("mode", mode=mode.value, reason=reason)

    def discard_all(self, reason: str) -> None:
        """Makes every run worthless that no real call waits for."""
        with self.lock:
            self.generation += 1
            for run in list(self.runs.values()):
                self.drop(run, reason)

    def guarded(self, action: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
        """Runs a piece of the speculator; a fault in it leaves the agent with plain calls (I-19)."""
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - the predictor and the host's own functions may raise anything
            self.fault(error)
            return otherwise

    def fault(self, error: BaseException) -> None:
        """Counts an internal fault; nothing that was computed before it is trusted, and the third turns us off."""
        with self.lock:
            self._faults += 1
            self.discard_all("fault")
            self.ledger.counts["fault", "", type(error).__name__] += 1
            if self._faults >= _MOST_FAULTS:
                self.mode = Mode.OFF
                self.ledger.counts["mode", "", "faults"] += 1
                _log.warning("speculation is off after %d internal faults; calls go on as usual", self._faults)

    # --- runs ----------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """A number that nothing else of this speculator has."""
        self._next += 1
        return self._next

    def may_dispatch(self, run: Run) -> bool:
        """The last look before the work starts; records the launch."""
        with self.lock:
            if run.state is not State.ADMITTED:
                return False
            if self.mode is not Mode.ON or run.generation != self.generation:
                self.drop(run, "mode_changed")
                return False
            if run.world.is_changing(run.tool, run.verdict.footprint.reads):
                self.drop(run, "being_changed")
                return False
            if not self._has_slot():
                self.drop(run, "preempted")
                return False
            now = self.clock()
            run.state, run.ended, run.started_s, run.tick = State.RUNNING, False, now, run.world.tick
            self.launch_times(run.tool, now).append(now)
            rule = run.verdict.rule
            self.spent += rule.price
            self.record(
                "launched",
                run.session,
                run=run.number,
                tool=run.tool,
                key=self.ledger.digest(run.key),
                effect=run.verdict.footprint.effect.value,
                reads=sorted(run.verdict.footprint.reads),
                level=run.verdict.level.value,
                server=rule.server or rule.destination,
                generation=run.generation,
                ttl_us=round(rule.ttl_s * 1e6),
                price=rule.price,
                net_us=round(run.net_s * 1e6),
            )
            return True

    def _has_slot(self) -> bool:
        """True when nothing real, and nothing that was given up but still runs, holds the last slot."""
        going_on = sum(not run.ended and run.state is not State.JOINED for run in self.runs.values())
        capacity = self.budget.capacity
        return going_on < self.budget.in_flight and (capacity is None or going_on + self.real < capacity)

    def finish(self, run: Run, value: Any, failure: str | None) -> None:
        """The work of a run has physically ended."""
        with self.lock:
            if run.ended:
                return
            run.ended, run.ended_s, run.handle = True, self.clock(), None
            kept = None
            if failure is None:
                self.durations.tool_took(run.tool, run.ended_s - run.started_s)
                kept, failure = self._kept(run, value)
            self.record("ended", run.session, run=run.number, tool=run.tool, reason=failure or "ok")
            run.result, run.failed = kept, failure not in (None, "cancelled")
            if run.state is State.RUNNING:
                run.state = State.KEPT
                if failure is not None or kept is None:
                    self.drop(run, failure or "no_result")
            elif run.state in (State.DROPPED, State.DELIVERED):
                run.result = None
                self.runs.pop(run.number, None)

    def _kept(self, run: Run, value: Any) -> tuple[Snapshot | None, str | None]:
        """A copy of the value, or why it cannot be kept. Levels below ``full`` have no result to keep."""
        status, _ = self.guarded(lambda: self.describe(value), ("error", ""))
        if status == "error":
            return None, "failed"
        if run.state is State.JOINED:
            return Snapshot(value, 0), None  # handed on at once, never stored
        if run.state is not State.RUNNING or run.verdict.level is not Level.FULL:
            return None, None
        limit = min(self.budget.result_bytes, self.budget.stored_bytes - self.stored_bytes())
        copied = self.guarded(lambda: snapshot(value, limit, self.budget.result_nodes), None)
        return copied, None if copied is not None else "too_large"

    def drop(self, run: Run, reason: str) -> None:
        """Gives a run up, unless a real call has it; work of it that goes on is to be cancelled."""
        with self.lock:
            if run.state in (State.DROPPED, State.DELIVERED, State.JOINED):
                return
            launched = run.state in (State.RUNNING, State.KEPT)
            waits_to_start = run.state is State.ADMITTED and run.handle is not None
            run.state, run.result = State.DROPPED, None
            wasted = launched and not run.deliveries
            self.record("dropped", run.session, run=run.number, tool=run.tool, reason=reason, wasted=wasted)
            if wasted:
                self._settle(run, wasted=True)
            if waits_to_start or (not run.ended and run.verdict.rule.cancellable):
                self.to_cancel.append(run)
            if run.ended:
                self.runs.pop(run.number, None)

    def deliver(self, run: Run) -> Any:
        """The agent's own copy of a finished run's result. Only a pure one stays for another call."""
        with self.lock:
            kept = run.result
            if kept is None:
                raise LookupError("a run without a result cannot be delivered")
            joined = run.state is State.JOINED
            if not run.deliveries:
                self._settle(run, wasted=False)
            run.deliveries += 1
            if is_reusable(run) and not joined:
                copied = snapshot(kept.value, self.budget.stored_bytes, self.budget.result_nodes)
                if copied is not None:
                    return copied.value
            run.state, run.result = State.DELIVERED, None
            self.runs.pop(run.number, None)
            return kept.value

    def deliver_derived(self, run: Run) -> None:
        """A narrower call was answered from a kept result, which stays for others."""
        with self.lock:
            if not run.deliveries:
                self._settle(run, wasted=False)
            run.deliveries += 1

    def prove(self, rule: ServingRule, *, right: bool) -> None:
        """A real result came of which a rule had said what it would be; one that was wrong is not used any more."""
        with self.lock:
            if self.proofs[rule] >= 0:
                self.proofs[rule] = self.proofs[rule] + 1 if right else _DISPROVED

    def forsake(self, run: Run, reason: str) -> None:
        """A joined run gave no answer in time, or none that may be used: it is a speculation that failed."""
        with self.lock:
            if run.state is State.JOINED:
                run.state = State.RUNNING
                self.drop(run, reason)

    def _settle(self, run: Run, *, wasted: bool) -> None:
        now = self.clock()
        self._settled.append((now, wasted))
        if wasted:
            end = run.ended_s if run.ended else now
            self.ledger.wasted_s += max(0.0, end - run.started_s)

    # --- load ----------------------------------------------------------------------------------------------------

    def stored_bytes(self) -> int:
        """Bytes of results that wait to be asked for."""
        return sum(run.result.size for run in self.runs.values() if run.result is not None)

    def patience_s(self, run: Run) -> float:
        """How long a joined run may take in all before the call is run afresh."""
        return self.durations.patience_s(run.tool, self.budget)

    def launch_times(self, tool: str, now: float) -> deque[float]:
        """When a tool was launched in the last minute."""
        times = self._launches.setdefault(tool, deque())
        while times and not now - 60.0 < times[0] <= now:
            times.popleft()
        return times

    def load(self, launched: int, tools: set[str]) -> Load:
        """What is going on now, as ``admit`` wants it. Admitted runs count as running, given-up ones until they end."""
        now = self.clock()
        self._forget_old(now)
        runs = self.runs.values()
        settled = [wasted for at, wasted in self._settled if 0.0 <= now - at <= _WASTE_MEMORY_S]
        rates = {}
        for tool in tools:
            most = self.policy.rule(tool).max_rate_per_min
            if most is not None:
                waiting = sum(run.tool == tool and run.state is State.ADMITTED for run in runs)
                rates[tool] = most - len(self.launch_times(tool, now)) - waiting
        admitted_price = sum(run.verdict.rule.price for run in runs if run.state is State.ADMITTED)
        return Load(
            speculative=sum(is_speculative(run) for run in runs),
            real=self.real,
            launched=launched,
            stored_results=sum(run.state in (State.ADMITTED, State.RUNNING, State.KEPT) for run in runs),
            stored_bytes=self.stored_bytes(),
            spent=self.spent + admitted_price,
            settled=len(settled),
            wasted=sum(settled),
            rate_left=rates,
        )

    def _forget_old(self, now: float) -> None:
        for run in list(self.runs.values()):
            if run.state is State.KEPT and is_old(run, now):
                self.drop(run, "expired")

    # --- record --------------------------------------------------------------------------------------------------

    def world(self, name: str) -> World:
        """The world of that name; sessions that share one see each other's changes."""
        with self.lock:
            world = self._worlds.get(name)
            if world is None:
                world = self._worlds[name] = World(self._mined)
            return world

    def key(self, tool: str, arguments: Mapping[str, Any], rule: ToolRule) -> str | None:
        """What makes two calls the same call; None when the arguments are no JSON."""
        if rule.irrelevant:
            arguments = {name: value for name, value in arguments.items() if name not in rule.irrelevant}
        try:
            return call_identity(tool, arguments)
        except (TypeError, ValueError, RecursionError):
            return None

    def record(self, kind: str, session: str = "", **facts: Any) -> None:
        """Writes to the ledger, at the clock's time."""
        self.ledger.record(kind, self.clock(), session, **facts)

    def _record_policy(self) -> None:
        allowed = sorted(tool for tool, rule in self._policy.tools.items() if rule.level.value != "never")
        self.record("policy", generation=self.generation, allowed=allowed)


def is_speculative(run: Run) -> bool:
    """True while a run takes a slot that is not a real call's."""
    if run.state is State.ADMITTED:
        return True
    return not run.ended and run.state is not State.JOINED


def is_old(run: Run, now: float) -> bool:
    """True when a result may no longer be given out; a clock that ran backwards proves nothing, so it is old too."""
    return not 0.0 <= now - run.started_s <= run.verdict.rule.ttl_s


def is_reusable(run: Run) -> bool:
    """True for results that answer any number of calls."""
    return run.verdict.footprint.effect is Effect.PURE
