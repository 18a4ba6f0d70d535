"""One session as it happens: what the host tells, which results answer its calls, what is predicted next.

No input, output, task or thread: the flavours start and stop the work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .admission import Prepared, admit_all, prepare
from .broader import Derived, Foreseen, answered_by, found_broader, hidden_s, key_of, widened
from .budget import preempted
from .core import Core, is_old, is_reusable, is_speculative
from .effects import Level
from .invalidation import conflict
from .policy import NOT_UNDERSTOOD, Footprint
from .run import Mode, Run, State, Walk
from .serving_rules import Broader
from .speculation import Speculation

_MOST_UNSEEN = 256
_MOST_UNUSABLE = 4096


@dataclass(slots=True, eq=False)
class Call:
    """A real call on its way."""

    number: int
    tool: str
    arguments: Mapping[str, Any]
    changes: frozenset[str]
    started_s: float
    run: Run | None = None
    """The speculation that answers it, or may."""
    joined: bool = False
    key: str | None = None
    broader: Broader | None = None
    """How the call is a part of what its run gives, where that is the run of a broader call."""
    derived: Derived | None = None
    """That part; None while the broader call runs."""
    foreseen: Foreseen | None = None
    """What a rule that is still to be proved says the call will give."""
    over: bool = False
    recorded: bool = False
    """It stands in the ledger, so its end will too, whatever the mode is by then."""


class Live:
    """The state of one session."""

    def __init__(
        self,
        core: Core,
        id: str,  # noqa: A002 - the word users know
        world: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.core, self.id = core, id
        self._environment = dict(environment or {})
        self.world = core.world(world)
        self.by_key: dict[str, Run] = {}
        """Runs that may still answer a call of this session."""
        self.unusable: set[str] = set()
        """Calls that failed, early or for real: nothing will be answered from them."""
        self.servers: set[str] = set()
        """Servers that the session has called itself."""
        self.wanted: list[Prepared] = []
        """Predictions of this decision for which there was no room yet."""
        self.decision = 0
        self.launched = 0
        self.thinking_since = 0.0
        self.is_thinking = False
        self.closed = False
        self._walk: Walk | None = None
        self._unseen: deque[tuple[Any, ...]] = deque(maxlen=_MOST_UNSEEN)
        self._asked: set[str] = set()
        self._predicted: list[tuple[str, Speculation]] = []
        self._later: list[Speculation] = []

    # --- what the host tells -------------------------------------------------------------------------------------

    def message(self, kind: str, text: str) -> None:
        """Somebody said something; the walk is told at the next decision, off the agent's path."""
        with self.core.lock:
            if self.core.mode is not Mode.OFF:
                self._unseen.append((kind, text))

    def thinking(self) -> None:
        """The model starts to think: the previous decision is settled, a new one begins."""
        core = self.core
        with core.lock:
            if self.closed or core.mode is Mode.OFF:
                return
            settled = [(one.pattern, one.probability, key in self._asked) for key, one in self._predicted]
            self._predicted, self._asked, self.wanted = [], set(), []
            self.decision += 1
            self.launched, self.is_thinking, self.thinking_since = 0, True, core.clock()
            if core.guarded(lambda: core.drift.settle(settled), otherwise=False):
                core.set_mode(Mode.OFF, "drift")

    def decide(self) -> None:
        """Predicts and admits; does nothing when the model has already asked."""
        core = self.core
        with core.lock:
            if self.closed or not self.is_thinking or core.mode is Mode.OFF:
                return
            core.guarded(self._decide, None)

    def begin(self, tool: str, arguments: Mapping[str, Any], *, serve: bool = True, may_race: bool = False) -> Call:
        """The agent asks for a call; ``Call.run`` is a speculation that may answer it.

        Where the host can run a call and take it back, it ``may_race``: a broader call under way may then answer it,
        if that ends first (``Call.broader`` without ``Call.derived``).
        """
        core = self.core
        with core.lock:
            now = core.clock()
            footprint = core.guarded(lambda: core.policy.footprint(tool, arguments), NOT_UNDERSTOOD)
            changes = self.world.groups_changed_by(tool, footprint.writes)
            call = Call(core.next_number(), tool, arguments, changes, now)
            core.real += 1
            if core.mode is not Mode.OFF and not self.closed:
                core.guarded(lambda: self._ask(call, footprint, now, serve=serve, may_race=may_race), None)
            if changes:
                self.world.begin(changes)
                self._forget_changed(changes)
            self._preempt()
            return call

    def end(self, call: Call, status: str, result: Any = None) -> None:
        """The call is over, however it ended."""
        core = self.core
        with core.lock:
            if call.over:
                return
            call.over = True
            core.real -= 1
            if call.changes:
                self.world.end(call.changes)
            if call.recorded:
                core.record("returned", self.id, call=call.number, tool=call.tool, reason=status)
            if core.mode is Mode.OFF or self.closed:
                return
            core.guarded(lambda: self._prove(call, status, result), None)
            if status != "ok" and call.key is not None and len(self.unusable) < _MOST_UNUSABLE:
                self.unusable.add(call.key)
            if call.run is None and status == "ok":
                core.durations.tool_took(call.tool, core.clock() - call.started_s)
            self._unseen.append((None, call.tool, call.arguments, status, result))

    def hand_over(self, call: Call, run: Run) -> Derived | None:
        """The agent's own result of a call that a broader one answers; None when it was given up since the claim,
        has become old, or is none that answers.
        """
        core, broader = self.core, call.broader
        with core.lock:
            if broader is None:
                return None
            derived = call.derived
            if run.state is not State.KEPT or self.claim_refusal(run, call.started_s) is not None:
                derived = None
            elif derived is None:
                derived = core.guarded(lambda: answered_by(self, run, broader, call.tool, call.arguments), None)
            if derived is None:
                return None
            core.deliver_derived(run)
            core.ledger.hidden_s += hidden_s(core, core.clock() - call.started_s, call.tool, run)
            core.record("delivered", self.id, call=call.number, tool=call.tool, run=run.number, reason="served_derived")
            return derived

    def run_ended(self, run: Run) -> None:
        """A run of this session has ended: a slot is free, and what hangs on its result may be bound."""
        core = self.core
        with core.lock:
            if core.mode is Mode.OFF:
                return
            if run.failed and len(self.unusable) < _MOST_UNUSABLE:
                self.unusable.add(run.key)
            if run.state in (State.KEPT, State.JOINED) and run.result is not None and not self.closed:
                core.guarded(lambda: self._follow(run), None)
            core.guarded(lambda: admit_all(core), None)

    def close(self) -> None:
        """Ends the session; nothing of it will answer a call any more."""
        core = self.core
        with core.lock:
            if not self.closed:
                self.closed, self.is_thinking, self._walk = True, False, None
                self._unseen.clear()
                core.waiting.pop(self, None)
                for run in self._runs():
                    core.drop(run, "closed")
                self.by_key.clear()

    # --- claims --------------------------------------------------------------------------------------------------

    def _ask(self, call: Call, footprint: Footprint, now: float, *, serve: bool, may_race: bool) -> None:
        """Looks for a speculation that answers the call, and writes both down."""
        core = self.core
        rule = core.policy.rule(call.tool)
        key = core.key(call.tool, call.arguments, rule)
        if self.is_thinking:
            self.is_thinking = False
            core.durations.model_took(now - self.thinking_since)
        server = rule.server or rule.destination
        if server:
            self.servers.add(server)
        self._asked.add(key or "")
        call.key = key
        run = self.by_key.get(key) if key is not None else None
        if run is not None:
            refusal = self.claim_refusal(run, now) if serve else "host_ran_it"
            if refusal is None:
                self._take(call, run)
            else:
                core.drop(run, refusal)
            if run.state is not State.KEPT or not is_reusable(run):
                self.by_key.pop(run.key, None)
        if call.run is None and serve and key is not None:
            found = found_broader(self, call.tool, call.arguments, key, footprint, now, may_race=may_race)
            if isinstance(found, Foreseen):
                call.foreseen = found
            elif found is not None:
                self._take_part(call, *found)
        call.recorded = True
        core.record(
            "call",
            self.id,
            call=call.number,
            tool=call.tool,
            key=core.ledger.digest(key or ""),
            effect=footprint.effect.value,
            changes=sorted(call.changes),
            server=server,
            how=_how(call),
            generation=core.generation,
            **({} if call.run is None else {"run": call.run.number}),
            **({} if call.run is None or call.broader is None else {"broader": core.ledger.digest(call.run.key)}),
        )

    def claim_refusal(self, run: Run, now: float) -> str | None:
        """Why a run with the same key may not answer: everything checked at dispatch is checked again."""
        if run.generation != self.core.generation or self.core.mode is not Mode.ON:
            return "authority_changed"
        if run.verdict.level is not Level.FULL or run.state not in (State.RUNNING, State.KEPT):
            return "overtaken"
        if is_old(run, now):
            return "expired"
        if not is_reusable(run) and self.world.changed_since(run.tick, run.tool, run.verdict.footprint.reads):
            return "changed"
        if run.state is State.RUNNING and now - run.started_s >= self.core.patience_s(run):
            return "overdue"
        return None

    def _take(self, call: Call, run: Run) -> None:
        core = self.core
        call.run, call.joined = run, run.state is State.RUNNING
        hidden = (call.started_s if call.joined else run.ended_s) - run.started_s
        core.ledger.hidden_s += hidden
        if call.joined:
            run.state = State.JOINED

    def _prove(self, call: Call, status: str, result: Any) -> None:
        """Holds what a rule foresaw against what came, unless something has changed since."""
        core, found = self.core, call.foreseen
        if found is None or status != "ok" or found.run.state is not State.KEPT:
            return
        if self.claim_refusal(found.run, core.clock()) is None:
            right = core.describe(result) == ("ok", found.text)
            core.prove(found.rule, right=right)
            core.record("proof", self.id, call=call.number, tool=call.tool, reason="right" if right else "wrong")

    def _take_part(self, call: Call, run: Run, broader: Broader, derived: Derived | None) -> None:
        """The broader run stays for others."""
        call.run, call.broader, call.derived = run, broader, derived
        call.joined = derived is None
        run.answered.add(call.key or "")

    def _forget_changed(self, changes: frozenset[str]) -> None:
        """Own runs that a change makes old end now; those of other sessions are found old when they are claimed."""
        for run in self._runs():
            reads = run.verdict.footprint.reads
            if not is_reusable(run) and any(conflict(group, run.tool, reads) for group in changes):
                self.core.drop(run, "changed")
                self._unlist(run)

    def _preempt(self) -> None:
        core = self.core
        if core.budget.capacity is None:
            return
        running = {
            str(run.number): run
            for run in core.runs.values()
            if is_speculative(run) and run.state is not State.DROPPED and run.verdict.rule.cancellable
        }
        worth = [(name, run.net_s) for name, run in running.items()]
        for name in preempted(worth, core.load(0, set()), core.budget):
            core.drop(running[name], "preempted")

    # --- predictions ---------------------------------------------------------------------------------------------

    def _decide(self) -> None:
        core = self.core
        walk = self._fed_walk()
        predictions = self._limited(walk.predict(core.budget.per_decision * 2))
        for run in self._runs():
            if run.state is State.DROPPED or run.generation != core.generation:
                self._unlist(run)
        self._predicted = [(key, one) for one in predictions if (key := self._key_of(one)) is not None]
        predictions = widened(core, predictions)
        likely = {self._key_of(one) for one in predictions}
        for run in self._runs():
            if run.key not in likely and run.state in (State.ADMITTED, State.RUNNING):
                core.drop(run, "unlikely")
                self._unlist(run)
            elif run.state is State.KEPT and is_old(run, core.clock()):
                core.drop(run, "expired")
                self._unlist(run)
        self.wanted = prepare(self, [one for one in predictions if one.after is None])
        self._later = [one for one in predictions if one.after is not None]
        admit_all(core, self)

    def _key_of(self, one: Speculation) -> str | None:
        """The key of a prediction for this decision."""
        return None if one.after is not None else key_of(self.core, one)

    def _follow(self, run: Run) -> None:
        """Late binding: calls that would follow if this one comes true, now that its result is known."""
        core, kept, walk = self.core, run.result, self._walk
        if kept is None or walk is None or not self.is_thinking:
            return
        parent = run.speculation
        ready = [one for one in self._later if one.after == parent.identity]
        predict_after = getattr(walk, "predict_after", None)
        if predict_after is not None:
            status, text = core.describe(kept.value)
            bound = self._limited(predict_after(parent, status, text, core.budget.per_decision))
            ready += [one for one in bound if one.after == parent.identity]
        if ready:
            self.wanted += prepare(self, ready)
            admit_all(core, self)

    def _fed_walk(self) -> Walk:
        """The walk, told everything that happened since the last decision."""
        if self._walk is None:
            start: Callable[..., Walk] = self.core.predictor.start
            self._walk = start(self.id, self._environment) if self._environment else start(self.id)
        walk = self._walk
        decision_starts = getattr(walk, "decision_starts", None)
        if decision_starts is not None:
            decision_starts()
        while self._unseen:
            what, *rest = self._unseen.popleft()
            if what is None:
                tool, arguments, status, result = rest
                text = ""
                if status == "ok":
                    status, text = self.core.describe(result)
                walk.observe_call(tool, dict(arguments), status, text)
            else:
                walk.observe_message(what, *rest)
        return walk

    def _limited(self, predictions: Sequence[Speculation]) -> list[Speculation]:
        """No more than was asked for, whatever the predictor thinks, and none with a probability that is none."""
        first = islice(predictions, self.core.budget.per_decision * 2)
        return [one for one in first if 0.0 < one.probability <= 1.0]

    def _runs(self) -> list[Run]:
        return list(self.by_key.values())

    def _unlist(self, run: Run) -> None:
        if self.by_key.get(run.key) is run:
            del self.by_key[run.key]


def _how(call: Call) -> str:
    """How a call was answered, in a word."""
    if call.run is None:
        return "plain"
    if call.broader is not None:
        return "derived_joined" if call.joined else "derived"
    return "joined" if call.joined else "served"
