"""Checks a recorded ledger against the invariants of speculation, in one pass: what ``miner check-history`` runs.

It trusts nothing but the entries themselves, so it finds a speculator that broke its word, whatever the reason.
The ids are those of the documentation: I-2 same effects … I-18 cancellation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .effects import EVERYTHING, Effect
from .invalidation import conflict

Entry = Mapping[str, Any]
_MAY_BE_EARLY = (Effect.PURE.value, Effect.LOCAL_READ.value, Effect.REMOTE_READ.value, Effect.OBSERVED_READ.value)
_OFF = ("off", "shadow")
_PARTS = ("derived", "derived_joined")
"""How a call is answered by a broader one: a finished one, or one that it waits for."""


class Violation(NamedTuple):
    """An entry that breaks an invariant."""

    entry: int
    """The ``n`` of the entry."""
    invariant: str
    what: str


@dataclass(slots=True)
class _Run:
    launched: Entry
    world_n: int
    """Number of the entry at which it began."""
    ended: str | None = None
    dropped: bool = False
    claims: int = 0
    delivered: int = 0
    answered: set[str] = field(default_factory=set)
    """Keys of narrower calls that were answered from its result."""


@dataclass(slots=True)
class _Call:
    entry: Entry
    run: int | None
    fell_back: bool = False
    delivered: bool = False


@dataclass(slots=True)
class _Change:
    """A call that changes something: from entry to entry."""

    groups: frozenset[str]
    began: int
    ended: int | None = None


@dataclass(slots=True)
class History:
    """Reads entries in order; ``violations`` grows."""

    violations: list[Violation] = field(default_factory=list)
    _mode: str = "off"
    _generation: int = 0
    _allowed: frozenset[str] = frozenset()
    _runs: dict[int, _Run] = field(default_factory=dict)
    _calls: dict[int, _Call] = field(default_factory=dict)
    _changes: dict[int, _Change] = field(default_factory=dict)
    _last_change: dict[str, int] = field(default_factory=dict)
    _servers: dict[str, set[str]] = field(default_factory=dict)
    _number: int = -1

    def read(self, entry: Entry) -> None:
        """Takes in the next entry."""
        number = int(entry.get("n", -1))
        if number <= self._number:
            self._say(entry, "I-21", "the entries are not in order")
        elif self._number >= 0 and number != self._number + 1:
            self._say(entry, "I-21", "entries are missing")
        self._number = number
        reader = _READERS.get(str(entry.get("kind")))
        try:
            if reader is not None:
                reader(self, entry)
        except (KeyError, TypeError, AttributeError):
            self._say(entry, "I-21", "an entry lacks what its kind must say")

    def finish(self) -> list[Violation]:
        """Every violation, once the last entry was read."""
        return self.violations

    def _say(self, entry: Entry, invariant: str, what: str) -> None:
        self.violations.append(Violation(int(entry.get("n", -1)), invariant, what))

    def _read_mode(self, entry: Entry) -> None:
        self._mode = entry["mode"]

    def _read_policy(self, entry: Entry) -> None:
        self._generation, self._allowed = entry["generation"], frozenset(entry["allowed"])

    def _read_launched(self, entry: Entry) -> None:
        tool, reads = entry["tool"], frozenset(entry["reads"])
        if tool not in self._allowed:
            self._say(entry, "I-10", "a tool outside the allow list was called early")
        if entry["effect"] not in _MAY_BE_EARLY and entry["level"] == "full":
            self._say(entry, "I-2", "a call that changes something was made early")
        if self._mode in _OFF:
            self._say(entry, "I-14", "a speculation was dispatched while off")
        if entry["server"] and entry["server"] not in self._servers.get(entry["session"], ()):
            self._say(entry, "I-13", "a server was reached early that the session had not called")
        if any(change.ended is None and _concerns(change.groups, tool, reads) for change in self._changes.values()):
            self._say(entry, "I-6", "a read began while a call was changing what it reads")
        self._runs[entry["run"]] = _Run(entry, int(entry["n"]))

    def _read_call(self, entry: Entry) -> None:
        self._servers.setdefault(entry["session"], set()).update({entry.get("server", "")} - {""})
        call = _Call(entry, entry.get("run"))
        self._calls[entry["call"]] = call
        if call.run is not None:
            self._check_claim(entry, self._runs.get(call.run))
        if entry["changes"]:
            self._changes[entry["call"]] = _Change(frozenset(entry["changes"]), int(entry["n"]))
            self._last_change.update(dict.fromkeys(entry["changes"], int(entry["n"])))

    def _check_claim(self, entry: Entry, run: _Run | None) -> None:
        """A result is adopted only if everything still holds that held when its run began."""
        if run is None:
            self._say(entry, "I-21", "a call was answered by a run that was never launched")
            return
        launched = run.launched
        pure = launched["effect"] == Effect.PURE.value
        derived = entry["how"] in _PARTS
        claimed = (launched["tool"], entry["broader"]) if derived else (entry["tool"], entry["key"])
        if (launched["tool"], launched["key"], launched["session"]) != (*claimed, entry["session"]):
            self._say(entry, "I-3", "the answer belongs to another call")
        if launched["generation"] != entry["generation"] or self._mode in _OFF or entry["tool"] not in self._allowed:
            self._say(entry, "I-12", "policy, tools or mode changed between dispatch and claim")
        if not pure and (run.claims or (derived and entry["key"] in run.answered)):
            self._say(entry, "I-4", "a result was claimed twice")
        if derived and (entry["changes"] or (run.ended is None) is not (entry["how"] == "derived_joined")):
            self._say(entry, "I-8", "a call was answered by a broader one that cannot answer it")
        if not 0 <= entry["t_us"] - launched["t_us"] <= launched["ttl_us"] + 1:
            self._say(entry, "I-7", "the result was older than its time to live")
        if run.dropped or run.ended not in (None, "ok"):
            self._say(entry, "I-8", "a run that failed or was given up was claimed")
        if not pure and self._is_old(run):
            self._say(entry, "I-6", "the result was read before a change that the session knows of ended")
        if derived:
            run.answered.add(entry["key"])
        else:
            run.claims += 1

    def _is_old(self, run: _Run) -> bool:
        reads, tool = frozenset(run.launched["reads"]), run.launched["tool"]
        return any(at > run.world_n and conflict(group, tool, reads) for group, at in self._last_change.items())

    def _read_fell_back(self, entry: Entry) -> None:
        call = self._calls.get(entry["call"])
        if call is None or call.fell_back or call.delivered:
            self._say(entry, "I-2", "a call was run again that had its answer")
        else:
            call.fell_back = True

    def _read_delivered(self, entry: Entry) -> None:
        call, run = self._calls.get(entry["call"]), self._runs.get(entry["run"])
        if call is None or run is None or call.run != entry["run"] or call.delivered or call.fell_back:
            self._say(entry, "I-3", "a result was delivered to a call that had not claimed it")
            return
        if run.ended != "ok":
            self._say(entry, "I-8", "a result was delivered of a run that gave none")
        derived = call.entry["how"] in _PARTS
        if derived and run.dropped:
            self._say(entry, "I-8", "a part was delivered of a run that was given up")
        if derived and run.launched["effect"] != Effect.PURE.value and self._is_old(run):
            self._say(entry, "I-6", "a part was delivered that was read before a change")
        if run.delivered and not derived and run.launched["effect"] != Effect.PURE.value:
            self._say(entry, "I-4", "a result was delivered twice")
        call.delivered = True
        run.delivered += not derived

    def _read_returned(self, entry: Entry) -> None:
        call = self._calls.pop(entry["call"], None)
        if call is None:
            return
        if call.run is not None and not call.delivered and not call.fell_back and entry["reason"] == "ok":
            self._say(entry, "I-8", "a call returned without an answer of its own")
        change = self._changes.pop(entry["call"], None)
        if change is not None:
            self._last_change.update(dict.fromkeys(change.groups, int(entry["n"])))

    def _read_dropped(self, entry: Entry) -> None:
        run = self._runs.get(entry["run"])
        if run is not None:
            run.dropped = True
            self._forget(entry["run"], run)

    def _read_ended(self, entry: Entry) -> None:
        run = self._runs.get(entry["run"])
        if run is None or run.ended is not None:
            self._say(entry, "I-21", "a run ended that was not going on")
            return
        run.ended = entry["reason"]
        self._forget(entry["run"], run)

    def _forget(self, number: int, run: _Run) -> None:
        if run.dropped and run.ended is not None and not any(call.run == number for call in self._calls.values()):
            del self._runs[number]

    def _read_closed(self, entry: Entry) -> None:
        orphans = set(entry["orphans"])
        for number, run in self._runs.items():
            own = run.launched["session"] == entry["session"]
            joined = any(call.run == number and not call.fell_back for call in self._calls.values())
            if own and run.ended is None and number not in orphans and not joined:
                self._say(entry, "I-17", "a speculation outlived its session and is not listed as an orphan")


def _concerns(groups: frozenset[str], tool: str, reads: frozenset[str]) -> bool:
    return EVERYTHING in groups or any(conflict(group, tool, reads) for group in groups)


_READERS: dict[str, Callable[[History, Entry], None]] = {
    "call": History._read_call,
    "closed": History._read_closed,
    "delivered": History._read_delivered,
    "dropped": History._read_dropped,
    "ended": History._read_ended,
    "fell_back": History._read_fell_back,
    "launched": History._read_launched,
    "mode": History._read_mode,
    "policy": History._read_policy,
    "returned": History._read_returned,
}


def check_history(entries: Iterable[Entry]) -> list[Violation]:
    """Every violation in a ledger of one speculator, oldest entry first."""
    history = History()
    for entry in entries:
        history.read(entry)
    return history.finish()
