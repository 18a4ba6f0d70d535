"""One replay: a workload, the predictions worth launching, limits and arrivals -> what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from miner.evaluation.replay.workload import Ints, Workload, serial_us, stall_us

_UNLIMITED = 1 << 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay came to."""

    session_us: Ints
    """From arrival to end, for each session."""
    stall_us: Ints
    counters: dict[str, int]
    makespan_us: int
    wasted_by_tool: Ints
    wasted_us_by_tool: Ints
    answered_by_tool: Ints


def simulate(work: Workload, plan: Any, limits: Any, arrivals: Ints, tools: int) -> Outcome:
    """Play the workload; the same input gives the same outcome, to the microsecond."""
    from miner.evaluation.replay.kernel import run
    from miner.evaluation.replay.state import COUNTERS, new_state

    state = new_state(work, tools, limits)
    makespan = int(run(work, plan, limits, arrivals, state)) if len(arrivals) else 0
    return Outcome(
        state.end - arrivals,
        state.stall.copy(),
        dict(zip(COUNTERS, (int(count) for count in state.counters), strict=True)),
        makespan,
        state.wasted_by_tool,
        state.wasted_us_by_tool,
        state.answered_by_tool,
    )


def scaled(work: Workload, *, think: float = 1.0, tool: float = 1.0) -> Workload:
    """The same workload with a slower or faster model, and slower or faster tools."""

    def times(values: Ints, factor: float) -> Ints:
        return values if factor == 1.0 else np.rint(values * factor).astype(np.int64)

    return work._replace(
        think_us=times(work.think_us, think),
        call_us=times(work.call_us, tool),
        call_offset_us=times(work.call_offset_us, tool),
    )


__all__ = ["Outcome", "scaled", "serial_us", "simulate", "stall_us"]
