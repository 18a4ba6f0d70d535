"""Draws a table within the width of a terminal: nothing is cut, whatever does not fit goes on below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from textwrap import wrap

_GAP = 2
_LONGEST_WORD = 28
"""A longer word of a column of words may be broken; a number never is."""


def draw(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> None:
    """Print a table: as it is where it fits, else with broken headings and words, else in parts below each other.

    Each part begins with the first column.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    parts = fitted(headings, rows, right, Console().width)
    widest = max(_wide([width for _, width in columns]) for columns in parts)
    console = Console(width=max(Console().width, widest))  # rich itself obeys NO_COLOR
    for place, columns in enumerate(parts):
        if place:
            console.print()
        drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
        titles = _headings([headings[column] for column, _ in columns], [width for _, width in columns])
        for (column, width), title in zip(columns, titles, strict=True):
            drawn.add_column(title, justify="right" if column in right else "left", width=width, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(row[column]) for column, _ in columns))
        console.print(drawn)


def fitted(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int], width: int
) -> list[list[tuple[int, int]]]:
    """Which columns stand side by side, and how wide each is, so that no part is wider than the terminal."""
    cells = [[row[column] for row in rows] for column in range(len(headings))]
    whole = [max(map(len, (heading, *column))) for heading, column in zip(headings, cells, strict=True)]
    least = [
        _least(heading, column, number=place in right)
        for place, (heading, column) in enumerate(zip(headings, cells, strict=True))
    ]
    parts = [list(range(len(headings)))]
    while len(parts) < len(headings) - 1 and any(_wide([least[column] for column in part]) > width for part in parts):
        parts = list(_divided(len(headings), len(parts) + 1))
    return [list(zip(part, _widths(part, whole, least, right, width), strict=True)) for part in parts]


def _headings(headings: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Headings broken to their widths, all of them standing on the line above the rows."""
    broken = [wrap(heading, width) for heading, width in zip(headings, widths, strict=True)]
    most = max(map(len, broken))
    return ["\n".join([""] * (most - len(lines)) + lines) for lines in broken]


def _least(heading: str, cells: Sequence[str], *, number: bool) -> int:
    """How narrow a column may be: its longest word, and for numbers every cell on one line."""
    words = max(map(len, heading.split()), default=0)
    if number:
        return max(words, *map(len, cells), 0)
    return max(words, min(_LONGEST_WORD, max((len(word) for cell in cells for word in cell.split()), default=0)))


def _divided(columns: int, parts: int) -> Iterator[list[int]]:
    """The columns after the first in so many even parts, the first before each."""
    others = columns - 1
    ends = [1 + others * part // parts for part in range(parts + 1)]
    for begin, end in pairwise(ends):
        yield [0, *range(begin, end)]


def _widths(part: Sequence[int], whole: Sequence[int], least: Sequence[int], right: Sequence[int], width: int) -> list[int]:  # fmt: skip  # noqa: E501
    """The widths of a part: headings of numbers give way first, then words, the widest column before the others."""
    found = [whole[column] for column in part]
    while _wide(found) > width:
        spare = [(part[place] in right, wide, place) for place, wide in enumerate(found) if wide > least[part[place]]]
        if not spare:
            break
        found[max(spare)[2]] -= 1
    return found


def _wide(columns: Sequence[int]) -> int:
    return sum(columns) + _GAP * (len(columns) - 1)
