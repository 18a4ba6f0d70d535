"""A value with each of its parts in turn replaced by what nobody expects there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.readers.carriers import meant

ODD: tuple[Any, ...] = (None, True, 5, -0.5, "x", "[", "[1]", '{"a": []}', [], {}, [1], [[]], [{}], {"a": 1}, {"0": []})


def altered(value: Any) -> Iterator[Any]:
    """Every such value; JSON texts are entered, and members of objects left out too."""
    yield from ODD
    if isinstance(value, str) and not isinstance(inner := meant(value), str):
        yield from map(json.dumps, altered(inner))
    elif isinstance(value, dict):
        for key in value:
            yield {other: kept for other, kept in value.items() if other != key}
            yield from ({**value, key: odd} for odd in altered(value[key]))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], odd, *value[place + 1 :]] for odd in altered(item))
