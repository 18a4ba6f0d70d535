"""Reads mutations of a reader's example and holds each reading to what must hold for any log.

``python -m tests.readers.campaign --progress FILE [--formats NAME...] [--count N]`` goes on where it stopped.

Each reading ends: without any exception but the package's own, within a few seconds of processor time, with an account
of every byte, with rows that can be stored, and without a loss that is not told. Of a gentle mutation all that the
other values say must come out again, unless a problem or an unknown record is told: which values say something is found
by writing a mark into each and looking where it comes out.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.errors import MinerError
from miner.events import Event, Session
from miner.readers import load_reader, reader_names, scores
from miner.readers.head import head_of
from miner.readers.source import Source
from tests.readers import carriers, otlp
from tests.readers.containers import CONTAINERS, Container, Damager
from tests.readers.contract import check
from tests.readers.memory import MemoryLog, memory
from tests.readers.mutations import Gentle, Mutated, Mutator
from tests.readers.progress import Finding, Progress
from tests.readers.watch import HungError, Watch

WHOLE = 1_000_000
"""Mutations of one format's sample in a whole campaign."""
_RECOGNISED_EVERY = 64
_NOT_LOST = {
    "inspect": re.compile(r".* -> .*'attachments'"),
    "intercode": re.compile(r".*'turn_history'\) -> .*'environment'"),
    "otel": re.compile(r".*'attributes', \d+.* -> .*"),
    "platforms": re.compile(r".*'run_type'\) -> .*"),
}
"""Damaged place -> mark that then has nothing to be told with: a text kept apart, to which nothing refers any more; the
name of a tool without calls; what a span did, when nothing says that it was an agent's."""


@dataclass
class Reading:
    """What came out of one reading."""

    sessions: list[Session] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    told: int = 0
    """Problems, and records of unknown kind."""
    refused: bool = False
    """The package's own error ended it."""

    def said(self) -> str:
        """Everything that the events say."""
        texts: list[str] = []
        for event in self.events:
            texts += [text for text in (event.text, event.tool, event.raw_tool, event.server) if text]
            for values in (event.arguments, event.result):
                texts += carriers.texts(json.loads(values)) if values else ()
        return "\0".join(texts)

    def shape(self) -> list[tuple[Any, ...]]:
        """The events without what they say."""
        sessions = {key: place for place, key in enumerate(dict.fromkeys(e.session for e in self.events))}
        return [(sessions[e.session], e.seq, e.kind, e.status, e.step, e.turn) for e in self.events]


_SAMPLES = {"otel.parquet": otlp.TABLE}
"""What is kept in a container that a format's example does not fit."""


