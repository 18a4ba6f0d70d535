"""Nights that are killed: started in a process group of their own, ended at any instant, started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.store import Store
from pipelines.home import read_json
from tests.pipelines.conftest import PINNED, ROOT, Site

LONGEST = 600.0
"""Seconds after which a night that nobody kills is stuck."""
NIGHT = "import sys\nfrom pipelines.nightly import main\nsys.exit(main(['--settings', sys.argv[1]]))\n"
FILES = ("bundle.json", "bundle.txt", "patterns.json")
ROWS = {
    "all_sessions": "select count(*), count(distinct key), sum(digest) from all_sessions",
    "all_events": "select count(*), count(distinct (session, seq)), sum(digest) from all_events",
    "problems": "select count(*), 0, 0 from problems",
    "files": "select count(*), count(distinct path), 0 from files",
    "views": "select (select count(*) from sessions), (select count(*) from calls), (select count(*) from events)",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a night that ended by itself leaves: its files' bytes, what the store holds, and what lies about."""

    files: dict[str, bytes]
    rows: dict[str, list[tuple[Any, ...]]]
    names: tuple[str, ...]


@dataclass(slots=True)
class Campaign:
    """Kills until enough of them fell; each resumed night that ends is held to what an undisturbed one leaves."""

    site: Site
    expected: Outcome
    night_seconds: float
    draws: random.Random
    kills: int = 0
    ended: int = 0
    kills_by_night: list[int] = field(default_factory=list)

    def run(self, kills: int, before: Path) -> None:
        """Kill so many times; ``before`` is the home as each night finds it."""
        restore(self.site, before)
        fallen = 0
        while self.kills < kills or fallen:
            # After the last kill that is asked for, the night may end.
            longest = self.draws.uniform(0, 1.2 * self.night_seconds) if self.kills < kills else LONGEST
            if killed(self.site, longest):
                self.kills, fallen = self.kills + 1, fallen + 1
                continue
            found = outcome(self.site)
            assert found.rows == self.expected.rows
            assert found.names == self.expected.names
            assert found.files == self.expected.files
            self.ended += 1
            self.kills_by_night.append(fallen)
            fallen = 0
            restore(self.site, before)


def undisturbed(site: Site) -> tuple[Outcome, float]:
    """What a night leaves that nobody kills, and how many seconds it takes in a process of its own."""
    began = time.monotonic()
    assert not killed(site, LONGEST)
    return outcome(site), time.monotonic() - began


def killed(site: Site, seconds: float) -> bool:
    """Start a night, and kill it with all its processes after some seconds; False when it had ended well before."""
    words = [sys.executable, "-c", PINNED + NIGHT, str(site.settings)]
    process = subprocess.Popen(
        words,
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # on busy cores its threads wait for each other
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, said
    return False


def outcome(site: Site) -> Outcome:
    """What the last night left."""
    current = read_json(site.home / "summary.json")["current"]
    run = site.home / "runs" / current
    with Store.open(run / "events.duckdb", read_only=True) as store:
        rows = {name: store.query(sql) for name, sql in ROWS.items()}
    files = {name: (run / name).read_bytes() for name in FILES}
    return Outcome(files, rows, tuple(str(path.relative_to(site.home)) for path in lying_about(site.home)))


def lying_about(home: Path) -> list[Path]:
    """Every file, but for runs that came to nothing: a night that was killed once all was done leads to another."""
    idle = [run for run in (home / "runs").iterdir() if read_json(run / "summary.json")["status"] == "nothing_new"]
    assert all(sorted(file.name for file in run.iterdir()) == ["request.json", "summary.json"] for run in idle)
    return sorted(path for path in home.rglob("*") if not {path, path.parent} & set(idle))


def restore(site: Site, before: Path) -> None:
    """Put the home back to what it was."""
    shutil.rmtree(site.home, ignore_errors=True)
    shutil.copytree(before, site.home)
