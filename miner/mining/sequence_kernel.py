"""The compiled loops of the search without gap limits: vertical, one bit word per session.

Below a first step ``a``, each session that holds ``a`` is reduced to what follows it. Every item has a bit word of
its places there (several words for a long rest), and every place has a mask of the items that still come after it.
A pattern is one word per session with a bit set wherever its next step may lie: taking an item is
``x = places & word`` and ``~(x ^ (x - 1))``, and one load at the lowest bit of ``x`` brings all items that can follow.
Those masks are then added up bit by bit in a tree of carry-save adders, which counts 64 items at once for the price
of a few. An extension is only tried where its sibling has it too, and sessions that a pattern has lost are squeezed
out, so the work stays near the size of the answer.

Nothing here allocates, raises or calls Python, so the machine code can be stored and loaded without numba.
"""

from __future__ import annotations

from typing import Any

from numba import uint64
from numba.cpython.unsafe.numbers import trailing_zeros

from miner.mining.sequence_projection import ALL, NONE, ONE, loop, measure, project

DONE, STOPPED, OUTPUT_FULL, STACK_FULL = range(4)

# A frame of the search: one pattern with the items that extend it. In ``numbers``, from the frame's offset, lie for
# each of its kinds: the offset of its places, its node, its rank, its position in the frame above, its first child.
_WORDS, _SINGLE, _KINDS, _NUMBERS, _ALIVE, _BASES, _MASKS, _NEXT, _LENGTH, _TOP, _BASE_TOP, _NUMBER_TOP = range(12)
FRAME = 12


@loop
def _advance(places: Any, alive: Any, after: Any, bases: Any, single: int, words: int) -> None:
    """Where the next step may lie once an item has been taken at its earliest place."""
    for i in range(single):
        x = places[i] & alive[i]
        after[i] = ~(x ^ (x - ONE))
    carry = NONE
    for i in range(single, words):
        if bases[i] < 0:
            carry = NONE
        x = places[i] & alive[i]
        after[i] = ~(x ^ (x - ONE)) | carry
        if x != NONE:
            carry = ALL


@loop
def _matches(places: Any, alive: Any, bases: Any, index: Any, single: int, words: int) -> int:
    """Lists the earliest place of an item in every session that still has one; returns how many."""
    found = 0
    for i in range(single):
        x = places[i] & alive[i]
        index[found] = ~bases[i] + trailing_zeros(x)
        found += x != NONE
    fresh = False
    for i in range(single, words):
        base = bases[i]
        if base < 0:
            fresh = True
            base = ~base
        x = places[i] & alive[i]
        if fresh and x != NONE:
            index[found] = base + trailing_zeros(x)
            found += 1
            fresh = False
    return found


@loop
def _add_bits(counts: Any, bits: Any, weight: int) -> None:
    """Adds a weight to the counter of each set bit."""
    for i in range(64):
        counts[i] += ((bits >> uint64(i)) & ONE) * uint64(weight)


@loop
def _count_masks(masks: Any, index: Any, found: int, chunk: int, chunks: int, allowed: Any, counts: Any) -> None:
    """How many of the listed masks have each bit set: carry-save adders over sixteen masks at a time."""
    for i in range(64):
        counts[i] = NONE
    ones, twos, fours, eights = NONE, NONE, NONE, NONE
    for block in range(0, found, 16):
        carry8 = NONE
        for half in range(2):
            carry4 = NONE
            for quarter in range(2):
                carry2 = NONE
                for pair in range(2):
                    at = block + 8 * half + 4 * quarter + 2 * pair
                    a = masks[index[at] * chunks + chunk] & allowed
                    b = masks[index[at + 1] * chunks + chunk] & allowed
                    u = ones ^ a
                    carry1 = (ones & a) | (u & b)
                    ones = u ^ b
                    if pair == 0:
                        carry2 = carry1
                    else:
                        u = twos ^ carry2
                        carry1, twos = (twos & carry2) | (u & carry1), u ^ carry1
                        if quarter == 0:
                            carry4 = carry1
                        else:
                            u = fours ^ carry4
                            carry1, fours = (fours & carry4) | (u & carry1), u ^ carry1
                            if half == 0:
                                carry8 = carry1
                            else:
                                u = eights ^ carry8
                                carry1, eights = (eights & carry8) | (u & carry1), u ^ carry1
                                _add_bits(counts, carry1, 16)
    _add_bits(counts, ones, 1)
    _add_bits(counts, twos, 2)
    _add_bits(counts, fours, 4)
    _add_bits(counts, eights, 8)


