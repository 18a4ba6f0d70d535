"""Where mining runs: one file an engine, the same rows from each; the embedded one, ``duckdb``, needs no file."""

from __future__ import annotations

import pkgutil

from miner.errors import UsageError

EMBEDDED = "duckdb"
_NOT_YET = ("spark",)
"""Engines that people know to ask for, from the design, before they are there."""


def engine_names() -> list[str]:
    """Every engine: the embedded one, and the files of this folder."""
    return sorted({EMBEDDED, *(module.name for module in pkgutil.iter_modules(__path__))})


def refuse_unknown(name: str) -> None:
    """Refuse an engine that is not there.

    Raises:
        UsageError: with the known ones.
    """
    if name in _NOT_YET and name not in engine_names():
        raise UsageError(
            f"the engine {name!r} is not there yet",
            next_step=f"leave --engine out: {EMBEDDED!r} mines on this machine",
        )
    if name not in engine_names():
        raise UsageError(f"there is no engine called {name!r}", next_step="known: " + ", ".join(engine_names()))
