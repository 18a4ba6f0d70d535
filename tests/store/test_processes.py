"""Reading processes start wherever they are asked for from, and their end is put into words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from miner.errors import LogError
from miner.store import Store
from tests.store.conftest import READERS
from tests.store.plain_logs import write

SCRIPT = """
import sys
import miner.readers
import miner.store.ingest
import miner.store.workers as workers
from miner.store import Store
miner.readers.__path__[:] = [sys.argv[1]]
workers.SMALL_BYTES, workers.TASK_BYTES, workers.available_cores = 0, 1, lambda: 2
with Store.open(sys.argv[2]) as store:
    print(store.ingest([sys.argv[3]]).sessions)
"""


def run(words: list[str], database: Path, logs: Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python on some words and the arguments of the script."""
    return subprocess.run(
        [sys.executable, *words, str(READERS), str(database), str(logs)],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.fixture
def six(logs: Path) -> Path:
    """Six small logs."""
    for number in range(6):
        write(logs / f"{number}.jsonl", f"s{number}", 5)
    return logs


def test_a_program_on_standard_input_may_ingest(database: Path, six: Path) -> None:
    """A caller that lies in no file starts reading processes as any other."""
    ended = run(["-"], database, six, SCRIPT)
    assert (ended.stdout, ended.stderr) == ("6\n", "")


def test_a_script_without_a_guard_may_ingest(database: Path, six: Path, tmp_path: Path) -> None:
    """A caller that does its work when imported is not run again by the reading processes."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    ended = run([str(script)], database, six)
    assert (ended.stdout, ended.stderr) == ("6\n", "")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot bind a process to a core")
def test_one_core_is_enough(database: Path, six: Path) -> None:
    """A process bound to one core reads alone."""
    bound = SCRIPT.replace("lambda: 2", "workers.available_cores")
    bound = f"import os\nos.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})\n{bound}"
    ended = run(["-c", bound], database, six)
    assert (ended.stdout, ended.stderr) == ("6\n", "")


def test_a_reading_process_that_is_gone_is_an_error_that_says_what_to_do(
    database: Path, six: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a reading process is told in words, and the next run completes the store."""
    monkeypatch.setattr("miner.store.workers.SMALL_BYTES", 0)
    monkeypatch.setattr("miner.store.workers.TASK_BYTES", 1)
    monkeypatch.setattr("miner.store.workers.available_cores", lambda: 2)
    with monkeypatch.context() as broken, Store.open(database) as store:
        broken.setattr("miner.store.workers.load_arrow", os.abort)
        with pytest.raises(LogError, match="could not start or was ended") as raised:
            store.ingest([six])
        assert "run the same command again" in str(raised.value)
    with Store.open(database) as store:
        assert store.ingest([six]).sessions == 6