@loop
def _squeeze(source: Any, alive: Any, target: Any, words: int) -> None:
    """Copies the words that are alive, close together."""
    kept = 0
    for i in range(words):
        target[kept] = source[i]
        kept += alive[i] != NONE


@loop
def _squeeze_bases(bases: Any, alive: Any, target: Any, single: int, words: int) -> int:
    """Copies the bases of living words, complemented where a session begins; returns how many are single words.

    The dead words of a session are its leading ones, because a pattern leaves everything after its end alive.
    """
    kept = 0
    for i in range(single):
        target[kept] = bases[i]
        kept += alive[i] != NONE
    still_single = kept
    for i in range(single, words):
        if alive[i] != NONE:
            base = bases[i] if bases[i] >= 0 else ~bases[i]
            target[kept] = ~base if bases[i] < 0 or alive[i - 1] == NONE else base
            kept += 1
    return still_single


@loop
def _extend(
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
    kinds, words, single, base = frame[_KINDS], frame[_WORDS], frame[_SINGLE], frame[_NUMBERS]
    alive = stack[frame[_ALIVE] : frame[_ALIVE] + words]
    starts = bases[frame[_BASES] : frame[_BASES] + words]
    for c in range(kinds):
        own = frame[_MASKS] + chunks * (c + 1)
        sibling = above[_MASKS] + chunks * (numbers[base + 3 * kinds + c] + 1)
        numbers[base + 4 * kinds + c] = made
        found = -1
        for g in range(chunks):
            # The frame's own mask holds what extends its pattern; the sibling's what extends the parent by c.
            allowed = stack[frame[_MASKS] + g] & stack[sibling + g]
            stack[own + g] = NONE
            if allowed == NONE:
                continue
            if found < 0:
                start = numbers[base + c]
                found = _matches(stack[start : start + words], alive, starts, index, single, words)
                for i in range(found, (found + 15) // 16 * 16):
                    index[i] = nothing
            _count_masks(masks, index, found, g, chunks, allowed, counts)
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
    kinds, base, target = frame[_KINDS], frame[_NUMBERS], frame[_NUMBER_TOP]
    own = frame[_MASKS] + chunks * (c + 1)
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
            pairs += (stack[own + g] & stack[frame[_MASKS] + chunks * (d + 1) + g]) != NONE
    child[_KINDS], child[_NUMBERS], child[_NUMBER_TOP] = k, target, target + 5 * k
    return pairs


@loop
def _open_child(stack: Any, bases: Any, chunks: int, numbers: Any, frame: Any, child: Any, c: int) -> int:
    """Makes the frame of a pattern's extension by item ``c``: 1 when made, 0 when nothing can follow, -1 when full."""
    pairs = _list_children(stack, chunks, numbers, frame, child, c)
    if pairs <= 0:
        return pairs
    words, single, base = frame[_WORDS], frame[_SINGLE], frame[_NUMBERS]
    k, target, top = child[_KINDS], child[_NUMBERS], frame[_TOP]
    if top + words * (k + 2) + chunks * (k + 1) > len(stack) or frame[_BASE_TOP] + words > len(bases):
        return -1
    child[_LENGTH], child[_NEXT], child[_MASKS] = frame[_LENGTH] + 1, -1, top
    for g in range(chunks):
        stack[top + g] = stack[frame[_MASKS] + chunks * (c + 1) + g]
    top += chunks * (k + 1)
    alive = stack[top : top + words]
    starts = bases[frame[_BASES] : frame[_BASES] + words]
    at = numbers[base + c]
    _advance(stack[at : at + words], stack[frame[_ALIVE] : frame[_ALIVE] + words], alive, starts, single, words)
    living = 0
    for i in range(words):
        living += alive[i] != NONE
    child[_ALIVE] = top
    if living * 4 > words * 3:
        for i in range(k):
            numbers[target + i] = numbers[base + numbers[target + 3 * k + i]]
        child[_WORDS], child[_SINGLE], child[_BASES] = words, single, frame[_BASES]
        child[_TOP], child[_BASE_TOP] = top + words, frame[_BASE_TOP]
        return 1
    # One word of slack behind each copy: the squeeze writes before it knows whether the word is kept.
    at = top + words
    for i in range(k):
        source = numbers[base + numbers[target + 3 * k + i]]
        numbers[target + i] = at
        _squeeze(stack[source : source + words], alive, stack[at : at + living + 1], words)
        at += living
    kept = bases[frame[_BASE_TOP] : frame[_BASE_TOP] + words]
    child[_SINGLE] = _squeeze_bases(starts, alive, kept, single, words)
    _squeeze(alive, alive, alive, words)
    child[_WORDS], child[_BASES] = living, frame[_BASE_TOP]
    child[_TOP], child[_BASE_TOP] = at, frame[_BASE_TOP] + living
    return 1


@loop
def _first_frame(
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
    words, frame[_SINGLE], places = measure(items, offsets, sessions, firsts, count, rank)
    frame[_WORDS] = words
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
    above[_MASKS] = own + chunks * (k + 1)
    frame[_KINDS], frame[_NUMBERS], frame[_NUMBER_TOP], frame[_MASKS] = k, 0, 5 * k, own
    frame[_ALIVE], frame[_TOP], frame[_BASES], frame[_BASE_TOP] = k * words, top, 0, words
    frame[_LENGTH], frame[_NEXT] = 1, -1
    return 1 + k


@loop
def search(
    items: Any,
    offsets: Any,
    sessions: Any,
    firsts: Any,
    first_item: int,
    all_kinds: int,
    least: int,
    longest: int,
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
    """All frequent patterns that begin with one item, as a tree of nodes (parent, item, support).

    ``sessions`` and ``firsts`` say where the item first lies. ``control[0]``, set by the caller, stops the search;
    ``control[1]`` tells it how many nodes are made.
    """
    parents[0], labels[0], supports[0] = -1, first_item, len(sessions)
    control[1] = 1
    if longest == 1:
        return DONE
    made = _first_frame(
        items,
        offsets,
        sessions,
        firsts,
        len(sessions),
        all_kinds,
        least,
        scratch,
        stack,
        bases,
        index,
        masks,
        numbers,
        frames,
        parents,
        labels,
        supports,
        control,
    )
    if made < 0:
        return -made
    control[1] = made
    chunks, nothing = control[2], control[3]
    counts = masks[len(masks) - 64 :]
    depth = 1
    while depth >= 1:
        above, frame = frames[(depth - 1) * FRAME : depth * FRAME], frames[depth * FRAME : (depth + 1) * FRAME]
        if frame[_NEXT] < 0:
            if control[0]:
                return STOPPED
            if frame[_LENGTH] + 2 > longest:
                depth -= 1
                continue
            made = _extend(
                stack,
                bases,
                index,
                masks,
                chunks,
                nothing,
                counts,
                numbers,
                frame,
                above,
                parents,
                labels,
                supports,
                scratch,
                made,
                least,
            )
            if made < 0:
                return OUTPUT_FULL
            control[1] = made
            frame[_NEXT] = 0
        if frame[_NEXT] >= frame[_KINDS]:
            depth -= 1
            continue
        frame[_NEXT] += 1
        if (depth + 2) * FRAME > len(frames):
            return STACK_FULL
        child = frames[(depth + 1) * FRAME : (depth + 2) * FRAME]
        opened = _open_child(stack, bases, chunks, numbers, frame, child, frame[_NEXT] - 1)
        if opened < 0:
            return STACK_FULL
        depth += opened
    return DONE
