"""What an ingest did, for people, for ``--json`` and for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from miner.errors import LogError

READ = frozenset({"repeated_session", "empty_session", "maybe_cut", "no_calls", "unknown_kind"})
"""Reasons of problems whose records were read: copies, runs without content, exports that may be cut, maps that find no
call, new kinds."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest has come."""

    files_done: int
    files: int
    bytes_done: int
    """On disk, compressed where the logs are."""
    bytes: int
    events: int


@dataclass(slots=True)
class IngestReport:
    """What the named logs hold, and what this run changed in the store."""

    files_read: int = 0
    files_unchanged: int = 0
    """Nothing to do: read before, or a copy of a file that was."""
    files_empty: int = 0
    files_gone: int = 0
    """Files of the store that are no longer on disk; their rows stay."""
    passed_over: dict[str, int] = field(default_factory=dict)
    """Files that were not looked into, by rule: hidden, binary, special, unreadable."""
    unrecognised: list[Path] = field(default_factory=list)
    """Files that are in no known format."""
    sessions: int = 0
    """Sessions of the named logs, each once."""
    events: int = 0
    calls: int = 0
    """Calls that the model asked for."""
    problems: int = 0
    records: int = 0
    bytes: int = 0
    """Decompressed bytes of the named logs."""
    events_added: int = 0
    events_removed: int = 0
    by_reader: dict[str, int] = field(default_factory=dict)
    """Sources by reader."""
    by_reason: dict[str, int] = field(default_factory=dict)
    """Problems by reason."""
    parts: dict[str, int] = field(default_factory=dict)
    """Sessions by part; ``none`` where no part was given."""
    unwrapped: list[dict[str, str | int]] = field(default_factory=list)
    """Calls told as those they stand for: ``rule``, ``logged`` name, how many ``calls`` of how many ``tools``."""
    recovery: list[str] = field(default_factory=list)
    """What had to be repaired when the store was opened, in words."""

    @property
    def unreadable(self) -> int:
        """Problems that are records which could not be read; the others are read, and worth knowing."""
        return sum(count for reason, count in self.by_reason.items() if reason not in READ)

    @property
    def problem_share(self) -> float:
        """Share of the records that could not be read."""
        return self.unreadable / max(1, self.unreadable + self.records)


class TooManyProblemsError(LogError):
    """More of the logs was unusable than the caller accepts; what was usable is stored."""

    def __init__(self, report: IngestReport, most: float) -> None:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(report.by_reason.items()))
        super().__init__(
            f"{report.unreadable} of {report.unreadable + report.records} records could not be read "
            f"({report.problem_share:.1%}; at most {most:.1%} is accepted): {reasons}",
            where="the table `problems` of the store names file and line of each",
            next_step="see which files they come from; accept more with a higher max_problem_share",
        )
        self.report = report
