"""Our own engine: compiled loops, one search per first step, spread over threads with the heaviest first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock, Thread

import numpy as np
import numpy.typing as npt

from miner.mining.sequence_database import Int32, Int64, SequenceDatabase
from miner.mining.sequence_engines import SearchRequest
from miner.mining.sequence_loops import FRAME, OUTPUT_FULL, STACK_FULL, compiled
from miner.mining.sequence_tree import PatternTree

_PATIENCE_S = 0.05


def search(database: SequenceDatabase, request: SearchRequest) -> PatternTree:
    """Every frequent pattern, or as many as were found before the budget or the caller ended the search."""
    work = _Work.prepare(database, request)
    threads = [Thread(target=work.run, daemon=True) for _ in range(min(work.threads, len(work.waiting)))]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            threads[0].join(_PATIENCE_S)
            threads.append(threads.pop(0))
            work.report()
    finally:
        work.halt()
        for thread in threads:
            thread.join()
    work.report()
    if work.failure is not None:
        raise work.failure
    return work.tree()


@dataclass
class _Work:
    """The first steps still waiting and what has been found; shared by the threads of one search."""

    request: SearchRequest
    items: Int32
    offsets: Int64
    starts: Int32
    sessions: Int32
    places: Int32
    names: Int32
    """For each kept item its number in the database."""
    waiting: list[int]
    total: int
    threads: int
    lock: Lock = field(default_factory=Lock)
    found: dict[int, PatternTree] = field(default_factory=dict)
    patterns: int = 0
    over_budget: bool = False
    ended: bool = False
    controls: list[Int64] = field(default_factory=list)
    failure: BaseException | None = None

    @property
    def kinds(self) -> int:
        """How many items are kept."""
        return len(self.names)

    @classmethod
    def prepare(cls, database: SequenceDatabase, request: SearchRequest) -> _Work:
        """Sets rare and forbidden items aside and lists where each of the others lies."""
        kinds = len(database.names)
        counts, seen = np.zeros(kinds, np.int32), np.empty(kinds, np.int32)
        compiled.run("count_sessions", database.items, database.offsets, seen, counts)
        kept = counts >= request.least
        if request.allowed is not None:
            kept &= np.isin(np.arange(kinds), list(request.allowed))
        new = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        items = new[database.items] if len(database.items) else database.items
        old = np.flatnonzero(kept)
        starts = np.empty(len(old) + 1, np.int32)
        size = len(items) if request.is_limited else int(counts[old].sum())
        sessions, places = np.empty(size, np.int32), np.empty(size, np.int32)
        seen = np.empty(len(old), np.int32)
        compiled.run("group", items, database.offsets, seen, starts, sessions, places, not request.is_limited)
        first = [i for i in range(len(old)) if request.first is None or int(old[i]) in request.first]
        first.sort(key=lambda i: (int(starts[i + 1] - starts[i]), i))
        threads = request.threads or os.cpu_count() or 1
        names = old.astype(np.int32)
        return cls(request, items, database.offsets, starts, sessions, places, names, first, len(first), threads)

    def run(self) -> None:
        """Takes the heaviest waiting first step until there is none."""
        try:
            rooms = _Rooms(self)
            while (item := self._take()) is not None:
                tree, outcome = rooms.search(item)
                self._keep(item, tree, outcome)
        except (MemoryError, ValueError, TypeError, OSError) as failure:
            self.failure = failure
            self.halt()

    def halt(self) -> None:
        """Ends the search at the next pattern of every thread."""
        with self.lock:
            self.ended = True
            for control in self.controls:
                control[0] = 1

    def report(self) -> None:
        """Passes the caller's wish to stop on, keeps to the budget, and tells how far the search is."""
        running = sum(int(control[1]) for control in self.controls)
        if self.request.stop.is_set() or self.patterns + running > self.request.budget:
            self.over_budget = self.over_budget or not self.request.stop.is_set()
            self.halt()
        if self.request.progress is not None:
            self.request.progress(len(self.found), self.total, self.patterns + running)

    def tree(self) -> PatternTree:
        """What was found, by first step, under the database's own numbers."""
        joined = PatternTree.join([self.found[item] for item in sorted(self.found)])
        interrupted = ""
        if self.over_budget or len(joined) > self.request.budget:
            interrupted = f"stopped at the budget of {self.request.budget:,} patterns"
        elif self.request.stop.is_set():
            interrupted = "stopped on request"
        labels = self.names[joined.labels] if len(joined) else joined.labels
        keep = slice(0, self.request.budget)
        return PatternTree(joined.parents[keep], labels[keep], joined.supports[keep], interrupted)

    def _take(self) -> int | None:
        with self.lock:
            return self.waiting.pop() if self.waiting and not self.ended else None

    def _keep(self, item: int, tree: PatternTree, outcome: int) -> None:
        with self.lock:
            self.found[item] = tree
            self.patterns += len(tree)
            if outcome == OUTPUT_FULL:
                self.over_budget = True
        if outcome == OUTPUT_FULL:
            self.halt()


