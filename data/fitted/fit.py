"""Fit the numbers that ``generate_logs.py`` draws from: sessions of a store in, counts and quantiles out, no text.

Usage: ``python3 data/fitted/fit.py NAME=STORE... > data/fitted/numbers.json``, with stores made by ``miner ingest``.
Tools and arguments become numbers, most frequent first; of texts only lengths and counts of token kinds are kept.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from miner.events import EventKind, SessionLog, Status
from miner.mining.decisions import decisions
from miner.mining.survey import arguments_of, group_of
from miner.runtime.atoms import as_json
from miner.runtime.memory import leaves, path_text
from miner.store import Store

TOOLS, ARGUMENTS, KINDS = 20, 5, 16
"""So many are told apart; rarer ones count with the last."""
PLACES = 20
"""Quantiles that are kept of a quantity, beside its least."""
CONTENT = 400
"""A longer value is content."""
RECURRING = 3
"""A value in so many groups of sessions is a fixed one."""
TOKENS = {
    "path": r"[\w.@+-]*/[\w.@+/-]+",
    "date": r"\d{4}-\d{2}-\d{2}",
    "number": r"(?<![\w.])\d+(?:\.\d+)?(?!\w)",
    "dashed": r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+",
    "code": r"(?=[A-Za-z_]*\d|\w*_|[A-Z]{2})\w{2,}",
    "camel": r"[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*",
    "name": r"[A-Z][a-z]+",
}
"""Kinds of tokens, the first that fits; what stands in quotes is counted beside them."""
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in TOKENS.items()))
_QUOTED = re.compile(r"\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|`[^`\n]{1,200}`")
LOOKED_AT = 10_000
"""Letters of a result."""
Leaf = tuple[str, str, str]


def quantiles(values: Iterable[float]) -> list[int]:
    """The quantiles of a quantity, from its least to its largest; empty when nothing was measured."""
    ordered = sorted(values)
    return (
        [round(ordered[min(len(ordered) - 1, len(ordered) * at // PLACES)]) for at in range(PLACES + 1)]
        if ordered
        else []
    )


def shares(counts: Sequence[float]) -> list[float]:
    """Counts as shares of their sum."""
    whole = sum(counts) or 1
    return [round(count / whole, 4) for count in counts]


def strings_in(call: Any) -> list[Leaf]:
    """(tool, argument, value as text) for each leaf of a call's arguments; indices of lists are left out."""
    found = []
    for path, value in leaves(arguments_of(call)):
        if not isinstance(value, (bool, list, dict)) and value is not None and str(value):
            found.append((call.tool or "", path_text(path), str(value)))
    return found


class Sources:
    """Where the values of arguments had been seen before in their session."""

    def __init__(self, fixed: set[Leaf]) -> None:
        self._fixed = fixed
        self.found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.shows: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """Tool -> argument names whose values its results gave."""
        self.places: Counter[str] = Counter()
        self.back: list[int] = []

    def session(self, log: SessionLog) -> None:
        """Count one session."""
        own: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        every: set[str] = set()
        results: list[tuple[str, str]] = []
        said = ""
        for decision in decisions(log):
            for event in decision.observed:
                if event.kind is EventKind.TOOL_CALL:
                    results.append((event.tool or "", event.text or ""))
                elif event.kind is EventKind.USER_MESSAGE:
                    said += event.text or ""
            for call in decision.calls:
                for tool, name, value in strings_in(call):
                    self.found[tool, name][self._source(tool, name, value, own, every, results, said)] += 1
            for call in decision.calls:
                for tool, name, value in strings_in(call):
                    own[tool, name].add(value)
                    every.add(value)

    def _source(
        self,
        tool: str,
        name: str,
        value: str,
        own: dict[tuple[str, str], set[str]],
        every: set[str],
        results: list[tuple[str, str]],
        said: str,
    ) -> str:
        if len(value) > CONTENT:
            return "content"
        if (tool, name, value) in self._fixed:
            return "fixed"
        if value in own[tool, name]:
            return "own"
        if value in every:
            return "argument"
        for back, (source, text) in enumerate(reversed(results), 1):
            if value in text:
                self.shows[source][name] += 1
                self.back.append(back)
                self.places[_place(value, text)] += 1
                return "result"
        return "user" if value in said else "new"


def _place(value: str, text: str) -> str:
    """Whether a value is the first token of its kind in a text, among the next few, or further on."""
    kinds: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for match in _TOKEN.finditer(text[:LOOKED_AT]):
        kinds[match.lastgroup or ""][match.group()] = None
    found = [list(tokens).index(value) for tokens in kinds.values() if value in tokens]
    return "other" if not found else "first" if min(found) == 0 else "early" if min(found) < 5 else "other"


def fixed_values(logs: Iterable[SessionLog]) -> set[Leaf]:
    """Values of an argument that recur over groups of sessions."""
    groups: defaultdict[Leaf, set[str]] = defaultdict(set)
    for log in logs:
        for decision in decisions(log):
            for call in decision.calls:
                for leaf in strings_in(call):
                    groups[leaf].add(group_of(log))
    return {leaf for leaf, found in groups.items() if len(found) >= RECURRING}


