"""What logs are kept in: gzip, Zstandard, zip archives, Parquet, databases; packed, damaged byte by byte, and unpacked.

Unpacking here is done by other means than the readers' own, strictly: what it gives is what a reader may be asked for.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.readers import wounds
from tests.readers.archives import ARCHIVE, archived, unarchived
from tests.readers.carriers import Carrier, DamagedError, UnsureError, at, texts
from tests.readers.carriers import Path as Path_
from tests.readers.mutations import Mutated


@dataclass(frozen=True)
class Container:
    """One way to keep a log."""

    suffix: str
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]
    """Raises ``DamagedError``."""
    wounds: tuple[Callable[[bytearray, random.Random], str], ...] = ()
    """Damage that needs to know the container: sizes, members, pages."""
    is_read_packed: bool = True
    """Whether a reader takes it apart itself, and accounts for the bytes as they lie there."""
    is_opened_by_name: bool = False
    """Whether that is a library's work, which wants the name of a file."""

    def named(self, path: Path) -> Path:
        """The name of a log that is kept so."""
        return path.with_suffix(self.suffix) if self.is_read_packed and self.suffix else Path(f"{path}{self.suffix}")


class Damager:
    """Damages one log's container in as many ways as there are seeds."""

    def __init__(self, container: Container, carrier: Carrier, data: bytes) -> None:
        self._container = container
        self._carrier = carrier
        self._data = data
        self._tree = self._unpacked(data)

    def drawn(self, seed: str) -> random.Random:
        """The chance that this seed stands for."""
        return random.Random(seed)

    def mutated(self, chance: random.Random) -> Mutated:
        """The log as it is damaged by what was drawn, and what then is left of its values."""
        data, done = bytearray(self._data), []
        for _ in range(chance.choice((1, 1, 1, 1, 2))):
            if data:
                own = self._container.wounds
                done.append(chance.choice(own if own and chance.random() < 0.4 else wounds.ANY)(data, chance))
        what = "; ".join(done)
        try:
            tree = self._unpacked(bytes(data))
        except DamagedError:
            return Mutated(bytes(data), what, broken="a damaged container" if data else "")
        except (UnsureError, ValueError, RecursionError):
            # The container holds what it says, and that is no log any more: plain logs are damaged so, too.
            return Mutated(bytes(data), what)
        paths = list(_differing(self._tree, tree, ()))
        if self._container.is_read_packed and _is_short(tree, self._tree):
            return Mutated(bytes(data), what, broken="fewer records")
        if len(paths) == 1 and _collides(self._tree, tree, paths[0]):
            # One id became another: what hangs on it now hangs on something else.
            return Mutated(bytes(data), what)
        return Mutated(bytes(data), what, paths[0] if len(paths) == 1 else ("nowhere",) if not paths else None)

    def _unpacked(self, data: bytes) -> Any:
        return self._carrier.tree(self._container.unpack(data))


def _differing(one: Any, other: Any, path: Path_) -> Iterator[Path_]:
    """Where two values are not the same, as deep inside as that can be said."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            if key not in one or key not in other:
                yield (*path, key)
            else:
                yield from _differing(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differing(left, right, (*path, place))
    elif one != other or type(one) is not type(other):
        yield path


def _collides(before: Any, tree: Any, path: Path_) -> bool:
    """Whether the text at this place is now one that stood elsewhere."""
    try:
        value = at(tree, path)
    except (LookupError, TypeError):
        return False
    return isinstance(value, str) and value in texts(before)


def _is_short(tree: Any, before: Any) -> bool:
    """Whether rows or lines are gone."""
    if isinstance(before, dict):
        return any(_is_short(tree.get(key), value) for key, value in before.items() if isinstance(value, list))
    return isinstance(before, list) and (not isinstance(tree, list) or len(tree) < len(before))


def _gzipped(data: bytes) -> bytes:
    """Two members, as a log that was appended to."""
    middle = data.find(b"\n", len(data) // 2) + 1
    return b"".join(gzip.compress(part, mtime=0) for part in (data[:middle], data[middle:]) if part)


def _gunzipped(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedError from error


def _zstandard(data: bytes) -> bytes:
    """Two frames, the second without a checksum, as Codex writes its files."""
    import zstandard

    middle = data.find(b"\n", len(data) // 2) + 1
    first = zstandard.ZstdCompressor(write_checksum=True).compress(data[:middle])
    return bytes(first + zstandard.ZstdCompressor(write_content_size=False).compress(data[middle:]))


def _unzstandard(data: bytes) -> bytes:
    import zstandard

    parts = []
    try:
        while data:
            frame = zstandard.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(data))
            if not frame.eof:
                raise DamagedError
            data = frame.unused_data
    except zstandard.ZstdError as error:
        raise DamagedError from error
    return b"".join(parts)


def _parquet(data: bytes) -> bytes:
    """Rows as a table; values that are not plain stand in it as JSON, as exports have them."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rows = [json.loads(line) for line in data.splitlines()]
    names = list(dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row))
    flat = [{name: _cell(row.get(name)) for name in names} for row in rows if isinstance(row, dict)]
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(flat), out, row_group_size=2, write_page_checksum=True)
    return out.getvalue()


def _cell(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _rows(data: bytes) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        rows = parquet.ParquetFile(io.BytesIO(data), page_checksum_verification=True).read().to_pylist()
        return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise DamagedError from error


def _duckdb(data: bytes) -> bytes:
    """The same rows in a database of small blocks."""
    import duckdb

    rows = [row for row in map(json.loads, data.splitlines()) if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.duckdb")
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{path}' AS log (BLOCK_SIZE 16384)")
            connection.execute(f"CREATE TABLE log.rows ({', '.join(f'{_named(name)} VARCHAR' for name in names)})")
            marks = ", ".join("?" * len(names))
            cells = [[_cell(row.get(name)) for name in names] for row in rows]
            connection.executemany(f"INSERT INTO log.rows VALUES ({marks})", cells)
        return path.read_bytes()


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _unduckdb(data: bytes) -> bytes:
    """All rows of the one table, or damage: the death of the process that looks is one, too."""
    global _looker
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.duckdb")
        path.write_bytes(data)
        if _looker is None:
            _looker = ProcessPoolExecutor(1, get_context("spawn"))
        try:
            return _looker.submit(_looked, str(path)).result()
        except BrokenProcessPool as error:
            _looker = None
            raise DamagedError from error


def _looked(path: str) -> bytes:
    import duckdb

    try:
        with duckdb.connect(path, read_only=True) as connection:
            answer = connection.execute("SELECT * FROM rows")
            names = [column[0] for column in answer.description]
            rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise DamagedError from error
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


_looker: ProcessPoolExecutor | None = None


def _as_it_is(data: bytes) -> bytes:
    return data


CONTAINERS: dict[str, Container] = {
    "gz": Container(".gz", _gzipped, _gunzipped, is_read_packed=False),
    "zst": Container(".zst", _zstandard, _unzstandard, is_read_packed=False),
    "eval": Container(".eval", archived, unarchived, ARCHIVE),
    "parquet": Container(".parquet", _parquet, _rows, wounds.PARQUET, is_opened_by_name=True),
    "duckdb": Container(".duckdb", _duckdb, _unduckdb, wounds.DUCKDB, is_opened_by_name=True),
    "db": Container("", _as_it_is, _as_it_is, wounds.DATABASE),
}