class _Rooms:
    """The arrays one thread works in; they double when a search does not fit, and are kept for the next one."""

    def __init__(self, work: _Work) -> None:
        self.work = work
        self.control = np.zeros(4, np.int64)
        with work.lock:
            work.controls.append(self.control)
            self.control[0] = work.ended
        self.scratch = np.empty(4 * work.kinds, np.int32)
        capacity = work.request.budget + 1
        self.output = [np.empty(capacity, np.int32) for _ in range(3)]
        self.scale = 1
        self.arrays: Sequence[npt.NDArray[np.generic]] = ()

    def search(self, item: int) -> tuple[PatternTree, int]:
        """All patterns that begin with one item, and how the search ended."""
        work = self.work
        low, high = int(work.starts[item]), int(work.starts[item + 1])
        inner = self._search_gaps if work.request.is_limited else self._search_free
        outcome = inner(item, low, high)
        while outcome == STACK_FULL:
            self.scale *= 2
            outcome = inner(item, low, high)
        made = int(self.control[1])
        self.control[1] = 0
        parents, labels, supports = (array[:made].copy() for array in self.output)
        return PatternTree(parents, labels, supports), outcome

    def _search_free(self, item: int, low: int, high: int) -> int:
        work, request = self.work, self.work.request
        sessions, places = work.sessions[low:high], work.places[low:high]
        rest = int((work.offsets[sessions + 1] - places - 1).sum())
        words = high - low + rest // 64 + 16
        wanted = (
            (np.uint64, self.scale * 2 * words * (min(work.kinds, 64) + 2)),
            (np.int32, self.scale * 4 * words),
            (np.int32, words + 16),
            (np.uint64, (rest + 1) * ((work.kinds + 63) // 64) + 64),
            (np.int32, self.scale * 64 * (work.kinds + 1)),
            (np.int64, self.scale * 256 * FRAME),
        )
        return compiled.run(
            "search",
            work.items,
            work.offsets,
            sessions,
            places,
            item,
            work.kinds,
            request.least,
            request.longest,
            self.scratch,
            *self._room(wanted),
            *self.output,
            self.control,
        )

    def _search_gaps(self, item: int, low: int, high: int) -> int:
        work, request = self.work, self.work.request
        count = high - low
        size = self.scale * 4 * len(work.items) + count
        wanted = ((np.int32, size), (np.int32, size), (np.int32, size), (np.int64, self.scale * 1024 * 4))
        session, end, start, tasks = self._room(wanted)
        session[:count] = work.sessions[low:high]
        end[:count] = work.places[low:high]
        start[:count] = work.places[low:high]
        return compiled.run(
            "search_gaps",
            work.items,
            work.offsets,
            item,
            count,
            work.kinds,
            request.least,
            request.longest,
            request.max_gap,
            request.max_span,
            self.scratch,
            session,
            end,
            start,
            tasks,
            *self.output,
            self.control,
        )

    def _room(self, wanted: Sequence[tuple[type[np.generic], int]]) -> Sequence[npt.NDArray[np.generic]]:
        """Arrays of at least these sizes; memory that is never touched is never taken."""
        fits = len(self.arrays) == len(wanted)
        if not fits or any(array.size < size for array, (_, size) in zip(self.arrays, wanted, strict=True)):
            self.arrays = ()
            self.arrays = [np.empty(size, kind) for kind, size in wanted]
        return self.arrays
