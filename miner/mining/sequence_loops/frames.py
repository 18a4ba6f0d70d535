"""The frames of the search: one pattern each, with the items that extend it and the bit words of its places."""

from __future__ import annotations

from typing import Any

from numba import uint64

from miner.mining.sequence_loops import FRAME, OUTPUT_FULL, STACK_FULL
from miner.mining.sequence_loops.projection import ALL, NONE, ONE, loop, measure, project
from miner.mining.sequence_loops.words import advance, count_masks, matches, squeeze, squeeze_bases

# A frame of the search: one pattern with the items that extend it. In ``numbers``, from the frame's offset, lie for
# each of its kinds: the offset of its places, its node, its rank, its position in the frame above, its first child.
WORDS, SINGLE, KINDS, NUMBERS, ALIVE, BASES, MASKS, NEXT, LENGTH, TOP, BASE_TOP, NUMBER_TOP = range(12)


@loop
def extend(
    stack: Any,
    bases: Any,
    index: Any,
    masks: Any,
    chunks: int,
    nothing: int,
    counts: Any,
    numbers: Any,
    frame: Any,
    above: Any,
    parents: Any,
    labels: Any,
    supports: Any,
    ranks: Any,
    made: int,
    least: int,
) -> int:
    """Makes the nodes two steps below a frame's pattern; returns the nodes made, or -1 when they do not fit."""
    kinds, words, single, base = frame[KINDS], frame[WORDS], frame[SINGLE], frame[NUMBERS]
    alive = stack[frame[ALIVE] : frame[ALIVE] + words]
    starts = bases[frame[BASES] : frame[BASES] + words]
    for c in range(kinds):
        own = frame[MASKS] + chunks * (c + 1)
        sibling = above[MASKS] + chunks * (numbers[base + 3 * kinds + c] + 1)
        numbers[base + 4 * kinds + c] = made
        found = -1
        for g in range(chunks):
            # The frame's own mask holds what extends its pattern; the sibling's what extends the parent by c.
            allowed = stack[frame[MASKS] + g] & stack[sibling + g]
            stack[own + g] = NONE
            if allowed == NONE:
                continue
            if found < 0:
                start = numbers[base + c]
                found = matches(stack[start : start + words], alive, starts, index, single, words)
                for i in range(found, (found + 15) // 16 * 16):
                    index[i] = nothing
            count_masks(masks, index, found, g, chunks, allowed, counts)
            for i in range(64):
                if counts[i] >= uint64(least):
                    if made >= len(parents):
                        return -1
                    parents[made] = numbers[base + kinds + c]
                    labels[made] = ranks[64 * g + i]
                    supports[made] = counts[i]
                    stack[own + g] |= ONE << uint64(i)
                    made += 1
    return made


@loop
def _list_children(stack: Any, chunks: int, numbers: Any, frame: Any, child: Any, c: int) -> int:
    """Lists what extends a pattern by item ``c`` and then another; 0 when nothing can follow those, -1 when full."""
    kinds, base, target = frame[KINDS], frame[NUMBERS], frame[NUMBER_TOP]
    own = frame[MASKS] + chunks * (c + 1)
    k, pairs = 0, 0
    for d in range(kinds):
        r = numbers[base + 2 * kinds + d]
        k += (stack[own + (r >> 6)] >> uint64(r & 63)) & ONE != NONE
    if target + 5 * k > len(numbers):
        return -1
    i = 0
    for d in range(kinds):
        r = numbers[base + 2 * kinds + d]
        if (stack[own + (r >> 6)] >> uint64(r & 63)) & ONE == NONE:
            continue
        numbers[target + k + i] = numbers[base + 4 * kinds + c] + i
        numbers[target + 2 * k + i] = r
        numbers[target + 3 * k + i] = d
        i += 1
        for g in range(chunks):
            pairs += (stack[own + g] & stack[frame[MASKS] + chunks * (d + 1) + g]) != NONE
    child[KINDS], child[NUMBERS], child[NUMBER_TOP] = k, target, target + 5 * k
    return pairs


@loop
def open_child(stack: Any, bases: Any, chunks: int, numbers: Any, frame: Any, child: Any, c: int) -> int:
    """Makes the frame of a pattern's extension by item ``c``: 1 when made, 0 when nothing can follow, -1 when full."""
    pairs = _list_children(stack, chunks, numbers, frame, child, c)
    if pairs <= 0:
        return pairs
    words, single, base = frame[WORDS], frame[SINGLE], frame[NUMBERS]
    k, target, top = child[KINDS], child[NUMBERS], frame[TOP]
    if top + words * (k + 2) + chunks * (k + 1) > len(stack) or frame[BASE_TOP] + words > len(bases):
        return -1
    child[LENGTH], child[NEXT], child[MASKS] = frame[LENGTH] + 1, -1, top
    for g in range(chunks):
        stack[top + g] = stack[frame[MASKS] + chunks * (c + 1) + g]
    top += chunks * (k + 1)
    alive = stack[top : top + words]
    starts = bases[frame[BASES] : frame[BASES] + words]
    at = numbers[base + c]
    advance(stack[at : at + words], stack[frame[ALIVE] : frame[ALIVE] + words], alive, starts, single, words)
    living = 0
    for i in range(words):
        living += alive[i] != NONE
    child[ALIVE] = top
    if living * 4 > words * 3:
        for i in range(k):
            numbers[target + i] = numbers[base + numbers[target + 3 * k + i]]
        child[WORDS], child[SINGLE], child[BASES] = words, single, frame[BASES]
        child[TOP], child[BASE_TOP] = top + words, frame[BASE_TOP]
        return 1
    # One word of slack behind each copy: the squeeze writes before it knows whether the word is kept.
    at = top + words
    for i in range(k):
        source = numbers[base + numbers[target + 3 * k + i]]
        numbers[target + i] = at
        squeeze(stack[source : source + words], alive, stack[at : at + living + 1], words)
        at += living
    kept = bases[frame[BASE_TOP] : frame[BASE_TOP] + words]
    child[SINGLE] = squeeze_bases(starts, alive, kept, single, words)
    squeeze(alive, alive, alive, words)
    child[WORDS], child[BASES] = living, frame[BASE_TOP]
    child[TOP], child[BASE_TOP] = at, frame[BASE_TOP] + living
    return 1


@loop
def first_frame(
    items: Any,
    offsets: Any,
    sessions: Any,
    firsts: Any,
    count: int,
    all_kinds: int,
    least: int,
    scratch: Any,
    stack: Any,
    bases: Any,
    index: Any,
    masks: Any,
    numbers: Any,
    frames: Any,
    parents: Any,
    labels: Any,
    supports: Any,
    control: Any,
) -> int:
    """The patterns of two steps and the bit words below the first; returns the nodes made, or a negative outcome.

    The frame in front of it is a stand-in for a parent that forbids nothing.
    """
    seen, counts, rank = scratch[:all_kinds], scratch[all_kinds : 2 * all_kinds], scratch[2 * all_kinds :]
    for i in range(all_kinds):
        seen[i], counts[i] = -1, 0
    for e in range(count):
        for p in range(firsts[e] + 1, offsets[sessions[e] + 1]):
            item = items[p]
            if item >= 0 and seen[item] != e:
                seen[item] = e
                counts[item] += 1
    k = 0
    for i in range(all_kinds):
        rank[i] = -1
        if counts[i] >= least:
            if k + 1 >= len(parents):
                return -OUTPUT_FULL
            rank[i] = k
            seen[k] = i
            parents[k + 1], labels[k + 1], supports[k + 1] = 0, i, counts[i]
            k += 1
    above, frame = frames[:FRAME], frames[FRAME : 2 * FRAME]
    chunks = (k + 63) >> 6
    words, frame[SINGLE], places = measure(items, offsets, sessions, firsts, count, rank)
    frame[WORDS] = words
    control[2], control[3] = chunks, places
    top = words * (k + 1) + chunks * (2 * k + 2)
    fits = top <= len(stack) and words <= len(bases) and words + 16 <= len(index)
    if not fits or (places + 1) * chunks + 64 > len(masks) or 5 * k > len(numbers):
        return -STACK_FULL
    project(items, offsets, sessions, firsts, count, rank, k, chunks, stack, bases, masks, words)
    own = words * (k + 1)
    for i in range(chunks * (2 * k + 2)):
        stack[own + i] = ALL
    for i in range(k):
        numbers[i], numbers[k + i], numbers[2 * k + i], numbers[3 * k + i] = i * words, i + 1, i, i
    above[MASKS] = own + chunks * (k + 1)
    frame[KINDS], frame[NUMBERS], frame[NUMBER_TOP], frame[MASKS] = k, 0, 5 * k, own
    frame[ALIVE], frame[TOP], frame[BASES], frame[BASE_TOP] = k * words, top, 0, words
    frame[LENGTH], frame[NEXT] = 1, -1
    return 1 + k
