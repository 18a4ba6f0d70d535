"""Zip archives of evaluation logs: made, taken apart strictly, and damaged where they state sizes, names and places."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib

from tests.readers.carriers import DamagedError
from tests.readers.wounds import flip

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


def archived(data: bytes) -> bytes:
    """A JSON log as an archive: what is said of all samples, and a member for each of them."""
    log = json.loads(data)
    samples = log.pop("samples") if isinstance(log, dict) and isinstance(log.get("samples"), list) else []
    members = {_HEADER: log, **{f"{_SAMPLES}{n}_epoch_1.json": sample for n, sample in enumerate(samples, 1)}}
    return zipped({name: json.dumps(value).encode() for name, value in members.items()})


def unarchived(data: bytes) -> bytes:
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
        return flip(data, chance)
    place = chance.choice(places) + fields[name]
    code = "<I" if name in ("crc", "packed", "size", "offset", "length", "start") else "<H"
    if place + struct.calcsize(code) > len(data):
        return flip(data, chance)
    (stated,) = struct.unpack_from(code, data, place)
    most = (1 << 8 * struct.calcsize(code)) - 1
    new = chance.choice((0, 8, _ZSTD, stated + 1, stated - 1, stated * 3, most)) & most
    struct.pack_into(code, data, place, new)
    return f"{name} of an entry: {new}"


def _swap_members(data: bytearray, chance: random.Random) -> str:
    """Two entries of the directory point at each other's member, or at the same one."""
    places = _entries(data, _CENTRAL)
    if len(places) < 2 or places[-1] + 46 > len(data):
        return flip(data, chance)
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
        return flip(data, chance)
    at = chance.choice(places) + 46 + chance.randrange(12)
    data[at] = chance.choice(b"x/_9\0\xff")
    return "a letter of a name"


ARCHIVE = (_entry_field, _entry_field, _swap_members, _rename_member)
"""Wounds that only an archive can suffer."""
