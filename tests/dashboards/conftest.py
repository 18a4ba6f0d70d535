"""A run over the sample logs, made once for all tests of the dashboard."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from miner.cli import main

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole journey over the sample logs."""
    folder = tmp_path_factory.mktemp("dashboard")
    quick = folder / "quick.toml"
    quick.write_text("[evaluation]\nresamples = 200\n")
    run = folder / "sample-run"
    assert main(["run", str(SAMPLE), "--out", str(run), "--settings", str(quick)]) == 0
    return run


@pytest.fixture
def copy(sample_run: Path, tmp_path: Path) -> Path:
    """A copy of the sample run that a test may damage."""
    return Path(shutil.copytree(sample_run, tmp_path / "run"))
