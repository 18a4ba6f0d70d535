"""The home of scheduled runs: numbered folders, one worker at a time, and a pointer to the run that is published.

Runs are numbered, never named by the clock, which may be set back. A folder appears whole (made beside its place,
then renamed), a run with a ``summary.json`` is finished, and one without is resumed. ``current`` holds the name of the
published run and is replaced in one step, so that a reader sees the old bundle or the new one and nothing between.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from miner.errors import MinerError, RunFolderError
from miner.journey.folder import MANIFEST, write_whole
from miner.journey.outcome import BUNDLE

CURRENT, SUMMARY, REQUEST = "current", "summary.json", "request.json"
_MAKING = ".making"
_NOT_SEEDED = {SUMMARY, REQUEST, "report.html", ".lock"}
"""What belongs to one run alone; everything else lets the next one do only what is new."""


class BusyError(MinerError):
    """Another pipeline is at work in this home."""


class Home:
    """The folder of one schedule; use it inside ``opened``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = path / "runs"

    @property
    def published(self) -> Path | None:
        """The run that ``current`` points to; None before the first.

        Raises:
            RunFolderError: it points to a run that has no bundle.
        """
        try:
            name = (self.path / CURRENT).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        run = self.path / name
        if run.parent != self.runs or not (run / BUNDLE).is_file():
            raise RunFolderError(
                "the pointer to the published run leads to no bundle",
                where=str(self.path / CURRENT),
                next_step="write the name of a run into it, such as runs/000001, or delete it to start without one",
            )
        return run

    def publish(self, run: Path) -> None:
        """Point to a run."""
        write_whole(self.path / CURRENT, f"{run.relative_to(self.path)}\n".encode())

    def unfinished(self) -> Path | None:
        """The run that was killed, if the last one was."""
        last = self._numbered()[-1:]
        return last[0] if last and not (last[0] / SUMMARY).exists() else None

    def last_full(self) -> Path | None:
        """The newest finished run that still has all of its files."""
        return next(reversed(self._full()), None)

    def begin(self, request: Mapping[str, Any], seed: Path | None) -> Path:
        """A new run that starts from a copy of another one's files; the folder appears whole or not at all."""
        self.runs.mkdir(exist_ok=True)
        making = self.runs / _MAKING
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        for file in sorted(seed.iterdir()) if seed else ():
            if file.is_file() and file.name not in _NOT_SEEDED and not file.name.endswith((".lock", ".part")):
                shutil.copyfile(file, making / file.name)
        if seed:
            _forget_inputs(making / MANIFEST)
        write_whole(making / REQUEST, _json(request))
        numbers = [int(run.name) for run in self._numbered()]
        run = self.runs / f"{max(numbers, default=0) + 1:06d}"
        making.rename(run)
        return run

    def finish(self, run: Path, summary: Mapping[str, Any], *, full: bool) -> None:
        """Write the summary; a run that came to nothing keeps only that."""
        write_whole(run / SUMMARY, _json(summary))
        write_whole(self.path / SUMMARY, _json(summary))
        if not full:
            for file in run.iterdir():
                if file.name not in (SUMMARY, REQUEST):
                    discard(file)

    def retain(self, keep: int) -> list[str]:
        """Delete runs older than the newest ``keep`` full ones, but never the published one; their names."""
        full = self._full()
        oldest = full[-keep] if len(full) >= keep else None
        current = self.published
        gone = [run for run in self._numbered() if oldest and run.name < oldest.name and run != current]
        for run in gone:
            shutil.rmtree(run, ignore_errors=True)
        return [run.name for run in gone]

    def _numbered(self) -> list[Path]:
        found = self.runs.iterdir() if self.runs.is_dir() else ()
        return sorted((run for run in found if run.name.isdecimal()), key=lambda run: int(run.name))

    def _full(self) -> list[Path]:
        return [run for run in self._numbered() if (run / SUMMARY).exists() and (run / BUNDLE).exists()]


@contextmanager
def opened(path: Path) -> Iterator[Home]:
    """The home, for one worker at a time; the lock goes with the process, however it ends.

    Raises:
        BusyError: another one is at work.
        RunFolderError: the folder cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        stream = (path / ".lock").open("a+b")
    except OSError as error:
        advice = "set nightly.home to a folder that you may write to"
        raise RunFolderError(f"cannot use the home of the runs: {error.strerror}", where=str(path), next_step=advice) from error  # fmt: skip  # noqa: E501
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                "another pipeline is at work in this home",
                where=str(path),
                next_step="nothing to do: the other one finishes; start again later",
            ) from None
        yield Home(path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that a pipeline wrote; empty when there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def discard(path: Path) -> None:
    """Delete a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def same_sources(request: Mapping[str, Any], sources: Sequence[str]) -> bool:
    """Whether a run reads nothing that is not named any more: its rows could not be told apart later."""
    return set(request.get("sources", ())) <= set(sources)


def _forget_inputs(manifest: Path) -> None:
    """The seed's own inputs go: what the new run reads is in its request."""
    facts = read_json(manifest)
    facts.pop("inputs", None)
    write_whole(manifest, _json(facts))


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
