"""Sessions as replay sees them: think times, calls with their durations, and predictions, in flat integer arrays.

All times are whole microseconds, so a replay without speculation adds up to the recorded times exactly. Decision
``d`` of the workload owns calls ``call_start[d]:call_start[d + 1]``; session ``s`` owns decisions alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from miner.evaluation.replay.distributions import Assumed
from miner.evaluation.replay.permits import Permits
from miner.evaluation.score import MOST, Foresight, identity_of
from miner.evaluation.serving import HeldOutServing, Record, rules_of
from miner.evaluation.split import Logs
from miner.evaluation.times import CAP_S, seconds_of
from miner.events import Event, EventKind, SessionLog
from miner.mining.decisions import Decision, decisions
from miner.predictors import Predictor, Walk
from miner.predictors._habits import call_of
from miner.runtime.speculation import Speculation

Ints = NDArray[np.int64]
THINK_CAP_S = 600.0
"""A longer gap before a call is a machine asleep or a person away, not a model that thinks."""
AN_OBJECT, MARKED_READ_ONLY = 1, 2
"""Bits: the arguments are an object, as a call's must be; the log itself says that the call only reads."""


class Workload(NamedTuple):
    """What happened, as arrays that the simulator reads."""

    decision_start: Ints
    call_start: Ints
    think_us: Ints
    new_turn: Ints
    """1 where a person spoke: whatever was prepared before is old."""
    call_session: Ints
    call_identity: Ints
    """Equal numbers in one session mean equal calls; -1 is equal to nothing."""
    call_offset_us: Ints
    """After the first call of its step."""
    call_us: Ints
    call_reads: Ints
    """Bits of the conflict groups that its result depends on."""
    call_writes: Ints
    """Bits of the conflict groups that it changes."""
    call_broader: Ints
    """The identity of a broader call whose result would answer it, by a serving rule; -1 for none, or for a call that
    the session has made before."""
    call_early: Ints
    """1 where the policy would let it run early."""
    call_tool: Ints
    began_us: Ints
    """When each session began; -1 where the log does not say."""


class Guess(NamedTuple):
    """One prediction at one decision."""

    decision: int
    identity: int
    speculation: Speculation
    early: bool
    reads: int
    ttl_us: int
    refusal: str | None
    follows: int = -1
    """The identity of the prediction to whose result it is bound, for the later steps of a beam."""


@runtime_checkable
class Beams(Protocol):
    """A walk that also says what follows from a prediction once its result is there."""

    def predict_after(self, parent: Speculation, call: Event, most: int = 5) -> Sequence[Speculation]:
        """The likeliest calls after a prediction that came true as this call."""
        ...


@dataclass(slots=True)
class Recording:
    """A workload with the predictions that were made along it."""

    workload: Workload
    tools: list[str]
    sessions: list[str]
    guesses: dict[str, list[Guess]]
    excluded: dict[str, int]
    """Times that were left out, by reason."""
    known_since: Ints
    """For each call, the first decision of the workload at which all its argument values were known; -1: never."""
    recorded_s: float
    """Model and tool seconds that count."""
    call_notes: Ints
    """For each call, ``AN_OBJECT`` and ``MARKED_READ_ONLY``: what another policy would want to know of it."""


