"""What follows a first step, as bit words and masks: the ground on which the search without gap limits stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, uint64

ALL = uint64(0xFFFFFFFFFFFFFFFF)
NONE = uint64(0)
ONE = uint64(1)
Function = TypeVar("Function", bound=Callable[..., Any])


def loop(function: Function) -> Function:
    """Compiles a function to machine code that neither checks bounds nor holds the interpreter's lock."""
    return cast("Function", njit(nogil=True, error_model="numpy", boundscheck=False)(function))


@loop
def _rest_length(items: Any, rank: Any, start: int, end: int) -> int:
    """How many ranked items lie in a range."""
    length = 0
    for p in range(start, end):
        length += items[p] >= 0 and rank[items[p]] >= 0
    return length


@loop
def measure(items: Any, offsets: Any, sessions: Any, firsts: Any, count: int, rank: Any) -> tuple[int, int, int]:
    """How many words the rests of a first step take, how many of them are single ones, and how many places."""
    words, single, places = 0, 0, 0
    for e in range(count):
        length = _rest_length(items, rank, firsts[e] + 1, offsets[sessions[e] + 1])
        words += (length + 63) >> 6
        single += 0 < length <= 64
        places += length
    return words, single, places


@loop
def project(
    items: Any,
    offsets: Any,
    sessions: Any,
    firsts: Any,
    count: int,
    rank: Any,
    kinds: int,
    chunks: int,
    stack: Any,
    bases: Any,
    masks: Any,
    words: int,
) -> None:
    """Fills the places of each item and the mask after each place, short rests before long ones."""
    for i in range(words * kinds):
        stack[i] = NONE
    for i in range(words):
        stack[words * kinds + i] = ALL
    at, place = 0, 0
    for part in range(2):
        for e in range(count):
            start, end = firsts[e] + 1, offsets[sessions[e] + 1]
            length = _rest_length(items, rank, start, end)
            if length == 0 or (length > 64) != (part == 1):
                continue
            for w in range((length + 63) >> 6):
                bases[at + w] = place + 64 * w
            bases[at] = ~place
            bit, later = length - 1, 0
            for back in range(end - start):
                item = items[end - 1 - back]
                if item < 0 or rank[item] < 0:
                    continue
                r = rank[item]
                stack[r * words + at + (bit >> 6)] |= ONE << uint64(bit & 63)
                mask = (place + bit) * chunks
                for g in range(chunks):
                    masks[mask + g] = NONE
                if bit < length - 1:
                    for g in range(chunks):
                        masks[mask + g] = masks[mask + chunks + g]
                    # ``later`` is the item at the next place, which the mask of that place does not hold.
                    masks[mask + (later >> 6)] |= ONE << uint64(later & 63)
                later = r
                bit -= 1
            at += (length + 63) >> 6
            place += length
    for g in range(chunks):
        masks[place * chunks + g] = NONE
