"""The sequences of a store, kept beside it: reading the logs anew takes longer than mining them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zipfile
from pathlib import Path

import numpy as np

from miner.mining import sequence_sessions, signatures
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_evidence import StepTimes
from miner.mining.sequence_sessions import SessionSequences, session_sequences
from miner.mining.signatures import find_refinements
from miner.runtime import argument_class, shell, signature
from miner.store import Store

_LOG = logging.getLogger(__name__)
_SOURCES = (sequence_sessions, signatures, argument_class, shell, signature)
_EDITION = "1"


def stored_sequences(store: Store, *, plain: bool = False) -> SessionSequences:
    """The sessions of a store under the signatures that its data asks for, from the last time where nothing changed.

    Args:
        store: an open store; what was worked out is kept in a file beside it.
        plain: signatures of tool and status alone, without argument classes.
    """
    path = store.path.with_name("sequences-plain.npz" if plain else "sequences.npz")
    key = _key(store)
    kept = _load(path, key)
    if kept is not None:
        return kept
    refinements = {} if plain else find_refinements(store.session_logs())
    made = session_sequences(store.session_logs(), refinements)
    _save(path, key, made)
    return made


def _key(store: Store) -> str:
    """What the sequences depend on: the rows of the store and the code that names calls."""
    rows = store.query("select rows_digest::varchar, part, sessions from sources order by all")
    digest = hashlib.sha256(f"{_EDITION} {rows}".encode())
    for module in _SOURCES:
        digest.update(Path(module.__file__ or "").read_bytes())
    return digest.hexdigest()


def _load(path: Path, key: str) -> SessionSequences | None:
    """What is kept, when it is whole and of that key."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            facts = json.loads(kept["facts"].tobytes())
            if facts["key"] != key:
                return None
            return SessionSequences(
                SequenceDatabase(kept["items"], kept["offsets"], tuple(facts["names"])),
                StepTimes(kept["starts_us"], kept["ends_us"]),
                tuple(facts["keys"]),
                {tool: frozenset(names) for tool, names in facts["tools"].items()},
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _save(path: Path, key: str, made: SessionSequences) -> None:
    """Keeps the sequences; a folder that cannot be written only costs the next call its time."""
    facts = {
        "key": key,
        "names": made.database.names,
        "keys": made.keys,
        "tools": {tool: sorted(names) for tool, names in made.tools.items()},
    }
    made_here = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with made_here.open("wb") as file:
            np.savez_compressed(
                file,
                facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
                items=made.database.items,
                offsets=made.database.offsets,
                starts_us=made.times.starts_us,
                ends_us=made.times.ends_us,
            )
        made_here.replace(path)
    except OSError as error:
        made_here.unlink(missing_ok=True)
        _LOG.warning("the sequences could not be kept in %s: %s", path.parent, error)
