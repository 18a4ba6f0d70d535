"""Calibration: what a raw score of the ranking is worth as a probability, and the gate that follows from it.

Isotonic regression (pool adjacent violators; Zadrozny & Elkan 2002) on predictions for sessions that took no part in
mining the patterns that made them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from miner.mining.wilson import wilson

MILLION = 1_000_000
BLOCK = 25
"""Least predictions behind one step of the calibration."""


def isotonic(scores: Sequence[float], right: Sequence[bool]) -> list[tuple[int, int]]:
    """Points (raw score, probability) in parts per million, both rising; empty without predictions."""
    pairs = sorted(zip(scores, right, strict=True))
    blocks: list[list[float]] = []  # [sum of scores, right ones, size]
    for at in range(0, len(pairs), BLOCK):
        part = pairs[at : at + BLOCK]
        blocks.append([sum(score for score, _ in part), sum(hit for _, hit in part), len(part)])
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]:
            last = blocks.pop()
            blocks[-1] = [mine + theirs for mine, theirs in zip(blocks[-1], last, strict=True)]
    points: list[tuple[int, int]] = []
    for total, hits, size in blocks:
        score = round(MILLION * total / size)
        # A block of only hits or only misses is no certainty: half an observation of the other kind is added.
        chance = round(MILLION * (hits + 0.5 * (hits == 0)) / (size + 0.5 * (hits in (0, size))))
        if not points or score > points[-1][0]:
            points.append((score, max(chance, points[-1][1] if points else 0)))
    return points


def choose_gate(chances: Sequence[float], right: Sequence[bool], precision: float, least: int = 20) -> int:
    """The lowest probability, in parts per million, above which predictions are right often enough.

    Args:
        chances: calibrated probabilities of predictions on sessions that did not mine them.
        right: whether each came true.
        precision: what must hold at the gate, by the lower end of a 90 % Wilson interval.
        least: predictions that must lie above the gate.

    Returns:
        The gate; ``MILLION`` when no gate is good enough, which launches nothing.
    """
    pairs = sorted(zip(chances, right, strict=True), reverse=True)
    best, hits = MILLION, 0
    for number, (chance, hit) in enumerate(pairs, 1):
        hits += hit
        is_last_of_its_kind = number == len(pairs) or pairs[number][0] < chance
        if number >= least and is_last_of_its_kind and wilson_low(hits, number, 1.645) >= precision:
            best = math.floor(MILLION * chance)
    return best


def wilson_low(hits: float, size: int, z: float) -> float:
    """Lower end of Wilson's score interval for a share."""
    return wilson(hits, size, z)[0]
