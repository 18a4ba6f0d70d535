"""Large logs in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.store.conftest import READERS
from tests.store.plain_logs import write

READ = """
import resource, sys
import miner.readers
import pyarrow
from miner.store.reading import Task, read_sources
from miner.readers import load_reader
miner.readers.__path__[:] = [sys.argv[1]]
load_reader("plain")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
(told,) = read_sources([Task(1, "plain", (sys.argv[2],), 0)], sys.argv[3], "spill")
print(told.events, told.account.accepted, peak() - before)
"""


def test_a_log_needs_a_fraction_of_its_size_in_memory(tmp_path: Path) -> None:
    """Reading 60 MB of log into rows takes less than half of that above what the libraries take."""
    log = write(tmp_path / "big.jsonl", "s", 12_000, size=5_000)
    assert log.stat().st_size > 60_000_000
    ended = subprocess.run(
        [sys.executable, "-c", READ, str(READERS), str(log), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    events, accepted, grown_kb = map(int, ended.stdout.split())
    assert events == 12_001
    assert accepted == log.stat().st_size
    assert grown_kb * 1024 < log.stat().st_size / 2
