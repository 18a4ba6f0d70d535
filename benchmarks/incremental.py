"""Mining what is new: a run over all sessions, a run that adds some to what was kept, and a run that takes them away.

    python benchmarks/incremental.py [--calls N] [--new SHARE] [--sample CALLS] [--workers N] [--copies N] [LOGS ...]

Without LOGS, sessions are drawn by ``data/generate_logs.py``. Each run is told in its stages, in processor seconds of
all processes (so that figures hold on a busy machine) and in seconds by the wall. The bytes of the incremental runs
are compared with those of runs from scratch; ends with 1 when they differ. With --copies only this is measured: the
kept rows are copied so many times, as if as many sessions more had been surveyed, and summed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from miner.engines import load_engine
from miner.export.pattern_file import pattern_bytes
from miner.mining.counts import survey
from miner.mining.counts_file import Counts
from miner.mining.mine import Recipe, mine
from miner.store.database import Store
from miner.store.stored import StoredLogs

GENERATOR = Path(__file__).resolve().parents[1] / "data" / "generate_logs.py"
FIRST = "surveying where arguments come from"


def main() -> int:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--new", type=float, default=0.01, help="share of the sessions that is new")
    parser.add_argument("--sample", type=int, default=1_000, help="calls that the later stages look at")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--copies", type=int, help="sum so many copies of the kept rows, and nothing else")
    chosen = parser.parse_args()
    recipe = replace(Recipe(), sample_calls=chosen.sample, workers=chosen.workers)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "events.duckdb"
        ingest(path, chosen.logs or [generated(folder / "logs", chosen.calls)])
        with Store.open(path, read_only=True) as store:
            if chosen.copies:
                print(json.dumps(summed(StoredLogs(store), recipe, chosen.copies, folder / "kept.duckdb"), indent=1))
                return 0
            found = measured(StoredLogs(store), recipe, chosen.new, folder)
    print(json.dumps(found, indent=1))
    return 0 if found["adding_equals_scratch"] and found["removing_equals_scratch"] else 1


def generated(folder: Path, calls: int) -> str:
    """Sessions with so many calls."""
    subprocess.run([sys.executable, GENERATOR, "--calls", str(calls), "--out", folder], check=True, capture_output=True)
    return str(folder)


def ingest(path: Path, logs: list[str]) -> None:
    """Logs into a store."""
    with Store.open(path) as store:
        store.ingest(logs, max_problem_share=1)


def measured(logs: StoredLogs, recipe: Recipe, share: float, folder: Path) -> dict[str, Any]:
    """The figures of each run."""
    keys = list(logs.contents())
    by_hash = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).digest())
    new = by_hash[: max(1, round(share * len(keys)))]
    before = logs.only(frozenset(keys) - frozenset(new))
    kept, full = folder / "kept.duckdb", folder / "full.duckdb"
    with load_engine(workers=recipe.workers) as engine, Counts(kept, recipe.folds) as counts:
        survey(before, counts, engine)
    parts = parts_of_adding(logs, recipe, Path(shutil.copyfile(kept, folder / "parts.duckdb")))
    runs = {
        "full": timed(logs, recipe, full),
        "add": timed(logs, recipe, kept),
        "remove": timed(before, recipe, kept),
        "full_without": timed(before, recipe, None),
    }
    return {
        "sessions": len(keys),
        "new_sessions": len(new),
        "counts_mb": round(kept.stat().st_size / 1e6, 1),
        "runs": {
            name: {stage: value for stage, value in run.items() if stage != "bytes"} for name, run in runs.items()
        },
        "parts_of_adding_cpu_s": parts,
        "add_share_of_full_cpu": round(runs["add"]["cpu_s"] / runs["full"]["cpu_s"], 3),
        "add_share_of_full_wall": round(runs["add"]["wall_s"] / runs["full"]["wall_s"], 3),
        "adding_equals_scratch": runs["add"]["bytes"] == runs["full"]["bytes"],
        "removing_equals_scratch": runs["remove"]["bytes"] == runs["full_without"]["bytes"],
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def parts_of_adding(logs: StoredLogs, recipe: Recipe, kept: Path) -> dict[str, float]:
    """Processor seconds of what an incremental run does before it weighs: surveying what is new grows with that,
    telling what is new and summing with all there is.
    """
    with load_engine(workers=1) as engine, Counts(kept, recipe.folds) as counts:
        clocks = [processor_seconds()]
        logs.contents()
        clocks.append(processor_seconds())
        keys = survey(logs, counts, engine)
        clocks.append(processor_seconds())
        counts.sums(keys, recipe.thresholds)
        clocks.append(processor_seconds())
    took = [round(later - earlier, 2) for earlier, later in pairwise(clocks)]
    return dict(zip(("telling", "surveying", "summing"), took, strict=True))


def summed(logs: StoredLogs, recipe: Recipe, copies: int, kept: Path) -> dict[str, Any]:
    """Processor seconds of the sums over copies of the sessions' rows, each session in a group of its own.

    What several sessions have is the same in each copy; a value or a word that one session alone has is another one,
    and a rule that one alone has is left out, for its text cannot be made up.
    """
    with load_engine(workers=recipe.workers) as engine, Counts(kept, recipe.folds) as counts:
        sessions = len(survey(logs, counts, engine))
        calls = sum(counts.calls(logs.contents()).values())
    with duckdb.connect(str(kept)) as connection:
        things = connection.execute("select max(thing) from things").fetchall()[0][0]
        for statement in (_COPIED_THINGS, _COPIED_ROWS):
            connection.execute(statement.format(copies=copies, sessions=sessions, things=things))
        connection.execute(_COPIED_SESSIONS.format(copies=copies, sessions=sessions, folds=recipe.folds))
        rows = connection.execute("select count(*) from tallies").fetchall()[0][0]
    with Counts(kept, recipe.folds) as counts:
        keys = list(counts.known())
        began = processor_seconds()
        counts.sums(keys, recipe.thresholds)
        used = processor_seconds() - began
    return {"calls": calls * copies, "sessions": len(keys), "rows": rows, "summing_cpu_s": round(used, 2)}


_ALONE = """
    with alone as (
        select thing from tallies join things using (thing) where kind > 1 group by thing having count(*) = 1)
