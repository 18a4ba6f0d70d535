"""Fit the baselines and controls, and choose each one's gate on training sessions that did not fit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from miner.evaluation.gate import choose_gate
from miner.evaluation.score import Scores, moments
from miner.evaluation.split import Logs, families, select, share_of
from miner.predictors import Predictor, load_predictor

BASELINES = ("most_frequent", "repeat_last", "markov1", "variable_order", "classifier", "shuffled_arguments", "oracle")
CALIBRATION = 0.2
"""Share of training families that choose the gate."""


class Fitted(NamedTuple):
    """A predictor that has learnt, and the probability from which its predictions are launched."""

    predictor: Predictor
    gate: float


def fit_baselines(train: Logs, names: Iterable[str] = BASELINES) -> dict[str, Fitted]:
    """Each baseline fitted on all training sessions, with its own gate or one chosen after fitting four fifths."""
    found = {}
    for name in names:
        predictor = _fit(name, train)
        own = own_gate(predictor)
        found[name] = Fitted(predictor, _chosen_gate(name, train) if own is None else own)
    return found


def own_gate(predictor: Predictor) -> float | None:
    """The gate that a predictor brings along, if any."""
    own = getattr(predictor, "gate", None)
    return float(own) if isinstance(own, int | float) else None


def calibration_keys(train: Logs) -> tuple[frozenset[str], frozenset[str]]:
    """(fitting, calibration) keys: whole families, by hash, so that every predictor can use the same ones."""
    family = families(log.session for log in train())
    calibration = frozenset(key for key, name in family.items() if share_of("calibration" + name) < CALIBRATION)
    return frozenset(family) - calibration, calibration


def gate_of(predictor: Predictor, calibration: Logs) -> float:
    """The predictor's own gate where it brings one, else the one chosen on these sessions."""
    own = own_gate(predictor)
    if own is not None:
        return own
    scores = Scores("calibration")
    for log in calibration():
        scores.add(predictor, log, moments(log))
    table = scores.table()
    return choose_gate(table.chance, table.right)


def _chosen_gate(name: str, train: Logs) -> float:
    """A gate chosen on training sessions that did not fit the predictor; on all of them when they are one family."""
    fitting, calibration = calibration_keys(train)
    if not fitting or not calibration:
        fitting = calibration = fitting | calibration
    return gate_of(_fit(name, select(train, fitting)), select(train, calibration))


def _fit(name: str, train: Logs) -> Predictor:
    predictor = load_predictor(name)()
    predictor.fit(train())
    return predictor
