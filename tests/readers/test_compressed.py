"""Compressed logs: cut, damaged, in several parts, grown beyond bounds; what is lost is told."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from miner.readers import unpacked
from miner.readers.head import head_of
from miner.readers.source import Source

zstandard = pytest.importorskip("zstandard")

LINES = [b'{"n":%d}\n' % number for number in range(200)]
WHOLE = b"".join(LINES)
SKIPPED = struct.pack("<II", 0x184D2A50, 5) + b"notes"
"""A part of a Zstandard file that holds no data."""


def zst(data: bytes) -> bytes:
    """A frame."""
    return bytes(zstandard.ZstdCompressor(write_checksum=True).compress(data))


PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zst}
EACH = pytest.mark.parametrize("suffix", PACK)


def read(folder: Path, suffix: str, data: bytes) -> tuple[int, list[str]]:
    """How many records come out of these bytes, and what is told."""
    path = folder / f"log.jsonl{suffix}"
    path.write_bytes(data)
    source = Source((path,))
    count = sum(1 for _ in source.records())
    head_of(path)
    return count, [problem.reason for problem in source.problems]


@EACH
def test_a_file_that_was_cut_is_told_wherever_it_was_cut(tmp_path: Path, suffix: str) -> None:
    """Behind a whole line too, and in the middle of the checksum."""
    packed = PACK[suffix](WHOLE)
    (tmp_path / f"cut{suffix}").write_bytes(packed[:-1])
    source = Source((tmp_path / f"cut{suffix}",))
    assert len(list(source.records())) == len(LINES)
    assert [problem.detail for problem in source.problems] == ["the compressed file ends in the middle"]
    for size in range(1, len(packed)):
        count, told = read(tmp_path, suffix, packed[:size])
        assert "cut_compression" in told, size
        assert count <= len(LINES)
    assert read(tmp_path, suffix, packed) == (len(LINES), [])


@EACH
def test_a_name_in_capitals_says_the_same(tmp_path: Path, suffix: str) -> None:
    """Windows and old tapes write them: what is compressed is read to its end."""
    assert read(tmp_path, suffix.upper(), PACK[suffix](WHOLE)) == (len(LINES), [])


@EACH
def test_parts_follow_one_another(tmp_path: Path, suffix: str) -> None:
    """A rotated log holds several; what is no part is told, after what stands before it."""
    both = PACK[suffix](WHOLE) + PACK[suffix](WHOLE)
    assert read(tmp_path, suffix, both) == (2 * len(LINES), [])
    assert read(tmp_path, suffix, both + b"something else") == (2 * len(LINES), ["cut_compression"])
    assert read(tmp_path, suffix, both + PACK[suffix](WHOLE)[:-1])[1] == ["cut_compression"]


def test_zeros_behind_a_part_are_nothing_and_before_it_damage(tmp_path: Path) -> None:
    """Tapes fill up with zeros; a file that begins with them, or has nothing else, lost its beginning."""
    packed = gzip.compress(WHOLE)
    assert read(tmp_path, ".gz", packed + bytes(512)) == (len(LINES), [])
    assert read(tmp_path, ".gz", bytes(512)) == (0, ["cut_compression"])
    assert read(tmp_path, ".gz", bytes(2) + packed) == (0, ["cut_compression"])


def test_parts_that_hold_no_data_are_passed_over(tmp_path: Path) -> None:
    """Zstandard files may carry notes, first, last or between."""
    packed = SKIPPED + zst(WHOLE) + SKIPPED + zst(WHOLE) + SKIPPED
    assert read(tmp_path, ".zst", packed) == (2 * len(LINES), [])
    assert read(tmp_path, ".zst", packed[:-1]) == (2 * len(LINES), ["cut_compression"])


@EACH
def test_damage_is_told(tmp_path: Path, suffix: str) -> None:
    """Any byte of a file with a checksum may be another: that is told, unless the lines come out as they were."""
    packed = bytearray(PACK[suffix](WHOLE))
    for place in range(len(packed)):
        packed[place] ^= 0x55
        count, told = read(tmp_path, suffix, bytes(packed))
        assert told or count == len(LINES), place
        packed[place] ^= 0x55


def test_a_file_that_unpacks_to_far_more_than_any_log_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is on the ratio, from a size on that no harmless file reaches by chance."""
    monkeypatch.setattr(unpacked, "_FREELY_BYTES", 1 << 20)
    bomb = zst(bytes(64 << 20))
    assert len(bomb) * 1000 < 64 << 20
    _, told = read(tmp_path, ".zst", zst(WHOLE) + bomb)
    assert told[0] == "cut_compression"
    assert read(tmp_path, ".zst", zst(bytes(1 << 20)))[1] == []
