"""From predictions to a plan: judged, ranked and admitted by the runtime's own functions, for times learnt in training.

What a launch is worth depends on how long its tool usually takes and the model usually thinks, never on how long
they will take this time: those quantiles come from training sessions.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from miner.evaluation.replay.state import Limits, Plan
from miner.evaluation.replay.workload import Guess, Recording, Workload, issue_of, known_at
from miner.evaluation.split import Logs
from miner.evaluation.times import CAP_S, seconds_of
from miner.mining.decisions import decisions
from miner.runtime.budget import Budget, Candidate, Load, Timing, admit, rank
from miner.runtime.speculation import Speculation

_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
_MOST = 512
"""Durations kept for each tool: enough for quantiles."""
_HOST_SLOTS = 1 << 40
"""Where calls do not compete for slots."""


@dataclass(slots=True)
class Habit:
    """How long tools take and the model thinks, as training saw it."""

    service_s: dict[str, list[float]] = field(default_factory=dict)
    think_s: list[float] = field(default_factory=list)
    marked: frozenset[str] = frozenset()
    """Tools that the logs mark read-only in every call."""

    def timing(self, tool: str, budget: Budget) -> Timing:
        """Quantiles for the runtime's arithmetic."""
        return Timing(self.service_s.get(tool) or [budget.default_service_s], self.think_s or [budget.default_think_s])

    def timing_after(self, tool: str, elapsed_us: int, budget: Budget) -> Timing:
        """The same for a later step of a beam: so much of the thought is over, and the model thinks once more."""
        service, think, _ = self.timing(tool, budget)
        return Timing(service, tuple(2 * seconds for seconds in think), elapsed_us / 1e6)

    def run_us(self, tool: str, name: str, budget: Budget) -> int:
        """How long a launch takes that nobody will ask for: a draw that depends on its name alone."""
        times = self.service_s.get(tool) or [budget.default_service_s]
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=4).digest()
        return round(times[int.from_bytes(digest, "big") % len(times)] * 1e6)


def habit_of(train: Logs, cap_s: float = CAP_S) -> Habit:
    """Quantiles of the times in training sessions, and which tools were always marked read-only there."""
    service: dict[str, list[float]] = defaultdict(list)
    think: list[float] = []
    marked: dict[str, bool] = {}
    for log in train():
        for event in log.events:
            if event.tool is not None:
                marked[event.tool] = marked.get(event.tool, True) and event.read_only is True
        for decision in decisions(log):
            issued = issue_of(decision)
            known = [time for event in decision.observed if (time := known_at(event)) is not None]
            if issued is not None and known and issued >= max(known):
                think.append((issued - max(known)) / 1e6)
            for event in decision.calls:
                seconds, _ = seconds_of(event, cap_s)
                if seconds is not None and len(service[event.tool or ""]) < _MOST:
                    service[event.tool or ""].append(seconds)
    always = frozenset(tool for tool, every in marked.items() if every)
    return Habit({tool: _quantiles(times) for tool, times in service.items() if times}, _quantiles(think), always)


