"""Real agent logs beside the checkout: where they lie, and the mark for tests that need them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "logs"
"""The folder of real logs; absent on most machines."""


def needs_real_logs(folder: str) -> Callable[[Any], Any]:
    """Mark a test as needing one folder of the real logs; it is skipped, and counted, where that is absent."""
    absent = pytest.mark.skipif(not (SHARED / folder).is_dir(), reason=f"the real logs '{folder}' are not here")
    return lambda test: pytest.mark.shared(absent(test))


def real_files(folder: str, pattern: str = "*") -> list[Path]:
    """The files of one folder of the real logs whose names fit, in a stable order."""
    return sorted(path for path in (SHARED / folder).rglob(pattern) if path.is_file())