def profile(logs: list[SessionLog]) -> dict[str, Any]:
    """The numbers of one kind of sessions."""
    logs = [log for log in logs if any(decision.calls for decision in decisions(log))]
    calls = [[call for decision in decisions(log) for call in decision.calls] for log in logs]
    every = [call for session in calls for call in session]
    ranked = [tool for tool, _ in Counter(call.tool or "" for call in every).most_common()]
    rank = {tool: min(place, TOOLS - 1) for place, tool in enumerate(ranked)}
    sources = Sources(fixed_values(logs))
    for log in logs:
        sources.session(log)
    names = Counter(name for (_, name), found in sources.found.items() for _ in range(sum(found.values())))
    kinds = {name: min(place, KINDS - 1) for place, (name, _) in enumerate(names.most_common())}
    after = [[0] * TOOLS for _ in range(TOOLS)]
    for session in calls:
        for one, other in pairwise(session):
            after[rank[one.tool or ""]][rank[other.tool or ""]] += 1
    events = [event for log in logs for event in log.events]
    texts = [call.text for call in every if call.text]
    return {
        "calls": quantiles(len(session) for session in calls),
        "turns": quantiles(sum(event.kind is EventKind.USER_MESSAGE for event in log.events) for log in logs),
        "sessions_of_a_task": round(len(logs) / len({group_of(log) for log in logs}), 2),
        "said": quantiles(len(event.text or "") for event in events if event.kind is EventKind.MODEL_STEP),
        "asked": quantiles(len(event.text or "") for event in events if event.kind is EventKind.USER_MESSAGE),
        "think_ms": quantiles(_thinking(log) for log in logs for _ in (0,) if _thinking(log)),
        "parallel": shares(
            [sum(min(len(d.calls), 8) == size for log in logs for d in decisions(log)) for size in range(1, 9)]
        ),
        "json": round(sum(as_json(text) is not None for text in texts) / len(texts), 3),
        "tokens_per_kb": _tokens(texts),
        "first": shares([sum(rank[session[0].tool or ""] == place for session in calls) for place in range(TOOLS)]),
        "places": shares([sources.places[place] for place in ("first", "early", "other")]),
        "back": quantiles(sources.back),
        "kinds": [_kind([name for name, place in kinds.items() if place == at], logs) for at in range(KINDS)],
        "tools": [
            _tool(at, [call for call in every if rank[call.tool or ""] == at], sources, kinds, rank, shares(after[at]))
            for at in range(min(TOOLS, len(ranked)))
        ],
    }


def _thinking(log: SessionLog) -> float | None:
    """Median milliseconds between the last result and the next call of a session."""
    gaps, last = [], None
    for decision in decisions(log):
        start = min((call.time_us for call in decision.calls if call.time_us), default=None)
        if last and start and start > last:
            gaps.append((start - last) / 1000)
        last = max((call.end_us for call in decision.calls if call.end_us), default=None)
    return sorted(gaps)[len(gaps) // 2] if gaps else None


def _tokens(texts: list[str]) -> dict[str, float]:
    """Tokens of each kind in a thousand letters of results."""
    counts: Counter[str] = Counter()
    size = 0
    for text in (text[:LOOKED_AT] for text in texts):
        size += len(text)
        counts.update(match.lastgroup or "" for match in _TOKEN.finditer(text))
        counts["quoted"] += len(_QUOTED.findall(text))
    return {kind: round(1000 * counts[kind] / size, 2) for kind in (*TOKENS, "quoted")}


def _kind(names: list[str], logs: list[SessionLog]) -> dict[str, Any]:
    """How the values of an argument name look: letters, and the share of paths, numbers, codes and other text."""
    looks: Counter[str] = Counter()
    lengths = []
    for log in logs:
        for decision in decisions(log):
            for call in decision.calls:
                for _, name, value in strings_in(call):
                    if name in names and len(value) <= CONTENT:
                        looks[_look(value)] += 1
                        lengths.append(len(value))
    return {
        "looks": shares([looks[look] for look in ("path", "number", "code", "text")]),
        "letters": quantiles(lengths),
    }


def _look(value: str) -> str:
    if value.replace(".", "", 1).isdecimal():
        return "number"
    if " " in value:
        return "text"
    return "path" if "/" in value else "code"


def _tool(
    at: int, calls: list[Any], sources: Sources, kinds: dict[str, int], rank: dict[str, int], after: list[float]
) -> dict[str, Any]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    shows: Counter[int] = Counter()
    for (tool, name), counts in sources.found.items():
        if rank[tool] == at:
            found[name].update(counts)
    for tool, names in sources.shows.items():
        if rank[tool] == at:
            for name, count in names.items():
                shows[kinds[name]] += count
    ordered = sorted(found, key=lambda name: (-sum(found[name].values()), name))[:ARGUMENTS]
    ms = [(call.end_us - call.start_us) / 1000 for call in calls if call.start_us and call.end_us]
    return {
        "error": round(sum(call.status in (Status.ERROR, Status.DENIED) for call in calls) / len(calls), 4),
        "letters": quantiles(len(call.text or "") for call in calls),
        "ms": quantiles(math.ceil(value) for value in ms),
        "next": after,
        "shows": shares([shows[kind] for kind in range(KINDS)]),
        "arguments": [
            {
                "kind": kinds[name],
                "present": round(min(1, sum(found[name].values()) / len(calls)), 3),
                "from": shares(
                    [found[name][source] for source in ("fixed", "own", "argument", "result", "user", "new", "content")]
                ),
            }
            for name in ordered
        ],
    }


def main(named: list[str]) -> int:
    """Print the numbers of each named store."""
    found = {}
    for name, path in (item.split("=", 1) for item in named):
        with Store.open(Path(path), read_only=True) as store:
            found[name] = profile(list(store.session_logs()))
    lines = json.dumps(found, indent=1)
    print(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
