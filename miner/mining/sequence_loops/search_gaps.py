"""The compiled loop of the search under gap and span limits.

Under a limit the earliest match of a prefix no longer stands for all others, so a pattern keeps every place where a
match of it can end, each with the latest start among the matches that end there. Later ends have later starts, so
only the nearest end before a place decides whether the pattern can be extended to it: every place is visited once.
"""

from __future__ import annotations

from typing import Any

from miner.mining.sequence_loops import DONE, OUTPUT_FULL, STACK_FULL, STOPPED
from miner.mining.sequence_loops.projection import loop


@loop
def _last_reach(offsets: Any, session: Any, end: Any, start: Any, at: int, high: int, gap: int, span: int) -> int:
    """The last place for which the match that ends at entry ``at`` is the nearest and can still be extended."""
    last: int = min(offsets[session[at] + 1] - 1, end[at] + 1 + gap, start[at] + span - 1)
    if at + 1 < high and session[at + 1] == session[at]:
        last = min(last, end[at + 1])
    return last


@loop
def search_gaps(
    items: Any,
    offsets: Any,
    first_item: int,
    count: int,
    kinds: int,
    least: int,
    longest: int,
    gap: int,
    span: int,
    scratch: Any,
    session: Any,
    end: Any,
    start: Any,
    tasks: Any,
    parents: Any,
    labels: Any,
    supports: Any,
    control: Any,
) -> int:
    """All frequent patterns under the limits that begin with one item; the first ``count`` entries are its places."""
    seen, places, counts = scratch[:kinds], scratch[kinds : 2 * kinds], scratch[2 * kinds : 3 * kinds]
    target = scratch[3 * kinds :]
    sessions = 0
    for e in range(count):
        sessions += e == 0 or session[e] != session[e - 1]
    parents[0], labels[0], supports[0] = -1, first_item, sessions
    made, depth = 1, 1
    control[1] = made
    tasks[0], tasks[1], tasks[2], tasks[3] = 0, count, 0, 1
    for i in range(kinds):
        target[i] = -1
    while depth > 0:
        if control[0]:
            return STOPPED
        depth -= 1
        low, high, node, length = tasks[4 * depth], tasks[4 * depth + 1], tasks[4 * depth + 2], tasks[4 * depth + 3]
        if length >= longest:
            continue
        for i in range(kinds):
            seen[i], places[i], counts[i] = -1, 0, 0
        for e in range(low, high):
            for p in range(end[e] + 1, _last_reach(offsets, session, end, start, e, high, gap, span) + 1):
                item = items[p]
                if item >= 0:
                    places[item] += 1
                    if seen[item] != session[e]:
                        seen[item] = session[e]
                        counts[item] += 1
        top = high
        for i in range(kinds):
            if counts[i] < least:
                continue
            if made >= len(parents):
                return OUTPUT_FULL
            if 4 * depth + 4 > len(tasks) or top + places[i] > len(end):
                return STACK_FULL
            parents[made], labels[made], supports[made] = node, i, counts[i]
            base = 4 * depth
            tasks[base], tasks[base + 1], tasks[base + 2], tasks[base + 3] = top, top + places[i], made, length + 1
            target[i] = top
            top += places[i]
            made += 1
            depth += 1
        control[1] = made
        if top == high:
            continue
        for e in range(low, high):
            for p in range(end[e] + 1, _last_reach(offsets, session, end, start, e, high, gap, span) + 1):
                item = items[p]
                if item >= 0 and target[item] >= 0:
                    at = target[item]
                    session[at], end[at], start[at] = session[e], p, start[e]
                    target[item] = at + 1
        for i in range(kinds):
            target[i] = -1
    return DONE
