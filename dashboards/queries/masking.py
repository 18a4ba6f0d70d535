"""Text from logs made fit to be shown and downloaded: secrets masked, formulas defused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from miner.export.secrets import secret_in

_WORD = re.compile(r"[^\s\"'<>,;(){}\[\]]+")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@lru_cache(maxsize=65_536)
def masked(text: str) -> str:
    """The text with every word that looks like a secret replaced by what kind it seems to be."""
    if secret_in(text) is None:
        return text
    shown = _WORD.sub(lambda match: _mask(match.group()), text)
    kind = secret_in(shown)
    return shown if kind is None else f"•••• ({kind.replace('_', ' ')})"


def _mask(word: str) -> str:
    kind = secret_in(word)
    return word if kind is None else f"•••• ({kind.replace('_', ' ')})"


def shortened(text: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else line[: most - 1] + "…"


def csv_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV that a spreadsheet shows and never calculates."""
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(text)
    writer.writerow([_harmless(name) for name in names])
    writer.writerows([[_harmless(row.get(name)) for name in names] for row in rows])
    return text.getvalue().encode("utf-8-sig", "replace")


def _harmless(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = " → ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
