"""Session time with and without ``miner proxy``, live: a real MCP server, real processes, recorded think times.

    python benchmarks/live.py [--sessions FILE --bundle RUN --policy FILE -- COMMAND...] [--scale 0.2] [--rounds 3]

FILE holds one session a line: ``[[seconds of thinking, tool, arguments], …]``. Each is replayed against the server
alone and behind the proxy, in turns (A B A B), with its think times scaled; a second series without the proxy (A/A)
shows the noise. Without options, made-up sessions of the test server, whose tools take 0.2 s, show that it works: a
demonstration, no claim about anybody's workload.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

Session = list[tuple[float, str, dict[str, Any]]]
MADE_UP: list[Session] = [
    [(1.0, "find", {}), (2.0, "open", {"path": "a.txt"}), (1.5, "open", {"path": "b.txt"})],
    [(1.0, "find", {}), (2.5, "open", {"path": "b.txt"}), (0.5, "write", {"path": "a.txt", "text": "x"})],
]


def replay(command: list[str], session: Session, scale: float) -> float:
    """Seconds of a session, from its first thought to its last answer."""
    from benchmarks.proxy import Server

    server = Server(command)
    start = time.perf_counter()
    for think, tool, arguments in session:
        time.sleep(think * scale)
        server.call(tool, **arguments)
    took = time.perf_counter() - start
    server.close()
    return took


def measure(alone: list[str], behind: list[str], sessions: list[Session], scale: float, rounds: int) -> dict[str, Any]:
    """Seconds of every session in turns, and what became of its calls."""
    times: dict[str, list[float]] = {"alone": [], "behind": [], "alone again": []}
    for _ in range(rounds):
        for session in sessions:
            for name, command in (("alone", alone), ("behind", behind), ("alone again", alone)):
                times[name].append(replay(command, session, scale))
    reduction = [1 - b / a for a, b in zip(times["alone"], times["behind"], strict=True)]
    noise = [1 - b / a for a, b in zip(times["alone"], times["alone again"], strict=True)]
    return {
        "tier": "live",
        "sessions": len(sessions),
        "rounds": rounds,
        "scale": scale,
        "seconds": {name: round(sum(series), 3) for name, series in times.items()},
        "reduction": round(statistics.fmean(reduction), 4),
        "reduction_ci": interval(reduction),
        "noise": round(statistics.fmean(noise), 4),
        "noise_ci": interval(noise),
    }


def interval(values: list[float]) -> list[float]:
    """95 % by bootstrap over sessions."""
    rng = random.Random(7)
    means = sorted(statistics.fmean(rng.choices(values, k=len(values))) for _ in range(1_000))
    return [round(means[25], 4), round(means[974], 4)]


def calls_of(ledger: Path) -> dict[str, int]:
    """How calls were answered, and early runs that nobody asked for."""
    counts: Counter[str] = Counter()
    for line in ledger.read_text().splitlines() if ledger.exists() else ():
        entry = json.loads(line)
        if entry["kind"] == "call":
            counts[entry["how"]] += 1
        counts["launched"] += entry["kind"] == "launched"
        counts["wasted"] += bool(entry.get("wasted"))
    return dict(counts)


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=Path)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--scale", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone, behind = commands(options, folder)
        lines = options.sessions.read_text().splitlines() if options.sessions else []
        sessions = [[tuple(step) for step in json.loads(line)] for line in lines] or MADE_UP
        figures = measure(alone, behind, sessions, options.scale, options.rounds)
        print(json.dumps({**figures, "calls": calls_of(folder / "ledger.jsonl")}, indent=2))


def commands(options: argparse.Namespace, folder: Path) -> tuple[list[str], list[str]]:
    """Starts the server alone, and behind the proxy."""
    import benchmarks.proxy

    alone, behind = benchmarks.proxy.commands(folder)
    alone += ["--delay", "0.2"]
    if options.command:
        alone = options.command
    own = behind[: behind.index("--")]
    for flag, value in (("--bundle", options.bundle), ("--policy", options.policy)):
        if value:
            own[own.index(flag) + 1] = str(value)
    return alone, [*own, "--ledger", str(folder / "ledger.jsonl"), "--", *alone]


if __name__ == "__main__":
    main()
