"""When sessions begin in a replay: as logged, at random, or each when the host is empty."""

from __future__ import annotations

import numpy as np

from miner.evaluation.replay.workload import Ints, Workload, serial_us

_GAP_US = 1_000_000


def alone(work: Workload, slowdown: float = 2.0) -> Ints:
    """One session after the other, far enough apart that none meets another, however slow it becomes."""
    lasting = np.rint(serial_us(work) * slowdown).astype(np.int64) + _GAP_US
    return np.asarray(np.concatenate([[0], np.cumsum(lasting)])[:-1], dtype=np.int64)


def together(work: Workload) -> Ints:
    """All at once: the greatest load."""
    return np.zeros(len(work.began_us), dtype=np.int64)


def as_logged(work: Workload, faster: float = 1.0) -> Ints:
    """At their recorded starts, compressed by a factor; sessions without a time begin with the first."""
    began = work.began_us
    first = began[began >= 0].min() if (began >= 0).any() else 0
    return np.asarray(np.rint(np.where(began < 0, 0, began - first) / faster), dtype=np.int64)


def poisson(work: Workload, concurrency: float, seed: int = 1) -> Ints:
    """At random, at the rate that keeps this many sessions going on average when none is sped up."""
    sessions = len(work.began_us)
    mean_us = serial_us(work).mean() / concurrency if sessions else 0.0
    return np.asarray(np.cumsum(np.random.default_rng(seed).exponential(mean_us, sessions)), dtype=np.int64)
