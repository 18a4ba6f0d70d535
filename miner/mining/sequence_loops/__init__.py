"""The compiled loops of the sequence miner, and the numbers they share with the code that calls them.

A file is a subject; ``compiled`` turns all of them into machine code once and calls it without numba.
"""

DONE, STOPPED, OUTPUT_FULL, STACK_FULL = range(4)
"""How a search ends."""
FRAME = 12
"""How many numbers a frame of the search without gap limits takes."""
