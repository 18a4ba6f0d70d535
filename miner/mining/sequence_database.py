"""Sessions as the sequence miner holds them: one array of item numbers, where each session begins, and names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miner.errors import LogError
from miner.mining.sequence_loops import compiled

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SequenceDatabase:
    """Session ``s`` is ``items[offsets[s] : offsets[s + 1]]``; an item is a number below ``len(names)``."""

    items: Int32
    offsets: Int64
    names: tuple[str, ...]

    @property
    def sessions(self) -> int:
        """How many sessions there are, empty ones included."""
        return len(self.offsets) - 1

    @classmethod
    def from_sessions(cls, sessions: Iterable[Sequence[str]]) -> SequenceDatabase:
        """Numbers the items by name, so that ties are broken the same way whatever the order of sessions."""
        seen: dict[str, int] = {}
        flat: list[int] = []
        offsets = [0]
        for session in sessions:
            flat.extend(seen.setdefault(item, len(seen)) for item in session)
            offsets.append(len(flat))
        names = sorted(seen)
        rank = np.empty(len(seen), np.int32)
        for number, name in enumerate(names):
            rank[seen[name]] = number
        items = rank[np.array(flat, np.int64)] if flat else np.empty(0, np.int32)
        return cls(items, np.array(offsets, np.int64), tuple(names))

    @classmethod
    def from_text(cls, text: bytes, where: str = "text") -> SequenceDatabase:
        """Reads one session a line, items as numbers set apart by spaces."""
        data = np.frombuffer(text, np.uint8)
        items = np.empty(len(text) // 2 + 1, np.int32)
        offsets = np.empty(text.count(b"\n") + 2, np.int64)
        outcome = np.zeros(2, np.int64)
        line = compiled.run("parse", data, items, offsets, outcome)
        if line:
            raise LogError(
                "an item is not a number between 0 and 2147483647",
                where=f"{where}, line {line}",
                next_step="write one session a line: item numbers with spaces between them",
            )
        lines, made = int(outcome[0]), int(outcome[1])
        used = np.unique(items[:made]) if made and int(items[:made].max()) > 4 * made + 1024 else None
        if used is None:
            names = tuple(str(number) for number in range(int(items[:made].max()) + 1 if made else 0))
            return cls(items[:made], offsets[: lines + 1], names)
        renumbered = np.searchsorted(used, items[:made]).astype(np.int32)
        return cls(renumbered, offsets[: lines + 1], tuple(str(number) for number in used.tolist()))
