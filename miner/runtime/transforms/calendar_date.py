"""Calendar date: a date as people write it becomes ISO 8601; a missing year comes from the session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

EXAMPLES = [
    ("May 20, 2024", (), "2024-05-20"),
    ("20 May 2024", (), "2024-05-20"),
    ("05/20/2024", (), "2024-05-20"),
    ("May 20th", (2024,), "2024-05-20"),
    ("2024-05-20T15:00:00", (), "2024-05-20"),
]
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?"
_SHAPES = [
    re.compile(shape, re.IGNORECASE)
    for shape in (
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_YEAR}",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}{_YEAR}",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})[T ].*",
    )
]


def apply(value: Any, year: int | None = None) -> Any:
    """The ISO date, or None when the value is no date or has no year and none is given."""
    if not isinstance(value, str) or not 5 <= len(value) <= 40:
        return None
    for shape in _SHAPES:
        match = shape.fullmatch(value.strip())
        if match is None:
            continue
        found = match.groupdict()
        month = _MONTHS.get(found["month"][:3].lower()) or (int(found["month"]) if found["month"].isdecimal() else 0)
        day, full = int(found["day"]), int(found["year"]) if found["year"] else year
        if full is not None and 1 <= month <= 12 and 1 <= day <= 31:
            return f"{full:04d}-{month:02d}-{day:02d}"
    return None


def induce(source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """No options when the source has its year, else the target's year."""
    if not isinstance(target, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", target):
        return
    if source != target and apply(source) == target:
        yield ()
    elif apply(source, int(target[:4])) == target:
        yield (int(target[:4]),)
