"""Stored sessions as a sequence database: signatures with the times of their calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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


def session_sequences(logs: Iterable[SessionLog], refinements: Mapping[str, Refinement]) -> SessionSequences:
    """Every session with at least one call of the model, as the signatures of those calls."""
    sessions: list[list[str]] = []
    keys: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    tools: dict[str, set[str]] = {}
    for log in logs:
        session = []
        for signature, call in signatures_of(log, refinements):
            session.append(signature)
            tools.setdefault(call.tool or "", set()).add(signature)
            starts.append(_UNKNOWN if call.start_us is None else call.start_us)
            ends.append(_UNKNOWN if call.end_us is None else call.end_us)
        if session:
            sessions.append(session)
            keys.append(log.session.key)
    times = StepTimes(np.array(starts, np.int64), np.array(ends, np.int64))
    signatures = {tool: frozenset(names) for tool, names in tools.items()}
    return SessionSequences(SequenceDatabase.from_sessions(sessions), times, tuple(keys), signatures)
