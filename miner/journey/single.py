"""Single steps on a run folder, as ``miner mine`` and ``miner export`` do them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from miner.journey.folder import RunFolder, code_version
from miner.journey.outcome import ALL_TRAIN, BUNDLE, EVALUATION, PATTERNS, TWIN, Journey, Say
from miner.journey.steps import Keys, export, keys_of, mine, parts_to_use, sources_of
from miner.settings import Settings

if TYPE_CHECKING:
    from miner.evaluation.split import Logs
    from miner.store.database import Store


def mine_only(folder: RunFolder, settings: Settings, say: Say, run: Journey) -> dict[str, int]:
    """``miner mine``: patterns.json, and what is in it."""
    from miner.evaluation.run_folder import open_store
    from miner.export.pattern_file import read_patterns

    with open_store(folder.path) as store:
        train, keys = _standing(folder, store, settings, run)
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
        _, keys = _standing(folder, store, settings, Journey(folder.path))
    if folder.is_done("export", keys.export) or folder.is_done("export", keys.stamp):
        folder.done("evaluate", keys.evaluate, [EVALUATION])


def export_only(folder: RunFolder, settings: Settings, out: Path | None) -> dict[str, Any]:
    """``miner export``: the bundle, by default in its place in the run folder."""
    from miner.evaluation.run_folder import open_store, read_result
    from miner.runtime.bundle import load_bundle

    with open_store(folder.path) as store:
        train, keys = _standing(folder, store, settings, Journey(folder.path))
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


def _standing(folder: RunFolder, store: Store, settings: Settings, run: Journey) -> tuple[Logs, Keys]:
    """The sessions that train, and the keys of the steps, for the store that stands in the folder."""
    folder.facts.setdefault("sources", sources_of(store))
    parts, train = parts_to_use(store, settings, run)
    return train, keys_of(folder, parts.how if parts else ALL_TRAIN, settings, code_version())
