"""What an ingest has to do: which sources to read, which are as they were, which are copies of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from miner.readers import load_reader, reader_names
from miner.store.ledger import Identity, Ledger, group_content, identity
from miner.store.reading import Recognised, Task

Recogniser = Callable[[list[tuple[str, int]]], list[Recognised]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A source to read, and what it replaces."""

    task: Task
    files: tuple[Identity, ...]
    content: str
    replaces: frozenset[int]
    """Sources whose rows go: its own earlier state, and sources that its files were read as before."""


@dataclass(slots=True)
class Plan:
    """What to do, and what was found."""

    readings: list[Reading] = field(default_factory=list)
    named: set[int] = field(default_factory=set)
    """Every source that the given paths stand for."""
    refreshed: list[tuple[int, Identity, bool]] = field(default_factory=list)
    """Ledger rows to write for files that need no reading: (source, file, is a copy)."""
    dropped: set[int] = field(default_factory=set)
    """Sources whose file now holds a copy of another source."""
    moved: set[int] = field(default_factory=set)
    """Sources whose files lie elsewhere now."""
    unchanged: int = 0
    empty: int = 0
    unrecognised: list[Path] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)


def plan(paths: list[Path], ledger: Ledger, recogniser: Recogniser) -> Plan:
    """Compare files on disk with the ledger."""
    return _Planning(ledger).run(paths, recogniser)


class _Planning:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._plan = Plan()
        self._files: dict[str, Identity] = {}
        self._readers: dict[str, str] = {}
        self._next_source = ledger.next_source
        self._by_content: dict[tuple[str, str], int] = {}
        # A reader that the store was filled with may have been taken away since; its rows stay.
        self._versions = {name: load_reader(name).VERSION for name in reader_names()}

    def run(self, paths: list[Path], recogniser: Recogniser) -> Plan:
        fresh = self._look(paths)
        for recognised in recogniser([(name, self._files[name].size) for name in fresh]):
            self._sort(recognised)
        groups = self._groups()
        changed = [group for group in groups if not self._is_unchanged(group)]
        stale = {known.source for group in changed if (known := self._ledger.files.get(group[0])) and not known.is_copy}
        for number, source in self._ledger.sources.items():
            if number not in stale and source.version == self._versions.get(source.reader):
                self._by_content[source.reader, source.content] = number
        for group in changed:
            self._decide(group)
        return self._plan

    def _look(self, paths: list[Path]) -> list[str]:
        """Take down every file; return those whose content has to be looked at."""
        fresh = []
        for path in paths:
            try:
                found = identity(path)
            except OSError:
                self._pass_over("unreadable")
                continue
            name = str(path)
            known = self._ledger.files.get(name)
            reader = self._ledger.sources[known.source].reader if known else ""
            if known and reader in self._versions and known.identity.looks_like(found):
                self._files[name] = known.identity
                self._readers[name] = reader
            elif found.size == 0:
                self._plan.empty += 1
            else:
                self._files[name] = found
                fresh.append(name)
        return fresh

    def _sort(self, recognised: Recognised) -> None:
        if recognised.unreadable:
            self._pass_over("unreadable")
        elif recognised.reader:
            found = self._files[recognised.path]
            self._files[recognised.path] = replace(found, content=recognised.content)
            self._readers[recognised.path] = recognised.reader
        elif recognised.binary:
            self._pass_over("binary")
        else:
            self._plan.unrecognised.append(Path(recognised.path))

    def _pass_over(self, rule: str) -> None:
        self._plan.passed_over[rule] = self._plan.passed_over.get(rule, 0) + 1

    def _groups(self) -> list[tuple[str, ...]]:
        """Files that are read together, by path; a reader without ``groups`` reads each on its own."""
        by_reader: dict[str, list[Path]] = {}
        for name, reader in sorted(self._readers.items()):
            by_reader.setdefault(reader, []).append(Path(name))
        groups: list[tuple[str, ...]] = []
        for reader, paths in by_reader.items():
            grouping = getattr(load_reader(reader), "groups", None)
            together = grouping(paths) if grouping else [(path,) for path in paths]
            groups.extend(tuple(str(path) for path in group) for group in together)
        return sorted(groups)

    def _is_unchanged(self, group: tuple[str, ...]) -> bool:
        """True when the ledger's source for these files still tells what they hold."""
        known = [self._ledger.files.get(name) for name in group]
        first = known[0]
        if first is None or any(item is None or item.source != first.source or item.is_copy for item in known):
            return False
        source = self._ledger.sources[first.source]
        reader = self._readers[group[0]]
        content = group_content([self._files[name].content for name in group])
        if (source.reader, source.content, source.version) != (reader, content, self._versions[reader]):
            return False
        if self._ledger.paths(first.source) != set(group):
            return False
        self._keep(first.source, group, is_copy=False)
        return True

    def _keep(self, source: int, group: tuple[str, ...], *, is_copy: bool) -> None:
        """Nothing to read; the ledger learns how the files look today."""
        self._plan.named.add(source)
        self._plan.unchanged += len(group)
        for name in group:
            known = self._ledger.files.get(name)
            row = (source, self._files[name], is_copy)
            if known is None or (known.source, known.identity, known.is_copy) != row:
                self._plan.refreshed.append(row)

    def _decide(self, group: tuple[str, ...]) -> None:
        """A copy of something that is known, or something to read."""
        reader = self._readers[group[0]]
        files = tuple(self._files[name] for name in group)
        content = group_content([item.content for item in files])
        before = {known.source for name in group if (known := self._ledger.files.get(name)) and not known.is_copy}
        twin = self._by_content.get((reader, content))
        if twin is not None and twin not in before:
            moved = twin in self._ledger.sources and not any(Path(path).exists() for path in self._ledger.paths(twin))
            self._plan.dropped |= before
            if moved:
                self._plan.moved.add(twin)
            self._keep(twin, group, is_copy=not moved)
            return
        number = min(before, default=0)
        if not number:
            number, self._next_source = self._next_source, self._next_source + 1
        self._by_content[reader, content] = number
        self._plan.named.add(number)
        task = Task(number, reader, group, sum(item.size for item in files))
        self._plan.readings.append(Reading(task, files, content, frozenset(before)))
