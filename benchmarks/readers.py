"""How fast each reader is, beside what one core needs merely to unpack the same files and to parse their JSON.

    python benchmarks/readers.py [LOGS...] [--rounds 3]

Without LOGS every format's example is read, grown to a few megabytes: the same records again and again, with longer
texts. Real logs hold larger results and fewer records a megabyte, so that their readers run closer to bare parsing.

``bare`` is ``orjson.loads`` over every line (or whole document) already in memory; ``unpack`` is reading and
decompressing; ``reader`` does both and makes events. ``x bare`` is reader / bare, ``x both`` reader / (unpack + bare).
Seconds are of the processor. Rounds take turns, and each figure is the best of its rounds, so that a busy machine
disturbs all three alike. What is no JSON (databases, plain text) has no bare parsing to be compared with.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._grown import grown
from miner.errors import MinerError
from miner.events import Event
from miner.readers import Reader, load_reader, reader_names, recognise
from miner.readers.opening import open_log
from miner.readers.source import Source
from miner.store.discovery import discover


@dataclass(slots=True)
class Measured:
    """The figures of one format."""

    files: int
    size: int = 0
    events: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def best(self, what: str, seconds: float) -> None:
        """Keep the shortest time."""
        self.seconds[what] = min(seconds, self.seconds.get(what, seconds))


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*", type=Path, metavar="LOGS", help="files, folders or globs")
    parser.add_argument("--megabytes", type=float, default=4, help="size of a grown example (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per format (default: %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="miner-") as folder:
        try:
            logs = given.logs or [grow_all(Path(folder), round(given.megabytes * 1e6))]
            return compare(discover(logs).files, given.rounds)
        except MinerError as error:
            print(error, file=sys.stderr)
            return 1


def grow_all(folder: Path, size: int) -> Path:
    """A file of each format in a folder of its own."""
    for name in reader_names():
        reader = load_reader(name)
        path = folder / name / reader.EXAMPLE_NAME
        path.parent.mkdir()
        path.write_bytes(grown(reader.EXAMPLE, size))
    return folder


def compare(paths: list[Path], rounds: int) -> int:
    """Measure every format of these files."""
    formats, passed_over = by_format(paths)
    if not formats:
        print("none of these files is a log of a known format", file=sys.stderr)
        return 1
    rows = [row(name, measure(load_reader(name), paths, rounds)) for name, paths in sorted(formats.items())]
    print_table(
        [("format", "files", "MB", "events", "unpack s", "bare s", "reader s", "MB/s", "x bare", "x both"), *rows]
    )
    if passed_over:
        print(f"\nnot of a known format: {passed_over.total()} files ({', '.join(sorted(passed_over)) or 'no suffix'})")
    return 0


def by_format(paths: list[Path]) -> tuple[dict[str, list[Path]], Counter[str]]:
    """The files of each format, and the suffixes of files that are of none."""
    formats: dict[str, list[Path]] = defaultdict(list)
    passed_over: Counter[str] = Counter()
    for path in paths:
        name = recognise(path)
        if name is None:
            passed_over["".join(path.suffixes[-2:])] += 1
        else:
            formats[name].append(path)
    return formats, passed_over


def measure(reader: Reader, paths: list[Path], rounds: int) -> Measured:
    """Take the three times in turns."""
    found = Measured(files=len(paths))
    grouped: Callable[[list[Path]], list[tuple[Path, ...]]] = getattr(reader, "groups", lambda ps: [(p,) for p in ps])
    groups = grouped(paths)
    for _ in range(rounds):
        found.size, unpack, bare = unpack_and_parse(paths)
        found.best("unpack", unpack)
        found.best("bare", bare)
        gc.collect()
        start = time.process_time()
        found.events = sum(isinstance(item, Event) for group in groups for item in reader.read(Source(group)))
        found.best("reader", time.process_time() - start)
    return found


def unpack_and_parse(paths: list[Path]) -> tuple[int, float, float]:
    """(bytes, seconds to read and decompress, seconds in ``orjson.loads``), one file in memory at a time."""
    size, unpack, parse = 0, 0.0, 0.0
    for path in paths:
        start = time.process_time()
        with open_log(path) as stream:
            data = stream.read()
        middle = time.process_time()
        pieces = data.split(b"\n") if is_lines(data) else [data]
        begun = time.process_time()
        for piece in pieces:
            if piece:
                try:
                    orjson.loads(piece)
                except orjson.JSONDecodeError:
                    continue
        parse += time.process_time() - begun
        unpack += middle - start
        size += len(data)
    return size, unpack, parse


def is_lines(data: bytes) -> bool:
    """True for JSON Lines: the first line is a value of its own."""
    try:
        orjson.loads(data[: data.find(b"\n") + 1])
    except orjson.JSONDecodeError:
        return False
    return True


def row(name: str, found: Measured) -> tuple[str, ...]:
    """One line of the table."""
    unpack, bare, reader = (found.seconds[what] for what in ("unpack", "bare", "reader"))
    megabytes = found.size / 1e6
    is_json = bare > reader / 1000
    ratios = (f"{reader / max(part, 1e-9):.1f}" if is_json else "–" for part in (bare, unpack + bare))
    times = (f"{seconds:.3f}" for seconds in (unpack, bare, reader))
    return (name, f"{found.files}", f"{megabytes:.1f}", f"{found.events}", *times, f"{megabytes / reader:.0f}", *ratios)


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Columns under each other, figures to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for cells in rows:
        first, *others = (
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        print("  ".join((first, *others)))


if __name__ == "__main__":
    sys.exit(main())
