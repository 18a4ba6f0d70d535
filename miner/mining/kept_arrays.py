"""Arrays, and facts about them, in a file beside what they were made from: whole and of the right key, or not there."""

from __future__ import annotations

import json
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
Arrays = Mapping[str, Any]
"""Name -> array."""


def keep(path: Path, edition: int, key: str, facts: Mapping[str, Any], arrays: Arrays) -> None:
    """Write the file whole; a folder that cannot be written only costs the next reader its time.

    Args:
        path: where it is to lie.
        edition: of what the file holds, and how.
        key: what that depends on.
        facts: what can be said in JSON.
        arrays: the rest; none may be called ``facts``.
    """
    text = json.dumps({"edition": edition, "key": key, **facts})
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, facts=np.frombuffer(text.encode(), np.uint8), **arrays)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        _LOG.warning("%s could not be kept in %s: %s", path.name, path.parent, error)


def kept(path: Path, edition: int, key: str, made: Callable[[dict[str, Any], Arrays], T]) -> T | None:
    """What ``made`` makes of the facts and arrays that are kept, when they are whole, of that edition and that key."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            return made(facts, arrays) if (facts["edition"], facts["key"]) == (edition, key) else None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
