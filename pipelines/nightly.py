"""Every night: read what is new, mine, score, and publish the bundle unless a gate says no.

One JSON object on stdout and in ``summary.json``. Exit codes: 0 published or nothing new, 1 failed, 2 wrong settings,
3 refused by a gate, 75 another one is at work. Killed at any point, the next start completes the run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from miner.errors import MinerError, UsageError
from miner.journey.folder import open_run
from miner.journey.forgetting import forget_sessions
from miner.journey.outcome import BUNDLE, Journey
from miner.journey.steps import whole_journey
from miner.runtime.bundle import load_bundle
from pipelines.gates import judge
from pipelines.home import REQUEST, BusyError, Home, opened, read_json, same_sources
from pipelines.reading import is_new, read, refuse_only_broken
from pipelines.settings import DEFAULT_FILE, PipelineSettings, load

EXIT_CODES = {"published": 0, "nothing_new": 0, "kept": 0, "failed": 1, "refused": 3, "drifted": 3, "busy": 75}
WRONG_SETTINGS = 2
Facts = dict[str, Any]
Work = Callable[[Home, Path, Mapping[str, Any], PipelineSettings], Facts]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one night."""
    chosen = parser(__doc__).parse_args(arguments)
    return guarded("nightly", chosen.settings, lambda settings: night("nightly", settings))


def night(
    pipeline: str,
    settings: PipelineSettings,
    archives: Sequence[str] = (),
    *,
    afresh: bool = False,
    forgotten: Sequence[str] = (),
) -> Facts:
    """One run, from the last one's state to the pointer; what it came to."""
    with opened(Path(settings.nightly.home)) as home:
        run = _resumed(home, settings, archives, forgotten)
        if run is None:
            seed = None if afresh else _seed(home, settings)
            request = {
                "pipeline": pipeline,
                "sources": list(settings.nightly.sources),
                "archives": list(archives),
                "seed": seed and seed.name,
                "forgotten": list(forgotten),
            }
            run = home.begin(request, seed)
        return finished(home, run, settings, build)


def build(home: Home, run: Path, request: Mapping[str, Any], settings: PipelineSettings) -> Facts:
    """Read, mine, score and judge a run, and point to it when nothing stands against that."""
    seed = home.runs / request["seed"] if request["seed"] else None
    with open_run(run) as folder:
        say("reading logs")
        found = read(folder, settings.nightly.sources, request["archives"], settings)
        refuse_only_broken(found, seed)
        if forgotten := request.get("forgotten"):
            forget_sessions(folder, forgotten, settings, say)
        if not is_new(folder, seed, settings):
            return {"status": "nothing_new", "read": found}
        journey = whole_journey(folder, settings, say, Journey(run))
    published = home.published
    say("judging it")
    verdict = judge(run, journey.evaluation, published if published != run else None, settings)
    # What a person asked to be forgotten must not be served on, however the bundle compares.
    published_now = bool(forgotten) or not verdict.reasons
    if published_now:
        home.publish(run)
    if verdict.not_compared:
        say(verdict.not_compared)
    bundle = load_bundle(run / BUNDLE)
    return {
        "status": "published" if published_now else "refused",
        "reasons": verdict.reasons,
        "read": found,
        "did": journey.done,
        "notes": journey.notes,
        "bundle": {"digest": bundle.digest, "bytes": bundle.size, "patterns": bundle.pattern_count},
        "figures": verdict.figures,
        "compared_with": published.name if published and verdict.comparison else None,
        "not_compared": verdict.not_compared,
        "comparison": verdict.comparison,
    }


def finished(home: Home, run: Path, settings: PipelineSettings, work: Work) -> Facts:
    """Do a run's work and write its summary, whatever came of it."""
    request = read_json(run / REQUEST)
    began = _now()
    try:
        facts = work(home, run, request, settings)
    except (MinerError, OSError) as error:
        facts = {"status": "failed", "reasons": [_what(error)], "error": _error(error)}
    status = facts["status"]
    summary = {"format": 1, "pipeline": request["pipeline"], "run": run.name, "began": began, "ended": _now(), **facts}
    try:
        current = home.published
        summary |= {"current": current and current.name, "exit_code": EXIT_CODES[status]}
        home.finish(run, summary, full=status in ("published", "refused"))
        summary["retired"] = home.retain(1 if request.get("forgotten") else settings.nightly.keep)
    except (MinerError, OSError) as error:
        summary |= {"status": "failed", "exit_code": 1, "reasons": [_what(error)], "error": _error(error)}
        if status == "failed":
            shutil.rmtree(run, ignore_errors=True)  # a full disk: what the run holds is of no use to the next
    return summary


def guarded(pipeline: str, path: Path, work: Callable[[PipelineSettings], Facts]) -> int:
    """Load settings, work, print the summary for a scheduler, and give its exit code."""
    try:
        summary = work(load(path))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_SETTINGS
    except (MinerError, OSError) as error:
        status = "busy" if isinstance(error, BusyError) else "failed"
        summary = {"format": 1, "pipeline": pipeline, "status": status, "reasons": [_what(error)]}
        summary |= {"error": _error(error), "exit_code": EXIT_CODES[status]}
    print(json.dumps(summary, indent=1, ensure_ascii=False))
    for reason in summary.get("reasons", ()):
        say(f"{summary['status']}: {reason}")
    return int(summary["exit_code"])


def parser(text: str | None) -> argparse.ArgumentParser:
    """The arguments that every pipeline takes."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--settings", type=Path, default=DEFAULT_FILE, help="TOML file; see pipelines/settings.toml")
    return made


def say(text: str) -> None:
    """Tell on stderr what is going on."""
    print(text, file=sys.stderr, flush=True)


def _resumed(home: Home, settings: PipelineSettings, archives: Sequence[str], forgotten: Sequence[str]) -> Path | None:
    """The run that was killed, when it is still what is wanted; else it is dropped."""
    run = home.unfinished()
    if run is None:
        return None
    request = read_json(run / REQUEST)
    is_wanted = set(archives) <= set(request.get("archives", ())) and set(forgotten) <= set(
        request.get("forgotten", ())
    )
    if is_wanted and list(settings.nightly.sources) == request.get("sources"):
        say(f"completing run {run.name}")
        return run
    shutil.rmtree(run)
    return None


def _seed(home: Home, settings: PipelineSettings) -> Path | None:
    """The run to start from: the last full one, unless it holds logs that are no longer named."""
    seed = home.last_full()
    return seed if seed and same_sources(read_json(seed / REQUEST), settings.nightly.sources) else None


def _what(error: MinerError | OSError) -> str:
    return error.what if isinstance(error, MinerError) else error.strerror or str(error)


def _error(error: MinerError | OSError) -> dict[str, str | None]:
    if isinstance(error, MinerError):
        return {"kind": type(error).__name__, "what": error.what, "where": error.where, "next": error.next_step}
    return {"kind": type(error).__name__, "what": _what(error), "where": error.filename, "next": None}


def _now() -> str:
    """For people to read; nothing is ordered by it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
