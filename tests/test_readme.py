"""What the README shows of the demo is what the demo prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.cli import main

ROOT = Path(__file__).parent.parent
BEGINS = "What your agents do\n"
LEFT_OUT = "…"


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of the README's excerpt is printed, in that order; what mends a difference is to paste it anew."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = readme.index(BEGINS)
    shown = [line for line in readme[begin : readme.index("```", begin)].splitlines() if line not in ("", LEFT_OUT)]
    assert main(["run", str(ROOT / "data" / "sample"), "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in shown if line not in printed] == []
    places = [printed.index(line) for line in shown]
    assert places == sorted(places)
