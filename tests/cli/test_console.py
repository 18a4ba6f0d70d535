"""What commands print, with and without a terminal."""

from __future__ import annotations

import io

import pytest

from miner.cli import console


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_plain_table_is_aligned_and_whole() -> None:
    """Without a terminal, columns are as wide as their widest cell and numbers stand at the right."""
    rows = [["a", "1"], ["long name", "1,000"]]
    assert console.plain_table(["tool", "calls"], rows, right=(1,)) == [
        "tool       calls",
        "a              1",
        "long name  1,000",
    ]


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (True, "yes"), (1234, "1,234"), (0.25, "0.250"), ("x", "x")])
def test_cells_are_readable(value: object, text: str) -> None:
    """A cell shows nothing as a dash, a flag as a word and a number with its thousands apart."""
    assert console.cell(value) == text


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (10**15, "1000.0 TB")]
)
def test_sizes_have_units(count: int, text: str) -> None:
    """Bytes are shown in the unit that keeps the number short."""
    assert console.size(count) == text


def test_ci_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Continuous integration may lend a terminal, but nobody watches a bar there."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    assert console.on_terminal(Terminal())
    monkeypatch.setenv("CI", "true")
    assert not console.on_terminal(Terminal())


def test_progress_without_a_terminal_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere than on a terminal, progress is a line on stderr and stdout stays the result's."""
    with console.progress("reading", total=3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "reading …\n")


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    """A result that JSON cannot hold is refused rather than printed as NaN."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        console.say_json({"share": float("nan")})
    assert capsys.readouterr().out == ""
