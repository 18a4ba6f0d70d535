"""What the event loop of the replay reads and changes: arrays and numbers, so that it can be compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from miner.evaluation.replay.workload import Ints, Workload

SLOTS = 32
"""Predictions that one session can have running or stored."""


class Plan(NamedTuple):
    """Predictions worth launching, best first within each decision."""

    start: Ints
    identity: Ints
    run_us: Ints
    delay_us: Ints
    """How long the prediction itself takes before the call can start."""
    reads: Ints
    ttl_us: Ints
    net_us: Ints
    """What it is worth: the least worthy is pushed out first."""
    tool: Ints
    after: Ints
    """The identity of the prediction of the same decision to whose result it is bound, for beams; -1 for none."""


class Limits(NamedTuple):
    """The part of the runtime's budget that depends on the moment."""

    in_flight: int
    capacity: int
    per_decision: int
    stored_results: int
    coordination_us: int
    waste_window: int
    wasted_most: int
    """Wasted launches in a full window above which nothing is launched."""


COUNTERS = (
    "launched", "hits", "joins", "wasted", "expired", "invalidated", "cancelled", "preempted", "no_room", "shut_off",
    "saved_us", "wasted_us", "derived",
)  # fmt: skip
(
    LAUNCHED, HITS, JOINS, WASTED, EXPIRED, INVALIDATED, CANCELLED, PREEMPTED, NO_ROOM, SHUT_OFF, SAVED, WASTED_US,
    DERIVED,
) = range(len(COUNTERS))  # fmt: skip
# Running totals that are no results.
SPECULATIVE, REAL, STORED, SEQUENCE, SETTLED, RECENT_WASTE, TOTALS = range(7)


class State(NamedTuple):
    """Everything that changes, in arrays."""

    at: Ints
    issued: Ints
    pending: Ints
    end: Ints
    stall: Ints
    held: Ints
    """Slots in use."""
    thinks: Ints
    """The decision that a session thinks about, or thought about last."""
    launched: Ints
    """Launches since it began to."""
    identity: Ints
    status: Ints
    began: Ints
    ends: Ints
    reads: Ints
    ttl: Ints
    net: Ints
    tool: Ints
    generation: Ints
    used: Ints
    """1 once it has answered a part of itself: it is not wasted."""
    running: Ints
    """The slots that run, in the first places."""
    place: Ints
    """Where in ``running`` a slot stands."""
    executes: Ints
    """1 while a real call occupies the host."""
    counters: Ints
    totals: Ints
    window: Ints
    wasted_by_tool: Ints
    wasted_us_by_tool: Ints
    answered_by_tool: Ints


_PER_SESSION, _PER_SLOT, _PER_TOOL = 8, 12, 3
"""How many of the arrays are indexed by what, in the order of the fields."""


def new_state(work: Workload, tools: int, limits: Limits) -> State:
    """A fresh state, all zero."""
    sessions = len(work.decision_start) - 1
    sizes = (
        *[sessions] * _PER_SESSION,
        *[sessions * SLOTS] * _PER_SLOT,
        len(work.call_us),
        len(COUNTERS),
        TOTALS,
        max(1, limits.waste_window),
        *[max(1, tools)] * _PER_TOOL,
    )
    return State._make(np.zeros(size, dtype=np.int64) for size in sizes)
