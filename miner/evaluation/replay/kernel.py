"""The event loop of the replay, compiled: sessions think, call and wait; predictions run beside them on slack.

Behaves as the runtime does: launches only at the start of a decision and, what hangs on a result (beams), when that is
there while the model still thinks; one global limit, real calls first (they push out running predictions when the host
is full), a result is used once, a running one is joined, a write makes results that read what it changes worthless, a
person's message makes all of them so, and what the next decision no longer predicts is cancelled. Which predictions are
worth launching, and their order, was decided before by the runtime's own ``rank`` and ``admit``; here only the limits
that depend on the moment remain, checked in the same order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from miner.evaluation.replay.state import (
    CANCELLED,
    DERIVED,
    EXPIRED,
    HITS,
    INVALIDATED,
    JOINS,
    LAUNCHED,
    NO_ROOM,
    PREEMPTED,
    REAL,
    RECENT_WASTE,
    SAVED,
    SEQUENCE,
    SETTLED,
    SHUT_OFF,
    SLOTS,
    SPECULATIVE,
    STORED,
    WASTED,
    WASTED_US,
    Limits,
    Plan,
    State,
)  # fmt: skip
from miner.evaluation.replay.workload import Ints, Workload

Int = Any
"""A 64-bit integer: compiled code does not tell Python's from NumPy's."""
FREE, RUNNING, DONE = 0, 1, 2
SPEC_ENDS, CALL_ENDS, DECIDES, ISSUES = 0, 1, 2, 3
"""At one instant, what ends is known before what begins."""
_NEVER = 1 << 62


def compiled(function: Callable[..., Any]) -> Any:
    """Compile at first use, and keep the result on disk."""
    return njit(cache=True)(function)


@compiled
def _push(heap: Any, state: State, time: Int, kind: Int, what: Int) -> None:
    state.totals[SEQUENCE] += 1
    heapq.heappush(heap, (time, kind, state.totals[SEQUENCE], what))


@compiled
def _settle(state: State, limits: Limits, wasted: Int) -> None:
    """Remember in the window whether a launch was for nothing."""
    place = state.totals[SETTLED] % max(1, limits.waste_window)
    if state.totals[SETTLED] >= limits.waste_window:
        state.totals[RECENT_WASTE] -= state.window[place]
    state.window[place] = wasted
    state.totals[RECENT_WASTE] += wasted
    state.totals[SETTLED] += 1


@compiled
def _stop(state: State, slot: Int) -> None:
    """Take a slot out of those that run; the last one takes its place."""
    state.totals[SPECULATIVE] -= 1
    last = state.running[state.totals[SPECULATIVE]]
    state.running[state.place[slot]] = last
    state.place[last] = state.place[slot]


@compiled
def _free(state: State, slot: Int) -> None:
    """Empty a slot; what it ran is no speculation any more."""
    if state.status[slot] == RUNNING:
        _stop(state, slot)
    state.totals[STORED] -= 1
    state.held[slot // SLOTS] -= 1
    state.status[slot] = FREE
    state.generation[slot] += 1


@compiled
def _waste(state: State, limits: Limits, slot: Int, now: Int) -> None:
    """A launch that nobody will ask for: count what it ran until now, unless it has answered a part of itself."""
    if state.used[slot]:
        _free(state, slot)
        return
    ran = max(0, min(now, state.ends[slot]) - state.began[slot])
    tool = state.tool[slot]
    state.counters[WASTED] += 1
    state.counters[WASTED_US] += ran
    state.wasted_by_tool[tool] += 1
    state.wasted_us_by_tool[tool] += ran
    _free(state, slot)
    _settle(state, limits, 1)


@compiled
def _held(state: State, session: Int, identity: Int) -> Int:
    """The slot that holds this call for this session, or -1."""
    left = state.held[session]
    slot = session * SLOTS
    while left > 0:
        if state.status[slot] != FREE:
            if state.identity[slot] == identity:
                return slot
            left -= 1
        slot += 1
    return -1


@compiled
def _drop_unlikely(
    state: State, plan: Plan, limits: Limits, session: Int, decision: Int, now: Int, everything: bool
) -> None:
    """Cancel what runs and is not predicted again, forget what has expired; after a person spoke, forget all."""
    if state.held[session] == 0:
        return
    for slot in range(session * SLOTS, (session + 1) * SLOTS):
        if state.status[slot] == FREE:
            continue
        wanted = False
        for guess in range(plan.start[decision], plan.start[decision + 1]):
            wanted = wanted or (plan.after[guess] < 0 and plan.identity[guess] == state.identity[slot])
        if now - state.began[slot] > state.ttl[slot]:
            state.counters[EXPIRED] += 1
            _waste(state, limits, slot, now)
        elif everything or (state.status[slot] == RUNNING and not wanted):
            state.counters[CANCELLED] += 1
            _waste(state, limits, slot, now)


@compiled
def _room(state: State, limits: Limits, launched: Int) -> bool:
    """The runtime's limits that depend on the moment, in its order."""
    totals = state.totals
    settled = min(totals[SETTLED], limits.waste_window)
    if settled >= limits.waste_window and totals[RECENT_WASTE] > limits.wasted_most:
        state.counters[SHUT_OFF] += 1
        return False
    full = launched >= limits.per_decision or totals[STORED] >= limits.stored_results
    slack = min(limits.in_flight - totals[SPECULATIVE], limits.capacity - totals[REAL] - totals[SPECULATIVE])
    if full or slack <= 0:
        state.counters[NO_ROOM] += 1
        return False
    return True


