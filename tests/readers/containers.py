"""What logs are kept in: gzip, Zstandard, zip archives, Parquet, databases; packed, damaged byte by byte, and unpacked.

Unpacking here is done by other means than the readers' own, strictly: what it gives is what a reader may be asked for.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def named(self, path: Path) -> Path:
        """The name of a log that is kept so."""
        return path.with_suffix(self.suffix) if self.is_read_packed and self.suffix else Path(f"{path}{self.suffix}")


# --- damage that fits any container ----------------------------------------------------------------------------------


def _flip(data: bytearray, chance: random.Random) -> str:
    """Bits turn."""
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return "bits"


def _overwrite(data: bytearray, chance: random.Random) -> str:
    place, length = chance.randrange(len(data)), chance.choice((1, 2, 4, 16, 64))
    end = min(place + length, len(data))
    data[place:end] = chance.choice((bytes, chance.randbytes))(end - place)
    return f"{end - place} bytes at {place}"


def _cut(data: bytearray, chance: random.Random) -> str:
    place = chance.choice((chance.randrange(len(data)), len(data) - chance.randint(1, min(32, len(data)))))
    del data[place:]
    return f"cut at {place}"


def _lengthen(data: bytearray, chance: random.Random) -> str:
    data += chance.choice((b"\n", b"\0" * 512, chance.randbytes(9), bytes(data[: chance.randrange(len(data))])))
    return "more behind the end"


def _swap(data: bytearray, chance: random.Random) -> str:
    """Two blocks change places, as on a failing disk."""
    length = chance.choice((1, 4, 16, 128, 512))
    blocks = len(data) // length
    if blocks < 2:
        return _flip(data, chance)
    one, other = (length * place for place in chance.sample(range(blocks), 2))
    data[one : one + length], data[other : other + length] = data[other : other + length], data[one : one + length]
    return f"blocks of {length} at {one} and {other} swapped"


def _drop(data: bytearray, chance: random.Random) -> str:
    place, length = chance.randrange(len(data)), chance.choice((1, 2, 16, 512))
    if length >= len(data):
        return _cut(data, chance)
    del data[place : place + length]
    return f"{length} bytes gone at {place}"


def _number(data: bytearray, chance: random.Random) -> str:
    """Somewhere a size, a count or an offset is stated: it is another now."""
    code = chance.choice(("<H", "<I", ">H", ">I", "<Q"))
    length = struct.calcsize(code)
    if length > len(data):
        return _flip(data, chance)
    place, most = chance.randrange(len(data) - length + 1), (1 << 8 * length) - 1
    (stated,) = struct.unpack_from(code, data, place)
    new = chance.choice((0, 1, most, most >> 1, stated + 1, stated - 1, stated * 2, len(data))) & most
    struct.pack_into(code, data, place, new)
    return f"number at {place}: {new}"


_WOUNDS = (_flip, _flip, _overwrite, _cut, _lengthen, _swap, _drop, _number)


class Damager:
    """Damages one log's container in as many ways as there are seeds."""

    def __init__(self, container: Container, carrier: Carrier, data: bytes) -> None:
        self._container = container
        self._carrier = carrier
        self._data = data
        self._tree = self._unpacked(data)

    def mutated(self, seed: str) -> Mutated:
        """The log as this seed damages it, and what then is left of its values."""
        chance = random.Random(seed)
        data, done = bytearray(self._data), []
        for _ in range(chance.choice((1, 1, 1, 1, 2))):
            if data:
                own = self._container.wounds
                done.append(chance.choice(own if own and chance.random() < 0.4 else _WOUNDS)(data, chance))
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


# --- gzip ------------------------------------------------------------------------------------------------------------


