"""How a table is fitted to a terminal."""

from __future__ import annotations

import pytest

from miner.cli import console
from miner.cli._drawing import draw, fitted

HEADINGS = ("tool", "calls", "of tool time", "exact top1")
ROWS = [["get_user", "1,000", "12.5 %", "47.8 % (41.3–56.4)"], ["search", "7", "0.0 %", "2.5 % (0.6–4.5)"]]
NUMBERS = (1, 2, 3)


def _widths(width: int) -> list[list[tuple[int, int]]]:
    return fitted(HEADINGS, ROWS, NUMBERS, width)


def test_a_table_that_fits_is_left_as_it_is() -> None:
    """8 + 5 + 12 + 18 characters and three gaps of two are 49: every column has the width of its longest text."""
    assert _widths(49) == [[(0, 8), (1, 5), (2, 12), (3, 18)]]


def test_headings_of_numbers_are_broken_before_anything_else() -> None:
    """Five characters short, the heading over the shares goes on two lines and nothing else changes."""
    assert _widths(44) == [[(0, 8), (1, 5), (2, 7), (3, 18)]]


def test_columns_that_do_not_fit_go_on_below_with_the_first_again() -> None:
    """A number is never broken: where the numbers are too wide the table has two even parts."""
    assert _widths(40) == [[(0, 8), (1, 5)], [(0, 8), (2, 10), (3, 18)]]
    assert _widths(30) == [[(0, 8), (1, 5)], [(0, 8), (2, 12)], [(0, 8), (3, 18)]]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80])
def test_numbers_are_whole_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each cell stands whole on the screen, and no line is longer than the terminal or the widest pair of columns."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    draw(HEADINGS, ROWS, NUMBERS)
    shown = capsys.readouterr().out
    assert all(cell in shown for row in ROWS for cell in row)
    assert max(map(len, shown.splitlines())) <= max(width, 28)


def test_long_words_go_on_in_the_next_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A name of fifty letters beside nineteen other characters has 39 of them on the first of sixty columns' lines."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    draw(("tool", "mostly"), [["x" * 50, "read the file again"]], ())
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [["x" * 39, "read", "the", "file", "again"], ["x" * 11]]


def test_paragraphs_are_broken_at_a_hundred_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, words are broken where people like lines to end."""
    console.paragraph("word " * 50)
    assert max(map(len, capsys.readouterr().out.splitlines())) == 99
