"""Damage to bytes: turned bits, cuts, swapped blocks, other numbers; and what only Parquet and databases can suffer."""

from __future__ import annotations

import random
import struct


def flip(data: bytearray, chance: random.Random) -> str:
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
        return flip(data, chance)
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
        return flip(data, chance)
    place, most = chance.randrange(len(data) - length + 1), (1 << 8 * length) - 1
    (stated,) = struct.unpack_from(code, data, place)
    new = chance.choice((0, 1, most, most >> 1, stated + 1, stated - 1, stated * 2, len(data))) & most
    struct.pack_into(code, data, place, new)
    return f"number at {place}: {new}"


def _footer(data: bytearray, chance: random.Random) -> str:
    """Bits of the footer, which says what the table is and where its columns lie."""
    if len(data) < 12:
        return flip(data, chance)
    length = min(int.from_bytes(data[-8:-4], "little"), len(data) - 8)
    data[len(data) - 8 - chance.randrange(max(1, length)) - 1] ^= 1 << chance.randrange(8)
    return "a bit of the footer"


def _page_header(data: bytearray, chance: random.Random) -> str:
    """What a page says of itself: its kind, how many cells it has, where they are."""
    size = int.from_bytes(data[16:18], "big") or 512
    if size < 512 or len(data) < size:
        return flip(data, chance)
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
        return flip(data, chance)
    one, other = (size * page for page in chance.sample(range(pages), 2))
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
    return f"pages at {one} and {other} swapped"


def _block_header(data: bytearray, chance: random.Random) -> str:
    """What a DuckDB file says of itself, twice: where its blocks lie, which of two headers is the newer one."""
    end = min(3 * 4096, len(data))
    place = min(chance.choice((0, 4096, 8192)) + chance.randrange(96), end - 1)
    data[place] = chance.choice((0, 1, data[place] ^ 1, 255))
    return f"header at {place}"


ANY = (flip, flip, _overwrite, _cut, _lengthen, _swap, _drop, _number)
"""Wounds that fit any bytes."""
PARQUET = (_footer,)
DATABASE = (_page_header, _page_header, _file_header, _swap_pages)
DUCKDB = (_block_header,)
