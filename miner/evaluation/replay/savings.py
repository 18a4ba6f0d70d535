"""Held-out sessions and a predictor -> savings.json: the bound, the replay, its controls and its sensitivity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from miner.evaluation.bootstrap import interval, ratio_draws, weights
from miner.evaluation.replay.arrivals import alone, as_logged, poisson
from miner.evaluation.replay.bound import bound_table
from miner.evaluation.replay.distributions import Assumed
from miner.evaluation.replay.permits import Permits
from miner.evaluation.replay.planning import (
    Habit,
    all_wrong,
    habit_of,
    limits_of,
    no_plan,
    perfect,
    plan_for,
)
from miner.evaluation.replay.simulator import Outcome, scaled, simulate
from miner.evaluation.replay.state import Plan
from miner.evaluation.replay.workload import Ints, Recording, Workload, record, serial_us
from miner.evaluation.split import Logs
from miner.evaluation.times import CAP_S
from miner.predictors import Predictor
from miner.runtime.budget import Budget

FORMAT = 1
LOADS = (1, 2, 4, 8, 16, 32, 64)
"""Sessions going on at once, on average, in the load sweep."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Under what a replay runs; all of it is printed beside the figures."""

    budget: Budget = field(default_factory=Budget)
    cap_s: float = CAP_S
    assumed: Assumed | None = None
    seed: int = 1
    load_capacity: int = 8
    """Calls the host can run at once in the load sweep."""


def savings(
    train: Logs, test: Logs, predictors: Mapping[str, Predictor], permits: Permits, options: ReplayOptions | None = None
) -> dict[str, Any]:
    """The content of savings.json; the first predictor named is the one whose figures stand at the top.

    ``oracle`` among the predictors gives what rests on knowing where values come from.
    """
    options = options or ReplayOptions()
    return savings_of(recorded(train, test, predictors, permits, options), predictors, permits, options)


class Recorded(NamedTuple):
    """What every replay of the same sessions starts from."""

    recording: Recording
    habit: Habit


def recorded(
    train: Logs, test: Logs, predictors: Mapping[str, Predictor], permits: Permits, options: ReplayOptions
) -> Recorded:
    """Learn the habits of the training sessions, and walk the held-out ones once with every predictor."""
    habit = habit_of(train, options.cap_s)
    permits.mark(habit.marked)
    return Recorded(record(test, predictors, permits, cap_s=options.cap_s, assumed=options.assumed), habit)


def savings_of(walked: Recorded, predictors: Iterable[str], permits: Permits, options: ReplayOptions) -> dict[str, Any]:
    """The content of savings.json, of sessions that have been walked."""
    recording = walked.recording
    replay = _Replay(recording, walked.habit, options)
    found: dict[str, Any] = {
        "format": FORMAT,
        "tier": "simulated" if options.assumed else "replay",
        "conditions": replay.conditions(permits),
        "bound": bound_table(recording),
    }
    rows = {name: replay.measured(name) for name in predictors}
    best = next(iter(rows), None)
    found |= rows[best] if best else {}
    found["predictors"] = rows
    if best:
        found["controls"] = replay.controls()
        found["sensitivity"] = replay.sensitivity(best)
        found["load"] = replay.load(best)
    return found


