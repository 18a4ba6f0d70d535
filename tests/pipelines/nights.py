"""A process that has loaded what a night needs, forks one for every night it is asked for, and kills it when told to.

Loading takes as long as half of a small night; a campaign of kills pays for it once. When to kill is told in processor
seconds: however busy the machine is, kills fall on all of the night. Where the system does not tell those, the clock
is used.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

LOADED = (
    "miner.evaluation.evaluate",
    "miner.evaluation.overview",
    "miner.evaluation.replay.savings",
    "miner.evaluation.run_folder",
    "miner.export.bundle",
    "miner.mining.mine",
    "pyarrow.parquet",
    "scipy.optimize",
    "sklearn.linear_model",
)
"""Not the database: it starts a thread, and a process with threads must not fork."""
ALLOCATOR = "jemalloc_bg_thd"
"""The one thread that may be there: its library begins it anew after a fork."""
LOOK_SECONDS = 0.003
PROCESSES = Path("/proc")


def serve(settings: str) -> None:
    """A night for each line: after how many processor seconds it is to be killed. One JSON object tells its end."""
    from miner.journey import steps
    from pipelines import nightly, reading

    steps.code_version = reading.code_version = lambda: "pinned"  # the checkout may be edited meanwhile
    for name in LOADED:
        importlib.import_module(name)
    threads = [path.read_text().strip() for path in (PROCESSES / "self" / "task").glob("*/comm")]
    if len([name for name in threads if name != ALLOCATOR]) > 1:
        raise SystemExit(f"a process with threads must not fork: {threads}")
    for line in sys.stdin:
        print(json.dumps(night(lambda: nightly.main(["--settings", settings]), float(line))), flush=True)


def night(main: Any, longest: float) -> dict[str, Any]:
    """Whether it was killed, else its exit code; what it said, and its processor seconds."""
    heard, said = os.pipe()
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        _alone(main, said)
    with contextlib.suppress(PermissionError):
        os.setpgid(process, process)
    os.close(said)
    seconds = 0.0
    ended, status = os.waitpid(process, os.WNOHANG)
    while not ended and seconds < longest:
        time.sleep(LOOK_SECONDS)
        seconds = max(seconds, used(process, began))
        ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
    with os.fdopen(heard, "rb") as pipe:
        words = pipe.read().decode("utf-8", "replace")  # to its end: that of the last process of the night
    code = os.waitstatus_to_exitcode(status) if ended else None
    return {"killed": not ended, "code": code, "said": words, "seconds": seconds}


def _alone(main: Any, said: int) -> NoReturn:
    """The night itself, in a process group of its own."""
    code = 1
    try:
        os.setpgid(0, 0)
        os.dup2(said, sys.stderr.fileno())
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = main()
    finally:
        sys.stderr.flush()
        os._exit(code)


def used(process: int, began: float) -> float:
    """Processor seconds of a process and of those that it started; seconds since it began where nobody tells."""
    if not PROCESSES.exists():
        return time.monotonic() - began
    others: list[str] = []
    for told in (PROCESSES / str(process) / "task").glob("*/children"):
        with contextlib.suppress(OSError):
            others += told.read_text().split()
    return sum(map(_ticks, (str(process), *others))) / os.sysconf("SC_CLK_TCK")


def _ticks(process: str) -> int:
    """Of a process and of its children that have ended."""
    try:
        fields = (PROCESSES / process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0  # it has ended meanwhile
    return sum(map(int, fields[11:15]))


if __name__ == "__main__":
    serve(sys.argv[1])
