"""Gate, calibration, curves and intervals against values worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from miner.evaluation.bootstrap import Sums, interval, intervals, ratio_draws, weights
from miner.evaluation.calibration import BINS, expected_error, precision_recall, reliability
from miner.evaluation.gate import CLOSED, choose_gate, lower_bound


def test_the_gate_keeps_its_precision_and_takes_what_pays() -> None:
    """Right predictions at 0.9 are taken, the even ones at 0.5 are not, whatever their number."""
    chance = np.r_[np.full(100, 0.9), np.full(300, 0.5)]
    right = np.r_[np.ones(98), np.zeros(2), np.tile([1.0, 0.0], 150)]
    assert choose_gate(chance, right) == 0.9
    assert choose_gate(chance, right, floor=0.4) == 0.5


@pytest.mark.parametrize(
    ("chance", "right"),
    [([], []), ([0.9, 0.8], [0.0, 0.0]), ([0.99], [1.0]), ([0.5] * 50, [1.0, 0.0] * 25)],
    ids=["nothing", "all wrong", "one lucky hit", "even"],
)
def test_the_gate_stays_closed_without_evidence(chance: list[float], right: list[float]) -> None:
    """No predictions, wrong ones, a single lucky one and mediocre ones launch nothing."""
    assert choose_gate(np.array(chance), np.array(right)) == CLOSED


def test_the_lower_bound_is_wilsons() -> None:
    """80 of 100 with z = 1 is 0.757118, by the formula."""
    assert float(lower_bound(np.array([80.0]), np.array([100.0]))[0]) == pytest.approx(0.757118, abs=1e-6)


def test_perfect_and_hopeless_calibration() -> None:
    """Promises that come true have no error; certain ones that never do have all of it."""
    count = np.array([[10.0, 10.0]])
    assert expected_error(count, np.array([[2.0, 8.0]]), np.array([[2.0, 8.0]]))[0] == 0
    assert expected_error(count, np.array([[10.0, 10.0]]), np.zeros((1, 2)))[0] == 1


def test_reliability_holds_every_prediction_once_and_keeps_ties_together() -> None:
    """Bins cover all, do not overlap, and equal probabilities fall into one."""
    draw = np.random.default_rng(1)
    chance = np.r_[draw.random(997), np.full(300, 0.5)]
    rows = reliability(chance, (draw.random(len(chance)) < chance).astype(float))
    assert sum(row["predictions"] for row in rows) == len(chance)
    assert all(first["to"] < second["from"] for first, second in itertools.pairwise(rows))
    assert len(rows) <= BINS
    assert max(abs(row["probability"] - row["hit_rate"]) for row in rows) < 0.2


def test_the_precision_recall_curve_ends_where_everything_is_launched() -> None:
    """The first row is the surest prediction, the last all of them."""
    rows = precision_recall(np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.5, -1.0]))
    assert [(row["gate"], row["launched"]) for row in rows] == [(0.9, 1), (0.5, 3), (0.1, 4)]
    assert [row["precision"] for row in rows] == [1.0, 0.666667, 0.5]
    assert [row["recall"] for row in rows] == [0.333333, 0.666667, 0.666667]


def test_draws_are_the_same_for_everyone_and_each_draws_all_sessions() -> None:
    """A fixed seed makes comparisons paired."""
    draws = weights(7)
    assert draws.shape == (1000, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert (draws == weights(7)).all()


def test_an_interval_has_the_width_that_theory_gives() -> None:
    """For 400 sessions of one call each, half of them hits: 0.5 ± 1.96 · 0.025."""
    hits, calls = np.tile([1.0, 0.0], 200), np.ones(400)
    low, high = interval(ratio_draws(hits, calls, weights(400))) or (0, 0)
    assert low == pytest.approx(0.451, abs=0.01)
    assert high == pytest.approx(0.549, abs=0.01)


def test_figures_without_a_denominator_have_no_interval() -> None:
    """Nothing launched in any session: the precision has no value and no interval."""
    none, two = np.zeros(2), np.ones(2)
    sums = {"precision": Sums(none, none), "coverage": Sums(none, two), "exact_top1": Sums(none, two)}
    empty = (np.zeros((2, 3)),) * 3
    found = intervals(sums, empty)
    assert found["precision_ci"] is None
    assert found["ece_ci"] is None
    assert found["coverage_ci"] == [0.0, 0.0]
