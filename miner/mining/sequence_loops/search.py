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

from miner.mining.sequence_loops import DONE, FRAME, OUTPUT_FULL, STACK_FULL, STOPPED
from miner.mining.sequence_loops.frames import KINDS, LENGTH, NEXT, extend, first_frame, open_child
from miner.mining.sequence_loops.projection import loop


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
    made = first_frame(
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
        if frame[NEXT] < 0:
            if control[0]:
                return STOPPED
            if frame[LENGTH] + 2 > longest:
                depth -= 1
                continue
            made = extend(
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
            frame[NEXT] = 0
        if frame[NEXT] >= frame[KINDS]:
            depth -= 1
            continue
        frame[NEXT] += 1
        if (depth + 2) * FRAME > len(frames):
            return STACK_FULL
        child = frames[(depth + 1) * FRAME : (depth + 2) * FRAME]
        opened = open_child(stack, bases, chunks, numbers, frame, child, frame[NEXT] - 1)
        if opened < 0:
            return STACK_FULL
        depth += opened
    return DONE