@dataclass(slots=True)
class Recorder:
    """Fills the arrays, one session at a time."""

    permits: Permits
    cap_s: float = CAP_S
    assumed: Assumed | None = None
    serving: HeldOutServing = field(default_factory=lambda: HeldOutServing(()))
    excluded: Counter[str] = field(default_factory=Counter)
    _columns: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in Workload._fields})
    _tools: dict[str, int] = field(default_factory=dict)
    _guesses: dict[str, list[Guess]] = field(default_factory=dict)
    _known: list[int] = field(default_factory=list)
    _notes: list[int] = field(default_factory=list)
    _sessions: list[str] = field(default_factory=list)
    _record: Record | None = None
    """Which calls of the session others would have answered."""
    _made: set[str | None] = field(default_factory=set)
    """Identities of the calls of the session so far."""
    _in_beams: dict[str, None] = field(default_factory=dict)
    """Tools of later steps of beams, numbered last: what is allowed must not change the other numbers."""
    _servers: set[str] = field(default_factory=set)
    """Servers that the session has called."""

    def add(self, log: SessionLog, predictors: Mapping[str, Predictor]) -> None:
        """Take in one session, asking each predictor at each decision."""
        columns, number = self._columns, len(self._sessions)
        self._sessions.append(log.session.key)
        identities: dict[str, int] = {}
        self._record, self._made, self._servers = self.serving.session(log), set(), set()
        walks = {name: predictor.start(log.session) for name, predictor in predictors.items()}
        columns["decision_start"].append(len(columns["think_us"]))
        began = log.session.started_us
        columns["began_us"].append(-1 if began is None else began)
        first = len(columns["think_us"])
        begun = {name: len(made) for name, made in self._guesses.items()}
        ahead = list(decisions(log))
        for at, decision in enumerate(ahead):
            self._decision(decision, number, identities, first)
            for name, walk in walks.items():
                self._guesses.setdefault(name, []).extend(self._predicted(walk, ahead[at:], identities, first))
            self._servers |= {self.permits.server(event.tool or "") for event in decision.calls} - {""}
        for name, made in self._guesses.items():
            new = slice(begun.get(name, 0), None)
            made[new] = [self._numbered(guess, identities) for guess in made[new]]

    def finish(self) -> Recording:
        """Everything so far, as arrays."""
        columns = self._columns
        ends = {"decision_start": len(columns["think_us"]), "call_start": len(columns["call_us"])}
        arrays = {
            name: np.array([*values, ends[name]] if name in ends else values, dtype=np.int64)
            for name, values in columns.items()
        }
        workload = Workload(**arrays)
        for tool in self._in_beams:
            self._tools.setdefault(tool, len(self._tools))
        return Recording(
            workload,
            list(self._tools),
            self._sessions,
            self._guesses,
            dict(sorted(self.excluded.items())),
            np.array(self._known, dtype=np.int64),
            round(float(serial_us(workload).sum()) / 1e6, 6),
            np.array(self._notes, dtype=np.int64),
        )

    def _decision(self, decision: Decision, session: int, identities: dict[str, int], first: int) -> None:
        columns = self._columns
        columns["call_start"].append(len(columns["call_us"]))
        issued = issue_of(decision)
        place = len(columns["think_us"])
        columns["think_us"].append(self._think(decision, issued, (session, place - first)))
        columns["new_turn"].append(int(any(event.kind is EventKind.USER_MESSAGE for event in decision.observed)))
        for index, event in enumerate(decision.calls):
            permit = self.permits.of_call(event)
            identity = identity_of(event)
            columns["call_session"].append(session)
            columns["call_identity"].append(
                -1 if identity is None else identities.setdefault(identity, len(identities))
            )
            columns["call_offset_us"].append(self._offset(event, issued))
            columns["call_us"].append(self._duration(event, (session, place - first, index)))
            columns["call_reads"].append(permit.reads)
            columns["call_writes"].append(permit.writes)
            columns["call_broader"].append(self._broader(event, identity, identities))
            columns["call_early"].append(int(permit.early))
            columns["call_tool"].append(self._tools.setdefault(event.tool or "", len(self._tools)))
            self._known.append(-1)
            self._notes.append(AN_OBJECT * (call_of(event) is not None) + MARKED_READ_ONLY * (event.read_only is True))

    def _predicted(self, walk: Walk, ahead: Sequence[Decision], identities: dict[str, int], first: int) -> list[Guess]:
        """What a predictor says at the first of these decisions."""
        calls = ahead[0].calls
        for event in ahead[0].observed:
            walk.observe(event)
        if isinstance(walk, Foresight):
            walk.reveal(calls)
            for index, event in enumerate(calls, len(self._known) - len(calls)):
                since = walk.known_since(event)
                self._known[index] = -1 if since is None else first + since
        place = len(self._columns["think_us"]) - 1
        told = [self._guess(place, one, identities) for one in walk.predict(MOST) if one.after is None]
        return [*told, *self._beams(walk, told, ahead)] if isinstance(walk, Beams) else told

    def _beams(self, walk: Beams, told: Sequence[Guess], ahead: Sequence[Decision]) -> list[Guess]:
        """What would follow from predictions that are right, whose results the log knows; not yet numbered."""
        found: list[Guess] = []
        for decision in ahead:
            came = {identity_of(event): event for event in decision.calls}
            right = [guess for guess in told if guess.early and guess.speculation.identity in came]
            told = [
                self._judged(parent.decision, one)
                for parent in right
                for one in walk.predict_after(parent.speculation, came[parent.speculation.identity], MOST)
            ]
            found += told
            if not told:
                break
        return found

    def _broader(self, event: Event, identity: str | None, identities: dict[str, int]) -> int:
        broader = None if self._record is None or identity in self._made else self._record.broader_of(event)
        self._made.add(identity)
        return -1 if broader is None else identities.setdefault(broader, len(identities))

    def _guess(self, decision: int, guess: Speculation, identities: dict[str, int]) -> Guess:
        try:
            identity = identities.setdefault(guess.identity, len(identities))
        except (ValueError, TypeError):
            identity = -1
        self._tools.setdefault(guess.tool, len(self._tools))
        return self._judged(decision, guess)._replace(identity=identity)

    def _judged(self, decision: int, guess: Speculation) -> Guess:
        permit = self.permits.of_guess(guess, self._servers)
        return Guess(decision, -1, guess, permit.early, permit.reads, permit.ttl_us, permit.refusal)

    def _numbered(self, guess: Guess, identities: dict[str, int]) -> Guess:
        """Later steps of beams get their numbers after everything else of the session."""
        after = guess.speculation.after
        if after is None:
            return guess
        self._in_beams.setdefault(guess.speculation.tool)
        identity = identities.setdefault(guess.speculation.identity, len(identities))
        return guess._replace(identity=identity, follows=identities[after])

    def _think(self, decision: Decision, issued: int | None, name: tuple[int, ...]) -> int:
        known = [time for event in decision.observed if (time := known_at(event)) is not None]
        if issued is None or not known:
            if self.assumed is not None:
                return self.assumed.think_us(name)
            self.excluded["think_untimed"] += 1
            return 0
        think = issued - max(known)
        if think < 0:
            self.excluded["think_negative"] += 1
            return 0
        if think > THINK_CAP_S * 1e6:
            self.excluded["think_over_cap"] += 1
            return 0
        return think

    def _duration(self, event: Event, name: tuple[int, ...]) -> int:
        seconds, reason = seconds_of(event, self.cap_s)
        if seconds is not None:
            return round(seconds * 1e6)
        if reason == "untimed" and self.assumed is not None:
            return self.assumed.tool_us(event.tool or "", name)
        self.excluded[f"call_{reason}"] += 1
        return 0

    def _offset(self, event: Event, issued: int | None) -> int:
        if issued is None or event.start_us is None:
            return 0
        offset = event.start_us - issued
        return offset if 0 <= offset <= self.cap_s * 1e6 else 0


