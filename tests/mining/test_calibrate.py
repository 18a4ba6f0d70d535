"""Calibration and the gate: rising, equal to the reference up to blocks, and careful at the edges."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from miner.mining.calibrate import BLOCK, MILLION, choose_gate, isotonic, wilson_low
from miner.runtime.model import Model
from miner.runtime.patterns import PatternSet

predictions = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=200)


def drawn(size: int, seed: int = 7) -> tuple[list[float], list[bool]]:
    """Scores whose squares are the chances of being right."""
    chance = random.Random(seed)
    scores = [chance.random() for _ in range(size)]
    return scores, [chance.random() < score**2 for score in scores]


@given(predictions)
@settings(max_examples=200, deadline=None)
def test_points_rise(pairs: list[tuple[float, bool]]) -> None:
    """Scores rise strictly, probabilities never fall, and none is certain of either outcome."""
    points = isotonic([score for score, _ in pairs], [hit for _, hit in pairs])
    scores, chances = [score for score, _ in points], [chance for _, chance in points]
    assert scores == sorted(set(scores))
    assert chances == sorted(chances)
    assert all(0 < chance < MILLION for chance in chances)
    assert bool(points) == bool(pairs)


@given(predictions)
@settings(max_examples=100, deadline=None)
def test_the_order_of_predictions_does_not_matter(pairs: list[tuple[float, bool]]) -> None:
    """Calibration is a function of the set of predictions."""
    turned = list(reversed(pairs))
    assert isotonic(*map(list, zip(*pairs, strict=True)) if pairs else ([], [])) == isotonic(
        *map(list, zip(*turned, strict=True)) if turned else ([], [])
    )


def test_scikit_learn_agrees_up_to_blocks() -> None:
    """Fitted to the means of the same blocks, scikit-learn's isotonic regression gives the same probabilities."""
    scores, right = drawn(40 * BLOCK)
    order = np.argsort(scores)
    blocks = np.array(scores)[order].reshape(-1, BLOCK).mean(axis=1), np.array(right)[order].reshape(-1, BLOCK)
    reference = IsotonicRegression().fit(blocks[0], blocks[1].mean(axis=1), np.full(40, BLOCK))
    expected = dict.fromkeys(np.round(reference.predict(blocks[0]), 9))
    found = [chance / MILLION for _, chance in isotonic(scores, right)]
    assert len(found) == len(expected)
    # The first block held no hit: half a one is added there, and nowhere else.
    assert min(expected) == 0 < found[0] < found[1]
    assert found[1:] == pytest.approx(list(expected)[1:], abs=1e-6)


def test_calibrated_chances_are_true() -> None:
    """On fresh predictions drawn the same way, the calibrated probability is near the true one everywhere."""
    model = Model(PatternSet(calibration=isotonic(*drawn(8000))))
    gaps = [abs(model.calibrated(score / 50) - (score / 50) ** 2) for score in range(51)]
    assert max(gaps) < 0.1
    assert sum(gaps) / len(gaps) < 0.03


def test_a_score_between_two_points_lies_on_their_line() -> None:
    """Interpolation is linear, and constant outside."""
    model = Model(PatternSet(calibration=[(200_000, 100_000), (600_000, 500_000)]))
    found = [model.calibrated(score) for score in (0.0, 0.2, 0.4, 0.6, 1.0)]
    assert found == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5])


def test_without_calibration_a_raw_score_is_its_own_probability() -> None:
    """An empty table changes nothing."""
    assert Model(PatternSet()).calibrated(0.37) == 0.37


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        pytest.param([True] * 10, [(500_000, 952_381)], id="only hits: ten and a half misses' worth of doubt"),
        pytest.param([False] * 10, [(500_000, 47_619)], id="only misses"),
        pytest.param([True, False] * 5, [(500_000, 500_000)], id="half and half"),
        pytest.param([True], [(500_000, 666_667)], id="a single hit"),
    ],
)
def test_equal_scores_are_one_point(right: list[bool], expected: list[tuple[int, int]]) -> None:
    """Where scores do not differ there is one probability: the share of hits, never 0 and never 1."""
    assert isotonic([0.5] * len(right), right) == expected


def test_a_gate_keeps_its_precision() -> None:
    """Above the gate predictions are right often enough, and no lower score would have done."""
    scores, right = drawn(4000)
    gate = choose_gate(scores, right, 0.8) / MILLION
    above = [hit for score, hit in zip(scores, right, strict=True) if score >= gate]
    assert sum(above) / len(above) >= 0.8
    lower = sorted(score for score in scores if score < gate)[-1]
    widened = [hit for score, hit in zip(scores, right, strict=True) if score >= lower]
    assert wilson_low(sum(widened), len(widened), 1.645) < 0.8


@pytest.mark.parametrize(
    ("chances", "right"),
    [
        pytest.param([], [], id="no prediction"),
        pytest.param([0.99] * 19, [True] * 19, id="too few"),
        pytest.param([0.99] * 100, [False] * 100, id="all wrong"),
        pytest.param([0.99] * 100, [True, False] * 50, id="a coin"),
    ],
)
def test_no_gate_is_better_than_a_bad_one(chances: list[float], right: list[bool]) -> None:
    """Without evidence of precision nothing passes."""
    assert choose_gate(chances, right, 0.8) == MILLION


def test_a_gate_never_parts_equal_chances() -> None:
    """Predictions of one probability pass together: 30 hits above do not admit half of a block of misses."""
    chances, right = [0.9] * 30 + [0.4] * 100, [True] * 30 + [True] * 5 + [False] * 95
    assert choose_gate(chances, right, 0.8) == 900_000


@pytest.mark.parametrize(
    ("hits", "size", "expected"), [(0, 0, 0.0), (0, 10, 0.0), (10, 10, 0.7225), (5, 10, 0.2366), (80, 100, 0.7112)]
)
def test_wilsons_interval_has_its_textbook_values(hits: int, size: int, expected: float) -> None:
    """The lower end at 95 %, as tabulated."""
    assert wilson_low(hits, size, 1.96) == pytest.approx(expected, abs=2e-4)
