"""``miner run --engine spark``: from logs to a scored bundle, the same as with the embedded engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.cli import main
from tests.engines.spark_here import spark

__all__ = ["spark"]
SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample" / "messages" / "service-desk.jsonl"
SESSIONS = 28
FILES = ("patterns.json", "bundle.json", "bundle.txt")
SETTINGS = "[evaluation]\nresamples = 0\n"


def figures(run: Path) -> dict[str, Any]:
    """What each predictor scored, without how fast it was."""
    scored = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["predictors"]
    return {
        name: {figure: value for figure, value in found["overall"].items() if not figure.startswith("predict_us")}
        for name, found in scored.items()
    }


@pytest.mark.spark
def test_a_run_on_spark_is_the_run_of_one_machine(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Patterns, the scored bundle and its twin are the same bytes, every figure is the same, and the second run on
    Spark finds nothing left to do.
    """
    logs, settings = tmp_path / "logs.jsonl", tmp_path / "settings.toml"
    logs.write_text("".join(SAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)[:SESSIONS]), encoding="utf-8")
    settings.write_text(SETTINGS)
    did = []
    for engine in ("duckdb", "spark", "spark"):
        words = ["run", str(logs), "--out", str(tmp_path / engine), "--engine", engine, "--settings", str(settings)]
        assert main([*words, "--json"]) == 0
        did.append(json.loads(capsys.readouterr().out)["did"])
    here, there = tmp_path / "duckdb", tmp_path / "spark"
    assert {name: (there / name).read_bytes() for name in FILES} == {name: (here / name).read_bytes() for name in FILES}
    assert figures(there) == figures(here)
    assert figures(there)["shipped"]["calls"] > 0
    assert "mine" in did[1]
    assert did[2] == []
