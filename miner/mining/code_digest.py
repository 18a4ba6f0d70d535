"""A digest of parts of the package's own code: what they made is made anew when they change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def code_digest(parts: Iterable[str]) -> str:
    """In hex, of these files and folders of the package, names included."""
    state = hashlib.sha256()
    for part in parts:
        place = _PACKAGE / part
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            state.update(str(file.relative_to(_PACKAGE)).encode() + b"\0" + file.read_bytes())
    return state.hexdigest()
