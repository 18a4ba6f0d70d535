"""How every command talks: results on stdout, progress on stderr, one JSON object with ``--json``.

Tables are fitted to the terminal, and coloured, on a terminal only; bars too, and never in CI.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import Any, TextIO

import click

Advance = Callable[[int], None]
"""Tells a progress bar that so much more is done."""

_WIDTH = 100

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def on_terminal(stream: TextIO) -> bool:
    """True when a person is looking: a terminal that can draw, and not CI."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def say(text: str = "") -> None:
    """Print a part of the result."""
    click.echo(text)


def note(text: str) -> None:
    """Say on stderr what is going on."""
    click.echo(text, err=True)


def say_json(value: Mapping[str, Any]) -> None:
    """Print the result as one JSON object."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[int] = ()) -> None:
    """Print rows under headings: drawn to fit on a terminal, aligned and whole elsewhere.

    Args:
        headings: one for each column.
        rows: cells, turned into text by ``cell``.
        right: columns whose cells stand at the right, as numbers do.
    """
    texts = [[cell(value) for value in row] for row in rows]
    if on_terminal(sys.stdout):
        from miner.cli._drawing import draw

        draw(headings, texts, right)
    else:
        click.echo("\n".join(plain_table(headings, texts, right)))


def paragraph(text: str, *, most: int = _WIDTH, hanging: str = "") -> None:
    """Print words, broken at the width that people read, or at the terminal's where that is less."""
    click.echo(click.wrap_text(text, width(most), subsequent_indent=hanging))


def width(most: int) -> int:
    """How long a line may be: the terminal's width where that is less, elsewhere the most that is wanted."""
    return min(most, get_terminal_size().columns) if on_terminal(sys.stdout) else most


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """The lines of a table as plain aligned text."""
    lines = [list(headings), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]

    def aligned(line: Sequence[str]) -> str:
        texts = (
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join(texts).rstrip()

    return [aligned(line) for line in lines]


def cell(value: object) -> str:
    """One value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def share(value: float | None) -> str:
    """A share between 0 and 1 as per cent."""
    return "-" if value is None else f"{100 * value:.1f} %"


def size(count: int) -> str:
    """Bytes in the unit people read."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


@contextmanager
def progress(doing: str, total: int | None = None) -> Iterator[Advance]:
    """A bar on stderr while the block runs; without a terminal, the one line that says what is being done."""
    if not on_terminal(sys.stderr):
        note(f"{doing} …")
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda more: bar.advance(task, more)
