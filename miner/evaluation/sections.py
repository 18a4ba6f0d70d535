"""What a report is made of: sections with words, tables and charts, and figures as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Table:
    """Rows under headings."""

    headings: Sequence[str]
    rows: list[Sequence[str]]
    words: Sequence[int] = (0,)
    """The columns of words, which stand at the left and may be broken; the others are numbers."""


@dataclass(slots=True)
class Section:
    """One heading with what stands under it, in this order: words, tables, charts."""

    title: str
    words: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)


def of_all(shown: int, known: int, what: str) -> str:
    """The heading of the first column: the word for a row, and how many of all there are where some are left out."""
    return what if shown >= known else f"{what}, {shown} of {known:,}"


def percent(value: float | None) -> str:
    """A share as per cent, or a dash."""
    return "–" if value is None else f"{_of_hundred(value)} %"


def _of_hundred(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:.1f}"  # adding 0 makes -0.0 a plain zero


def with_interval(figures: Mapping[str, Any], name: str) -> str:
    """A share with its 95 % interval."""
    bounds = figures.get(f"{name}_ci")
    value = f"{figures[name]:.3f}" if name == "ece" and figures[name] is not None else percent(figures[name])
    if bounds is None:
        return value
    low, high = (f"{bound:.3f}" if name == "ece" else _of_hundred(bound) for bound in bounds)
    return f"{value} ({low}–{high})"


def lasting(seconds: float) -> str:
    """Seconds in the unit people read."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 90 else f"{seconds:.1f} s"
