"""The PrefixSpan package as engine: slower, without limits on gaps; an independent check of ours."""

from __future__ import annotations

import numpy as np

from miner.errors import MissingExtraError, UsageError
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_engines import SearchRequest
from miner.mining.sequence_tree import PatternTree


def search(database: SequenceDatabase, request: SearchRequest) -> PatternTree:
    """Every frequent pattern by ``prefixspan.PrefixSpan.frequent``; it can neither be stopped nor kept to a budget."""
    try:
        from prefixspan import PrefixSpan
    except ImportError as error:
        raise MissingExtraError("mining", "prefixspan") from error
    if request.is_limited:
        raise UsageError("the prefixspan engine knows no gap or span limit", next_step="use --engine miner")
    sessions = [
        [item for item in session.tolist() if request.allowed is None or item in request.allowed]
        for session in np.split(database.items, database.offsets[1:-1])
    ]
    miner = PrefixSpan(sessions)
    miner.maxlen = request.longest
    found = {tuple(pattern): support for support, pattern in miner.frequent(request.least)}
    ordered = sorted(steps for steps in found if request.first is None or steps[0] in request.first)
    nodes = {steps: node for node, steps in enumerate(ordered)}
    interrupted = f"cut to the budget of {request.budget:,} patterns" if len(ordered) > request.budget else ""
    kept = ordered[: request.budget]
    return PatternTree(
        np.array([nodes.get(steps[:-1], -1) for steps in kept], np.int32),
        np.array([steps[-1] for steps in kept], np.int32),
        np.array([found[steps] for steps in kept], np.int32),
        interrupted,
    )