@compiled
def _launch(heap: Any, state: State, plan: Plan, limits: Limits, session: Int, after: Int, now: Int) -> None:
    """Start what is predicted after this and not there yet, as far as there is room."""
    decision = state.thinks[session]
    for guess in range(plan.start[decision], plan.start[decision + 1]):
        if plan.after[guess] != after or _held(state, session, plan.identity[guess]) >= 0:
            continue
        if not _room(state, limits, state.launched[session]):
            continue
        if state.held[session] == SLOTS:
            state.counters[NO_ROOM] += 1
            continue
        slot = session * SLOTS
        while state.status[slot] != FREE:
            slot += 1
        begins = now + plan.delay_us[guess]
        state.identity[slot], state.status[slot] = plan.identity[guess], RUNNING
        state.began[slot], state.ends[slot] = begins, begins + plan.run_us[guess]
        state.reads[slot], state.ttl[slot] = plan.reads[guess], plan.ttl_us[guess]
        state.net[slot], state.tool[slot] = plan.net_us[guess], plan.tool[guess]
        state.used[slot] = 0
        state.place[slot] = state.totals[SPECULATIVE]
        state.running[state.place[slot]] = slot
        state.totals[SPECULATIVE] += 1
        state.totals[STORED] += 1
        state.held[session] += 1
        state.counters[LAUNCHED] += 1
        _push(heap, state, state.ends[slot], SPEC_ENDS, slot + state.generation[slot] * len(state.status))
        state.launched[session] += 1


@compiled
def _follow(heap: Any, state: State, plan: Plan, limits: Limits, slot: Int, now: Int) -> None:
    """A prediction's result is there while the model still thinks: what was bound to it is started."""
    session = slot // SLOTS
    if now < state.issued[session]:
        _launch(heap, state, plan, limits, session, state.identity[slot], now)


@compiled
def _preempt(state: State, limits: Limits, now: Int) -> None:
    """Real calls first: push out the least worthy running predictions until the host has room again."""
    while state.totals[SPECULATIVE] > 0 and state.totals[REAL] + state.totals[SPECULATIVE] > limits.capacity:
        worst, least = -1, _NEVER
        for place in range(state.totals[SPECULATIVE]):
            slot = state.running[place]
            if state.net[slot] < least or (state.net[slot] == least and slot < worst):
                worst, least = slot, state.net[slot]
        state.counters[PREEMPTED] += 1
        _waste(state, limits, worst, now)


@compiled
def _part_done(state: State, work: Workload, limits: Limits, call: Int, status: Int, now: Int) -> Int:
    """When a broader call in this state answers this one; -1 if none does, or its own run would sooner.

    The result stays for others.
    """
    if work.call_broader[call] < 0 or not work.call_early[call] or work.call_writes[call]:
        return -1
    slot = _held(state, work.call_session[call], work.call_broader[call])
    if slot < 0 or state.status[slot] != status or now - state.began[slot] > state.ttl[slot]:
        return -1
    done = max(now, state.ends[slot]) if status == RUNNING else now
    if state.began[slot] > now or (status == RUNNING and done >= now + work.call_us[call]):
        return -1
    state.counters[DERIVED] += 1
    state.counters[SAVED] += now + work.call_us[call] - done
    state.answered_by_tool[work.call_tool[call]] += 1
    if not state.used[slot]:
        _settle(state, limits, 0)
    state.used[slot] = 1
    return done


