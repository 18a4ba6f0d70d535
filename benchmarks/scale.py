"""Calls read, mined and searched for sequences per second, and the memory of all processes, on logs of any size.

``python3 dev.py bench scale [--calls N...] [--logs PATH...] [--folder DIR] [--keep] [--sample N] [--new SHARE]``: one
JSON object a size. With --new, so many calls more are read, counted and weighed as a night would, on a copy of what the
stages before have kept; ``share_of_whole`` is the processor time of that beside reading, counting and weighing it all
(that both give the same bytes is what ``benchmarks/incremental.py`` compares). With --keep, logs, stores and figures
stay in --folder, and the same words again go on where the last run ended.
Logs are drawn by ``data/generate_logs.py`` unless some are given. Each stage runs in a process of its own, with as
many workers as there are cores; memory is the sum of what its processes hold alone and their shares of what they hold
together. Processor seconds are of all processes, so that they hold on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from miner.engines import load_engine
from miner.export.pattern_file import pattern_bytes
from miner.journey.recipe import recipe_of
from miner.mining.counts import survey
from miner.mining.counts_file import Counts
from miner.mining.mine import Recipe, mine
from miner.mining.sequence_cache import read_sequences
from miner.mining.sequence_limits import SequenceLimits
from miner.mining.sequences import mine_sequences
from miner.settings import Settings
from miner.store import Store
from miner.store.stored import StoredLogs

ROOT = Path(__file__).parent.parent
SIZES = (100_000,)
POLL_SECONDS = 0.5
STORE, COUNTS, FIGURES = "events.duckdb", "counts.duckdb", "figures.json"
MORE = "more"
FIRST_NEW = 1 << 28
"""Number of the first new session, beyond all that a run draws."""
Stage = Callable[..., dict[str, Any]]


def main(arguments: Sequence[str]) -> int:
    """Measure each size."""
    accepted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    accepted.add_argument("--calls", type=int, nargs="+", default=SIZES, help="sizes of drawn logs")
    accepted.add_argument("--logs", nargs="+", help="logs of your own instead")
    accepted.add_argument("--folder", type=Path, help="where logs and stores go: a disk with room")
    accepted.add_argument("--keep", action="store_true", help="leave what was made, and go on with it the next time")
    accepted.add_argument("--engine", default="duckdb")
    usual = Settings().mining.sample_calls
    accepted.add_argument("--sample", type=int, default=usual, help="calls that rules and calls are weighed on")
    accepted.add_argument("--new", type=float, metavar="SHARE", help="also add so many new calls to drawn ones")
    chosen = accepted.parse_args(arguments)
    if chosen.new and chosen.logs:
        accepted.error("--new draws logs: it does not go with --logs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if chosen.keep and chosen.folder is None:
        accepted.error("--keep needs --folder")
    for calls in [0] if chosen.logs else chosen.calls:
        with _folder(chosen.folder, str(calls) if chosen.keep else None) as folder:
            found = one_size(folder, calls, chosen.logs, chosen.engine, chosen.sample)
            if chosen.new:
                found["add"] = one_night(folder, max(1, round(calls * chosen.new)), found, chosen.engine, chosen.sample)
            print(json.dumps(found, indent=1), flush=True)
    return 0


@contextmanager
def _folder(parent: Path | None, name: str | None) -> Iterator[Path]:
    """A folder that stays, when it has a name, or one that does not."""
    if parent is not None and name is not None:
        (parent / name).mkdir(parents=True, exist_ok=True)
        yield parent / name
        return
    with tempfile.TemporaryDirectory(dir=parent) as made:
        yield Path(made)


def one_size(folder: Path, calls: int, logs: list[str] | None, engine: str, sample: int) -> dict[str, Any]:
    """Everything about one size; what an earlier run in this folder has measured is not measured again."""
    figures = folder / FIGURES
    found: dict[str, Any] = json.loads(figures.read_text()) if figures.exists() else {}
    stages: dict[str, Callable[[], dict[str, Any]]] = {
        "draw": lambda: {} if logs else measured(drawn, folder / "logs", calls),
        "read": lambda: measured(read, folder, logs or [str(folder / "logs")]),
        "count": lambda: measured(counted, folder, engine),
        "weigh": lambda: measured(weighed, folder, engine, sample),
        "sequences": lambda: measured(sequences, folder),
    }
    for name, stage in stages.items():
        if name not in found:
            found[name] = stage()
            figures.write_text(json.dumps(found, indent=1) + "\n")
    return found


def one_night(folder: Path, calls: int, whole: dict[str, Any], engine: str, sample: int) -> dict[str, Any]:
    """New logs read, counted and weighed with all that was kept; what the copies cost is not measured."""
    more = folder / MORE
    shutil.rmtree(more, ignore_errors=True)
    more.mkdir()
    try:
        drawn(more / "logs", calls, first=FIRST_NEW)
        for name in (STORE, COUNTS):
            shutil.copyfile(folder / name, more / name)
        stages = {
            "read": measured(read, more, [str(more / "logs")]),
            "count": measured(counted, more, engine),
            "weigh": measured(weighed, more, engine, sample),
        }
    finally:
        shutil.rmtree(more)
    cpu = sum(found["cpu_s"] for found in stages.values())
    share = cpu / sum(whole[name]["cpu_s"] for name in stages)
    return {**stages, "cpu_s": round(cpu, 1), "share_of_whole": round(share, 4)}


def drawn(out: Path, calls: int, first: int = 0) -> dict[str, Any]:
    """A folder of drawn logs, their sessions numbered from ``first``."""
    shutil.rmtree(out, ignore_errors=True)
    words = [sys.executable, ROOT / "data" / "generate_logs.py", "--calls", calls, "--first", first, "--out", out]
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)
    return {"calls": calls}


def read(folder: Path, logs: list[str]) -> dict[str, Any]:
    """Log files to events."""
    with Store.open(folder / STORE) as store:
        report = store.ingest(logs, max_problem_share=1)
    size = (folder / STORE).stat().st_size
    return {"sessions": report.sessions, "calls": report.calls, "log_mb": report.bytes >> 20, "store_mb": size >> 20}  # fmt: skip  # noqa: E501


def sequences(folder: Path) -> dict[str, Any]:
    """Events to the tool sequences that a hundredth of the sessions have, with at most one call between two steps."""
    with Store.open(folder / STORE, read_only=True) as store:
        seen = read_sequences(store)
    least = max(2, seen.database.sessions // 100)
    limits = SequenceLimits(min_sessions=least, max_gap=1, max_length=6)
    found = mine_sequences(seen.database, limits, times=seen.times)
    return {"calls": len(seen.database.items), "patterns": len(found.patterns)}


def counted(folder: Path, engine: str) -> dict[str, Any]:
    """The stage of mining that goes over every call; its counts are kept for the next stage, and for later runs."""
    with (
        Store.open(folder / STORE, read_only=True) as store,
        load_engine(engine) as place,
        Counts(folder / COUNTS, Recipe().folds) as counts,
    ):
        before = sum(counts.calls(counts.known()).values())
        keys = survey(StoredLogs(store), counts, place)
        calls = sum(counts.calls(keys).values()) - before
    return {
        "calls": calls,
        "kept_before": before,
        "counts_mb": sum(path.stat().st_size for path in folder.glob(f"{COUNTS}*")) >> 20,
    }


def weighed(folder: Path, engine: str, sample: int) -> dict[str, Any]:
    """The sums, and the stages that look at no more than a sample."""
    said: list[str] = []
    with Store.open(folder / STORE, read_only=True) as store:
        recipe = replace(recipe_of(Settings()), engine=engine, sample_calls=sample)
        patterns = mine(StoredLogs(store), recipe, kept=folder / COUNTS, note=said.append)
        calls = sum(row[0] for row in store.query("select calls from sessions"))
    made = {"contexts": len(patterns.contexts), "rules": len(patterns.rules), "bytes": len(pattern_bytes(patterns))}
    return {"calls": calls, **made, "said": said}


def measured(stage: Stage, *arguments: Any) -> dict[str, Any]:
    """A stage in a process of its own: seconds on the clock and of processors, calls a second, peak memory."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    before = processor_seconds()
    process = context.Process(target=_staged, args=(there, stage, arguments))
    began = time.monotonic()
    process.start()
    there.close()
    peak = 0
    try:
        while not here.poll(POLL_SECONDS):
            peak = max(peak, memory(process.pid or 0))
            if not process.is_alive() and not here.poll():
                raise SystemExit(f"the stage {stage.__name__} ended without a result")
        found: dict[str, Any] = here.recv()
    except BaseException:
        process.terminate()  # who stops the measurement stops the stage, and that its workers
        raise
    process.join()
    seconds, cpu = time.monotonic() - began, processor_seconds() - before
    calls = found["calls"]
    speeds = {"calls_per_s": round(calls / seconds), "calls_per_cpu_s": round(calls / cpu)} if calls else {}
    return {**found, "s": round(seconds, 1), "cpu_s": round(cpu, 1), **speeds, "peak_mb": peak >> 20}


def _staged(told: Connection, stage: Stage, arguments: tuple[Any, ...]) -> None:
    told.send(stage(*arguments))


def processor_seconds() -> float:
    """Of children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory(root: int) -> int:
    """Bytes that a process and its descendants hold now."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended meanwhile
            parents.setdefault(parent, []).append(int(folder.name))
    family, held = [root], 0
    while family:
        process = family.pop()
        family += parents.get(process, [])
        held += _held(process)
    return held


def _held(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
