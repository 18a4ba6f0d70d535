"""Nights that are killed: forked from a process of their own, ended at any instant, started again."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.store import Store
from pipelines.home import read_json
from tests.pipelines.conftest import ROOT, Site

LONGEST = 600.0
"""Processor seconds after which a night that nobody kills is stuck."""
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
    nights: Nights
    expected: Outcome
    night_seconds: float
    draws: random.Random
    kills: int = 0
    ended: int = 0
    kills_by_night: list[int] = field(default_factory=list)
    kills_by_step: Counter[str] = field(default_factory=Counter)

    def run(self, kills: int, before: Path) -> None:
        """Kill so many times; ``before`` is the home as each night finds it."""
        restore(self.site, before)
        fallen = 0
        while self.kills < kills or fallen:
            # Many come soon after a start, where a night takes up what another left. After the last, it may end.
            most = 1.2 * self.night_seconds * self.draws.random()
            longest = self.draws.uniform(0, most) if self.kills < kills else LONGEST
            if self.nights.killed(longest):
                self.kills, fallen = self.kills + 1, fallen + 1
                self.kills_by_step[self.nights.step] += 1
                continue
            found = outcome(self.site)
            assert found.rows == self.expected.rows
            assert found.names == self.expected.names
            assert found.files == self.expected.files
            self.ended += 1
            self.kills_by_night.append(fallen)
            fallen = 0
            print(f"{self.kills} kills in {self.ended} nights", flush=True)
            restore(self.site, before)


@dataclass(slots=True)
class Nights:
    """Starts nights, and kills them."""

    server: subprocess.Popen[str]
    seconds: float = 0.0
    """Processor seconds of the last one."""
    step: str = ""
    """What it said last."""

    def killed(self, seconds: float) -> bool:
        """Start a night, and kill it with all its processes after so many processor seconds; False when it had ended
        well before.
        """
        assert self.server.stdin
        assert self.server.stdout
        print(seconds, file=self.server.stdin, flush=True)
        told = json.loads(self.server.stdout.readline())
        self.seconds, self.step = told["seconds"], (told["said"].splitlines() or [""])[-1]
        assert told["killed"] or told["code"] == 0, told["said"]
        return bool(told["killed"])


@contextmanager
def nights_of(site: Site) -> Iterator[Nights]:
    """The nights of a schedule."""
    words = [sys.executable, "-m", "tests.pipelines.nights", str(site.settings)]
    surroundings = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # a process with threads must not fork
    with subprocess.Popen(
        words, cwd=ROOT, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield Nights(server)
        assert server.stdin
        server.stdin.close()


def undisturbed(site: Site, nights: Nights) -> tuple[Outcome, float]:
    """What a night leaves that nobody kills, and how many processor seconds it takes."""
    assert not nights.killed(LONGEST)
    return outcome(site), nights.seconds


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