class Campaign:
    """The mutations of one format's example; of ``format.container``, those of the example kept in that container."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        format_name, _, container = name.partition(".")
        self._reader = load_reader(format_name)
        self._container: Container | None = None
        self._path = MemoryLog(folder / self._reader.EXAMPLE_NAME)
        self._example = _SAMPLES.get(name, self._reader.EXAMPLE)
        self._carrier = carriers.carrier_of(self._example)
        self._watch = Watch()
        self._gentle: set[Gentle] = set()
        self._logs: set[int] = set()
        """What was read."""
        self.read = 0
        """How many logs: fewer than seeds, which make many a log again."""
        self.marks: dict[str, carriers.Path] = {}
        """Mark -> where it was written; only marks that come out again."""
        self._texts: dict[str, list[str]] = {}
        """Mark -> the texts that it was written behind."""
        tree = self._marked()
        self._mutator: Mutator | Damager = Mutator(self._carrier, tree)
        if container:
            self._container = CONTAINERS[container]
            self._path = MemoryLog(self._container.named(self._path))
            self._mutator = Damager(self._container, self._carrier, self._data(tree))
            said = self._read(self._data(tree)).said()
            self.marks = {mark: path for mark, path in self.marks.items() if mark in said}
        self._told = self._read(self._data(tree)).told
        self.read = 0

    def _data(self, tree: Any) -> bytes:
        data = self._carrier.data(tree)
        return data if self._container is None else self._container.pack(data)

    def _marked(self) -> Any:
        """The example with a mark in every text that says something: it comes out, and changes nothing else."""
        tree = self._carrier.tree(self._example)
        before = self._read(self._data(tree))
        for number, path in enumerate(carriers.places(tree)):
            value = carriers.at(tree, path)
            if not isinstance(value, str):
                continue
            holder, mark = carriers.at(tree, path[:-1]), f"mark{number}x"
            holder[path[-1]] = f"{value} {mark}"
            after = self._read(self._data(tree))
            said = after.said()
            if all(each in said for each in (mark, *self.marks)) and (after.shape(), after.told) == (
                before.shape(),
                before.told,
            ):
                self.marks[mark] = path
                self._texts[mark] = list(carriers.texts(carriers.meant(value)))
            else:
                holder[path[-1]] = value
        return tree

    def run(self, seeds: range) -> Iterator[Finding]:
        """The mutations that the reader did not bear."""
        with self._watch.set():
            for seed in seeds:
                mutated = self._made_first(seed)
                if mutated and (how := self._complaint(mutated, recognised=seed % _RECOGNISED_EVERY == 0)):
                    yield Finding(self.name, seed, mutated.what, how)

    def mutated(self, seed: int) -> Mutated:
        """The log that a finding speaks of."""
        return self._mutator.mutated(self._mutator.drawn(f"{self.name}/{seed}"))

    def _made_first(self, seed: int) -> Mutated | None:
        """What a seed makes of the log, unless an earlier one has made the same."""
        drawn = self._mutator.drawn(f"{self.name}/{seed}")
        if isinstance(drawn, Gentle):
            # Judged more strictly than others: the same log may have been read before as a rough one.
            if drawn in self._gentle:
                return None
            self._gentle.add(drawn)
        mutated = self._mutator.mutated(drawn)
        identity = hash(mutated.data)
        if identity in self._logs and not isinstance(drawn, Gentle):
            return None
        self._logs.add(identity)
        return mutated

    def _complaint(self, mutated: Mutated, *, recognised: bool) -> str | None:
        self._watch.begin()
        try:
            found = self._read(mutated.data)
            check(found.sessions, found.events)
            if recognised:
                scores(self._path)
            else:
                assert 0 <= self._reader.recognises(head_of(self._path)) <= 1, "how sure"
        except HungError:
            return "hung"
        except Exception as error:  # noqa: BLE001 - any exception is what a campaign looks for
            return f"{type(error).__name__} at {_place(error)}"
        return None if found.refused else self._lost(mutated, found)

    def _read(self, data: bytes) -> Reading:
        if self._container is not None and self._container.is_opened_by_name:
            self._path.write_bytes(data)
        else:
            self._path.held = data
        self.read += 1
        source, found = Source((self._path,)), Reading()
        try:
            for item in self._reader.read(source):
                if isinstance(item, Event):
                    found.events.append(item)
                else:
                    found.sessions.append(item)
        except MinerError:
            found.refused = True
            return found
        found.told = len(source.problems) + source.account.unknown
        if self._container is None or self._container.is_read_packed:
            assert source.account.total == len(data), "account"
        assert bool(source.account.broken) <= bool(source.problems), "broken bytes without a problem"
        return found

    def _lost(self, mutated: Mutated, found: Reading) -> str | None:
        """The marked values that neither came out nor were told to be lost."""
        path = mutated.gentle
        if found.told > self._told:
            return None
        if mutated.broken:
            return f"{mutated.broken}: not told"
        if path is None:
            return None
        said, excused = found.said(), _NOT_LOST.get(self.name.partition(".")[0])
        lost = [
            str(where)
            for mark, where in self.marks.items()
            if where[: len(path)] != path
            and mark not in said
            and not (excused and excused.match(f"{path} -> {where}"))
            # Logs say some things twice: where one copy is damaged, the other is told.
            and not all(text in said for text in self._texts[mark])
        ]
        return f"{path}: lost in silence: {', '.join(lost)}" if lost else None


def _place(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno} {frame.line}"


def campaigns() -> list[str]:
    """Every format, and every container that its logs are kept in."""
    names = reader_names()
    packed = [f"{name}.{container}" for name in names for container in ("gz", "zst")]
    own = ("goose.db", "opencode.db", "inspect.eval", "otel.parquet", "platforms.duckdb", "platforms.parquet")
    return [*names, *packed, *own]


def go_on(progress: Progress, names: list[str], whole: int, stride: int = 2000) -> None:
    """Bring every format to ``whole`` mutations, in turns, so that none waits for another."""
    with memory() as folder:
        campaigns = {name: Campaign(name, folder) for name in names}
        while waiting := [name for name in names if progress.done[name] < whole]:
            for name in waiting:
                first = progress.done[name]
                seeds = range(first, min(first + stride, whole))
                before = campaigns[name].read
                findings = list(campaigns[name].run(seeds))
                progress.keep(name, seeds.stop, campaigns[name].read - before, findings)
                gc.collect()


def main() -> int:
    """Go on with a campaign; 1 when it has found anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--progress", type=Path, required=True, help="the file that keeps what was done and found")
    parser.add_argument("--formats", nargs="+", default=campaigns(), metavar="NAME", help="default: all")
    parser.add_argument("--count", type=int, default=WHOLE, help="mutations of each format (default: %(default)s)")
    given = parser.parse_args()
    progress = Progress(given.progress)
    go_on(progress, given.formats, given.count)
    for name, done in sorted(progress.done.items()):
        print(f"{name:<20} {done:>9,} mutations, {progress.read[name]:>9,} different logs read")
    for finding in progress.found:
        print(f"{finding['format']} seed {finding['seed']}: {finding['how']}  ({finding['what']})")
    return int(bool(progress.found))


if __name__ == "__main__":
    sys.exit(main())
