"""The sequences of a store, kept beside it: reading the logs anew takes longer than mining them."""

from __future__ import annotations

import hashlib
from typing import Any

from miner.mining.code_digest import code_digest
from miner.mining.kept_arrays import Arrays, keep, kept
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_evidence import StepTimes
from miner.mining.sequence_sessions import SessionSequences, session_sequences
from miner.mining.signatures import find_refinements
from miner.store import Store
from miner.store.stored import StoredLogs

_EDITION = 2
_NAMED_BY = (
    "mining/sequence_sessions.py",
    "mining/signatures.py",
    "runtime/argument_class.py",
    "runtime/shell.py",
    "runtime/signature.py",
)
"""The code that names calls."""


def stored_sequences(store: Store, *, plain: bool = False) -> SessionSequences:
    """The sessions of a store under the signatures that its data asks for, from the last time where nothing changed.

    Args:
        store: an open store; what was worked out is kept in a file beside it.
        plain: signatures of tool and status alone, without argument classes.
    """
    path = store.path.with_name("sequences-plain.npz" if plain else "sequences.npz")
    key = _key(store)
    before = kept(path, _EDITION, key, unpacked)
    if before is not None:
        return before
    made = read_sequences(store, plain=plain)
    keep(path, _EDITION, key, *packed(made))
    return made


def read_sequences(store: Store, *, plain: bool = False) -> SessionSequences:
    """The same, from the store's sessions."""
    logs = StoredLogs(store)
    refinements = {} if plain else find_refinements(logs())
    return session_sequences(logs.as_they_lie()(), refinements, logs.keys())


def _key(store: Store) -> str:
    """What the sequences depend on: the rows of the store and the code that names calls."""
    rows = store.query("select rows_digest::varchar, part, sessions from sources order by all")
    return hashlib.sha256(f"{rows} {code_digest(_NAMED_BY)}".encode()).hexdigest()


def packed(seen: SessionSequences) -> tuple[dict[str, Any], Arrays]:
    """Sequences as facts and arrays."""
    facts = {
        "names": seen.database.names,
        "keys": seen.keys,
        "tools": {tool: sorted(names) for tool, names in seen.tools.items()},
    }
    steps = {"items": seen.database.items, "offsets": seen.database.offsets}
    return facts, {**steps, "starts_us": seen.times.starts_us, "ends_us": seen.times.ends_us}


def unpacked(facts: dict[str, Any], arrays: Arrays) -> SessionSequences:
    """The sequences that were packed so."""
    return SessionSequences(
        SequenceDatabase(arrays["items"], arrays["offsets"], tuple(facts["names"])),
        StepTimes(arrays["starts_us"], arrays["ends_us"]),
        tuple(facts["keys"]),
        {tool: frozenset(names) for tool, names in facts["tools"].items()},
    )