"""
_COPIED_ROWS = (
    "insert into tallies"
    + _ALONE
    + """
    select number + copy * {sessions}, case when alone.thing is null then thing else thing + copy * {things} end, n
    from tallies join things using (thing) left join alone using (thing), range(1, {copies}) copies(copy)
    where alone.thing is null or kind <> 3
"""
)
_COPIED_THINGS = (
    "insert into things"
    + _ALONE
    + """
    select thing + copy * {things}, md5_number(thing || ' ' || copy), kind, hole, '[' || item || ',' || copy || ']'
    from things join alone using (thing), range(1, {copies}) copies(copy) where kind <> 3
"""
)
_COPIED_SESSIONS = """
    insert into surveyed
    select number + copy * {sessions}, key || copy, content, group_name || copy, (fold + copy) % {folds}, calls, serving
    from surveyed, range(1, {copies}) copies(copy)
"""


def timed(logs: StoredLogs, recipe: Recipe, kept: Path | None) -> dict[str, Any]:
    """One run: seconds until the first stage had ended, and in all."""
    clocks: list[tuple[str, float]] = []
    notes: list[str] = []
    began, cpu = time.perf_counter(), processor_seconds()
    patterns = mine(
        logs,
        recipe,
        lambda stage: clocks.append((stage, time.perf_counter() - began)),
        kept=kept,
        note=notes.append,
    )
    wall, used = time.perf_counter() - began, processor_seconds() - cpu
    after_counts = next(at for stage, at in clocks if stage != FIRST)
    return {
        "cpu_s": round(used, 1),
        "wall_s": round(wall, 1),
        "wall_counts_s": round(after_counts, 1),
        "wall_weighing_s": round(wall - after_counts, 1),
        "notes": notes,
        "bytes": hashlib.sha256(pattern_bytes(patterns)).hexdigest(),
    }


def processor_seconds() -> float:
    """Of this process, and of its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


if __name__ == "__main__":
    sys.exit(main())
