"""Outcomes in columns -> figures: numerators and denominators summed per session, so that sessions can be resampled.

Every figure is a ratio of two sums. ``DEFINITIONS`` says in words what each counts; it is printed beside the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from miner.evaluation.bootstrap import DRAWS, Sums, intervals
from miner.evaluation.calibration import BINS, bin_edges, expected_error

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Definition(NamedTuple):
    """What one figure means."""

    target: str
    numerator: str
    denominator: str
    budget: str


_TOOL = "the tool's name alone"
_CALL = "tool and all arguments, equal as canonical JSON"
_ALL_CALLS = "all calls the model asked for in held-out sessions"
_LIST = "the {} first predictions at each decision"

DEFINITIONS: dict[str, Definition] = {
    **{
        f"tool_top{k}": Definition(
            _TOOL, f"calls whose tool is among the first {k} distinct tools", _ALL_CALLS, f"{k} tools a decision"
        )
        for k in (1, 3, 5)
    },
    **{
        f"exact_top{k}": Definition(_CALL, f"calls among the first {k}", _ALL_CALLS, _LIST.format(k)) for k in (1, 3, 5)
    },
    **{
        f"filtered_top{k}": Definition(
            _CALL,
            f"calls among the first {k} once the other calls asked for at that decision are left out of the list "
            "(filtered ranks; Bordes et al. 2013): of five parallel calls all may be first",
            _ALL_CALLS,
            _LIST.format(5),
        )
        for k in (1, 3, 5)
    },
    **{
        f"served_top{k}": Definition(
            _CALL + ", or answered by a serving rule", f"calls answered by the first {k}", _ALL_CALLS, _LIST.format(k)
        )
        for k in (1, 3, 5)
    },
    "seconds_top5": Definition(
        _CALL, "tool seconds of calls among the first 5", "tool seconds of calls with a usable time", _LIST.format(5)
    ),
    "ceiling": Definition(
        "this exact call, by some candidate rule, however unlikely",
        "calls that a form of the bundle and some rule for each of its holes, a step or a repeat could have produced "
        "(the oracle's own row: calls whose every argument value was seen before, rule or no rule)",
        _ALL_CALLS,
        "none: every candidate",
    ),
    "precision": Definition(
        _CALL, "launched predictions that were asked for at their decision", "launched predictions", "the gate"
    ),
    "recall": Definition(_CALL, "calls that a launched prediction named", _ALL_CALLS, "the gate"),
    "coverage": Definition("any", "decisions at which something is launched", "all decisions", "the gate"),
    "amplification": Definition(
        "any", "calls executed: all asked for, and launched ones not asked for", _ALL_CALLS, "the gate"
    ),
    "brier": Definition(_CALL, "squared distance of probability and outcome", "all predictions made", _LIST.format(5)),
    "ece": Definition(
        _CALL,
        f"distance of mean probability and hit rate in {BINS} bins of equal mass, weighted by mass",
        "all predictions made",
        _LIST.format(5),
    ),
}


@dataclass(slots=True)
class Calls:
    """One row is one call that the model asked for."""

    session: list[int] = field(default_factory=list)
    tool: list[str] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    """Index of its decision in the session."""
    rank: list[int] = field(default_factory=list)
    """1-based place among the predictions; 0 when it was not predicted."""
    filtered_rank: list[int] = field(default_factory=list)
    """The same among predictions that are wrong or name this call; 0 when it was not predicted."""
    tool_rank: list[int] = field(default_factory=list)
    served_rank: list[int] = field(default_factory=list)
    chance: list[float] = field(default_factory=list)
    """Probability of the prediction that named it; -1 when none did."""
    seconds: list[float] = field(default_factory=list)
    """NaN without a usable time."""
    reachable: list[int] = field(default_factory=list)
    """Whether its arguments could have been known; -1 when nobody said."""
    bare: list[int] = field(default_factory=list)
    """1 for a call without arguments: to name its tool is to predict it exactly."""


@dataclass(slots=True)
class Guesses:
    """One row is one prediction."""

    session: list[int] = field(default_factory=list)
    tool: list[str] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    chance: list[float] = field(default_factory=list)
    right: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Decisions:
    """One row is one decision."""

    session: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    """Highest probability among its predictions; -1 when it made none."""
    predict_us: list[float] = field(default_factory=list)


class Table:
    """The outcomes of one predictor on the held-out sessions, as arrays."""

    def __init__(self, calls: Calls, guesses: Guesses, decisions: Decisions, sessions: int) -> None:
        self.sessions = sessions
        self.call_session = np.array(calls.session, dtype=np.int64)
        self.call_tool = np.array(calls.tool, dtype=object)
        self.call_position = np.array(calls.position, dtype=np.int64)
        self.rank = np.array(calls.rank, dtype=np.int64)
        self.tool_rank = np.array(calls.tool_rank, dtype=np.int64)
        self.filtered_rank = np.array(calls.filtered_rank, dtype=np.int64)
        self.served_rank = np.array(calls.served_rank, dtype=np.int64)
        self.call_chance = np.array(calls.chance, dtype=float)
        self.seconds = np.array(calls.seconds, dtype=float)
        self.reachable = np.array(calls.reachable, dtype=np.int64)
        self.bare = np.array(calls.bare, dtype=np.int64)
        self.guess_session = np.array(guesses.session, dtype=np.int64)
        self.guess_tool = np.array(guesses.tool, dtype=object)
        self.guess_position = np.array(guesses.position, dtype=np.int64)
        self.chance = np.array(guesses.chance, dtype=float)
        self.right = np.array(guesses.right, dtype=float)
        self.decision_session = np.array(decisions.session, dtype=np.int64)
        self.decision_position = np.array(decisions.position, dtype=np.int64)
        self.best = np.array(decisions.best, dtype=float)
        self.predict_us = np.array(decisions.predict_us, dtype=float)


class Slice(NamedTuple):
    """Which rows of a table a figure is about."""

    calls: Mask
    guesses: Mask
    decisions: Mask


def whole(table: Table) -> Slice:
    """Every row."""
    return Slice(np.ones(len(table.rank), bool), np.ones(len(table.chance), bool), np.ones(len(table.best), bool))


def session_sums(table: Table, part: Slice, gate: float) -> dict[str, Sums]:
    """Every ratio as two columns with one row a session."""

    def per_session(sessions: NDArray[np.int64], weights: Floats | Mask) -> Floats:
        return np.bincount(sessions, weights=weights, minlength=table.sessions).astype(float)

    calls, guesses, moments = part
    call_session, guess_session = table.call_session[calls], table.guess_session[guesses]
    decision_session = table.decision_session[moments]
    asked = per_session(call_session, np.ones(len(call_session)))
    sums: dict[str, Sums] = {}
    for name, ranks in (
        ("tool", table.tool_rank),
        ("exact", table.rank),
        ("filtered", table.filtered_rank),
        ("served", table.served_rank),
    ):
        here = ranks[calls]
        for k in (1, 3, 5):
            sums[f"{name}_top{k}"] = Sums(per_session(call_session, (here > 0) & (here <= k)), asked)
    timed = np.nan_to_num(table.seconds[calls])
    among = (table.rank[calls] > 0) & (table.rank[calls] <= 5)
    sums["seconds_top5"] = Sums(per_session(call_session, timed * among), per_session(call_session, timed))
    known = table.reachable[calls] >= 0
    sums["ceiling"] = Sums(per_session(call_session, table.reachable[calls] == 1), per_session(call_session, known))
    launched = table.chance[guesses] >= gate
    right = table.right[guesses]
    started = per_session(guess_session, launched)
    wrong = per_session(guess_session, launched & (right == 0))
    sums["precision"] = Sums(started - wrong, started)
    sums["recall"] = Sums(per_session(call_session, table.call_chance[calls] >= gate), asked)
    total = per_session(decision_session, np.ones(len(decision_session)))
    sums["coverage"] = Sums(per_session(decision_session, table.best[moments] >= gate), total)
    sums["amplification"] = Sums(asked + wrong, asked)
    made = per_session(guess_session, np.ones(len(guess_session)))
    sums["brier"] = Sums(per_session(guess_session, (table.chance[guesses] - right) ** 2), made)
    return sums


def calibration_sums(table: Table, part: Slice) -> tuple[Floats, Floats, Floats]:
    """Per session and bin: predictions, sum of probabilities, hits."""
    chance, right = table.chance[part.guesses], table.right[part.guesses]
    session = table.guess_session[part.guesses]
    place = np.searchsorted(bin_edges(chance), chance, side="right")
    cell = session * BINS + np.minimum(place, BINS - 1)
    size = table.sessions * BINS
    shape = (table.sessions, BINS)

    def per_bin(weights: Floats) -> Floats:
        return np.bincount(cell, weights=weights, minlength=size).astype(float).reshape(shape)

    return per_bin(np.ones(len(chance))), per_bin(chance), per_bin(right)


def metrics(table: Table, gate: float, part: Slice | None = None, *, draws: int = DRAWS) -> dict[str, object]:
    """The figures of a slice, with counts; without intervals when there are no draws."""
    part = part or whole(table)
    sums = session_sums(table, part, gate)
    found: dict[str, object] = {
        "sessions": len(np.unique(table.decision_session[part.decisions])),
        "decisions": int(part.decisions.sum()),
        "calls": int(part.calls.sum()),
        "predictions": int(part.guesses.sum()),
        "launched": int(sums["precision"].denominator.sum()),
    }
    counts: dict[str, list[float]] = {}
    for name, (numerator, denominator) in sums.items():
        top, bottom = float(numerator.sum()), float(denominator.sum())
        found[name] = round(top / bottom, 6) if bottom else None
        counts[name] = [round(top, 6), round(bottom, 6)]
    bins = calibration_sums(table, part)
    error = expected_error(*(column.sum(axis=0, keepdims=True) for column in bins))
    found["ece"] = round(float(error[0]), 6) if found["predictions"] else None
    if draws:
        found.update(intervals(sums, bins, draws))
        found.update(_speed(table.predict_us[part.decisions]))
    found["counts"] = counts
    return found


def _speed(times: Floats) -> Mapping[str, object]:
    if not len(times):
        return {"predict_us_p50": None, "predict_us_p99": None}
    return {
        "predict_us_p50": round(float(np.percentile(times, 50)), 1),
        "predict_us_p99": round(float(np.percentile(times, 99)), 1),
    }
