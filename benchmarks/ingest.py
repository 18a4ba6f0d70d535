"""Reading and storing logs, beside the least that any reader of JSON Lines must do: unpack, split, parse.

    python benchmarks/ingest.py [LOGS...] [--rounds N] [--most-ratio R] [--most-memory-mb M]

The yardstick runs on one core: gunzip, split at line ends, ``orjson.loads`` of every line. Both sides start as
fresh processes in turn, several times; the fastest round of each counts, since whatever else the machine does only
ever adds. Two ratios are printed: of time on the clock, which a busy machine distorts and in which several cores count
in our favour, and of processor time of all processes, in which they do not. Ends with 1 when the first ratio or the
memory (all processes together) is above what was asked for.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

REAL_LOGS = Path(__file__).resolve().parents[2] / "shared" / "logs" / "claude_code"
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Round:
    """One measured run."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    outcome: str


def yardstick(paths: list[Path]) -> str:
    """Parse every line of every log and throw it away."""
    import orjson

    from miner.store.discovery import discover

    lines = broken = size = 0
    for path in discover(paths).files:
        import gzip

        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        size += len(data)
        for line in data.split(b"\n"):
            if not line.strip():
                continue
            lines += 1
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError:
                broken += 1
    return f"{lines} lines, {broken} of them not JSON, {size / 1e6:.1f} MB"


def read_and_store(paths: list[Path]) -> str:
    """Ingest into a new store and close it."""
    from miner.store import Store

    with tempfile.TemporaryDirectory() as folder:
        with Store.open(Path(folder) / "events.duckdb") as store:
            report = store.ingest(paths)
        stored = (Path(folder) / "events.duckdb").stat().st_size
    return (
        f"{report.sessions} sessions, {report.events} events, {report.calls} calls, {report.problems} problems, "
        f"{report.bytes / 1e6:.1f} MB read, {stored / 1e6:.1f} MB stored"
    )


def measured(work: str, paths: list[Path]) -> Round:
    """Run a piece of work in a fresh process and watch it and its children."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(work, paths, sender))
    process.start()
    sender.close()  # so that a child that dies ends the wait below
    peak = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_SECONDS):
            peak = max(peak, _resident_mb(process.pid or 0))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        seconds, cpu_seconds, outcome = receiver.recv()
        process.join()
    except EOFError:
        process.join()
        sys.exit(f"the process for {work} ended with code {process.exitcode} and without a result")
    finally:
        done.set()
        watcher.join()
    return Round(seconds, cpu_seconds, peak, outcome)


def _run(work: str, paths: list[Path], sender: multiprocessing.connection.Connection) -> None:
    started = time.perf_counter()
    outcome = {"yardstick": yardstick, "read_and_store": read_and_store}[work](paths)
    seconds = time.perf_counter() - started
    own, children = os.times()[:2], os.times()[2:4]
    sender.send((seconds, sum(own) + sum(children), outcome))


def _resident_mb(root: int) -> float:
    """Resident memory of a process and everything below it; pages that two of them share count twice."""
    total, family = 0, [root]
    while family:
        process = family.pop()
        try:
            for task in Path(f"/proc/{process}/task").iterdir():
                family.extend(int(child) for child in (task / "children").read_text().split())
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("logs", nargs="*", type=Path, default=[REAL_LOGS])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each side (default: %(default)s)")
    parser.add_argument("--most-ratio", type=float, default=4.0)
    parser.add_argument("--most-memory-mb", type=float, default=1000.0)
    chosen = parser.parse_args()
    rounds: dict[str, list[Round]] = {"yardstick": [], "read_and_store": []}
    for number in range(chosen.rounds):
        for work, runs in rounds.items():
            runs.append(measured(work, chosen.logs))
            now = runs[-1]
            figures = f"{now.seconds:6.2f} s  {now.cpu_seconds:6.2f} CPU s  {now.peak_mb:5.0f} MB"
            print(f"round {number + 1}  {work:15} {figures}")
    best = {work: min(runs, key=lambda run: run.seconds) for work, runs in rounds.items()}
    least, ours = best["yardstick"], best["read_and_store"]
    ratio = ours.seconds / least.seconds
    cpu = {work: min(run.cpu_seconds for run in runs) for work, runs in rounds.items()}
    peak = max(run.peak_mb for run in rounds["read_and_store"])
    print(f"\nyardstick (one core):     {least.seconds:.2f} s: {least.outcome}")
    print(f"read and store ({len(os.sched_getaffinity(0))} cores): {ours.seconds:.2f} s: {ours.outcome}")
    print(f"ratio {ratio:.2f} of time, at most {chosen.most_ratio:g}")
    print(f"ratio {cpu['read_and_store'] / cpu['yardstick']:.2f} of processor time, over all cores")
    print(f"peak memory {peak:.0f} MB, at most {chosen.most_memory_mb:g}")
    return int(ratio > chosen.most_ratio or peak > chosen.most_memory_mb)


if __name__ == "__main__":
    sys.exit(main())
