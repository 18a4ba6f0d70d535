"""Stored sessions as a sequence database: signatures with the times of their calls."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from miner.events import SessionLog
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_evidence import StepTimes
from miner.mining.signatures import signatures_of
from miner.runtime.signature import Refinement

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class SessionSequences:
    """What the sequence miner sees of a run folder."""

    database: SequenceDatabase
    times: StepTimes
    keys: tuple[str, ...]
    """The key of each session, by its number."""
    tools: Mapping[str, frozenset[str]]
    """For each tool, its signatures: so that a filter may name a tool and mean them all."""


class _Seen(NamedTuple):
    """The calls of one session."""

    signatures: list[str]
    starts_us: array[int]
    ends_us: array[int]


def session_sequences(
    logs: Iterable[SessionLog], refinements: Mapping[str, Refinement], order: Iterable[str] | None = None
) -> SessionSequences:
    """Every session with at least one call of the model, as the signatures of those calls.

    Args:
        logs: the sessions, in any order where another one is given.
        refinements: how calls are named.
        order: the keys of the sessions in the order that is wanted.
    """
    sessions: dict[str, _Seen] = {}
    tools: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for log in logs:
        seen = _Seen([], array("q"), array("q"))
        for signature, call in signatures_of(log, refinements):
            # One text for each name: of ten million calls every other one would be kept.
            name = names.setdefault(signature, signature)
            seen.signatures.append(name)
            tools.setdefault(call.tool or "", set()).add(name)
            seen.starts_us.append(_UNKNOWN if call.start_us is None else call.start_us)
            seen.ends_us.append(_UNKNOWN if call.end_us is None else call.end_us)
        if seen.signatures:
            sessions[log.session.key] = seen
    keys = tuple(sessions if order is None else (key for key in order if key in sessions))
    chosen = [sessions[key] for key in keys]
    times = StepTimes(
        np.fromiter(chain.from_iterable(seen.starts_us for seen in chosen), np.int64),
        np.fromiter(chain.from_iterable(seen.ends_us for seen in chosen), np.int64),
    )
    signatures = {tool: frozenset(tools[tool]) for tool in sorted(tools)}
    return SessionSequences(SequenceDatabase.from_sessions(seen.signatures for seen in chosen), times, keys, signatures)
