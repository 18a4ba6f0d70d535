"""Serving rules from logs: recorded results that follow from recorded results of broader calls.

One pass over sessions. Where a call has the arguments of an earlier one and a few more, every derivation is tried in
every way it can read those: what it gives of the earlier result is held against what the later call really gave. The
counts of disjoint groups of sessions add up, so mining is parallel and incremental.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from miner.events import Event, EventKind, SessionLog
from miner.mining.serving_counts import ServingCounts, Tally, Way
from miner.mining.survey import arguments_of, group_of
from miner.mining.wilson import wilson
from miner.runtime.canonical import canonical
from miner.runtime.memory import value_key
from miner.runtime.serving import Derivation, derivation_names, load_derivation, whole_number
from miner.runtime.serving_rules import ServingRule

SURE = 0.95
"""What the lower end of Wilson's 95 % interval of a rule's share of right answers must reach."""
FEW, FEW_GROUPS = 20, 5
"""A rule that was never wrong needs no more right answers than these, in as many independent sessions."""
FRAME_GROUPS = 2
"""Independent sessions in which a frame must have stood around a right answer."""
MOST_EXTRA = 4
"""Arguments of one call that are tried as what only the narrower call has."""
LOOK_BACK = 400
"""Calls that are searched for what may have changed a result; a longer stretch counts as having changed it."""
_SHORTEST = 3


class _Seen(NamedTuple):
    """A call that ended well."""

    place: int
    event: Event
    text: str


def count_serving(log: SessionLog, counts: ServingCounts) -> None:
    """Count one session."""
    group = group_of(log)
    calls: list[Event] = []
    latest: dict[str, dict[str, _Seen]] = defaultdict(dict)
    for event in log.events:
        if event.kind is not EventKind.TOOL_CALL or not event.tool:
            continue
        if event.status == "ok" and event.text and not event.truncated and event.arguments_ok:
            arguments = arguments_of(event)
            for extra, key in bases(arguments):
                for tool, seen in latest.get(key, {}).items():
                    if tool == event.tool or len(extra) < len(arguments):
                        _try_pair(counts, group, seen, event, arguments, extra, calls)
            latest[canonical_or_empty(arguments)][event.tool] = _Seen(len(calls), event, event.text)
        calls.append(event)


def bases(arguments: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each one or two arguments that may select a part, with the key of the call without them."""
    names = [name for name, value in arguments.items() if _selects(value)][:MOST_EXTRA]
    for number in (1, 2):
        for chosen in combinations(names, number):
            base = {name: value for name, value in arguments.items() if name not in chosen}
            yield {name: arguments[name] for name in chosen}, canonical_or_empty(base)


def canonical_or_empty(arguments: dict[str, Any]) -> str:
    """The arguments as a key; "" for what is no JSON, which no lookup asks for."""
    try:
        return canonical(arguments)
    except (TypeError, ValueError, RecursionError):
        return ""


def choose_serving(counts: ServingCounts) -> list[ServingRule]:
    """The rules that hold: sure by Wilson's interval, or never wrong in a few independent sessions.

    A way that reads two arguments takes in the counts of those that read one of them alike, because a call may leave
    either out. Of ways that read the same arguments the one that was right most often is kept, the first by name where
    they were equally often.
    """
    pooled = {way: _pooled(way, counts) for way in counts.tallies if not _is_part(way, counts)}
    kept: dict[tuple[str, str, frozenset[str]], ServingRule] = {}
    for way, tally in sorted(pooled.items(), key=lambda item: (-item[1].right, item[1].wrong, item[0])):
        if holds(tally):
            rule = _rule(way, tally)
            kept.setdefault((rule.tool, rule.broad, rule.reads), rule)
    return sorted(kept.values(), key=lambda rule: (rule.tool, rule.broad, rule.derivation, rule.options))


def holds(tally: Tally) -> bool:
    """Whether a way may become a rule: below some seventy trials no counter-example is tolerated."""
    if tally.wrong == 0:
        return tally.right >= FEW and len(tally.groups) >= FEW_GROUPS
    return wilson(tally.right, tally.right + tally.wrong)[0] >= SURE and len(tally.groups) >= FEW_GROUPS


def _try_pair(
    counts: ServingCounts,
    group: str,
    seen: _Seen,
    event: Event,
    arguments: dict[str, Any],
    extra: dict[str, Any],
    calls: list[Event],
) -> None:
    base = {name: value for name, value in arguments.items() if name not in extra}
    undisturbed: bool | None = None
    for name, derivation in _DERIVATIONS.items():
        for options in derivation.ways(extra):
            derived = derivation.derive(seen.text, arguments, options)
            if derived is None:
                continue
            way = Way(event.tool or "", seen.event.tool or "", name, tuple(sorted(options.items())))
            size = derived.items, len(seen.text)
            if derived.text == event.text:
                counts.tallies[way].note_right(derived, size, arguments, group)
                continue
            if undisturbed is None:
                undisturbed = is_undisturbed(seen.place, seen.event, event, base, calls)
            if undisturbed:
                cut = derived.needs_whole and len(event.text or "") > len(derived.text)
                counts.tallies[way].note_wrong(size if cut else None, f"{event.session} {event.seq}")


def is_undisturbed(place: int, broad: Event, narrow: Event, base: dict[str, Any], calls: list[Event]) -> bool:
    """Whether nothing that the log shows can have changed the result between two calls.

    The same turn of the person, and no call of another tool that names a text of the arguments; where these have
    none, no call of another tool at all.
    """
    between = calls[place + 1 :]
    if broad.turn != narrow.turn or len(between) > LOOK_BACK:
        return False
    texts = [text for text in base.values() if isinstance(text, str) and len(text) >= _SHORTEST]
    others = [call for call in between if call.tool not in (broad.tool, narrow.tool)]
    if not texts:
        return not others
    names = {*texts, *map(_escaped, texts)}
    return not any(name in (call.arguments or "") for call in others for name in names)


def _escaped(text: str) -> str:
    """A text as it stands in JSON."""
    return value_key([text])[3:-2]


def _selects(value: Any) -> bool:
    """Whether a value may say which part is wanted: a number, or two of them."""
    if isinstance(value, list):
        return len(value) == 2 and all(whole_number(item) is not None for item in value)
    return whole_number(value) is not None


def _is_part(way: Way, counts: ServingCounts) -> bool:
    """Whether another way reads the same arguments alike, and one more."""
    return any(other[:3] == way[:3] and set(way.options) < set(other.options) for other in counts.tallies)


def _pooled(way: Way, counts: ServingCounts) -> Tally:
    pooled = Tally()
    for other, tally in counts.tallies.items():
        if other[:3] == way[:3] and set(other.options) <= set(way.options):
            pooled.add(tally)
    return pooled


def _rule(way: Way, tally: Tally) -> ServingRule:
    frames = sorted(frame for frame, groups in tally.frames.items() if frame and len(groups) >= FRAME_GROUPS)
    items, characters = tally.whole
    if tally.cut is not None:
        items, characters = min(items, tally.cut[0] - 1), min(characters, tally.cut[1] - 1)
    return ServingRule(
        *way,
        tuple(frames),
        (max(0, items), max(0, characters)),
        tally.right + tally.wrong,
        tally.right,
        len(tally.groups),
    )


_DERIVATIONS: dict[str, Derivation] = {name: load_derivation(name) for name in derivation_names()}