def _gzipped(data: bytes) -> bytes:
    """Two members, as a log that was appended to."""
    middle = data.find(b"\n", len(data) // 2) + 1
    return b"".join(gzip.compress(part, mtime=0) for part in (data[:middle], data[middle:]) if part)


def _gunzipped(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedError from error


# --- Zstandard -------------------------------------------------------------------------------------------------------


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


# --- zip archives of evaluation logs ---------------------------------------------------------------------------------

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_ZSTD = 93
_SAMPLES, _HEADER = "samples/", "header.json"


def zipped(members: dict[str, bytes], *, every: int = 2) -> bytes:
    """An archive whose members are packed with Zstandard, each ``every``-th one with deflate."""
    import zstandard

    out, directory = io.BytesIO(), []
    for number, (name, data) in enumerate(members.items()):
        method = 8 if number % every == every - 1 else _ZSTD
        if method == _ZSTD:
            packed = zstandard.ZstdCompressor().compress(data)
        else:
            deflate = zlib.compressobj(wbits=-15)
            packed = deflate.compress(data) + deflate.flush()
        about = (20, 0, method, 0, 33, zlib.crc32(data), len(packed), len(data), len(name), 0)
        directory.append(
            _CENTRAL + struct.pack("<HHHHHHIIIHHHHHII", 20, *about, 0, 0, 0, 0, out.tell()) + name.encode()
        )
        out.write(_LOCAL + struct.pack("<HHHHHIIIHH", *about) + name.encode() + packed)
    start, listed = out.tell(), b"".join(directory)
    out.write(listed + _END + struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(listed), start, 0))
    return out.getvalue()


def _archived(data: bytes) -> bytes:
    """A JSON log as an archive: what is said of all samples, and a member for each of them."""
    log = json.loads(data)
    samples = log.pop("samples") if isinstance(log, dict) and isinstance(log.get("samples"), list) else []
    members = {_HEADER: log, **{f"{_SAMPLES}{n}_epoch_1.json": sample for n, sample in enumerate(samples, 1)}}
    return zipped({name: json.dumps(value).encode() for name, value in members.items()})


def _unarchived(data: bytes) -> bytes:
    """The samples and the header, each checked against the sizes and the checksum that the directory states."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if len(set(names)) != len(names) or not all(n == _HEADER or n.startswith(_SAMPLES) for n in names):
                raise DamagedError
            values = {info.filename: json.loads(_member(data, archive, info)) for info in infos}
    except (OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise DamagedError from error
    if _HEADER not in values:
        raise DamagedError
    log = values.pop(_HEADER)
    return json.dumps({**log, "samples": [values[name] for name in sorted(values)]}).encode()


def _member(data: bytes, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    import zstandard

    if info.compress_type != _ZSTD:
        return archive.read(info)
    at = info.header_offset
    if data[at : at + 4] != _LOCAL:
        raise DamagedError
    name, extra = struct.unpack_from("<HH", data, at + 26)
    start = at + 30 + name + extra
    if data[at + 30 : at + 30 + name].decode() != info.orig_filename:
        raise DamagedError
    try:
        found = zstandard.ZstdDecompressor().decompressobj().decompress(data[start : start + info.compress_size])
    except zstandard.ZstdError as error:
        raise DamagedError from error
    if len(found) != info.file_size or zlib.crc32(found) != info.CRC:
        raise DamagedError
    return found


def _entries(data: bytearray, signature: bytes) -> list[int]:
    places, at = [], data.find(signature)
    while at >= 0:
        places.append(at)
        at = data.find(signature, at + 4)
    return places


def _entry_field(data: bytearray, chance: random.Random) -> str:
    """What a header says of its member: method, checksum, sizes, lengths of names, where it lies."""
    signature, fields = chance.choice(
        (
            (_CENTRAL, {"method": 10, "crc": 16, "packed": 20, "size": 24, "name": 28, "extra": 30, "offset": 42}),
            (_LOCAL, {"flags": 6, "method": 8, "crc": 14, "packed": 18, "size": 22, "name": 26, "extra": 28}),
            (_END, {"entries": 10, "length": 12, "start": 16}),
        )
    )
    places = _entries(data, signature)
    name = chance.choice(list(fields))
    if not places or places[-1] + 46 > len(data) + 24:
        return _flip(data, chance)
    place = chance.choice(places) + fields[name]
    code = "<I" if name in ("crc", "packed", "size", "offset", "length", "start") else "<H"
    if place + struct.calcsize(code) > len(data):
        return _flip(data, chance)
    (stated,) = struct.unpack_from(code, data, place)
    most = (1 << 8 * struct.calcsize(code)) - 1
    new = chance.choice((0, 8, _ZSTD, stated + 1, stated - 1, stated * 3, most)) & most
    struct.pack_into(code, data, place, new)
    return f"{name} of an entry: {new}"


def _swap_members(data: bytearray, chance: random.Random) -> str:
    """Two entries of the directory point at each other's member, or at the same one."""
    places = _entries(data, _CENTRAL)
    if len(places) < 2 or places[-1] + 46 > len(data):
        return _flip(data, chance)
    one, other = (place + 42 for place in chance.sample(places, 2))
    both = chance.random() < 0.5
    first, second = bytes(data[one : one + 4]), bytes(data[other : other + 4])
    data[one : one + 4] = second
    if both:
        data[other : other + 4] = first
    return "members swapped" if both else "two entries for one member"


def _rename_member(data: bytearray, chance: random.Random) -> str:
    """The name of an entry is another, of the same length."""
    places = [at for at in _entries(data, _CENTRAL) if at + 60 < len(data)]
    if not places:
        return _flip(data, chance)
    at = chance.choice(places) + 46 + chance.randrange(12)
    data[at] = chance.choice(b"x/_9\0\xff")
    return "a letter of a name"


# --- Parquet ---------------------------------------------------------------------------------------------------------


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


def _footer(data: bytearray, chance: random.Random) -> str:
    """Bits of the footer, which says what the table is and where its columns lie."""
    if len(data) < 12:
        return _flip(data, chance)
    length = min(int.from_bytes(data[-8:-4], "little"), len(data) - 8)
    data[len(data) - 8 - chance.randrange(max(1, length)) - 1] ^= 1 << chance.randrange(8)
    return "a bit of the footer"


# --- databases -------------------------------------------------------------------------------------------------------


def _page_header(data: bytearray, chance: random.Random) -> str:
    """What a page says of itself: its kind, how many cells it has, where they are."""
    size = int.from_bytes(data[16:18], "big") or 512
    if size < 512 or len(data) < size:
        return _flip(data, chance)
    at = chance.randrange(len(data) // size) * size
    at += 100 if at == 0 else 0
    place = min(at + chance.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)), len(data) - 1)
    data[place] = chance.choice((0, 1, data[place] ^ 1, (data[place] + 255) % 256, 13, 255))
    return f"header of the page at {at}"


def _file_header(data: bytearray, chance: random.Random) -> str:
    data[chance.randrange(min(100, len(data)))] = chance.choice((0, 1, 2, 16, 255))
    return "header of the database"


def _swap_pages(data: bytearray, chance: random.Random) -> str:
    size = int.from_bytes(data[16:18], "big") or 512
    pages = len(data) // size if size >= 512 else 0
    if pages < 2:
        return _flip(data, chance)
    one, other = (size * page for page in chance.sample(range(pages), 2))
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
    return f"pages at {one} and {other} swapped"


def _as_it_is(data: bytes) -> bytes:
    return data


CONTAINERS: dict[str, Container] = {
    "gz": Container(".gz", _gzipped, _gunzipped, is_read_packed=False),
    "zst": Container(".zst", _zstandard, _unzstandard, is_read_packed=False),
    "eval": Container(".eval", _archived, _unarchived, (_entry_field, _entry_field, _swap_members, _rename_member)),
    "parquet": Container(".parquet", _parquet, _rows, (_footer,)),
    "db": Container("", _as_it_is, _as_it_is, (_page_header, _page_header, _file_header, _swap_pages)),
}
