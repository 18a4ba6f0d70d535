"""Hand-made workloads and plans for the simulator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from miner.evaluation.replay.arrivals import alone
from miner.evaluation.replay.planning import plan_of
from miner.evaluation.replay.simulator import Outcome, simulate
from miner.evaluation.replay.state import Limits, Plan
from miner.evaluation.replay.workload import Ints, Workload

SECOND = 1_000_000
FREE = Limits(
    in_flight=99,
    capacity=1 << 40,
    per_decision=99,
    stored_results=999,
    coordination_us=0,
    waste_window=50,
    wasted_most=50,
)
"""Limits that nothing meets."""


class Call(NamedTuple):
    """A call in a hand-made workload."""

    identity: int
    seconds: float
    writes: int = 0
    offset: float = 0.0
    broader: int = -1


class Predicted(NamedTuple):
    """A prediction in a hand-made plan."""

    identity: int
    seconds: float
    delay: float = 0.0
    ttl: float = 1e6
    net: int = 1
    reads: int = 1
    after: int = -1


Decision = tuple[float, list[Call], list[Predicted]]
"""Think seconds, calls, predictions."""


def made(*sessions: list[Decision], new_turns: bool = False) -> tuple[Workload, Plan]:
    """A workload with its plan."""
    decisions = [decision for session in sessions for decision in session]
    owner = [number for number, session in enumerate(sessions) for _, calls, _ in session for _ in calls]
    calls = [call for _, asked, _ in decisions for call in asked]

    def column(values: list[float]) -> Ints:
        return np.array(np.rint(values), dtype=np.int64)

    work = Workload(
        decision_start=column(np.cumsum([0, *(len(session) for session in sessions)])),
        call_start=column(np.cumsum([0, *(len(asked) for _, asked, _ in decisions)])),
        think_us=column([think * SECOND for think, _, _ in decisions]),
        new_turn=column([int(new_turns)] * len(decisions)),
        call_session=column(owner),
        call_identity=column([call.identity for call in calls]),
        call_offset_us=column([call.offset * SECOND for call in calls]),
        call_us=column([call.seconds * SECOND for call in calls]),
        call_reads=column([1] * len(calls)),
        call_writes=column([call.writes for call in calls]),
        call_broader=column([call.broader for call in calls]),
        call_early=column([int(not call.writes) for call in calls]),
        call_tool=column([0] * len(calls)),
        began_us=column([-1] * len(sessions)),
    )
    rows = {
        number: [
            (
                p.identity,
                round(p.seconds * SECOND),
                round(p.delay * SECOND),
                p.reads,
                round(p.ttl * SECOND),
                p.net,
                0,
                p.after,
            )
            for p in predicted
        ]
        for number, (_, _, predicted) in enumerate(decisions)
    }
    return work, plan_of(rows, len(decisions))


def played(
    *sessions: list[Decision], limits: Limits = FREE, together: bool = False, new_turns: bool = False
) -> Outcome:
    """What comes of them, each session alone or all at once."""
    work, plan = made(*sessions, new_turns=new_turns)
    begin = np.zeros(len(sessions), dtype=np.int64) if together else alone(work)
    return simulate(work, plan, limits, begin, 1)
