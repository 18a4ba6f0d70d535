"""A kept recording under another policy and budget -> plans, judged by the runtime's own ``rank`` and ``admit``.

A prediction's worth depends on its tool, its probability and how much of the thought is over, so each such case is
asked about once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from miner.evaluation.replay.kept import Foreseen, Kept
from miner.evaluation.replay.permits import Permit, default_permits, widened_words
from miner.evaluation.replay.planning import Planned
from miner.evaluation.replay.state import Plan
from miner.evaluation.replay.workload import AN_OBJECT, MARKED_READ_ONLY, Ints
from miner.runtime.budget import Budget, Candidate, Load, admit, rank
from miner.runtime.speculation import Speculation

_ANY = "any"
_IMPROBABLE = "improbable"


def under_policy(kept: Kept, allow: Collection[str], *, assume_read_only: bool) -> Kept:
    """The same recording when these tools may also run early, as a user vouches for them.

    Later steps of beams that hang on calls which were not allowed when it was made are not in it.
    """
    if not allow and not assume_read_only:
        return kept
    permit = default_permits((), [_ANY]).of_guess(Speculation(_ANY, {}, 1.0))
    allowed = np.array([tool in allow for tool in kept.tools], dtype=bool)
    unlisted = np.array([tool not in kept.listed for tool in kept.tools], dtype=bool) & ~allowed & assume_read_only
    marked = unlisted & np.array([tool in kept.habit.marked for tool in kept.tools], dtype=bool)
    work = kept.workload
    object_, read_only = (kept.call_notes & AN_OBJECT) > 0, (kept.call_notes & MARKED_READ_ONLY) > 0
    freed = object_ & (allowed[work.call_tool] | (unlisted[work.call_tool] & read_only))
    workload = work._replace(
        call_early=np.where(freed, 1, work.call_early),
        call_reads=np.where(freed, permit.reads, work.call_reads),
        call_writes=np.where(freed, permit.writes, work.call_writes),
    )
    foreseen = {name: _freed(one, (allowed | marked)[one.tool], permit) for name, one in kept.foreseen.items()}
    said = widened_words(kept.said, allow, assume_read_only=assume_read_only)
    return replace(kept, workload=workload, foreseen=foreseen, said=said)


def _freed(one: Foreseen, free: np.ndarray[tuple[int], np.dtype[np.bool_]], permit: Permit) -> Foreseen:
    return one._replace(
        early=np.where(free, 1, one.early),
        reads=np.where(free, permit.reads, one.reads),
        ttl_us=np.where(free, permit.ttl_us, one.ttl_us),
        refusal=np.where(free, -1, one.refusal),
    )


@dataclass(frozen=True, slots=True)
class Worth:
    """What one predictor's predictions are worth under a budget, whatever its gate."""

    foreseen: Foreseen
    net_us: Ints
    reason: Ints
    """Why a prediction is not launched, as a place in ``reasons``; -1 where only the gate may stand against it."""
    best_first: Ints
    """The predictions decision by decision, those of most worth first."""
    reasons: tuple[str, ...]
    decisions: int

    def plan(self, gate: float) -> Planned:
        """What is launched when it is at least so probable, and how many are refused for what."""
        one, improbable = self.foreseen, self.foreseen.probability < gate
        # The policy speaks first, then the gate, then what the launch is worth.
        reason = np.where(improbable & (one.refusal < 0), len(self.reasons), self.reason)
        names = (*self.reasons, _IMPROBABLE)
        refused = {names[place]: int(times) for place, times in zip(*np.unique(reason[reason >= 0], return_counts=True), strict=True)}  # fmt: skip  # noqa: E501
        chosen = self.best_first[reason[self.best_first] < 0]
        decision = one.decision[chosen]
        start = np.searchsorted(decision, np.arange(self.decisions + 1)).astype(np.int64)
        none = np.zeros(len(chosen), dtype=np.int64)
        columns = (one.identity, one.run_us, none, one.reads, one.ttl_us, self.net_us, one.tool, one.follows)
        return Planned(
            Plan(start, *(column if column is none else column[chosen] for column in columns)),
            dict(sorted(refused.items())),
        )


def worth(kept: Kept, predictor: str, budget: Budget) -> Worth:
    """Ask the runtime what each prediction is worth; the budget's own gate is left to the plan."""
    one = kept.foreseen[predictor]
    reasons = list(kept.refusals)
    open_ = np.flatnonzero(one.early)  # the others are refused whatever they are worth
    chances, chance = np.unique(one.probability[open_], return_inverse=True)
    columns = np.c_[one.tool[open_], chance, one.elapsed_us[open_]]
    pairs, pair = np.unique(columns, axis=0, return_inverse=True)
    net, why = np.zeros(len(pairs)), np.full(len(pairs), -1, dtype=np.int64)
    open_gate = replace(budget, min_probability=0.0)
    for place, (tool, step, elapsed_us) in enumerate(pairs.tolist()):
        name, speculation = kept.tools[tool], Speculation(kept.tools[tool], {}, float(chances[step]))
        habit = kept.habit
        timing = habit.timing(name, budget) if elapsed_us < 0 else habit.timing_after(name, elapsed_us, budget)
        (ranked,) = rank([Candidate(speculation, timing)], budget)
        (answer,) = admit([ranked], Load(), open_gate)
        net[place] = ranked.net_s
        if answer.refusal is not None:
            if answer.refusal not in reasons:
                reasons.append(answer.refusal)
            why[place] = reasons.index(answer.refusal)
    net_s, reason = np.zeros(len(one.early)), one.refusal.copy()
    net_s[open_], reason[open_] = net[pair.ravel()], why[pair.ravel()]
    return Worth(
        one,
        np.rint(net_s * 1e6).astype(np.int64),
        reason,
        np.lexsort((one.order, -net_s, one.decision)),
        tuple(reasons),
        len(kept.workload.think_us),
    )
