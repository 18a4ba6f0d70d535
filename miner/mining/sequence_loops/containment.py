"""The loop after a search: which patterns a longer one contains."""

from __future__ import annotations

from typing import Any

from miner.mining.sequence_loops.projection import loop


@loop
def _slot(table: Any, parents: Any, labels: Any, parent: int, label: int) -> int:
    """Where a node with that parent and item is in the hash table, or where it would go."""
    mask = len(table) - 1
    at = ((parent + 1) * 73856093 ^ (label + 1) * 19349663) & mask
    while table[at] >= 0 and (parents[table[at]] != parent or labels[table[at]] != label):
        at = (at + 1) & mask
    return at


@loop
def mark(
    parents: Any, labels: Any, supports: Any, any_step: int, table: Any, path: Any, contained: Any, absorbed: Any
) -> int:
    """Marks patterns that a longer one contains, and those of them that it contains with the same support.

    A containing pattern with one step more exists whenever any does, so it is enough to leave out each step of each
    pattern in turn; under a gap limit only the first or the last, for only then does every match stay a match.
    """
    for i in range(len(table)):
        table[i] = -1
    for node in range(len(parents)):
        contained[node], absorbed[node] = 0, 0
        table[_slot(table, parents, labels, parents[node], labels[node])] = node
    for node in range(len(parents)):
        length, at = 0, node
        while at >= 0:
            length += 1
            at = parents[at]
        at = node
        for i in range(length):
            path[length - 1 - i] = at
            at = parents[at]
        for left_out in range(length):
            middle = 0 < left_out < length - 1
            if length == 1 or (middle and not any_step):
                continue
            # Within a run of one item it makes no difference which is left out.
            if any_step and left_out and labels[path[left_out]] == labels[path[left_out - 1]]:
                continue
            smaller = path[left_out - 1] if left_out else -1
            for i in range(left_out + 1, length):
                smaller = table[_slot(table, parents, labels, smaller, labels[path[i]])]
                if smaller < 0:
                    break
            if smaller >= 0:
                contained[smaller] = 1
                if supports[smaller] == supports[node]:
                    absorbed[smaller] = 1
    return 0
