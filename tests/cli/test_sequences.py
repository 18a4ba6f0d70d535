"""The command ``miner sequences`` on a run folder made from the sample logs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from miner.cli import main
from miner.store import Store

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that holds the sample's events."""
    folder = tmp_path_factory.mktemp("run")
    with Store.open(folder / "events.duckdb") as store:
        store.ingest([SAMPLE])
    return folder


def test_the_answer_fits_machines(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--json`` holds each sequence with its sessions, and the rules."""
    assert main(["sequences", str(run), "--min-sessions", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["complete"]
    assert told["found"] >= len(told["sequences"]) > 0
    for row in told["sequences"]:
        assert len(row["session_keys"]) == row["sessions"] == len(row["first_positions"])
        assert row["occurrences"] >= row["sessions"] >= 2
    assert all(0 <= rule["low"] <= rule["confidence"] <= rule["high"] for rule in told["rules"])


def test_tables_exports_and_graphs_are_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exports hold every sequence that is told of, in CSV and Parquet alike."""
    names = {ending: tmp_path / f"out.{ending}" for ending in ("csv", "parquet", "graphml", "dot")}
    wanted = [
        "--export",
        names["csv"],
        "--export",
        names["parquet"],
        "--graph",
        names["graphml"],
        "--graph",
        names["dot"],
    ]
    assert main(["sequences", str(run), "--min-sessions", "2", "--top", "7", *map(str, wanted)]) == 0
    assert "sequences in at least" in capsys.readouterr().out
    with names["csv"].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    frame = pl.read_parquet(names["parquet"])
    assert [json.loads(row["steps"]) for row in rows] == frame["steps"].to_list()
    assert 0 < len(rows) <= 7
    assert names["graphml"].stat().st_size > 0
    assert names["dot"].read_text().startswith("digraph")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--min-sessions", "0"], "at least 1"),
        (["--min-share", "2"], "at most 1"),
        (["--contains", "no such tool"], "no session has a step called"),
        (["--any-gap", "--max-gap", "1"], "contradict"),
        (["--export", "out.xlsx"], "cannot be written"),
    ],
)
def test_wrong_usage_ends_with_two(
    run: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """What makes no sense is refused with exit code 2 and a word of why."""
    assert main(["sequences", str(run), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_run_without_events_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is no run folder ends with 1 and says what to do."""
    assert main(["sequences", str(tmp_path)]) == 1
    assert "miner ingest" in capsys.readouterr().err