class _Replay:
    """One workload under one budget, with what several replays of it share."""

    def __init__(self, recording: Recording, habit: Habit, options: ReplayOptions) -> None:
        self._recording = recording
        self._habit = habit
        self._options = options
        self._work = recording.workload
        self._limits = limits_of(options.budget)
        self.plans: dict[str, Plan] = {}
        free = replace(options.budget, in_flight=1 << 20, per_decision=1 << 20, min_probability=0.0, waste_weight=0.0)
        self._perfect = perfect(
            recording, habit, replace(free, coordination_s=0.0, guard_s=-1.0, stored_results=1 << 30)
        )
        self._free = limits_of(replace(free, coordination_s=0.0, stored_results=1 << 30, wasted_share=1.0))

    def conditions(self, permits: Permits) -> dict[str, Any]:
        """What the figures hold under."""
        budget = self._options.budget
        assumed = self._options.assumed
        return {
            "policy": permits.said,
            "in_flight": budget.in_flight,
            "capacity": budget.capacity,
            "per_decision": budget.per_decision,
            "min_probability": budget.min_probability,
            "coordination_s": budget.coordination_s,
            "scheduler": "expected seconds hidden, net of cost (the runtime's own ranking)",
            "arrivals": "each session alone",
            "seed": self._options.seed,
            "times": assumed.said()
            if assumed
            else f"as recorded; log-line times over {self._options.cap_s:g} s left out",
            "sub_agents": "sessions of their own, for which their parents wait as recorded",
            "not_modelled": "time between a person's turns, waiting for a free slot, rates, prices, what follows from "
            "wrong predictions, broader calls started in place of several predicted parts, serving rules proving "
            "themselves first",
        }

    def measured(self, name: str) -> dict[str, Any]:
        """One predictor's savings."""
        planned = plan_for(self._recording, self._recording.guesses.get(name, ()), self._habit, self._options.budget)
        self.plans[name] = planned.plan
        outcome = self._run(self._work, planned.plan)
        figures = self._figures(self._work, outcome)
        oracle = self._oracle(self._work)
        figures["oracle_reduction"] = oracle
        figures["share_of_oracle"] = round(figures["reduction"] / oracle, 6) if oracle else None
        figures["not_launched"] = planned.refused
        return figures

    def controls(self) -> dict[str, Any]:
        """A/A must reproduce the recorded times; all-wrong must not slow a session by more than its bound.

        All-wrong launches a wrong call wherever the policy would allow a right one: the most harm there can be.
        """
        work, serial, plan = self._work, serial_us(self._work), self._perfect.plan
        same = self._run(work, no_plan(len(work.think_us)))
        wrong = self._run(work, all_wrong(plan))
        slower = wrong.session_us - serial
        most = self._limits.coordination_us * np.add.reduceat(
            np.minimum(np.r_[np.diff(plan.start), 0], self._limits.per_decision), work.decision_start[:-1]
        ) if len(serial) else slower  # fmt: skip
        return {
            "no_speculation": {
                "largest_difference_us": int(np.abs(same.session_us - serial).max(initial=0)),
                "passed": bool((same.session_us == serial).all()),
            },
            "all_wrong": {
                "launched": wrong.counters["launched"],
                "hits": wrong.counters["hits"] + wrong.counters["joins"],
                "slowest_session_us": int(slower.max(initial=0)),
                "bound": "coordination time of every launch the budget allows",
                "passed": bool((slower <= most).all()) and wrong.counters["hits"] + wrong.counters["joins"] == 0,
            },
        }

    def sensitivity(self, name: str) -> list[dict[str, Any]]:
        """The same predictions beside faster models, and slower and faster tools."""
        changes = [("model 2x faster", 0.5, 1.0), ("model 4x faster", 0.25, 1.0)]
        changes += [("tools 2x faster", 1.0, 0.5), ("tools 2x slower", 1.0, 2.0), ("tools 4x slower", 1.0, 4.0)]
        rows = []
        for said, think, tool in changes:
            work, plan = scaled(self._work, think=think, tool=tool), self.plans[name]
            plan = plan._replace(run_us=np.rint(plan.run_us * tool).astype(np.int64))
            figures = self._figures(work, self._run(work, plan))
            keys = ("serial_s", "speculative_s", "reduction", "tool_stall_hidden_s")
            rows.append({"change": said, **{key: figures[key] for key in keys}, "oracle_reduction": self._oracle(work)})
        return rows

    def load(self, name: str) -> list[dict[str, Any]]:
        """Many sessions at once on a host with few slots: what slack is left for speculation."""
        limits = self._limits._replace(capacity=self._options.load_capacity)
        rows = []
        arrivals: list[tuple[str, Ints]] = [
            (f"Poisson, {load} at once", poisson(self._work, load, self._options.seed)) for load in LOADS
        ]
        if (self._work.began_us >= 0).any():
            arrivals.append(("as logged", as_logged(self._work)))
        for said, begin in arrivals:
            outcome = simulate(self._work, self.plans[name], limits, begin, len(self._recording.tools))
            figures = self._figures(self._work, outcome)
            counters = outcome.counters
            rows.append(
                {
                    "arrivals": said,
                    "capacity": self._options.load_capacity,
                    "reduction": figures["reduction"],
                    "hit_rate": figures["hit_rate"],
                    "join_rate": figures["join_rate"],
                    "launched": counters["launched"],
                    "no_room": counters["no_room"],
                    "preempted": counters["preempted"],
                    "wasted_calls": counters["wasted"],
                }
            )
        return rows

    def _run(self, work: Workload, plan: Plan) -> Outcome:
        return simulate(work, plan, self._limits, alone(work), len(self._recording.tools))

    def _oracle(self, work: Workload) -> float | None:
        plan = self._perfect.plan
        if work is not self._work and len(work.call_us):
            factor = work.call_us.sum() / max(1, self._work.call_us.sum())
            plan = plan._replace(run_us=np.rint(plan.run_us * factor).astype(np.int64))
        outcome = simulate(work, plan, self._free, alone(work), len(self._recording.tools))
        reduction: float | None = self._figures(work, outcome)["reduction"]
        return reduction

    def _figures(self, work: Workload, outcome: Outcome) -> dict[str, Any]:
        serial = serial_us(work)
        before, after, calls = int(serial.sum()), int(outcome.session_us.sum()), len(work.call_us)
        counters = outcome.counters
        stall = before - int(work.think_us.sum())
        hidden = stall - int(outcome.stall_us.sum())
        tools = self._recording.tools
        return {
            "sessions": len(serial),
            "calls": calls,
            "serial_s": round(before / 1e6, 6),
            "speculative_s": round(after / 1e6, 6),
            "reduction": _share(before - after, before),
            "reduction_ci": _interval(serial, outcome.session_us),
            "tool_stall_s": round(stall / 1e6, 6),
            "tool_stall_hidden_s": round(hidden / 1e6, 6),
            "tool_stall_hidden_share": _share(hidden, stall),
            "launched": counters["launched"],
            "hits": counters["hits"],
            "joins": counters["joins"],
            "derived": counters["derived"],
            "hit_rate": _share(counters["hits"], calls),
            "join_rate": _share(counters["joins"], calls),
            "derived_rate": _share(counters["derived"], calls),
            "wasted_calls": counters["wasted"],
            "wasted_tool_s": round(counters["wasted_us"] / 1e6, 6),
            "amplification": _share(calls + counters["wasted"], calls),
            "throughput_ratio": _share(before, after),
            "session_s": {"before": _percentiles(serial), "after": _percentiles(outcome.session_us)},
            "fates": {name: counters[name] for name in ("expired", "invalidated", "cancelled", "preempted", "no_room")},
            "by_tool": {
                tool: {
                    "answered": int(outcome.answered_by_tool[place]),
                    "wasted_calls": int(outcome.wasted_by_tool[place]),
                    "wasted_s": round(int(outcome.wasted_us_by_tool[place]) / 1e6, 6),
                }
                for place, tool in enumerate(tools)
                if outcome.answered_by_tool[place] or outcome.wasted_by_tool[place]
            },
        }


def _interval(serial: Ints, after: Ints) -> list[float] | None:
    """95 % of the reduction when sessions are drawn again; None for fewer than two."""
    if len(serial) < 2:
        return None
    before = serial.astype(float)
    return interval(ratio_draws(before - after, before, weights(len(serial))))


def _percentiles(times: Ints) -> dict[str, float] | None:
    if not len(times):
        return None
    points = np.percentile(times / 1e6, (50, 95, 99))
    names = ("mean", "p50", "p95", "p99")
    return {name: round(float(value), 6) for name, value in zip(names, (times.mean() / 1e6, *points), strict=True)}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 6) + 0.0 if whole else None  # adding 0 makes -0.0 a plain zero
