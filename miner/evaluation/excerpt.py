"""An excerpt of a store: the steps of whole sessions, drawn by hash up to a bounded number of calls, kept as numbers.

Frequent sequences are mined from it while somebody waits, however many calls the store holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from miner.mining.kept_arrays import keep, kept
from miner.mining.sequence_cache import packed, unpacked
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_evidence import StepTimes
from miner.mining.sequence_sessions import SessionSequences

if TYPE_CHECKING:
    from miner.store.database import Store

_EDITION = 1
FILE = "excerpt.npz"
MOST_CALLS = 100_000
_MODEL_CALL = "kind = 'tool_call' and (caller is null or caller = 'model') and tool is not null"
_CHOSEN = """
    -- one row is one session of the excerpt
    select key from (
        select key, sum(calls) over (order by hash(key), key) - calls as before from sessions where calls > 0)
    where before < ?
"""
_STEPS = f"""
    -- one row is one call: its session, its step (tool, and whether it failed), when it began and ended
    select session, tool || case when status in ('error', 'denied', 'timeout') then ' (error)' else '' end as step,
           tool, coalesce(start_us, -1) as start_us, coalesce(end_us, -1) as end_us
    from events semi join ({_CHOSEN}) on session = key
    where {_MODEL_CALL} order by session, seq
"""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The sequences of some sessions, and of how many they were drawn."""

    seen: SessionSequences
    of_sessions: int
    """Sessions of the store that hold a call."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return self.seen.database.sessions >= self.of_sessions


def key_of(store: Store) -> str:
    """What an excerpt depends on: the sessions of the store."""
    return str(store.query("select count(*), sum(rows_digest)::varchar, sum(sessions) from sources"))


def excerpt_of(store: Store, most_calls: int = MOST_CALLS) -> Excerpt:
    """Draw sessions until they hold so many calls."""
    import pyarrow.compute as compute

    table = store.rows(_STEPS, [most_calls])
    ((of_sessions,),) = store.query("select count(*) from sessions where calls > 0")
    columns = {name: table[name].combine_chunks().dictionary_encode() for name in ("session", "step")}
    owner = columns["session"].indices.to_numpy(zero_copy_only=False)
    keys = tuple(columns["session"].dictionary.to_pylist())
    offsets = np.searchsorted(owner, np.arange(len(keys) + 1)).astype(np.int64)
    items = columns["step"].indices.to_numpy(zero_copy_only=False).astype(np.int32)
    names = tuple(columns["step"].dictionary.to_pylist())
    ranks = np.argsort(np.argsort(np.array(names, dtype=object), kind="stable"), kind="stable").astype(np.int32)
    items = ranks[items] if len(items) else items
    tools: dict[str, set[str]] = {}
    pairs = table.group_by(["tool", "step"]).aggregate([])
    for tool, step in zip(pairs["tool"].to_pylist(), pairs["step"].to_pylist(), strict=True):
        tools.setdefault(tool, set()).add(step)
    starts, ends = (compute.cast(table[name], "int64").to_numpy() for name in ("start_us", "end_us"))
    database = SequenceDatabase(items, offsets, tuple(sorted(names)))
    named = {tool: frozenset(steps) for tool, steps in sorted(tools.items())}
    return Excerpt(SessionSequences(database, StepTimes(starts, ends), keys, named), of_sessions)


def save(folder: Path, key: str, excerpt: Excerpt) -> None:
    """Keep it in a folder."""
    facts, arrays = packed(excerpt.seen)
    keep(folder / FILE, _EDITION, key, {**facts, "of_sessions": excerpt.of_sessions}, arrays)


def load(folder: Path, key: str) -> Excerpt | None:
    """What is kept, when it is whole and of that key."""
    return kept(
        folder / FILE, _EDITION, key, lambda facts, arrays: Excerpt(unpacked(facts, arrays), facts["of_sessions"])
    )
