"""New logs against the published bundle: is what it predicts still what is asked for, pattern by pattern?

Only sessions that the published run did not hold are looked at. The test may be looked at after every decision: the
chance of ever raising a false alarm stays below ``drift.alpha``. Exit code 3 when the promise is broken; the report
is ``drift.json`` in the home, with a row for each pattern.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miner.errors import RunFolderError
from miner.evaluation.run_folder import open_store
from miner.evaluation.score import MOST, identity_of
from miner.events import SessionLog
from miner.export.twin import form_text
from miner.journey.folder import open_run, write_whole
from miner.journey.outcome import BUNDLE
from miner.mining.decisions import decisions
from miner.predictors.shipped import Predictor
from miner.runtime.bundle import Bundle, load_bundle
from miner.runtime.canonical import call_identity
from miner.runtime.drift import Drift
from miner.runtime.speculation import Speculation
from pipelines.home import REQUEST, Home, opened, read_json, same_sources
from pipelines.nightly import Facts, guarded, parser, say
from pipelines.reading import read
from pipelines.settings import PipelineSettings

REPORT = "drift.json"
_WORK = "drift"
Settled = list[tuple[int | None, float, bool]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one check for drift."""
    chosen = parser(__doc__).parse_args(arguments)
    return guarded("drift", chosen.settings, check)


def check(settings: PipelineSettings) -> Facts:
    """Read what is new beside the published run, and hold its bundle to its promise there."""
    with opened(Path(settings.nightly.home)) as home:
        published = home.published
        if published is None:
            raise RunFolderError(
                "nothing is published yet", where=str(home.path), next_step="run python -m pipelines.nightly first"
            )
        work = home.path / _WORK
        try:
            found = _compared(work, published, settings)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        _write(home, found)
        return found


def _compared(work: Path, published: Path, settings: PipelineSettings) -> Facts:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    if same_sources(read_json(published / REQUEST), settings.nightly.sources):
        shutil.copyfile(published / "events.duckdb", work / "events.duckdb")
    with open_run(work) as folder:
        say("reading logs")
        read_now = read(folder, settings.nightly.sources, (), settings)
    with open_store(published) as store:
        known = {session.key for session in store.sessions()}
    bundle = load_bundle(published / BUNDLE)
    with open_store(work) as store:
        fresh = (log for log in store.session_logs() if log.session.key not in known)
        tested = examine(bundle, fresh, settings)
    status = "drifted" if tested["broken"] else "kept" if tested["sessions"] else "nothing_new"
    reasons = [_said(tested)] if tested["broken"] else []
    return {
        "format": 1,
        "pipeline": "drift",
        "status": status,
        "exit_code": 3 if tested["broken"] else 0,
        "reasons": reasons,
        "current": published.name,
        "bundle": bundle.digest,
        "read": read_now,
        **tested,
    }


@dataclass(slots=True)
class Tally:
    """What became of one pattern's predictions."""

    predicted: int = 0
    promised: float = 0.0
    asked: int = 0


def examine(bundle: Bundle, logs: Iterator[SessionLog], settings: PipelineSettings) -> Facts:
    """Walk sessions with a bundle as a runtime would, and test its promise; a row for each pattern that spoke."""
    test = Drift(settings.drift.tolerance, settings.drift.alpha)
    tallies: dict[int | None, Tally] = defaultdict(Tally)
    sessions, broken_at = 0, None
    for log in logs:
        sessions += 1
        for settled in _walked(bundle, log, settings):
            for pattern, probability, asked in settled:
                tally = tallies[pattern]
                tally.predicted, tally.promised = tally.predicted + 1, tally.promised + probability
                tally.asked += asked
            if test.settle(settled) and broken_at is None:
                broken_at = test.overall.decisions
    overall = test.overall
    return {
        "sessions": sessions,
        "decisions": overall.decisions,
        "predicted": sum(tally.predicted for tally in tallies.values()),
        "promised": round(sum(tally.promised for tally in tallies.values()), 6),
        "asked": overall.asked,
        "broken": broken_at is not None,
        "broken_at_decision": broken_at,
        "log_wealth": round(overall.log_value, 6),
        "retired": len(test.retired),
        "patterns": [_row(bundle, test, pattern, tally) for pattern, tally in _most_first(tallies)],
    }


def _walked(bundle: Bundle, log: SessionLog, settings: PipelineSettings) -> Iterator[Settled]:
    """At each decision what was worth starting: (pattern, probability, asked for)."""
    walk = Predictor(bundle).start(log.session)
    gate = bundle.patterns.gate / 1_000_000
    ignored = settings.evaluation.ignored_arguments
    for decision in decisions(log):
        for event in decision.observed:
            walk.observe(event)
        guesses = [guess for guess in walk.predict(MOST) if guess.after is None and guess.probability >= gate]
        asked = {identity_of(call, ignored) for call in decision.calls}
        yield [(guess.pattern, guess.probability, _came(guess, asked, ignored)) for guess in guesses]


def _came(guess: Speculation, asked: set[str | None], ignored: Mapping[str, tuple[str, ...]]) -> bool:
    left = {name: value for name, value in guess.arguments.items() if name not in ignored.get(guess.tool, ())}
    try:
        return call_identity(guess.tool, left) in asked
    except (ValueError, TypeError, RecursionError):
        return False  # bound against odd values, it is no call that anybody could make


def _most_first(tallies: Mapping[int | None, Tally]) -> list[tuple[int | None, Tally]]:
    return sorted(tallies.items(), key=lambda item: (-item[1].predicted, -1 if item[0] is None else item[0]))


def _row(bundle: Bundle, test: Drift, pattern: int | None, tally: Tally) -> dict[str, Any]:
    return {
        "pattern": pattern,
        "is": "a repeated call" if pattern is None else form_text(bundle.patterns.forms[pattern]),
        "predicted": tally.predicted,
        "promised_precision": round(tally.promised / tally.predicted, 6),
        "precision": round(tally.asked / tally.predicted, 6),
        "retired": test.is_retired(pattern),
    }


def _said(tested: Mapping[str, Any]) -> str:
    return (
        f"the promise is broken at decision {tested['broken_at_decision']}: {tested['asked']} of {tested['predicted']} "
        f"speculations were asked for, {tested['promised']:.1f} were promised"
    )


def _write(home: Home, found: Mapping[str, Any]) -> None:
    write_whole(home.path / REPORT, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
