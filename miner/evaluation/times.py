"""How long a call really took, where the log can tell; false durations are named, not guessed at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from miner.events import Event, Status, TimeSource

CAP_S = 120.0
"""A call-line-to-result-line time above this has probably waited for a person."""


@dataclass(slots=True)
class Durations:
    """Measures calls and counts what it had to leave out, by reason."""

    cap_s: float = CAP_S
    counts: Counter[str] = field(default_factory=Counter)

    def seconds(self, event: Event) -> float | None:
        """Seconds the tool took, or None; the reason is counted."""
        value, reason = seconds_of(event, self.cap_s)
        self.counts[reason] += 1
        return value


def seconds_of(event: Event, cap_s: float = CAP_S) -> tuple[float | None, str]:
    """(seconds, ``timed``), or None with why: ``untimed``, ``negative``, ``over_cap``, ``in_background``."""
    if event.start_us is None or event.end_us is None or event.time_source in (TimeSource.NONE, TimeSource.INFERRED):
        return None, "untimed"
    if event.status is Status.RUNNING:
        return None, "in_background"
    span = (event.end_us - event.start_us - (event.wait_us or 0)) / 1e6
    if span < 0:
        return None, "negative"
    if span > cap_s and event.time_source is TimeSource.LOG_DELTA and event.wait_us is None:
        return None, "over_cap"
    return span, "timed"
