"""A run folder as the dashboard sees it: which one, in what state, and its documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from miner.errors import RunFolderError, StoreError
from miner.evaluation.run_folder import open_store, read_result

if TYPE_CHECKING:
    from miner.store.database import Store

EVENTS = "events.duckdb"
PARTS = ("run.json", "overview.json", EVENTS, "patterns.json", "evaluation.json", "savings.json", "bundle.json")
REVIEW = "review.json"
_READABLE = 1
"""The format of evaluation.json, savings.json, overview.json and run.json that the pages understand."""


class Run(NamedTuple):
    """A run folder at one moment; ``stamp`` changes with any of its files, so that answers may be kept under it."""

    path: Path
    stamp: str
    parts: frozenset[str]


def find_run(path: Path) -> Run:
    """The run folder in a place; a link is followed anew each time, so that a new run may be published by one.

    Raises:
        RunFolderError: there is no folder, or it is no run folder.
    """
    path = path.expanduser()
    if not path.is_dir():
        raise RunFolderError("there is no such run folder", where=str(path), next_step=f"miner run LOGS --out {path}")
    path = path.resolve()
    seen = {name: _state(path / name) for name in (*PARTS, REVIEW)}
    parts = frozenset(name for name, state in seen.items() if state)
    if not parts:
        raise RunFolderError(
            "this is no run folder: none of the files of a run is in it",
            where=str(path),
            next_step=f"name the folder that --out named, or make one: miner run LOGS --out {path}",
        )
    return Run(path, "/".join(f"{name}:{state}" for name, state in seen.items()), parts)


def document(run: Run, name: str) -> dict[str, Any] | None:
    """A document of the run; None when the step that writes it has not been done.

    Raises:
        RunFolderError: it is no JSON object, or one of another version.
    """
    found = read_result(run.path, name)
    if found is not None and found.get("format") != _READABLE:
        raise RunFolderError(
            f"{name} was written by another version of miner",
            where=str(run.path / name),
            next_step=f"write it anew: miner run LOGS --out {run.path}",
        )
    return found


@contextmanager
def events_of(run: Run) -> Iterator[Store]:
    """The store of a run, open for as long as one question takes: a pipeline must be able to write in between.

    Raises:
        RunFolderError: the run has no events.
        StoreError: a pipeline is writing to it, or it is of another version or damaged.
    """
    import duckdb

    with open_store(run.path) as store:
        try:
            yield store
        except duckdb.Error as error:
            # The database's own words may quote log text, so only the kind of error is told.
            raise StoreError(
                f"the events cannot be read ({type(error).__name__})",
                where=str(run.path / EVENTS),
                next_step=f"check the store with `miner verify {run.path / EVENTS}`",
            ) from None


def _state(path: Path) -> str:
    try:
        facts = path.stat()
    except OSError:
        return ""
    return f"{facts.st_mtime_ns:x}.{facts.st_size:x}.{facts.st_ino:x}"
