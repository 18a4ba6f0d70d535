r"""Scores what miner learns from the public traces of PASTE's authors, on their split and beside their figures.

    python data/paste.py data/runs/paste-traces/traces/my_traces --out data/runs/paste

Seventy files train and thirty are held out, as the authors cut them: names sorted by
``sha256("paste-repro-v1\0" + name)``. Their targets are single URLs, so a visit of several is told as one visit for
each, side by side. At each held-out decision that follows a search and ends in visits, the visits that the bundle
foresees are ranked, and each URL that was really visited counts as found when it is among the first one, three or five
URLs foreseen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from miner.cli import main as miner
from miner.errors import LogError, MinerError
from miner.evaluation.score import moments
from miner.events import Event, SessionLog
from miner.predictors import Predictor
from miner.predictors.shipped import Predictor as Shipped
from miner.store import Store

COMMIT = "83e018557566c78e5d499dae5bfd1a877b66eef2"
FILES, DECISIONS, TARGETS = 100, 34, 88
"""What the traces hold at that commit, by the authors' count of the held-out part."""
PUBLISHED = {1: 17, 3: 38, 5: 49}
"""URLs that the authors' own predictor found among so many, of the 88."""
SEARCH, VISIT = "search", "visit"
_ASKED = 64


@dataclass
class Found:
    """How many of the visited URLs were foreseen."""

    decisions: int = 0
    targets: int = 0
    hits: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PUBLISHED, 0))


def split(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """(training, held out) as the authors cut them."""
    ordered = sorted(files, key=lambda path: hashlib.sha256(b"paste-repro-v1\0" + path.name.encode()).hexdigest())
    cut = len(ordered) * 7 // 10
    return ordered[:cut], ordered[cut:]


def urls_of(arguments: object) -> Iterator[str]:
    """Every URL in the arguments of a call, in order."""
    if isinstance(arguments, str):
        if arguments.startswith(("http://", "https://")):
            yield arguments
    elif isinstance(arguments, dict | list):
        for value in arguments.values() if isinstance(arguments, dict) else arguments:
            yield from urls_of(value)


def score(predictor: Predictor, logs: Iterable[SessionLog]) -> Found:
    """Walk the held-out sessions."""
    found = Found()
    for log in logs:
        walk = predictor.start(log.session)
        for moment in moments(log):
            for event in moment.observed:
                walk.observe(event)
            visited = [asked.event for asked in moment.asked if asked.tool == VISIT]
            if not visited or not any(event.tool == SEARCH for event in moment.observed):
                walk.predict(0)
                continue
            guesses = [guess for guess in walk.predict(_ASKED) if guess.after is None and guess.tool == VISIT]
            ranked = list(dict.fromkeys(url for guess in guesses for url in urls_of(guess.arguments)))
            _count(found, ranked, targets_of(visited))
    return found


def targets_of(visited: Sequence[Event]) -> list[str]:
    """The URLs that were visited, each once."""
    return list(dict.fromkeys(url for event in visited for url in urls_of(json.loads(event.arguments or "{}"))))


def _count(found: Found, ranked: Sequence[str], targets: Sequence[str]) -> None:
    found.decisions += 1
    found.targets += len(targets)
    for most in found.hits:
        found.hits[most] += sum(url in ranked[:most] for url in targets)


def table(found: Found) -> list[str]:
    """The figures beside the published ones, and whether they are of the same targets."""
    lines = [f"{'URL among the first':<22}{'miner':>16}{'published':>18}"]
    for most, hits in found.hits.items():
        here = f"{hits}/{found.targets} = {hits / max(1, found.targets):.1%}"
        there = f"{PUBLISHED[most]}/{TARGETS} = {PUBLISHED[most] / TARGETS:.1%}"
        lines.append(f"{most:<22}{here:>16}{there:>18}")
    counted = f"{found.decisions} decisions, {found.targets} URLs"
    same = (found.decisions, found.targets) == (DECISIONS, TARGETS)
    lines.append(counted if same else f"{counted}: not the {DECISIONS} and {TARGETS} that the figures are of")
    return lines


def taken_apart(line: str) -> str:
    """A line of a trace, with a visit of several URLs as a line for each."""
    event = json.loads(line)
    urls = list(urls_of(event.get("tool_args"))) if event.get("tool_name") == VISIT else []
    if len(urls) < 2:
        return line
    return "".join(json.dumps({**event, "tool_args": {**event["tool_args"], "url": url}}) + "\n" for url in urls)


def rewritten(path: Path, folder: Path) -> Path:
    """The trace with its visits taken apart, under the same name."""
    with path.open(encoding="utf-8") as lines, (folder / path.name).open("w", encoding="utf-8") as copy:
        copy.writelines(taken_apart(line) for line in lines if line.strip())
    return folder / path.name


def learn(traces: Path, out: Path) -> None:
    """Mine the training files into a run folder.

    Raises:
        LogError: there are no traces, or miner refused them.
    """
    train, test = split(traces.glob("*.jsonl"))
    if not train or not test:
        raise LogError("there are too few traces", where=str(traces), next_step="data/README.md says how to fetch them")
    if len(train) + len(test) != FILES:
        print(f"note: {len(train) + len(test)} files, not the {FILES} of commit {COMMIT[:12]}", file=sys.stderr)
    folder = out.with_name(out.name + "-traces")
    folder.mkdir(parents=True, exist_ok=True)
    learnt = [str(rewritten(path, folder)) for path in train]
    held_out = [part for path in test for part in ("--test", str(rewritten(path, folder)))]
    with redirect_stdout(sys.stderr):
        if miner(["run", *learnt, *held_out, "--out", str(out)]):
            raise LogError("miner run failed", where=str(out), next_step="see what it said above")


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, metavar="TRACES")
    parser.add_argument("--out", type=Path, default=Path("data", "runs", "paste"), help="run folder (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        learn(given.traces, given.out)
        with Store.open(given.out / "events.duckdb", read_only=True) as store:
            found = score(Shipped.from_run(given.out), store.session_logs("test"))
    except MinerError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(table(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
