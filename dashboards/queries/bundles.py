"""What is in a bundle, how it differs from another, what its policy allows, and whether new logs still fit it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboards.queries.folder import Run, events_of, find_run
from dashboards.queries.walks import bundle_of

if TYPE_CHECKING:
    from miner.events import SessionLog
    from miner.runtime.bundle import Bundle

MOST_DRIFT_SESSIONS = 500


def facts(run: Run) -> dict[str, Any]:
    """The bundle in figures."""
    bundle = bundle_of(run)
    return {
        "digest": bundle.digest,
        "bytes": bundle.size,
        "version": ".".join(map(str, bundle.version)),
        "audience": bundle.audience,
        "patterns": bundle.pattern_count,
        "rules": len(bundle.patterns.rules),
        "tools": len(bundle.patterns.tools()),
        "contexts": len(bundle.patterns.contexts),
        "gate": bundle.patterns.gate / 1e6,
        "held_back": dict(bundle.held_back),
        "created_from": dict(bundle.created_from),
    }


def size_rows(run: Run) -> list[dict[str, Any]]:
    """How many bytes each part of the bundle takes."""
    document = json.loads((run.path / "bundle.json").read_bytes())
    rows = [
        {"part": name.replace("_", " "), "bytes": len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))}
        for name, value in document.items()
    ]
    return sorted(rows, key=lambda row: (-row["bytes"], row["part"]))


def tool_rows(run: Run) -> list[dict[str, Any]]:
    """Each tool of the bundle: its forms, its held-out figures, and what the starter policy lets be done early."""
    from miner.evaluation.replay.permits import default_permits
    from miner.events import Session

    bundle = bundle_of(run)
    with events_of(run) as store:
        writers = store.query("select distinct reader, agent from sessions order by all")
    policy = default_permits([Session("", reader, "", agent=agent) for reader, agent in writers]).policy
    scored = {row[0]: row[1:] for row in bundle.metrics.get("by_tool", ())}
    rows = []
    for tool in bundle.patterns.tools():
        rule = policy.rule(tool)
        calls, *shares = scored.get(tool, (0, None, None))
        first, five = (None if share is None or share < 0 else share / 1e6 for share in shares)
        seconds = bundle.patterns.seconds.get(tool)
        rows.append(
            {
                "tool": tool,
                "early": str(rule.level) if tool in policy.tools else "not listed: never",
                "effect": str(rule.effect) if tool in policy.tools else "unknown",
                "forms": sum(form.tool == tool for form in bundle.patterns.forms),
                "held-out calls": calls,
                "exact top 1": first,
                "exact top 5": five,
                "median s": None if seconds is None else seconds / 1000,
            }
        )
    return sorted(rows, key=lambda row: (-row["held-out calls"], row["tool"]))


def differences(run: Run, other: str) -> dict[str, Any]:
    """What another bundle (a file, or a run folder) has that this one has not, and the other way round."""
    from miner.runtime.bundle import load_bundle
    from miner.runtime.errors import BundleError

    path = Path(other).expanduser()
    try:
        before = bundle_of(find_run(path)) if path.is_dir() else load_bundle(path)
    except BundleError as error:
        from miner.errors import RunFolderError

        raise RunFolderError(
            f"the other bundle is refused: {error}", where=str(path), next_step="name a bundle.json or a run folder"
        ) from error
    after = bundle_of(run)
    old, new = _texts(before), _texts(after)
    rows = [
        {"change": change, "kind": kind, "what": text}
        for kind in old
        for change, texts in (("added", new[kind] - old[kind]), ("gone", old[kind] - new[kind]))
        for text in sorted(texts)
    ]
    figures = {"bytes": (before.size, after.size), "patterns": (before.pattern_count, after.pattern_count)}
    return {"same": before.digest == after.digest, "figures": figures, "rows": rows}


def drift_of_run(run: Run) -> dict[str, Any]:
    """The bundle's promise against the run's own sessions, newest last: what drift looks like where there is none."""
    bundle = bundle_of(run)
    with events_of(run) as store:
        part = "test" if store.sessions("test") else None
        return _drift(bundle, store.session_logs(part))


def drift_of_logs(run: Run, logs: str) -> dict[str, Any]:
    """The bundle's promise against logs that it has never seen, read into a store that is thrown away."""
    from miner.store.database import Store

    bundle = bundle_of(run)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "new.duckdb") as store:
        store.ingest([logs])
        return _drift(bundle, store.session_logs())


def _drift(bundle: Bundle, logs: Iterable[SessionLog]) -> dict[str, Any]:
    """What was promised and what came, session by session."""
    from miner.evaluation.score import identity_of
    from miner.export.twin import form_text
    from miner.mining.decisions import decisions
    from miner.predictors.shipped import Predictor
    from miner.runtime.drift import Drift

    drift, predictor, broken = Drift(), Predictor(bundle), None
    gate, points = bundle.patterns.gate / 1e6, []
    for number, log in enumerate(logs):
        if number >= MOST_DRIFT_SESSIONS:
            break
        walk = predictor.start(log.session)
        for decision in decisions(log):
            for event in decision.observed:
                walk.observe(event)
            asked = {identity_of(call) for call in decision.calls}
            made = [guess for guess in walk.predict() if guess.probability >= gate]
            if drift.settle((guess.pattern, guess.probability, guess.identity in asked) for guess in made):
                broken = number if broken is None else broken
        wealth = drift.overall
        points.append(
            {
                "session": number + 1,
                "promised": wealth.predicted / 0.8,
                "came": wealth.asked,
                "evidence": wealth.log_value if wealth.decisions else 0.0,
            }
        )
    retired = [form_text(bundle.patterns.forms[number]) for number in drift.retired]
    return {"points": points, "broken": broken, "retired": retired, "decisions": drift.overall.decisions}


def _texts(bundle: Bundle) -> dict[str, set[str]]:
    from miner.export.twin import form_text, rule_text

    patterns = bundle.patterns
    return {
        "tool": set(patterns.tools()),
        "call": {form_text(form) for form in patterns.forms},
        "rule": {f"{rule.hole}: {rule_text(rule)}".replace("\x1f", " ") for rule in patterns.rules},
    }
