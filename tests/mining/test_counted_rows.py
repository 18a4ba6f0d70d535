"""Rows of counts packed for the way between processes."""

from __future__ import annotations

import pytest

from miner.mining import counted_rows
from miner.mining.counted_rows import COLUMNS, Packing, unpacked


def test_rows_come_back_in_order_from_several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions without rows leave a gap in the numbers; a batch ends with the session that fills it."""
    monkeypatch.setattr(counted_rows, "BATCH_ROWS", 3)
    packing = Packing()
    packing.add(0, [(0, "open", "", 2), (2, "open", '"ö\\ud800"', 1)])
    packing.add(1, [])
    packing.add(2, [(3, "close", "[1]", 4), (4, "", '"word"', 1)])
    packing.add(3, [(0, "close", "", 2**32 - 1)])
    table = unpacked(packing.packed())
    assert table.column("place").num_chunks == 2
    assert [tuple(row[name] for name in COLUMNS) for row in table.to_pylist()] == [
        (0, 0, "open", "", 2),
        (0, 2, "open", '"ö\\ud800"', 1),
        (2, 3, "close", "[1]", 4),
        (2, 4, "", '"word"', 1),
        (3, 0, "close", "", 2**32 - 1),
    ]


def test_no_rows_are_an_empty_table() -> None:
    """Sessions in which nothing was counted still make a part."""
    assert unpacked(Packing().packed()).num_rows == 0
