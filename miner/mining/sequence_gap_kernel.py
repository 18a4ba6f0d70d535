"""The compiled loops around the search: reading, grouping, the search under gap and span limits, and marking.

Under a limit the earliest match of a prefix no longer stands for all others, so a pattern keeps every place where a
match of it can end, each with the latest start among the matches that end there. Later ends have later starts, so
only the nearest end before a place decides whether the pattern can be extended to it: every place is visited once.
"""

from __future__ import annotations

from typing import Any

from miner.mining.sequence_kernel import DONE, OUTPUT_FULL, STACK_FULL, STOPPED
from miner.mining.sequence_projection import loop


@loop
def parse(text: Any, items: Any, offsets: Any, outcome: Any) -> int:
    """Reads item numbers, one session a line; returns 0, or the number of the line that holds something else."""
    made, line, value, inside = 0, 0, 0, False
    offsets[0] = 0
    for i in range(len(text)):
        byte = text[i]
        if 48 <= byte <= 57:
            value = value * 10 + byte - 48 if inside else byte - 48
            inside = True
            if value > 2147483647:
                return line + 1
            continue
        if inside:
            items[made] = value
            made += 1
            inside = False
        if byte == 10:
            line += 1
            offsets[line] = made
        elif byte not in (32, 9, 13):
            return line + 1
    if inside:
        items[made] = value
        made += 1
    if len(text) and text[len(text) - 1] != 10:
        line += 1
        offsets[line] = made
    outcome[0], outcome[1] = line, made
    return 0


@loop
def group(items: Any, offsets: Any, seen: Any, starts: Any, sessions: Any, places: Any, first_only: int) -> int:
    """Lists, item by item, the sessions and places of it: every place, or only the first in each session.

    ``starts`` has one number more than there are items and says where each item's list begins.
    """
    count = len(offsets) - 1
    for i in range(len(starts)):
        starts[i] = 0
    for turn in range(2):
        for i in range(len(seen)):
            seen[i] = -1
        for s in range(count):
            for p in range(offsets[s], offsets[s + 1]):
                item = items[p]
                if item < 0 or (first_only and seen[item] == s):
                    continue
                seen[item] = s
                at = starts[item]
                if turn == 1:
                    sessions[at], places[at] = s, p
                starts[item] = at + 1
        if turn == 0:
            total = 0
            for i in range(len(starts)):
                size = starts[i]
                starts[i] = total
                total += size
    for i in range(len(starts) - 1, 0, -1):
        starts[i] = starts[i - 1]
    starts[0] = 0
    return 0


@loop
def count_sessions(items: Any, offsets: Any, seen: Any, counts: Any) -> int:
    """In how many sessions each item occurs."""
    for i in range(len(seen)):
        seen[i], counts[i] = -1, 0
    for s in range(len(offsets) - 1):
        for p in range(offsets[s], offsets[s + 1]):
            item = items[p]
            if item >= 0 and seen[item] != s:
                seen[item] = s
                counts[item] += 1
    return 0


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
