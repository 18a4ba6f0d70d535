"""``miner run --engine``: an engine that is not there is refused before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.cli import main


def test_spark_is_refused_with_what_to_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asking for Spark ends with 2, says that it is not there yet and what mines instead, and makes no run folder."""
    assert main(["run", str(tmp_path), "--out", str(tmp_path / "run"), "--engine", "spark"]) == 2
    said = capsys.readouterr().err
    assert "the engine 'spark' is not there yet" in said
    assert "leave --engine out: 'duckdb'" in said
    assert not (tmp_path / "run").exists()
