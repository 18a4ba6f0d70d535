"""A reader's example made large: its records again and again, each time with ids of their own and longer texts."""

from __future__ import annotations

import re
from typing import Any

from tests.readers.carriers import Carrier, at, carrier_of

_ID = re.compile(r"(?:^|[_-])(?:u?u?id|ref|call)$|(?:Id|ID|Uuid|UUID|_uuid|Ref)$")
_SAID = frozenset({"content", "text", "output", "stdout", "observation", "observations", "response", "result", "value"})
_WORDS = "The order of Ulm was baked at /srv/shop/oven.py:17 and paid by card, as bakery.example/orders/o1 says. "
LONGER = 8
"""How many sentences a text is longer: those of examples are a word or two, those of logs are pages."""


def grown(example: bytes, size: int) -> bytes:
    """A log of about that many bytes, in the form of the example."""
    carrier = carrier_of(example)
    tree = carrier.tree(example)
    known = set(_ids(tree))
    one = len(carrier.data(_copy(tree, known, 0)))
    return _repeated(carrier, tree, known, max(1, size // one))


def _repeated(carrier: Carrier, tree: Any, known: set[str], times: int) -> bytes:
    copies = [_copy(tree, known, number) for number in range(times)]
    if isinstance(tree, list):
        return carrier.data([element for copy in copies for element in copy])
    if all(isinstance(value, list) for value in tree.values()):
        return carrier.data({key: [row for copy in copies for row in copy[key]] for key in tree})
    paths = _lists(tree) or [(key, *path) for key in tree if isinstance(tree[key], dict) for path in _lists(tree[key])]
    if not paths:
        # Records by name: as many more names.
        return carrier.data({f"{key}-{n}": value for n, copy in enumerate(copies) for key, value in copy.items()})
    whole = carrier.tree(carrier.data(copies[0]))
    for path in paths:
        at(whole, path[:-1])[path[-1]] = [element for copy in copies for element in at(copy, path)]
    return carrier.data(whole)


def _lists(tree: dict[str, Any]) -> list[tuple[str, ...]]:
    """The members that are lists of records."""
    return [
        (key,) for key, value in tree.items() if isinstance(value, list) and any(isinstance(v, dict) for v in value)
    ]


def _ids(tree: Any, key: str = "") -> list[str]:
    if isinstance(tree, dict):
        return [found for name, value in tree.items() for found in _ids(value, str(name))]
    if isinstance(tree, list):
        return [found for value in tree for found in _ids(value, key)]
    return [tree] if isinstance(tree, str) and tree and _ID.search(key) else []


def _copy(tree: Any, known: set[str], number: int, key: str = "") -> Any:
    if isinstance(tree, dict):
        return {name: _copy(value, known, number, str(name)) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_copy(value, known, number, key) for value in tree]
    if isinstance(tree, str) and tree in known:
        return f"{tree}-{number}" if number else tree
    if isinstance(tree, str) and not key and tree.endswith((".", "?")):
        return f"{tree} ({number}) {_WORDS * LONGER}"
    if isinstance(tree, str) and key in _SAID and not tree.startswith(("{", "[")):
        return tree + " " + _WORDS * LONGER
    return tree