@compiled
def _answer(state: State, work: Workload, limits: Limits, call: Int, now: Int) -> Int:
    """When a real call is done: now if it was prepared, when the running one ends if joined, else after its run."""
    session = work.call_session[call]
    slot = _held(state, session, work.call_identity[call]) if work.call_identity[call] >= 0 else -1
    if slot >= 0 and (state.began[slot] > now or now - state.began[slot] > state.ttl[slot]):
        state.counters[EXPIRED] += state.began[slot] <= now
        _waste(state, limits, slot, now)
        slot = -1
    if slot < 0 and _part_done(state, work, limits, call, DONE, now) >= 0:
        return now
    if slot < 0:
        state.executes[call] = 1
        state.totals[REAL] += 1
        _preempt(state, limits, now)
        done = _part_done(state, work, limits, call, RUNNING, now)
        return done if done >= 0 else now + work.call_us[call]
    done = now
    if state.status[slot] == RUNNING:
        done = max(now, state.ends[slot])
        state.executes[call] = 1
        state.totals[REAL] += 1
        state.counters[JOINS] += 1
    else:
        state.counters[HITS] += 1
    state.counters[SAVED] += now + work.call_us[call] - done
    state.answered_by_tool[state.tool[slot]] += 1
    if not state.used[slot]:
        _settle(state, limits, 0)
    _free(state, slot)
    return done


@compiled
def _invalidate(state: State, limits: Limits, session: Int, writes: Int, now: Int) -> None:
    """Forget what read something that this call changes."""
    if state.held[session] == 0:
        return
    for slot in range(session * SLOTS, (session + 1) * SLOTS):
        if state.status[slot] != FREE and state.reads[slot] & writes:
            state.counters[INVALIDATED] += 1
            _waste(state, limits, slot, now)


@compiled
def _decide(heap: Any, state: State, work: Workload, plan: Plan, limits: Limits, session: Int, now: Int) -> None:
    decision = state.at[session]
    if decision == work.decision_start[session + 1]:
        for slot in range(session * SLOTS, (session + 1) * SLOTS):
            if state.status[slot] != FREE:
                _waste(state, limits, slot, now)
        state.end[session] = now
        return
    _drop_unlikely(state, plan, limits, session, decision, now, work.new_turn[decision] == 1)
    state.thinks[session], state.launched[session] = decision, 0
    _launch(heap, state, plan, limits, session, -1, now)
    issued = now + work.think_us[decision] + state.launched[session] * limits.coordination_us
    state.issued[session] = issued
    first, last = work.call_start[decision], work.call_start[decision + 1]
    state.pending[session] = last - first
    if first == last:
        state.at[session] += 1
        _push(heap, state, issued, DECIDES, session)
    for call in range(first, last):
        _push(heap, state, issued + work.call_offset_us[call], ISSUES, call)


@compiled
def run(work: Workload, plan: Plan, limits: Limits, arrivals: Ints, state: State) -> Int:
    """Play every session from its arrival to its end; returns when the last one ended."""
    heap = [(np.int64(0), np.int64(0), np.int64(0), np.int64(0))]
    heap.pop()
    order = np.argsort(arrivals, kind="mergesort")
    arrived = 0
    now = np.int64(0)
    while len(heap) > 0 or arrived < len(order):
        # Sessions enter the heap when they begin: it stays as small as the number that go on at once.
        if arrived < len(order) and (len(heap) == 0 or arrivals[order[arrived]] <= heap[0][0]):
            session = order[arrived]
            state.at[session] = work.decision_start[session]
            _push(heap, state, arrivals[session], DECIDES, session)
            arrived += 1
            continue
        time, kind, _, what = heapq.heappop(heap)
        if kind == SPEC_ENDS:
            slot, generation = what % len(state.status), what // len(state.status)
            if state.status[slot] == RUNNING and state.generation[slot] == generation:
                state.status[slot] = DONE
                _stop(state, slot)
                _follow(heap, state, plan, limits, slot, time)
            continue
        now = max(now, time)
        if kind == DECIDES:
            _decide(heap, state, work, plan, limits, what, time)
        elif kind == ISSUES:
            done = _answer(state, work, limits, what, time)
            if work.call_writes[what]:
                _invalidate(state, limits, work.call_session[what], work.call_writes[what], time)
            _push(heap, state, done, CALL_ENDS, what)
        else:
            session = work.call_session[what]
            state.totals[REAL] -= state.executes[what]
            state.executes[what] = 0
            state.pending[session] -= 1
            if state.pending[session] == 0:
                state.stall[session] += time - state.issued[session]
                state.at[session] += 1
                _push(heap, state, time, DECIDES, session)
    return now
