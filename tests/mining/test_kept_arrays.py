"""Arrays kept in a file: given back when they are whole and of the right key, and otherwise made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from miner.mining.kept_arrays import Arrays, keep, kept


def total(facts: dict[str, Any], arrays: Arrays) -> tuple[str, int]:
    """The name, and what the numbers come to."""
    return facts["name"], int(arrays["numbers"].sum())


def test_what_is_kept_is_given_back_for_its_key_alone(tmp_path: Path) -> None:
    """Another key or another edition is another thing; a file that is not there is nothing."""
    path = tmp_path / "kept.npz"
    assert kept(path, 1, "k", total) is None
    keep(path, 1, "k", {"name": "n"}, {"numbers": np.array([1, 2, 4])})
    assert kept(path, 1, "k", total) == ("n", 7)
    assert kept(path, 1, "other", total) is None
    assert kept(path, 2, "k", total) is None
    assert [file.name for file in tmp_path.iterdir()] == ["kept.npz"]


@pytest.mark.parametrize("harm", ["cut", "bits", "other"])
def test_a_damaged_file_is_nothing(tmp_path: Path, harm: str) -> None:
    """It is made anew, whatever was done to it."""
    path = tmp_path / "kept.npz"
    keep(path, 1, "k", {"name": "n"}, {"numbers": np.arange(999)})
    data = path.read_bytes()
    half = len(data) // 2
    bad = {"cut": data[:half], "bits": data[:half] + bytes(64) + data[half + 64 :], "other": b"{}"}
    path.write_bytes(bad[harm])
    assert kept(path, 1, "k", total) is None


def test_what_lacks_a_part_is_nothing(tmp_path: Path) -> None:
    """Written by an edition that forgot to call itself another one."""
    path = tmp_path / "kept.npz"
    keep(path, 1, "k", {}, {"numbers": np.arange(3)})
    assert kept(path, 1, "k", total) is None


def test_a_folder_that_is_not_there_costs_only_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and goes on."""
    keep(tmp_path / "gone" / "kept.npz", 1, "k", {}, {})
    assert "kept.npz could not be kept" in caplog.text
