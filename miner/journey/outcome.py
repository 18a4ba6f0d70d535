"""What goes into a run and what comes out of it: the logs that were named, the files of its folder, what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from miner.store.report import IngestReport

EVENTS, PATTERNS, BUNDLE, TWIN = "events.duckdb", "patterns.json", "bundle.json", "bundle.txt"
COUNTS = "counts.duckdb"
"""What mining counted in each session, kept so that the next run counts only what is new."""
EVALUATION, SAVINGS, OVERVIEW = "evaluation.json", "savings.json", "overview.json"

ALL_TRAIN = "everything trains"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The logs of a run, as they were named."""

    logs: tuple[str, ...]
    test: tuple[str, ...] = ()


@dataclass(slots=True)
class Journey:
    """What a run came to."""

    run: Path
    overview: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] | None = None
    savings: dict[str, Any] | None = None
    bundle_bytes: int = 0
    patterns: int = 0
    reports: list[IngestReport] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    """Steps that had something to do."""
    held_back: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What could not be done, and why."""
