"""How fast frequent sequences are mined, beside other miners on the same input in the same run.

    python benchmarks/sequences.py INPUT --min-support SHARE [--peers prefixspan,spmf] [--rounds 1] [--json]

INPUT has one session a line, item numbers with spaces between them; ``.gz`` is fine. Every miner is a fresh process
that reads the input and ends with all patterns written to a file; its whole time, the time spent mining alone, and
its greatest memory are taken, the fastest round of each counts, and the numbers of patterns must agree. The SPMF
peers need Java and the environment variable SPMF_JAR, or ``spmf.jar`` in the current folder; converting the input to
SPMF's form is not counted. Our first use on a machine compiles, which ``--first-use`` measures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

SPMF = {"spmf": "PrefixSpan", "spmf-cm-spade": "CM-SPADE"}
PEERS = ("prefixspan", *SPMF)


@dataclass(frozen=True, slots=True)
class Measured:
    """One miner's figures."""

    name: str
    patterns: int
    whole_s: float
    mining_s: float | None
    mining_cpu_s: float | None
    cpu_s: float
    peak_mib: float


def read_input(path: Path) -> bytes:
    """The input, unpacked."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def mine_ours(path: Path, share: float, output: Path) -> dict[str, float]:
    """Our engine, from the file to the file."""
    from miner.mining.sequence_database import SequenceDatabase
    from miner.mining.sequence_engines import SearchRequest
    from miner.mining.sequence_engines.miner import search

    database = SequenceDatabase.from_text(read_input(path), str(path))
    started, cpu = time.perf_counter(), time.process_time()
    least = max(1, math.ceil(share * database.sessions - 1e-9))
    tree = search(database, SearchRequest(least=least, budget=20_000_000))
    mining, mining_cpu = time.perf_counter() - started, time.process_time() - cpu
    made: list[str] = []
    names = database.names
    for parent, label in zip(tree.parents.tolist(), tree.labels.tolist(), strict=True):
        made.append(f"{made[parent]} {names[label]}" if parent >= 0 else names[label])
    lines = (f"{text} #SUP: {support}\n" for text, support in zip(made, tree.supports.tolist(), strict=True))
    output.write_text("".join(lines))
    return {"patterns": len(tree), "mining_s": mining, "mining_cpu_s": mining_cpu}


def mine_prefixspan(path: Path, share: float, output: Path) -> dict[str, float]:
    """The package prefixspan."""
    from prefixspan import PrefixSpan

    sessions = [[int(item) for item in line.split()] for line in read_input(path).splitlines()]
    started, cpu = time.perf_counter(), time.process_time()
    found = PrefixSpan(sessions).frequent(max(1, math.ceil(share * len(sessions) - 1e-9)))
    mining, mining_cpu = time.perf_counter() - started, time.process_time() - cpu
    output.write_text("".join(f"{' '.join(map(str, steps))} #SUP: {support}\n" for support, steps in found))
    return {"patterns": len(found), "mining_s": mining, "mining_cpu_s": mining_cpu}


def measure(name: str, command: list[str], output: Path) -> Measured:
    """Runs one miner to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    text = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    whole = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed with exit code {process.returncode}: {' '.join(command)}")
    told = re.search(r'"mining_s": ([\d.e-]+)|Total time ~ (\d+)', text)
    mining = None if told is None else float(told[1]) if told[1] else float(told[2]) / 1000
    told_cpu = re.search(r'"mining_cpu_s": ([\d.e-]+)', text)
    with output.open() as file:
        patterns = sum(1 for _ in file)
    mining_cpu = float(told_cpu[1]) if told_cpu else None
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(name, patterns, whole, mining, mining_cpu, cpu, usage.ru_maxrss / 1024)


