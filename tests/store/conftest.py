"""A store in a temporary folder, reading a format made for these tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import miner.readers
import miner.store.ingest

READERS = Path(__file__).parent / "readers"


@pytest.fixture(autouse=True)
def _plain_reader_only() -> Iterator[None]:
    """These tests hold whatever the state of the real readers."""
    before = list(miner.readers.__path__)
    miner.readers.__path__[:] = [str(READERS)]
    yield
    miner.readers.__path__[:] = before
    sys.modules.pop("miner.readers.plain", None)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / "run" / "events.duckdb"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder for logs."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder
