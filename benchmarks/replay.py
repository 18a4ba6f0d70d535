"""How many recorded calls a second the replay simulates on one core, with predictions at every decision.

    python benchmarks/replay.py [--sessions N] [--rounds N] [--least RATE]

The workload is made up and seeded: sessions of about twenty calls, two predictions a decision of which about a third
come true, sixty-four sessions at once on a host with thirty-two slots, writes that invalidate, results that expire.
Compiling, which happens once a machine, is timed apart. Ends with 1 when the rate is below what was asked for.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

from miner.evaluation.replay.arrivals import poisson
from miner.evaluation.replay.planning import no_plan
from miner.evaluation.replay.simulator import Outcome, simulate
from miner.evaluation.replay.state import Limits, Plan
from miner.evaluation.replay.workload import Ints, Workload, serial_us

CALLS, DECISIONS = 20, 18
LIMITS = Limits(
    in_flight=16,
    capacity=32,
    per_decision=4,
    stored_results=256,
    coordination_us=500,
    waste_window=50,
    wasted_most=50,
)


def made_up(sessions: int) -> tuple[Workload, Plan]:
    """A seeded workload and its predictions."""
    draw = np.random.default_rng(1)
    decisions, calls = sessions * DECISIONS, sessions * CALLS
    per_decision = np.sort(np.tile(np.r_[np.arange(DECISIONS), 3, 7], (sessions, 1)), axis=1)
    owner = (per_decision + DECISIONS * np.arange(sessions)[:, None]).ravel()
    identity = np.arange(calls) % 997

    def exponential(mean_s: float, count: int) -> Ints:
        return np.rint(draw.exponential(mean_s * 1e6, count)).astype(np.int64)

    lasting = exponential(1.5, calls)
    start = np.searchsorted(owner, np.arange(decisions + 1)).astype(np.int64)
    work = Workload(
        decision_start=np.arange(sessions + 1, dtype=np.int64) * DECISIONS,
        call_start=start,
        think_us=exponential(3.0, decisions),
        new_turn=(draw.random(decisions) < 0.1).astype(np.int64),
        call_session=owner // DECISIONS,
        call_identity=identity,
        call_offset_us=np.zeros(calls, dtype=np.int64),
        call_us=lasting,
        call_reads=np.ones(calls, dtype=np.int64),
        call_writes=(draw.random(calls) < 0.2).astype(np.int64),
        call_broader=np.full(calls, -1, dtype=np.int64),
        call_early=np.ones(calls, dtype=np.int64),
        call_tool=np.zeros(calls, dtype=np.int64),
        began_us=np.full(sessions, -1, dtype=np.int64),
    )
    right = np.where(draw.random(decisions) < 0.65, identity[start[:-1]], 5000)
    guesses = np.c_[right, np.full(decisions, 6000)].ravel()
    times = np.c_[lasting[start[:-1]], exponential(1.5, decisions)].ravel()
    many = len(guesses)
    plan = Plan(
        start=np.arange(decisions + 1, dtype=np.int64) * 2,
        identity=guesses,
        run_us=times,
        delay_us=np.full(many, 100, dtype=np.int64),
        reads=np.ones(many, dtype=np.int64),
        ttl_us=np.full(many, 10_000_000, dtype=np.int64),
        net_us=np.arange(many, dtype=np.int64) % 1000,
        tool=np.zeros(many, dtype=np.int64),
        after=np.full(many, -1, dtype=np.int64),
    )
    return work, plan


def timed(work: Workload, plan: Plan, arrivals: Ints) -> tuple[float, Outcome]:
    """Processor seconds of one replay, and what it came to."""
    began = time.process_time()
    outcome = simulate(work, plan, LIMITS, arrivals, 1)
    return time.process_time() - began, outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rates; the fastest round counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--least", type=float, default=200_000.0, help="calls a second")
    chosen = parser.parse_args(arguments)
    work, plan = made_up(chosen.sessions)
    arrivals = poisson(work, 64)
    first, _ = timed(*made_up(1), np.zeros(1, dtype=np.int64))
    rounds = [timed(work, plan, arrivals) for _ in range(chosen.rounds)]
    seconds, outcome = min(rounds, key=lambda one: one[0])
    same = simulate(work, no_plan(len(work.think_us)), LIMITS, arrivals, 1)
    exact = bool((same.session_us == serial_us(work)).all())
    rate = len(work.call_us) / seconds
    print(f"first use (compiling, or loading what was compiled): {first:.2f} s")
    print(f"{len(work.call_us):,} calls in {chosen.sessions:,} sessions: {seconds:.3f} s, {rate:,.0f} calls a second")
    print(f"without speculation the times come out {'exactly' if exact else 'WRONG'}; {outcome.counters}")
    return 0 if rate >= chosen.least and exact else 1


if __name__ == "__main__":
    sys.exit(main())
