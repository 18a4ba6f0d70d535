"""Loops before a search: reading sessions from text, counting items, and listing where each of them lies."""

from __future__ import annotations

from typing import Any

from miner.mining.sequence_loops.projection import loop


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
