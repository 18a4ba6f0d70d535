"""Times of every kind that logs write -> microseconds since 1970 in UTC, and whether the log stated its zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[T ](?P<clock>\d{2}:\d{2}(?::\d{2})?)(?:[.,](?P<fraction>\d{1,9}))?\s*"
    r"(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
)
_NUMBER = re.compile(r"\d{9,20}(?:\.\d+)?")
_PLAIN = ("--T::.", "--T::Z")
"""What stands between the digits of nearly every written time: ``2026-05-01T10:00:00.123Z``."""
_PLAIN_LENGTHS = (20, 24, 27)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_US = 0
_LATEST_US = 7_258_118_400_000_000
"""The year 2200: what lies beyond is no time."""
_UNITS = ((10**17, 1e-3), (10**14, 1.0), (10**11, 1e3), (0, 1e6))
"""A count of seconds, milli-, micro- or nanoseconds is told by its size."""


def micros(value: Any) -> int | None:
    """Microseconds since 1970 in UTC, or None when the value is no time; a time without zone is read as UTC."""
    if value is None or isinstance(value, bool):
        return None
    if type(value) is str and value[4:20:3] in _PLAIN and len(value) in _PLAIN_LENGTHS and value[-1] == "Z":
        try:
            since = datetime.fromisoformat(value) - _EPOCH
        except ValueError:
            return _of_iso(value)
        return _bounded(since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds)
    if isinstance(value, datetime):
        return _of_datetime(value)
    if isinstance(value, int | float):
        return _of_number(value)
    if isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value):
        return _bounded(value[0] * 1_000_000 + value[1] // 1_000)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return _of_number(float(text) if "." in text else int(text))
    return _of_iso(text)


def has_zone(value: Any) -> bool:
    """False for a written time that leaves its zone open: a local clock, of a place the log does not name."""
    if isinstance(value, datetime):
        return value.tzinfo is not None
    if not isinstance(value, str):
        return True
    match = _ISO.fullmatch(value.strip())
    return match is None or match["zone"] is not None


def _of_iso(text: str) -> int | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    zone = match["zone"] or "Z"
    clock = match["clock"] if match["clock"].count(":") == 2 else match["clock"] + ":00"
    try:
        whole = datetime.fromisoformat(f"{match['date']}T{clock}{'Z' if zone == 'UTC' else zone}")
    except ValueError:
        return None
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    return _bounded(round(whole.timestamp()) * 1_000_000 + int(fraction))


def _of_datetime(value: datetime) -> int | None:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return _bounded(int(aware.replace(microsecond=0).timestamp()) * 1_000_000 + aware.microsecond)


def _of_number(number: float) -> int | None:
    if not 10**8 <= number < 10**20:
        return None
    factor = next(factor for least, factor in _UNITS if number >= least)
    if isinstance(number, int):
        return _bounded(number // 1_000 if factor < 1 else number * int(factor))
    return _bounded(round(number * factor))


def _bounded(us: int) -> int | None:
    return us if _EARLIEST_US <= us < _LATEST_US else None
