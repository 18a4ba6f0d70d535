"""Make the sample logs: scripted agents at work with real tools, written in three formats.

Usage: ``python3 data/generate.py [--out data/sample] [--seed 7] [--sessions 40]``, in an environment with pytest.
What the agents do follows from the seed; how long their tools take is measured, so it differs from run to run.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripted import coding, logs, research, service
from scripted.desk import Desk
from scripted.library import Library
from scripted.transcript import Transcript

HERE = Path(__file__).resolve().parent
FIRST_DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def start_times(seed: str, count: int) -> list[int]:
    """When sessions begin, in microseconds: on working days, in working hours, in order."""
    chance = random.Random(seed)
    days = [day for day in range(40) if (FIRST_DAY + timedelta(days=day)).weekday() < 5]
    moments = (
        FIRST_DAY + timedelta(days=chance.choice(days), seconds=chance.uniform(0, 9 * 3600)) for _ in range(count)
    )
    return sorted(round(moment.timestamp() * 1e6) for moment in moments)


def generate(out: Path, seed: str, sessions: int) -> dict[str, tuple[int, int]]:
    """Write the three sets and return, for each, its sessions and calls."""
    made: dict[str, list[Transcript]] = {}
    with tempfile.TemporaryDirectory(prefix="shop-") as scratch:
        folder = Path(scratch)
        made["claude_code"] = []
        for number, start in enumerate(start_times(f"{seed}/coding", sessions)):
            workspace = folder / str(number)
            workspace.mkdir()
            made["claude_code"].append(coding.session(f"{seed}/coding/{number}", start, workspace))
        desk = Desk(folder, f"{seed}/desk")
        times = start_times(f"{seed}/service", sessions)
        made["messages"] = [service.session(f"{seed}/service/{n}", start, desk) for n, start in enumerate(times)]
    with Library(f"{seed}/library") as library:
        times = start_times(f"{seed}/research", sessions)
        made["otlp"] = [research.session(f"{seed}/research/{n}", start, library) for n, start in enumerate(times)]
    shutil.rmtree(out, ignore_errors=True)
    for transcript in made["claude_code"]:
        logs.write_claude_code(transcript, out / "claude_code" / "projects")
    logs.write_messages(made["messages"], out / "messages" / "service-desk.jsonl")
    logs.write_spans(made["otlp"], out / "otlp" / "research-traces.jsonl")
    return {name: (len(group), sum(map(logs.count_calls, group))) for name, group in made.items()}


def main() -> None:
    """Read the options, generate, and say what was made."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=HERE / "sample", help="folder to be replaced (data/sample)")
    parser.add_argument("--seed", default="7", help="what the agents do follows from it (7)")
    parser.add_argument("--sessions", type=int, default=40, help="sessions of each format (40)")
    options = parser.parse_args()
    for name, (sessions, calls) in generate(options.out, options.seed, options.sessions).items():
        print(f"{name}: {sessions} sessions, {calls} calls")
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {size:,} bytes")


if __name__ == "__main__":
    main()