def commands(path: Path, share: float, peers: list[str], folder: Path) -> dict[str, list[str]]:
    """How each miner found is started; what is missing is said."""
    output = str(folder / "patterns.txt")
    itself = [sys.executable, __file__, str(path), "--min-support", str(share), "--output", output]
    found = {"miner": [*itself, "--only", "miner"]}
    jar = Path(os.environ.get("SPMF_JAR", "spmf.jar")).resolve()
    for peer in peers:
        if peer == "prefixspan":
            found[peer] = [*itself, "--only", peer]
        elif shutil.which("java") and jar.is_file():
            converted = folder / "input.spmf"
            lines = read_input(path).decode().splitlines()
            converted.write_text("".join(line.replace(" ", " -1 ") + " -1 -2\n" for line in lines if line))
            call = ["java", "-Djava.awt.headless=true", "-jar", str(jar), "run", SPMF[peer], str(converted), output]
            found[peer] = [*call, f"{share * 100:g}%"]
        else:
            print(f"{peer} is left out: it needs Java and SPMF_JAR", file=sys.stderr)
    return found


def report(rows: list[Measured]) -> None:
    """The figures as a table, with how many times slower each peer is."""
    ours = rows[0]
    headings = ("patterns", "whole s", "mining s", "cpu s", "of it mining", "MiB", "x whole", "x cpu")
    print(f"{'miner':<14}" + "".join(f"{heading:>13}" for heading in headings))
    for row in rows:
        figures = (
            f"{row.patterns:,}",
            f"{row.whole_s:.2f}",
            "-" if row.mining_s is None else f"{row.mining_s:.3f}",
            f"{row.cpu_s:.2f}",
            "-" if row.mining_cpu_s is None else f"{row.mining_cpu_s:.3f}",
            f"{row.peak_mib:.0f}",
            f"{row.whole_s / ours.whole_s:.1f}",
            f"{row.cpu_s / ours.cpu_s:.1f}",
        )
        print(f"{row.name:<14}" + "".join(f"{figure:>13}" for figure in figures))
    for row in rows[1:]:
        if ours.mining_s:
            print(f"{row.name}: its whole process takes {row.whole_s / ours.mining_s:.0f} times our mining alone")


def first_use(path: Path, share: float) -> float:
    """Seconds of a run that finds no stored machine code."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MINER_CACHE_DIR": folder}
        output = str(Path(folder) / "patterns.txt")
        command = [sys.executable, __file__, str(path), "--min-support", str(share), "--only", "miner", "--output"]
        started = time.perf_counter()
        subprocess.run([*command, output], check=True, env=environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started


def main() -> int:
    """Reads the command line; 1 when two miners disagree on the number of patterns."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("input", type=Path)
    parser.add_argument("--min-support", type=float, required=True, help="share of sessions, above 0 and at most 1")
    parser.add_argument("--peers", default="", help="comma-separated: " + ", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--first-use", action="store_true", help="also measure a run without stored machine code")
    parser.add_argument("--only", choices=("miner", "prefixspan"), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if not 0 < chosen.min_support <= 1:
        parser.error("--min-support is a share: above 0 and at most 1")
    peers = [peer for peer in chosen.peers.split(",") if peer]
    if unknown := set(peers) - set(PEERS):
        parser.error(f"unknown peer {sorted(unknown)[0]}; known: {', '.join(PEERS)}")
    if chosen.only:
        mine = mine_ours if chosen.only == "miner" else mine_prefixspan
        print(json.dumps(mine(chosen.input, chosen.min_support, chosen.output)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = commands(chosen.input, chosen.min_support, peers, folder)
        output = folder / "patterns.txt"
        rounds = [[measure(one, command, output) for one, command in runs.items()] for _ in range(chosen.rounds)]
    rows = [min(same, key=lambda row: row.whole_s) for same in zip(*rounds, strict=True)]
    figures: dict[str, object] = {"miners": [asdict(row) for row in rows]}
    if chosen.first_use:
        figures["first_use_s"] = first_use(chosen.input, chosen.min_support)
    if chosen.json:
        print(json.dumps(figures, indent=2))
    else:
        report(rows)
        if chosen.first_use:
            print(f"first use, with compiling: {figures['first_use_s']:.1f} s")
    return 0 if len({row.patterns for row in rows}) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
