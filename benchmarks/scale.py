"""Calls read and mined per second of processor time, and peak memory, on logs of one's own.

``python3 dev.py bench scale LOGS...``; one row for reading and one for mining. Processor time counts all worker
processes, so that the figures hold on a busy machine; divide by the cores for what one night takes.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from miner.journey.recipe import recipe_of
from miner.mining.mine import mine
from miner.settings import Settings
from miner.store import Store

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


def main(paths: list[str]) -> int:
    """Measure, and print one JSON object."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "events.duckdb") as store:
        report, reading = timed(lambda: store.ingest(paths or [SAMPLE], max_problem_share=1))
        patterns, mining = timed(lambda: mine(store.session_logs, recipe_of(Settings()), lambda _: None))
    calls = report.calls
    found = {
        "sessions": report.sessions,
        "calls": calls,
        "bytes": report.bytes,
        "read": row(calls, reading),
        "mine": {**row(calls, mining), "contexts": len(patterns.contexts), "rules": len(patterns.rules)},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(found, indent=1))
    return 0


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """A result, and the processor seconds of this process and of its workers."""
    began = processor_seconds()
    return work(), processor_seconds() - began


def processor_seconds() -> float:
    """Of this process, and of its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def row(calls: int, seconds: float) -> dict[str, float]:
    """Seconds, and calls a second."""
    return {"cpu_s": round(seconds, 2), "calls_per_cpu_s": round(calls / seconds)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