def limits_of(budget: Budget) -> Limits:
    """The budget's limits as the simulator counts them."""
    return Limits(
        budget.in_flight,
        _HOST_SLOTS if budget.capacity is None else budget.capacity,
        budget.per_decision,
        budget.stored_results,
        round(budget.coordination_s * 1e6),
        budget.waste_window,
        int(budget.wasted_share * budget.waste_window),
    )


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and why the other predictions are not in it."""

    plan: Plan
    refused: dict[str, int]


def plan_for(recording: Recording, guesses: Sequence[Guess], habit: Habit, budget: Budget) -> Planned:
    """Rank the predictions of each decision and keep those that are worth launching on an idle host."""
    refused: dict[str, int] = defaultdict(int)
    number = {tool: place for place, tool in enumerate(recording.tools)}
    runs = Runs(recording.workload)
    rows: dict[int, list[tuple[int, ...]]] = {}
    for decision, group in by_decision(guesses):
        wanted = {id(guess.speculation): guess for guess in group}
        elapsed = elapsed_of(group, runs, habit, budget)
        candidates = [_candidate(guess, elapsed[place], habit, budget) for place, guess in enumerate(group)]
        for ranked in rank(candidates, budget):
            guess = wanted[id(ranked.candidate.speculation)]
            refusal = admit([ranked], Load(), budget)[0].refusal
            if refusal is not None:
                refused[refusal] += 1
                continue
            row = (
                guess.identity,
                runs.of(guess, habit, budget),
                0,
                guess.reads,
                guess.ttl_us,
                round(ranked.net_s * 1e6),
            )
            rows.setdefault(decision, []).append((*row, number[guess.speculation.tool], guess.follows))
    return Planned(plan_of(rows, len(recording.workload.think_us)), dict(sorted(refused.items())))


def plan_of(rows: dict[int, list[tuple[int, ...]]], decisions_: int) -> Plan:
    """Arrays from rows of (identity, run, delay, reads, ttl, net, tool, after), best first within each decision."""
    counts = [len(rows.get(decision, ())) for decision in range(decisions_)]
    flat = [row for decision in range(decisions_) for row in rows.get(decision, ())]
    columns = np.array(flat, dtype=np.int64).reshape(len(flat), 8).T
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Plan(start, *(np.ascontiguousarray(column) for column in columns))


def no_plan(decisions_: int) -> Plan:
    """Nothing is ever launched: the A/A control."""
    return plan_of({}, decisions_)


def all_wrong(plan: Plan) -> Plan:
    """The same launches, none of which is ever asked for: the negative control."""
    return plan._replace(identity=np.arange(len(plan.identity), dtype=np.int64) + (1 << 40))


def perfect(recording: Recording, habit: Habit, budget: Budget) -> Planned:
    """Every call the policy allows, predicted with certainty one decision ahead."""
    work = recording.workload
    guesses = []
    for decision in range(len(work.think_us)):
        for call in range(work.call_start[decision], work.call_start[decision + 1]):
            if work.call_early[call] and work.call_identity[call] >= 0:
                tool = recording.tools[work.call_tool[call]]
                speculation = Speculation(tool, {"call": int(call)}, 1.0)
                guesses.append(
                    Guess(
                        decision,
                        int(work.call_identity[call]),
                        speculation,
                        early=True,
                        reads=-1,
                        ttl_us=1 << 50,
                        refusal=None,
                    )
                )
    return plan_for(recording, guesses, habit, budget)


def elapsed_of(group: Sequence[Guess], runs: Runs, habit: Habit, budget: Budget) -> list[int]:
    """For each prediction of a decision, how much of the thought is over when it can start; -1: none of it."""
    ends: dict[int, int] = {}
    elapsed = []
    for guess in group:
        begins = -1 if guess.follows < 0 else ends.get(guess.follows, 0)
        ends.setdefault(guess.identity, max(0, begins) + runs.of(guess, habit, budget))
        elapsed.append(begins)
    return elapsed


def _candidate(guess: Guess, elapsed_us: int, habit: Habit, budget: Budget) -> Candidate:
    tool = guess.speculation.tool
    timing = habit.timing(tool, budget) if elapsed_us < 0 else habit.timing_after(tool, elapsed_us, budget)
    return Candidate(guess.speculation, timing, refusal=None if guess.early else guess.refusal or "policy")


def by_decision(guesses: Sequence[Guess]) -> Iterable[tuple[int, list[Guess]]]:
    """Predictions together with those that were made in the same moment."""
    groups: dict[int, list[Guess]] = {}
    for guess in guesses:
        groups.setdefault(guess.decision, []).append(guess)
    return groups.items()


class Runs:
    """How long a call took each time it was really made, to know how long its prediction would run."""

    def __init__(self, work: Workload) -> None:
        self._session = np.repeat(np.arange(len(work.decision_start) - 1), np.diff(work.decision_start))
        owner = np.repeat(np.arange(len(work.think_us)), np.diff(work.call_start))
        self._made: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        columns = zip(work.call_session, work.call_identity, owner, work.call_us, strict=True)
        for session, identity, decision, took in columns:
            self._made[int(session), int(identity)].append((int(decision), int(took)))

    def of(self, guess: Guess, habit: Habit, budget: Budget) -> int:
        """How long a predicted call would run: as long as when it is really made, else as calls of its tool do."""
        known = self._after(guess.decision, guess.identity)
        name = f"{guess.decision}/{guess.identity}"
        return known if known is not None else habit.run_us(guess.speculation.tool, name, budget)

    def _after(self, decision: int, identity: int) -> int | None:
        """The duration of the next equal call of the session, at this decision or later."""
        for made, took in self._made.get((int(self._session[decision]), identity), ()):
            if made >= decision:
                return took
        return None


def _quantiles(times: Sequence[float]) -> list[float]:
    return [round(float(value), 6) for value in np.quantile(times, _QUANTILES)] if len(times) else []
