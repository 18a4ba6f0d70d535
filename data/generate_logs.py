"""Make logs of any size that resemble real ones: ``python3 data/generate_logs.py --calls N --out DIR [--seed S]``.

Sessions are drawn from numbers fitted to real logs (``data/fitted/numbers.json``; how: ``data/fitted/fit.py``): half
of the calls in coding sessions, one Claude Code file each, and half in service conversations, message lists with a
thousand sessions in a file. The same seed gives the same bytes, on any number of processes.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fitted.formats import PEOPLE, claude_code, messages
from fitted.profile import SIZE, Profile, profiles
from fitted.session import session

SESSIONS_A_FILE = 1000
SESSIONS_A_FOLDER = 4000
"""A folder with a hundred thousand files is slow to list."""
SESSIONS_A_SHARD = 500
CODING, SERVICE = "coding", "service"
SECONDS = 336 * 86_400
"""The sessions begin in the course of a year."""


class Shard(NamedTuple):
    """Sessions that are written together."""

    profile: str
    first: int
    calls: tuple[int, ...]
    """Of each session."""


@cache
def known() -> dict[str, Profile]:
    """The profiles, once a process."""
    return profiles()


def shards(profile: Profile, calls: int, seed: str, first: int = 0) -> Iterator[Shard]:
    """Sessions of a profile that hold so many calls together, numbered from ``first``; the last one is cut short."""
    chance = random.Random(f"{seed}/{profile.name}")
    size = SESSIONS_A_FILE if profile.name == SERVICE else SESSIONS_A_SHARD
    while calls:
        lengths: list[int] = []
        while calls and len(lengths) < size:
            lengths.append(min(calls, max(1, profile.calls[int(chance.random() * SIZE)])))
            calls -= lengths[-1]
        yield Shard(profile.name, first, tuple(lengths))
        first += len(lengths)


def write(shard: Shard, seed: str, out: Path) -> tuple[int, int]:
    """Write a shard; its sessions and bytes."""
    profile = known()[shard.profile]
    written = 0
    texts = []
    for number, calls in enumerate(shard.calls, shard.first):
        name = f"{seed}/{shard.profile}/{number}"
        began = random.Random(f"{name}/began").random() * SECONDS
        steps = session(profile, name, calls)
        if shard.profile == SERVICE:
            texts.append(messages(number, int(number / profile.sessions_of_a_task), began, steps))
        else:
            folder = out / CODING / f"{number // SESSIONS_A_FOLDER:04}-app-{number % PEOPLE}"
            folder.mkdir(parents=True, exist_ok=True)
            data = claude_code(number, began, steps).encode("ascii")
            (folder / f"{number:08x}-0000-4000-8000-000000000000.jsonl").write_bytes(data)
            written += len(data)
    if texts:
        path = out / SERVICE / f"{shard.first // SESSIONS_A_FILE:06}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(texts).encode("ascii")
        path.write_bytes(data)
        written += len(data)
    return len(shard.calls), written


def generate(out: Path, calls: int, seed: str, processes: int = 1, first: int = 0) -> tuple[int, int]:
    """Write logs with so many calls, sessions numbered from ``first``; their sessions and bytes."""
    halves = {CODING: calls - calls // 2, SERVICE: calls // 2}
    todo = [shard for name, half in halves.items() for shard in shards(known()[name], half, seed, first)]
    if processes < 2 or len(todo) < 2:
        done = [write(shard, seed, out) for shard in todo]
    else:
        with ProcessPoolExecutor(processes) as pool:
            done = list(pool.map(write, todo, [seed] * len(todo), [out] * len(todo)))
    return sum(sessions for sessions, _ in done), sum(size for _, size in done)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, generate, and say what was made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", default="1")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first session: sessions of logs to be joined"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    if chosen.calls < 0 or chosen.first < 0 or (chosen.out.exists() and any(chosen.out.iterdir())):
        parser.error("--calls and --first must not be negative, and --out must be a new or an empty folder")
    began = time.monotonic()
    sessions, size = generate(chosen.out, chosen.calls, chosen.seed, chosen.processes, chosen.first)
    seconds = time.monotonic() - began
    print(
        f"{chosen.calls} calls in {sessions} sessions, {size / 1e6:.1f} MB, {chosen.calls / seconds:.0f} calls a second"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
