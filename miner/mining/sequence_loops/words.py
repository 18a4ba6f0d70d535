"""Loops over bit words: taking a step, listing where it lies, counting masks, and squeezing out what is dead."""

from __future__ import annotations

from typing import Any

from numba import uint64
from numba.cpython.unsafe.numbers import trailing_zeros

from miner.mining.sequence_loops.projection import ALL, NONE, ONE, loop


@loop
def advance(places: Any, alive: Any, after: Any, bases: Any, single: int, words: int) -> None:
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
def matches(places: Any, alive: Any, bases: Any, index: Any, single: int, words: int) -> int:
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
def count_masks(masks: Any, index: Any, found: int, chunk: int, chunks: int, allowed: Any, counts: Any) -> None:
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
def squeeze(source: Any, alive: Any, target: Any, words: int) -> None:
    """Copies the words that are alive, close together."""
    kept = 0
    for i in range(words):
        target[kept] = source[i]
        kept += alive[i] != NONE


@loop
def squeeze_bases(bases: Any, alive: Any, target: Any, single: int, words: int) -> int:
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
