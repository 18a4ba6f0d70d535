"""Conformance vectors: short histories inside a bundle, with the speculations that every reader must give for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .canonical import canonical
from .errors import BundleError
from .model import Model
from .predictor import SessionPredictor

MOST = 5
TOLERANCE = 2
"""Parts per million by which a probability may differ: other languages may round an exponential otherwise."""


def expected_of(model: Model, environment: dict[str, str], events: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """What the runtime predicts after those events, as [tool, arguments as canonical JSON, parts per million].

    An event is ``["decision"]``, ``["user", text]``, ``["host", text]``, ``["said", text]``, or
    ``["call", tool, arguments as JSON, status or null, result text or null]``.
    """
    predictor = SessionPredictor(model, environment)
    for kind, *rest in events:
        if kind == "decision":
            predictor.decision_starts()
        elif kind == "call":
            tool, arguments, status, text = rest
            predictor.observe_call(tool, json.loads(arguments), status, text)
        else:
            predictor.observe_message(kind, *rest)
    return [
        [guess.tool, canonical(guess.arguments), round(1e6 * guess.probability)] for guess in predictor.predict(MOST)
    ]


def vector_of(model: Model, environment: dict[str, str], events: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """A vector, with what this runtime predicts."""
    return {
        "environment": environment,
        "events": [list(event) for event in events],
        "expected": expected_of(model, environment, events),
    }


def failures(model: Model, vectors: Sequence[Any]) -> list[int]:
    """The numbers of the vectors for which this runtime predicts something else than they state.

    Raises:
        BundleError: a vector that is none.
    """
    wrong = []
    for number, vector in enumerate(vectors):
        try:
            found = expected_of(model, vector["environment"], vector["events"])
            stated = [(tool, arguments, int(chance)) for tool, arguments, chance in vector["expected"]]
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise BundleError("bad_shape", f"vector {number}") from None
        same = len(found) == len(stated) and all(
            mine[:2] == [tool, arguments] and abs(mine[2] - chance) <= TOLERANCE
            for mine, (tool, arguments, chance) in zip(found, stated, strict=True)
        )
        if not same:
            wrong.append(number)
    return wrong
