"""A deletion request: sessions leave the store, the counts, and everything that was learnt from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from miner.errors import UsageError
from miner.journey.folder import MANIFEST, RunFolder
from miner.journey.outcome import COUNTS, EVENTS, Journey, Say
from miner.journey.recipe import recipe_of
from miner.journey.steps import sources_of, whole_journey
from miner.settings import Settings

if TYPE_CHECKING:
    from miner.store.forgetting import Forgotten

KEPT = {EVENTS, COUNTS, MANIFEST, "review.json", "request.json", ".lock"}
"""What is cleaned or holds nothing of a session; all else in a run folder is made anew."""


def forget(folder: RunFolder, keys: Sequence[str], settings: Settings, say: Say, run: Journey) -> Forgotten:
    """Forget sessions and make the run anew without them; killed at any point, the same command completes it.

    Raises:
        UsageError: a key that the run does not know, and never did.
    """
    told = forget_sessions(folder, keys, settings, say)
    whole_journey(folder, settings, say, run)
    return told


def forget_sessions(folder: RunFolder, keys: Sequence[str], settings: Settings, say: Say) -> Forgotten:
    """Take sessions out of a run's store and counts, and delete what was made from them."""
    from miner.mining.counts_file import forget as forget_counts
    from miner.store.database import Store
    from miner.store.forgetting import forget as forget_rows
    from miner.store.forgetting import mark_of

    path = folder.path / EVENTS
    marks = set(folder.facts.get("forgotten", ()))
    with Store.open(path, read_only=True) as store:
        known = {key for (key,) in store.query("select distinct key from all_sessions")}
    unknown = [key for key in keys if key not in known and mark_of(key) not in marks]
    if unknown:
        raise UsageError(
            f"there is no session {unknown[0]!r} in this run",
            where=str(path),
            next_step="the column `key` of the view `sessions` has their names; `miner explain` shows one",
        )
    folder.facts["forgotten"] = sorted(marks | {mark_of(key) for key in keys})
    folder.save()
    say("deleting rows, and writing the store anew without them")
    told = forget_rows(path, keys)
    forget_counts(folder.path / COUNTS, recipe_of(settings).folds, keys)
    for file in folder.path.iterdir():
        if file.is_file() and file.name not in KEPT and not file.name.endswith(".lock"):
            file.unlink()
    with Store.open(path, read_only=True) as store:
        folder.facts["sources"] = sources_of(store)
    folder.save()
    return told
