"""Paths as a user gives them -> the files to look into, and what was passed over by which rule."""

from __future__ import annotations

import difflib
import glob
import os
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from miner.errors import LogError


@dataclass(slots=True)
class Found:
    """Files to look into, by path, each once."""

    files: list[Path] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    """How many files or folders each rule passed over: hidden, special, unreadable."""


def discover(paths: Iterable[Path | str]) -> Found:
    """Expand files, folders (searched all the way down) and globs.

    Hidden files and folders below a given folder are passed over; one that is itself named is looked into.

    Raises:
        LogError: a path that is not there, cannot be read, or holds no file at all.
    """
    found = Found()
    files: dict[str, None] = {}
    for path in paths:
        for root in _roots(Path(path).expanduser()):
            count = len(files)
            passed = found.passed_over.total()
            if root.is_dir():
                files.update(dict.fromkeys(_walk(root, found.passed_over)))
                if len(files) == count and found.passed_over.total() == passed and not any(root.iterdir()):
                    raise LogError("the folder is empty", where=str(root), next_step="name a folder that holds logs")
            else:
                files[os.path.realpath(root)] = None
    found.files = [Path(name) for name in sorted(files)]
    return found


def _roots(path: Path) -> list[Path]:
    """The path itself, or what a glob stands for."""
    if os.path.lexists(path):
        _check_readable(path)
        return [path]
    if glob.has_magic(str(path)):
        # A shell expands globs, but a settings file, a service unit and a quoted argument do not.
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        if matches:
            return [Path(match) for match in matches]
        raise LogError("no file matches", where=str(path), next_step="check the pattern; ** matches folders")
    raise LogError("there is no such file or folder", where=str(path), next_step=_nearest(path))


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise LogError("the link leads nowhere", where=str(path), next_step="name the file that it should lead to")
    if not (path.is_dir() or path.is_file()):
        raise LogError("this is no file and no folder", where=str(path), next_step="save the log to a file first")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise LogError(
            f"the {'folder' if path.is_dir() else 'file'} may not be read",
            where=str(path),
            next_step="ask its owner for permission, or name a copy",
        )


def _nearest(path: Path) -> str:
    """A hint at what the user may have meant."""
    path = path.absolute()
    folder = next((parent for parent in path.parents if parent.is_dir()), Path("/"))
    missing = path.relative_to(folder).parts[0]
    try:
        names = [item.name for item in folder.iterdir()]
    except OSError:
        names = []
    close = difflib.get_close_matches(missing, names, 1, 0.5)
    return f"did you mean {folder / close[0]}?" if close else f"the nearest folder that exists is {folder}"


def _walk(root: Path, passed_over: Counter[str]) -> list[str]:
    """Every regular file below a folder that is not hidden; links to files are followed, links to folders are not."""
    names: list[str] = []

    def refuse(_: OSError) -> None:
        passed_over["unreadable"] += 1

    for folder, folders, files in os.walk(root, onerror=refuse):
        hidden = sum(name.startswith(".") for name in (*folders, *files))
        if hidden:
            passed_over["hidden"] += hidden
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if name.startswith("."):
                continue
            path = os.path.realpath(Path(folder, name))
            rule = _refusal(path)
            if rule:
                passed_over[rule] += 1
            else:
                names.append(path)
    return names


def _refusal(path: str) -> str | None:
    """Why a file below a folder is not looked into; reading from a pipe or a device might never end."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return "unreadable"
    if not stat.S_ISREG(mode):
        return "special"
    return None if os.access(path, os.R_OK) else "unreadable"
