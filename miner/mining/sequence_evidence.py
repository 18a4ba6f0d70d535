"""Where a pattern was seen: its sessions, the places of its first match in each, and how long its steps took.

Computed for the patterns that are shown, not for all that are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

from miner.mining.sequence_database import Int64, SequenceDatabase


@dataclass(frozen=True, slots=True)
class StepTimes:
    """When each item of a database began and ended, in microseconds; -1 where the log does not say."""

    starts_us: Int64
    ends_us: Int64


@dataclass(frozen=True, slots=True)
class PatternEvidence:
    """What backs a pattern."""

    sessions: tuple[int, ...]
    """Numbers of the sessions that hold it."""
    first_positions: tuple[tuple[int, ...], ...]
    """For each of them the positions, from 0, of the match that ends first and, of those, is shortest."""
    occurrences: int
    """At how many places of all sessions a match ends."""
    step_medians_us: tuple[int | None, ...]
    """Median time from the start of each step to the start of the next, over the first matches."""
    tool_share: float | None
    """How much of the time from the first step's start to the last step's end its own steps took."""


def evidence_of(
    steps: tuple[str, ...],
    database: SequenceDatabase,
    times: StepTimes | None = None,
    *,
    max_gap: int | None = None,
    max_span: int | None = None,
) -> PatternEvidence:
    """Looks a pattern up in every session that holds all its steps."""
    number = {name: index for index, name in enumerate(database.names)}
    wanted = [number[step] for step in steps]
    sessions, positions, occurrences = [], [], 0
    for session in _candidates(wanted, database):
        low = int(database.offsets[session])
        items = database.items[low : int(database.offsets[session + 1])].tolist()
        ends = _ends(items, wanted, max_gap, max_span)
        if ends:
            sessions.append(session)
            positions.append(_trace(items, wanted, ends[0], max_gap))
            occurrences += len(ends)
    medians, share = _timing(sessions, positions, database, times, len(steps))
    return PatternEvidence(tuple(sessions), tuple(positions), occurrences, medians, share)


def _candidates(wanted: list[int], database: SequenceDatabase) -> list[int]:
    """Sessions that hold every item, in whatever order."""
    owner = np.repeat(np.arange(database.sessions), np.diff(database.offsets))
    holding = np.ones(database.sessions, np.bool_)
    for item in set(wanted):
        having = np.zeros(database.sessions, np.bool_)
        having[owner[database.items == item]] = True
        holding &= having
    found: list[int] = np.flatnonzero(holding).tolist()
    return found


def _ends(items: list[int], wanted: list[int], max_gap: int | None, max_span: int | None) -> list[tuple[int, int]]:
    """Each place where a match ends, with the latest start among the matches that end there."""
    places = {item: _places(items, item) for item in set(wanted)}
    ends = [(place, place) for place in places[wanted[0]]]
    for step in wanted[1:]:
        longer, nearest = [], -1
        for place in places[step]:
            while nearest + 1 < len(ends) and ends[nearest + 1][0] < place:
                nearest += 1
            if nearest < 0:
                continue
            end, start = ends[nearest]
            near = max_gap is None or place - end - 1 <= max_gap
            if near and (max_span is None or place - start + 1 <= max_span):
                longer.append((place, start))
        if not longer:
            return []
        ends = longer
    return ends


def _places(items: list[int], item: int) -> list[int]:
    """Every place of an item; a search of the list leaps over the others at the speed of C."""
    found, place = [], -1
    for _ in range(items.count(item)):
        place = items.index(item, place + 1)
        found.append(place)
    return found


def _trace(items: list[int], wanted: list[int], found: tuple[int, int], max_gap: int | None) -> tuple[int, ...]:
    """The places of a match between its known end and start, each step as late as it can be."""
    end, start = found
    reachable = [{start}]
    for step in wanted[1:]:
        previous = reachable[-1]
        reach = set()
        last = None
        for place in range(start, end + 1):
            if last is not None and items[place] == step and (max_gap is None or place - last - 1 <= max_gap):
                reach.add(place)
            if place in previous:
                last = place
        reachable.append(reach)
    places = [end]
    for step_places in reversed(reachable[:-1]):
        after = places[-1]
        places.append(max(place for place in step_places if place < after))
    return tuple(reversed(places))


def _timing(
    sessions: list[int],
    positions: list[tuple[int, ...]],
    database: SequenceDatabase,
    times: StepTimes | None,
    length: int,
) -> tuple[tuple[int | None, ...], float | None]:
    """Median time from step to step, and the share of the whole that the steps themselves took."""
    nothing: tuple[int | None, ...] = (None,) * (length - 1)
    if times is None or not positions:
        return nothing, None
    places = np.array(positions, np.int64) + database.offsets[np.array(sessions, np.int64)][:, None]
    starts, ends = times.starts_us[places], times.ends_us[places]
    medians = []
    for step in range(length - 1):
        known = (starts[:, step] >= 0) & (starts[:, step + 1] >= 0)
        waits = (starts[known, step + 1] - starts[known, step]).tolist()
        medians.append(int(median(waits)) if waits else None)
    timed = (starts >= 0).all(axis=1) & (ends >= 0).all(axis=1)
    whole = int((ends[timed].max(axis=1) - starts[timed].min(axis=1)).sum())
    own = sum(_union(row) for row in np.stack([starts[timed], ends[timed]], axis=2).tolist())
    return tuple(medians), own / whole if whole > 0 else None


def _union(intervals: list[list[int]]) -> int:
    """The length of time that is in at least one interval: parallel calls count once."""
    total, reached = 0, -1
    for start, end in sorted(intervals):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
