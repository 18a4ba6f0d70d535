"""Which call follows which: the tool graph, and frequent sequences with the sessions behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dashboards.queries import activity
from dashboards.queries.folder import Run, events_of

if TYPE_CHECKING:
    from miner.evaluation.excerpt import Excerpt

MOST_KEYS = 24
"""Sessions named behind a sequence."""


def transitions(run: Run) -> list[dict[str, Any]]:
    """The direct transitions between tools, most frequent first, as the run counted them, else as counted now."""
    from miner.evaluation.overview import transitions as counted

    found = activity.totals(run).get("transitions")
    if found is None:
        with events_of(run) as store:
            found = counted(store)
    names = {"tool": "from", "next": "to", "median_s": "median s"}
    return [{names.get(name, name): value for name, value in row.items()} for row in found]


def step_sequences(run: Run) -> Excerpt:
    """Sessions' calls as steps (tool, and whether it failed): as the run kept them, else drawn now, and kept."""
    from miner.evaluation.excerpt import excerpt_of, key_of, load, save

    with events_of(run) as store:
        key = key_of(store)
        found = load(run.path, key)
        if found is None:
            found = excerpt_of(store)
            save(run.path, key, found)
    return found


class Found(NamedTuple):
    """The sequences of most sessions with their evidence, and how many there are in all."""

    rows: list[dict[str, Any]]
    of: int


def frequent_sequences(
    excerpt: Excerpt, share: float, gap: int, least: int, contains: tuple[str, ...], most: int
) -> Found:
    """Closed frequent sequences, most sessions first; evidence is looked up for those that are shown."""
    from miner.mining.sequences import SequenceLimits, mine_sequences

    seen = excerpt.seen
    if not len(seen.database.items):
        return Found([], 0)
    limits = SequenceLimits(
        min_sessions=max(2, round(share * seen.database.sessions)),
        kind="closed",
        max_gap=gap,
        min_length=least,
        max_length=12,
        contains=contains,
        budget=200_000,
    )
    mined = mine_sequences(seen.database, limits, times=seen.times)
    rows = []
    for pattern in mined.patterns[:most]:
        evidence = mined.evidence(pattern)
        known = [wait for wait in evidence.step_medians_us if wait is not None]
        rows.append(
            {
                "sequence": list(pattern.steps),
                "sessions": pattern.sessions,
                "share": pattern.share,
                "times": evidence.occurrences,
                "median s": sum(known) / 1e6 if len(known) == len(evidence.step_medians_us) else None,
                "in tools": evidence.tool_share,
                "found in": [seen.keys[number] for number in evidence.sessions[:MOST_KEYS]],
            }
        )
    return Found(rows, len(mined.patterns))
