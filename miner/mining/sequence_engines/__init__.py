"""What searches for frequent sequences, one file each, with a function ``search``.

``search(database, request)`` returns every pattern that the request asks for as a tree; an engine that cannot keep a
limit of the request refuses it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event as Flag
from typing import cast

from miner.errors import UsageError
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_tree import PatternTree

UNLIMITED = 1 << 30


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for; ``UNLIMITED`` stands for no limit."""

    least: int
    """Sessions that must hold a pattern."""
    longest: int = UNLIMITED
    max_gap: int = UNLIMITED
    max_span: int = UNLIMITED
    allowed: frozenset[int] | None = None
    """The items that patterns may consist of; None for all."""
    first: frozenset[int] | None = None
    """The items that patterns may begin with; None for all."""
    budget: int = 1_000_000
    threads: int = 0
    """0 for as many as there are processors."""
    stop: Flag = field(default_factory=Flag)
    progress: Callable[[int, int, int], None] | None = None
    """Called with first steps done, first steps in all, and patterns found so far."""

    @property
    def is_limited(self) -> bool:
        """True when gaps or spans are limited."""
        return self.max_gap < UNLIMITED or self.max_span < UNLIMITED


def engine_names() -> list[str]:
    """Every engine, by file name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_engine(name: str) -> Callable[[SequenceDatabase, SearchRequest], PatternTree]:
    """The search function of that engine; an unknown name is refused with the known ones."""
    if name not in engine_names():
        raise UsageError(f"no sequence engine is called {name!r}", next_step="known: " + ", ".join(engine_names()))
    module = importlib.import_module(f"{__name__}.{name}")
    return cast("Callable[[SequenceDatabase, SearchRequest], PatternTree]", module.search)
