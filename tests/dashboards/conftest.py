"""A run over the sample logs, made once for all tests of the dashboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.cli import main

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole journey over the sample logs."""
    run = tmp_path_factory.mktemp("dashboard") / "run"
    assert main(["run", str(SAMPLE), "--out", str(run)]) == 0
    return run