def record(
    logs: Logs,
    predictors: Mapping[str, Predictor],
    permits: Permits,
    *,
    cap_s: float = CAP_S,
    assumed: Assumed | None = None,
) -> Recording:
    """Walk held-out sessions once with every predictor."""
    recorder = Recorder(permits, cap_s, assumed, HeldOutServing(rules_of(predictors.values())))
    for log in logs():
        recorder.add(log, predictors)
    return recorder.finish()


def issue_of(decision: Decision) -> int | None:
    """When the model's thinking ended: its first call's start, or the time of its answer."""
    times = [event.start_us if event.start_us is not None else event.time_us for event in decision.calls]
    known = [time for time in times if time is not None]
    if known:
        return min(known)
    step = decision.step
    if step is None:
        return None
    return step.end_us if step.end_us is not None else step.time_us


def known_at(event: Event) -> int | None:
    """When the model could first see an event."""
    if event.kind is EventKind.TOOL_CALL:
        return event.end_us
    return event.time_us if event.kind in (EventKind.USER_MESSAGE, EventKind.HARNESS_MESSAGE) else None


def stall_us(workload: Workload) -> Ints:
    """For each decision, how long the agent waited for its calls."""
    ends = workload.call_offset_us + workload.call_us
    stall = np.zeros(len(workload.think_us), dtype=np.int64)
    owner = np.repeat(np.arange(len(stall)), np.diff(workload.call_start))
    np.maximum.at(stall, owner, ends)
    return stall


def serial_us(workload: Workload) -> Ints:
    """For each session, its model and tool time without any speculation."""
    total = np.concatenate([[0], np.cumsum(workload.think_us + stall_us(workload))])
    return np.asarray(total[workload.decision_start[1:]] - total[workload.decision_start[:-1]], dtype=np.int64)
