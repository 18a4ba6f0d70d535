"""Single steps on a run folder, as ``miner mine`` and ``miner export`` do them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miner.journey.folder import RunFolder, code_version
from miner.journey.outcome import ALL_TRAIN, BUNDLE, EVALUATION, PATTERNS, TWIN, Journey, Say
from miner.journey.steps import export, keys_of, mine, parts_to_use, sources_of
from miner.settings import Settings


def mine_only(folder: RunFolder, settings: Settings, say: Say, run: Journey) -> dict[str, int]:
    """``miner mine``: patterns.json, and what is in it."""
    from miner.evaluation.run_folder import open_store
    from miner.export.pattern_file import read_patterns

    with open_store(folder.path) as store:
        folder.facts.setdefault("sources", sources_of(store))
        parts, train = parts_to_use(store, settings, run)
        keys = keys_of(folder, parts.how if parts else ALL_TRAIN, settings, code_version())
        mine(folder, train, keys.mine, settings, run, say)
    patterns = read_patterns(folder.path / PATTERNS)
    return {
        "tools": len(patterns.tools()),
        "forms": len(patterns.forms),
        "contexts": len(patterns.contexts),
        "argument_rules": len(patterns.rules),
        "mined_now": int("mine" in run.done),
    }


def note_scores(folder: RunFolder, settings: Settings) -> None:
    """After ``miner evaluate`` as a run would do it: its figures are those of the bundle that stands in the folder."""
    from miner.evaluation.run_folder import open_store

    with open_store(folder.path) as store:
        folder.facts.setdefault("sources", sources_of(store))
        parts, _ = parts_to_use(store, settings, Journey(folder.path))
    keys = keys_of(folder, parts.how if parts else ALL_TRAIN, settings, code_version())
    if folder.is_done("export", keys.export) or folder.is_done("export", keys.stamp):
        folder.done("evaluate", keys.evaluate, [EVALUATION])


def export_only(folder: RunFolder, settings: Settings, out: Path | None) -> dict[str, Any]:
    """``miner export``: the bundle, by default in its place in the run folder."""
    from miner.evaluation.run_folder import open_store, read_result
    from miner.runtime.bundle import load_bundle

    with open_store(folder.path) as store:
        folder.facts.setdefault("sources", sources_of(store))
        parts, train = parts_to_use(store, settings, Journey(folder.path))
        keys = keys_of(folder, parts.how if parts else ALL_TRAIN, settings, code_version())
        scored = read_result(folder.path, EVALUATION) if folder.is_done("evaluate", keys.evaluate) else None
        held_back = export(folder, settings, train, scored, out)
    if out is None:
        folder.done("export", keys.stamp if scored else keys.export, [BUNDLE, TWIN])
    bundle = load_bundle(out or folder.path / BUNDLE)
    return {
        "bundle": str(out or folder.path / BUNDLE),
        "bytes": bundle.size,
        "patterns": bundle.pattern_count,
        "digest": bundle.digest,
        "audience": bundle.audience,
        "scored": scored is not None,
        "held_back": held_back,
    }
