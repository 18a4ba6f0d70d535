"""Tonight's logs into a run's store, and whether there is anything new in them."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from miner.errors import LogError
from miner.journey.folder import MANIFEST, RunFolder, code_version
from miner.journey.outcome import Inputs
from miner.journey.steps import ingest
from miner.settings import Settings, settings_as_dict
from pipelines.home import SUMMARY, read_json


def with_files(sources: Sequence[str]) -> tuple[str, ...]:
    """The sources that hold anything at all; an empty one is an empty night.

    Raises:
        LogError: one that is not a glob is not there: a disk that is not mounted must not look like an empty night.
    """
    for source in sources:
        if not glob.has_magic(source) and not Path(source).exists():
            raise LogError(
                "a source of logs is not there",
                where=source,
                next_step="mount or restore it, or take it out of nightly.sources",
            )
    return tuple(source for source in sources if _holds_any(source))


def _holds_any(source: str) -> bool:
    path = Path(source)
    if path.is_dir():
        return any(path.iterdir())
    return path.exists() or bool(glob.glob(source, recursive=True))  # noqa: PTH207 - as the store expands it


def read(folder: RunFolder, sources: Sequence[str], archives: Sequence[str], settings: Settings) -> dict[str, Any]:
    """Read the sources, then each archive, committing after each; what the store holds now.

    Raises:
        LogError: a source vanished before or while it was read, or too much of it is broken.
    """
    portions = [with_files(sources), *((archive,) for archive in archives)]
    named: tuple[str, ...] = ()
    unrecognised: set[str] = set()
    gone = 0
    for portion in portions:
        named += portion
        for report in ingest(folder, Inputs(named), settings, lambda _: None) if portion else ():
            unrecognised.update(str(path) for path in report.unrecognised)
            gone = report.files_gone
        with_files((*sources, *archives))
    return {**_totals(folder.facts), "unrecognised": sorted(unrecognised), "files_gone": gone}


def is_new(folder: RunFolder, seed: Path | None, settings: Settings) -> bool:
    """Whether a run differs in logs, settings or code from the one that it started from."""
    if seed is None:
        return bool(folder.facts.get("sources"))
    then = read_json(seed / MANIFEST)
    now = {"sources": folder.facts.get("sources"), "settings": settings_as_dict(settings), "miner": code_version()}
    return any(_plain(then.get(name)) != _plain(value) for name, value in now.items())


def refuse_only_broken(found: Mapping[str, Any], seed: Path | None) -> None:
    """Refuse a night that brought nothing but what cannot be read.

    Raises:
        LogError: there are new problems or files of no known format, and not one new event.
    """
    before = read_json(seed / SUMMARY).get("read", {}) if seed else {}
    problems = found["problems"] - before.get("problems", 0)
    strange = sorted(set(found["unrecognised"]) - set(before.get("unrecognised", ())))
    if found["events"] == before.get("events", 0) and (problems > 0 or strange):
        raise LogError(
            f"nothing of what is new could be read: {problems} broken records, {len(strange)} files of no known format",
            where=", ".join(strange[:3]) or "the table `problems` of the store",
            next_step="`miner formats FILE` says how a file is understood; repair or remove them",
        )


def _totals(facts: Mapping[str, Any]) -> dict[str, int]:
    sources = facts.get("sources", ())
    totals = {name: sum(source[name] for source in sources) for name in ("sessions", "events", "problems")}
    return {"sources": len(sources), **totals}


def _plain(value: Any) -> Any:
    """As JSON gives it back: a list where there was a tuple."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
