"""Mined patterns as a tree: a pattern is its parent and one more item, so a million of them fit a few megabytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from miner.mining.sequence_database import Int32
from miner.mining.sequence_loops import compiled


@dataclass(frozen=True, slots=True)
class PatternTree:
    """Node ``i`` extends node ``parents[i]`` (-1 for none) by item ``labels[i]``; ``supports[i]`` sessions hold it.

    ``interrupted`` is empty when the tree holds every frequent pattern, and says why it does not otherwise; what it
    holds is exact either way.
    """

    parents: Int32
    labels: Int32
    supports: Int32
    interrupted: str = ""

    def __len__(self) -> int:
        return len(self.parents)

    def lengths(self) -> Int32:
        """How many steps each pattern has; a parent always stands before its children."""
        lengths = np.ones(len(self), np.int32)
        waiting = np.flatnonzero(self.parents >= 0)
        above = self.parents[waiting]
        while len(waiting):
            lengths[waiting] += 1
            above = self.parents[above]
            waiting, above = waiting[above >= 0], above[above >= 0]
        return lengths

    def steps_of(self, nodes: npt.NDArray[np.int64], names: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """The named steps of some nodes in their order, first step to last."""
        if len(nodes) == len(self):
            yield from self._all_steps(names)
            return
        parents, labels = self.parents.tolist(), self.labels.tolist()
        for node in nodes.tolist():
            steps, at = [], node
            while at >= 0:
                steps.append(names[labels[at]])
                at = parents[at]
            yield tuple(reversed(steps))

    def _all_steps(self, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """The steps of every pattern, node by node, each from its parent's."""
        made: list[tuple[str, ...]] = []
        for parent, label in zip(self.parents.tolist(), self.labels.tolist(), strict=True):
            made.append((*made[parent], names[label]) if parent >= 0 else (names[label],))
            yield made[-1]

    def unabsorbed(self, kind: str, *, any_step: bool) -> npt.NDArray[np.int64]:
        """The nodes that no longer pattern contains with the same support (``closed``) or at all (``maximal``)."""
        size = len(self)
        table = np.empty(1 << max(4, (2 * size).bit_length()), np.int32)
        longest = int(self.lengths().max()) if size else 0
        contained, absorbed = np.empty(size, np.uint8), np.empty(size, np.uint8)
        path = np.empty(longest + 1, np.int32)
        compiled.run("mark", self.parents, self.labels, self.supports, any_step, table, path, contained, absorbed)
        return np.flatnonzero((contained if kind == "maximal" else absorbed) == 0)

    @classmethod
    def join(cls, parts: list[PatternTree], interrupted: str = "") -> PatternTree:
        """One tree of several, in their order."""
        if not parts:
            empty = np.empty(0, np.int32)
            return cls(empty, empty, empty, interrupted)
        parents, base = [], 0
        for part in parts:
            parents.append(np.where(part.parents >= 0, part.parents + base, -1).astype(np.int32))
            base += len(part)
        labels = np.concatenate([part.labels for part in parts])
        supports = np.concatenate([part.supports for part in parts])
        return cls(np.concatenate(parents), labels, supports, interrupted)
