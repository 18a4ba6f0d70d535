"""Savings recomputed: the held-out sessions recorded once, by the run, then replayed under whatever a slider says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dashboards.queries.folder import Run, events_of

if TYPE_CHECKING:
    from miner.evaluation.replay.kept import Kept
    from miner.evaluation.replay.replanning import Worth
    from miner.runtime.budget import Budget
    from miner.store.database import Store

PREDICTORS = ("shipped", "markov1", "oracle")
GATES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


class Prepared(NamedTuple):
    """A recording under one policy, and what every prediction is worth under one budget."""

    recording: Kept
    worth: Mapping[str, Worth]


class Setting(NamedTuple):
    """What the sliders say."""

    gate: float = 0.2
    in_flight: int = 4
    per_decision: int = 4
    capacity: int | None = None
    think: float = 1.0
    """Factor on the model's time."""
    tool: float = 1.0
    """Factor on the tools' time."""

    def budget(self) -> Budget:
        """The runtime's budget for it."""
        from miner.runtime.budget import Budget

        return Budget(
            in_flight=self.in_flight,
            per_decision=self.per_decision,
            capacity=self.capacity,
            min_probability=self.gate,
        )


def kept(run: Run) -> Kept:
    """The run's recording: as the run itself kept it, else walked now with every predictor, and kept.

    Raises:
        SplitError: there are too few sessions to hold some out.
    """
    from miner.evaluation.replay.kept import key_of, load, save

    with events_of(run) as store:
        key = key_of(run.path, store)
        found = load(run.path, key)
        if found is None:
            found = _walked(run, store)
            save(run.path, key, found)
    return found


def _walked(run: Run, store: Store) -> Kept:
    from miner.evaluation.parts import parts_of
    from miner.evaluation.replay.kept import kept_of
    from miner.evaluation.replay.permits import default_permits
    from miner.evaluation.replay.savings import ReplayOptions, recorded
    from miner.evaluation.run_folder import fitted_predictors

    parts, options = parts_of(store), ReplayOptions()
    permits = default_permits(store.sessions())
    fitted = fitted_predictors(run.path, parts.train, PREDICTORS)
    predictors = {name: one.predictor for name, one in fitted.items()}
    return kept_of(recorded(parts.train, parts.test, predictors, permits, options), permits, options.budget)


def is_timed(recording: Kept) -> bool:
    """Whether the recorded sessions say how long anything took."""
    from miner.evaluation.replay.workload import serial_us

    return bool(serial_us(recording.workload).sum())


def prepare(recording: Kept, allow: Sequence[str], assume_read_only: bool, setting: Setting) -> Prepared:
    """A recording under a policy and a budget, whatever the gate."""
    from miner.evaluation.replay.replanning import under_policy, worth

    judged = under_policy(recording, allow, assume_read_only=assume_read_only)
    return Prepared(judged, {name: worth(judged, name, setting.budget()) for name in PREDICTORS})


def replayed(prepared: Prepared, name: str, setting: Setting) -> dict[str, Any]:
    """What one predictor would have hidden and wasted under a setting."""
    import numpy as np

    from miner.evaluation.replay.arrivals import alone
    from miner.evaluation.replay.planning import limits_of
    from miner.evaluation.replay.simulator import scaled, simulate
    from miner.evaluation.replay.workload import serial_us

    recording = prepared.recording
    planned = prepared.worth[name].plan(setting.gate)
    work = scaled(recording.workload, think=setting.think, tool=setting.tool)
    plan = planned.plan._replace(run_us=np.rint(planned.plan.run_us * setting.tool).astype(np.int64))
    outcome = simulate(work, plan, limits_of(setting.budget()), alone(work), len(recording.tools))
    before, after = int(serial_us(work).sum()), int(outcome.session_us.sum())
    stall = before - int(work.think_us.sum())
    hidden, counters = stall - int(outcome.stall_us.sum()), outcome.counters
    by_tool = [
        {"tool": tool, "answered": int(answered), "wasted": int(wasted), "wasted s": int(wasted_us) / 1e6}
        for tool, answered, wasted, wasted_us in zip(
            recording.tools,
            outcome.answered_by_tool,
            outcome.wasted_by_tool,
            outcome.wasted_us_by_tool,
            strict=True,
        )
        if answered or wasted
    ]
    return {
        "predictor": name,
        "calls": len(work.call_us),
        "serial_s": before / 1e6,
        "speculative_s": after / 1e6,
        "reduction": (before - after) / before if before else None,
        "tool_stall_s": stall / 1e6,
        "hidden_s": hidden / 1e6,
        "hidden_share": hidden / stall if stall else None,
        **{key: counters[key] for key in ("launched", "hits", "joins", "wasted")},
        "wasted_s": counters["wasted_us"] / 1e6,
        "by_tool": by_tool,
        "refused": planned.refused,
    }


def frontier(prepared: Prepared, setting: Setting) -> list[dict[str, Any]]:
    """What is hidden against what is wasted, as the gate moves: one row is one gate of one predictor."""
    rows = []
    for name in PREDICTORS:
        for gate in GATES:
            figures = replayed(prepared, name, setting._replace(gate=gate))
            keys = ("hidden_s", "wasted_s", "hits", "wasted", "reduction")
            rows.append({"predictor": name, "gate": gate, **{key: figures[key] for key in keys}})
    return rows
