"""Pattern set -> one whose bundle fits a budget: what earns least per byte goes first.

What a part earns is judged by its support and its weight. One number, the harshness, sets all thresholds together;
the mildest one that fits is found by halving. The pruned bundle is what is evaluated, so its figures are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from miner.errors import UsageError
from miner.mining.withhold import compact, keep_rules
from miner.runtime.patterns import Hole, PatternSet

HARSHEST = 100
_WEIGHT_STEP = 15
"""Thousandths by which the least weight rises with each degree."""


def prune(patterns: PatternSet, harshness: int) -> PatternSet:
    """Leave out what has little support or weight; 0 keeps everything."""
    if harshness <= 0:
        return patterns
    least = _WEIGHT_STEP * harshness
    contexts = {key: counts for key, counts in patterns.contexts.items() if not key or sum(counts.values()) > harshness}
    return compact(
        replace(
            patterns,
            contexts=contexts,
            holes={name: _hole(hole, patterns, harshness, least) for name, hole in patterns.holes.items()},
            candidate_weights=_heavy(patterns.candidate_weights, least // 4),
            tool_weights=_heavy(patterns.tool_weights, least // 4),
            successions={
                state: kept
                for state, steps in patterns.successions.items()
                if (kept := {step: count for step, count in steps.items() if not step or 2 * count > harshness})
            },
            state_weights={
                trait: kept
                for trait, weights in patterns.state_weights.items()
                if (kept := _heavy(weights, 2 * least if trait.startswith("word ") else least))
            },
        )
    )


def harshness_for(patterns: PatternSet, budget_bytes: int) -> int:
    """The mildest harshness whose bundle fits.

    Raises:
        UsageError: not even the harshest does.
    """
    from miner.runtime.bundle import bundle_bytes

    def fits(harshness: int) -> bool:
        return len(bundle_bytes(prune(patterns, harshness))) <= budget_bytes

    if fits(0):
        return 0
    if not fits(HARSHEST):
        smallest = len(bundle_bytes(prune(patterns, HARSHEST)))
        raise UsageError(
            f"the smallest bundle of these patterns has {smallest} bytes",
            where="the setting export.budget_bytes",
            next_step=f"allow at least {smallest}, or mine with a higher mining.min_sessions",
        )
    low, high = 0, HARSHEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _hole(hole: Hole, patterns: PatternSet, harshness: int, least: int) -> Hole:
    """A hole without rules that were seldom right, and without small gains."""
    after = {last: kept for last, weights in hole.after.items() if (kept := _heavy_places(weights, least))}
    known = patterns.evidence
    if not known:
        return replace(hole, after=after)
    right = [known[number].right for number in hole.rules]
    best = max(right, default=0)
    return keep_rules(
        replace(hole, after=after), lambda place: right[place] >= min(best, harshness // 2) or right[place] == best
    )


def _heavy(weights: Mapping[str, int], least: int) -> dict[str, int]:
    return {name: weight for name, weight in weights.items() if abs(weight) >= least}


def _heavy_places(weights: Mapping[int, int], least: int) -> dict[int, int]:
    return {place: weight for place, weight in weights.items() if abs(weight) >= least}
