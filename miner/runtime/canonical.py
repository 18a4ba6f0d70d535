"""Canonical JSON: the one definition of when two calls are the same call.

Keys sorted, no spaces, text as it is; numbers keep their type, so ``1``, ``1.0``, ``true`` and ``"1"`` all differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> str:
    """The canonical text of a JSON value.

    Raises:
        ValueError: a number that JSON cannot hold (NaN, infinity).
        TypeError: something that is no JSON value.
    """
    return _ENCODER.encode(value)


def call_identity(tool: str, arguments: Mapping[str, Any]) -> str:
    """What must be equal for a speculated call to answer a real one: the tool and all its arguments."""
    return f"{tool}\x1f{canonical(arguments)}"
