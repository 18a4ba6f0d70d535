"""Durations: which are believed, which are left out, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from miner.evaluation.times import seconds_of
from miner.events import Event, Status, TimeSource
from tests.evaluation.sessions import session_of

CALL = session_of("s", "hi", [("tool", {})]).events[1]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (1.0, "timed")),
        ({"end_us": CALL.start_us}, (0.0, "timed")),
        ({"end_us": (CALL.start_us or 0) - 1}, (None, "negative")),
        ({"start_us": None}, (None, "untimed")),
        ({"time_source": TimeSource.INFERRED}, (None, "untimed")),
        ({"status": Status.RUNNING}, (None, "in_background")),
        ({"wait_us": 400_000}, (0.6, "timed")),
        ({"time_source": TimeSource.LOG_DELTA, "end_us": (CALL.start_us or 0) + 121_000_000}, (None, "over_cap")),
        ({"time_source": TimeSource.NATIVE, "end_us": (CALL.start_us or 0) + 121_000_000}, (121.0, "timed")),
    ],
)
def test_a_duration_is_believed_or_left_out_with_its_reason(
    changed: dict[str, object], expected: tuple[float | None, str]
) -> None:
    """Zero lasts zero, a measured long call counts, and a log line that came late does not."""
    event: Event = replace(CALL, **changed)  # type: ignore[arg-type]
    assert seconds_of(event) == expected
