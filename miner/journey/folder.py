"""A run folder: who works on it, what its steps have done, and files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from miner.errors import RunFolderError
from miner.mining.code_digest import code_digest

FORMAT = 1
MANIFEST = "run.json"
_STAGES = ("events.py", "readers", "store", "mining", "predictors", "evaluation", "export", "journey", "runtime")


class RunFolder:
    """An open run folder; made by ``open_run``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = _manifest(path)

    def is_done(self, step: str, key: str) -> bool:
        """Whether a step was done with the same inputs, settings and code, and its files are as it left them."""
        done = self.facts["steps"].get(step)
        if not isinstance(done, dict) or done.get("key") != key:
            return False
        files: Mapping[str, str] = done.get("files", {})
        return all(_digest(self.path / name) == digest for name, digest in files.items())

    def done(self, step: str, key: str, files: Sequence[str], **facts: Any) -> None:
        """Note that a step has written its files; from now on it is skipped until something changes."""
        digests = {name: _digest(self.path / name) for name in files}
        self.facts["steps"][step] = {"key": key, "files": digests, **facts}
        self.save()

    def forget(self, step: str) -> None:
        """Forget a step, before its files are written anew."""
        if self.facts["steps"].pop(step, None) is not None:
            self.save()

    def save(self) -> None:
        """Write run.json."""
        text = json.dumps(self.facts, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        write_whole(self.path / MANIFEST, text.encode())


@contextmanager
def open_run(path: Path, *, make: bool = False) -> Iterator[RunFolder]:
    """A run folder that nobody else writes to while the block runs.

    Raises:
        RunFolderError: it is not there, cannot be made or written, is in use, or is of another version.
    """
    if make:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            advice = "choose another folder with --out"
            raise RunFolderError(f"cannot make the run folder: {error.strerror}", where=str(path), next_step=advice) from error  # fmt: skip  # noqa: E501
    elif not path.is_dir():
        raise RunFolderError("there is no such run folder", where=str(path), next_step=f"miner run LOGS --out {path}")
    try:
        stream = (path / ".lock").open("a+b")
    except OSError as error:
        advice = "choose a folder that you may write to"
        raise RunFolderError(f"cannot write to the run folder: {error.strerror}", where=str(path), next_step=advice) from error  # fmt: skip  # noqa: E501
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(
                "another run is at work on this folder",
                where=str(path),
                next_step="wait until it has finished, or give this one a folder of its own with --out",
            ) from None
        yield RunFolder(path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or, whatever happens, as it was before."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def key_of(*parts: Any) -> str:
    """A key over what a step depends on."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def code_version() -> str:
    """The package's version and a digest of its steps: changed code does its steps again."""
    return f"{version('toolcall-miner')}+{code_digest(_STAGES)[:16]}"


def _manifest(path: Path) -> dict[str, Any]:
    """What run.json says; a new one where there is none, and where what is there is no JSON: steps are then redone."""
    empty = {"format": FORMAT, "steps": {}}
    try:
        facts = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return empty
    if not isinstance(facts, dict) or not isinstance(facts.get("steps"), dict):
        return empty
    if facts.get("format") != FORMAT:
        raise RunFolderError(
            "this run folder was written by another version of miner",
            where=str(path),
            next_step="start a new one with another --out",
        )
    return facts


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
