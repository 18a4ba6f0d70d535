"""A recording kept beside its run: numbers and names of tools, no value from a log, so that pages replay it at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from miner.evaluation.replay.permits import Permits
from miner.evaluation.replay.planning import Habit, Runs, by_decision, elapsed_of
from miner.evaluation.replay.savings import Recorded
from miner.evaluation.replay.workload import Guess, Ints, Recording, Workload
from miner.mining import kept_arrays
from miner.runtime.budget import Budget
from miner.runtime.effects import Level

if TYPE_CHECKING:
    from miner.store.database import Store

_EDITION = 3
FILE = "recording.npz"
_SAID_OF_IT = frozenset({"audience", "created_from", "digest", "held_back", "metrics", "vectors"})
"""Parts of a bundle that predict nothing: the run writes some of them after it has been scored."""


class Foreseen(NamedTuple):
    """One predictor's predictions along a recording, as columns."""

    decision: Ints
    identity: Ints
    tool: Ints
    """Place in the recording's tools."""
    probability: NDArray[np.float64]
    early: Ints
    reads: Ints
    ttl_us: Ints
    refusal: Ints
    """Place in the recording's refusals; -1 for none."""
    run_us: Ints
    """How long the call would run."""
    order: Ints
    """Which of two predictions of equal worth comes first."""
    follows: Ints
    """The identity of the prediction to whose result it is bound; -1 for none."""
    elapsed_us: Ints
    """How much of the thought is over by then; -1 where it is bound to none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A workload and the predictions along it, ready to be judged by other policies and budgets."""

    workload: Workload
    call_notes: Ints
    foreseen: Mapping[str, Foreseen]
    tools: tuple[str, ...]
    refusals: tuple[str, ...]
    listed: frozenset[str]
    """Tools that the policy names."""
    habit: Habit
    said: str
    """The policy in words."""


def key_of(folder: Path, store: Store) -> str:
    """What a recording depends on: the tables of the bundle that predicts, and the sessions.

    Raises:
        RunFolderError: the bundle is no JSON object.
    """
    from miner.evaluation.run_folder import read_result

    bundle = read_result(folder, "bundle.json") or {}
    tables = {name: value for name, value in bundle.items() if name not in _SAID_OF_IT}
    sources = store.query("select count(*), sum(rows_digest)::varchar, sum(hash(source, part)) from sources")
    return hashlib.sha256(json.dumps([tables, str(sources)], sort_keys=True).encode()).hexdigest()


def can_be_kept(permits: Permits) -> bool:
    """Whether allowing one tool leaves the verdicts on all others alone, so that no argument need be looked at again.

    Only what leaves the machine is judged by where its values are from, which depends on other tools' rules.
    """
    return all(not rule.destination or rule.level is Level.NEVER for rule in permits.policy.tools.values())


def kept_of(walked: Recorded, permits: Permits, budget: Budget) -> Kept:
    """What is kept of sessions that have been walked."""
    recording = walked.recording
    refusals = sorted({guess.refusal for made in recording.guesses.values() for guess in made if guess.refusal})
    runs = Runs(recording.workload)
    columns = {
        name: _columns(recording, made, refusals, runs, walked.habit, budget)
        for name, made in recording.guesses.items()
    }
    return Kept(
        recording.workload,
        recording.call_notes,
        columns,
        tuple(recording.tools),
        tuple(refusals),
        frozenset(permits.policy.tools),
        walked.habit,
        permits.said,
    )


def _columns(
    recording: Recording, made: Sequence[Guess], refusals: Sequence[str], runs: Runs, habit: Habit, budget: Budget
) -> Foreseen:
    number = {tool: place for place, tool in enumerate(recording.tools)}
    reason = {refusal: place for place, refusal in enumerate(refusals)}
    places = {name: place for place, name in enumerate(sorted({guess.speculation.identity for guess in made}))}
    elapsed = {
        id(guess): since
        for _, group in by_decision(made)
        for guess, since in zip(group, elapsed_of(group, runs, habit, budget), strict=True)
    }
    rows = [
        (
            guess.decision,
            guess.identity,
            number[guess.speculation.tool],
            guess.early,
            guess.reads,
            guess.ttl_us,
            -1 if guess.refusal is None else reason[guess.refusal],
            runs.of(guess, habit, budget),
            places[guess.speculation.identity],
            guess.follows,
            elapsed[id(guess)],
        )
        for guess in made
    ]
    decision, identity, tool, *rest = (
        np.ascontiguousarray(column) for column in np.array(rows, dtype=np.int64).reshape(len(rows), 11).T
    )
    chance = np.array([guess.speculation.probability for guess in made], dtype=np.float64)
    return Foreseen(decision, identity, tool, chance, *rest)


def save(folder: Path, key: str, kept: Kept) -> None:
    """Keep it in a folder."""
    facts = {
        "tools": kept.tools,
        "refusals": kept.refusals,
        "listed": sorted(kept.listed),
        "habit": {**asdict(kept.habit), "marked": sorted(kept.habit.marked)},
        "said": kept.said,
        "predictors": list(kept.foreseen),
    }
    arrays = {f"work_{name}": column for name, column in kept.workload._asdict().items()}
    for place, foreseen in enumerate(kept.foreseen.values()):
        arrays |= {f"p{place}_{name}": column for name, column in foreseen._asdict().items()}
    kept_arrays.keep(folder / FILE, _EDITION, key, facts, {**arrays, "call_notes": kept.call_notes})


def load(folder: Path, key: str) -> Kept | None:
    """What is kept, when it is whole and of that key."""
    return kept_arrays.kept(folder / FILE, _EDITION, key, _unpacked)


def _unpacked(facts: dict[str, Any], arrays: kept_arrays.Arrays) -> Kept:
    return Kept(
        Workload(**{name: arrays[f"work_{name}"] for name in Workload._fields}),
        arrays["call_notes"],
        {
            name: Foreseen(**{column: arrays[f"p{place}_{column}"] for column in Foreseen._fields})
            for place, name in enumerate(facts["predictors"])
        },
        tuple(facts["tools"]),
        tuple(facts["refusals"]),
        frozenset(facts["listed"]),
        Habit(**{**facts["habit"], "marked": frozenset(facts["habit"]["marked"])}),
        facts["said"],
    )
