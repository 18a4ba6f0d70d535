"""The Spark job: from log files to a bundle, as one machine would make it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from miner.engines._spark_files import sources_of
from miner.journey.folder import open_run
from miner.journey.outcome import Inputs, Journey
from miner.journey.single import export_only, mine_only
from miner.journey.steps import ingest
from miner.settings import Settings
from pipelines import spark_job
from tests.engines.spark_here import spark
from tests.pipelines.conftest import ROOT
from tests.real_logs import SHARED, needs_real_logs

__all__ = ["spark"]
DATASETS = ("tau", "react_text", "swe_agent", "livemcpbench", "tau2", "deer_flow", "claude_code")
FILES = ("patterns.json", "bundle.json", "bundle.txt")


def on_one_machine(logs: Path, run: Path) -> dict[str, bytes]:
    """What ``miner ingest``, ``mine`` and ``export`` make of logs."""
    with open_run(run, make=True) as folder:
        ingest(folder, Inputs((str(logs),)), Settings(), lambda _: None)
        mine_only(folder, Settings(), lambda _: None, Journey(run))
        export_only(folder, Settings(), None)
    return {name: (run / name).read_bytes() for name in FILES}


@pytest.mark.spark
def test_the_job_makes_the_bundle_of_one_machine(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files of two formats, one of them twice, a session told twice and a broken line: the same bytes; and again from
    the rows that the first job left.
    """
    logs = tmp_path / "logs"
    logs.mkdir()
    sample = ROOT / "data" / "sample"
    lines = (sample / "messages" / "service-desk.jsonl").read_text(encoding="utf-8").splitlines()
    (logs / "desk.jsonl").write_text("\n".join([*lines[:24], '{"messages": [']) + "\n", encoding="utf-8")
    (logs / "more.jsonl").write_text("\n".join(lines[20:28]) + "\n", encoding="utf-8")
    (logs / "copy.jsonl").write_bytes((logs / "more.jsonl").read_bytes())
    coding = sorted((sample / "claude_code").rglob("*.jsonl"))[:6]
    for path in coding:
        place = logs / path.relative_to(sample / "claude_code")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    expected = on_one_machine(logs, tmp_path / "run")
    work = str(tmp_path / "work")
    for number, words in enumerate(([str(logs)], ["--from-work"])):
        out = tmp_path / f"out{number}"
        assert spark_job.main([*words, "--work", work, "--out", str(out)]) == 0
        assert {name: (out / name).read_bytes() for name in FILES} == expected
    summary = json.loads(capsys.readouterr().out.split("\n{")[0])
    assert summary["problems"] == 1


@pytest.mark.soak
@pytest.mark.spark
@pytest.mark.parametrize("name", DATASETS)
@needs_real_logs("tau")
def test_the_job_makes_the_bundle_of_real_logs(name: str, spark: Any, tmp_path: Path) -> None:
    """On every set of real logs: the bytes of one machine, whose hashes are printed."""
    expected = on_one_machine(SHARED / name, tmp_path / "run")
    words = [str(SHARED / name), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    assert spark_job.main(words) == 0
    found = {file: (tmp_path / "out" / file).read_bytes() for file in FILES}
    digests = {file: [hashlib.sha256(data[file]).hexdigest() for data in (expected, found)] for file in FILES}
    print(name, json.dumps(digests, indent=1))
    assert found == expected


@pytest.mark.spark
def test_no_logs(spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a log of a known format ends with 1 and says so."""
    (tmp_path / "notes.txt").write_text("no log")
    words = [str(tmp_path), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    assert spark_job.main(words) == 1
    assert "no logs found: 1 files" in capsys.readouterr().err


def test_files_become_the_sources_of_a_store() -> None:
    """A copy is one source with its original, files of no known format are none, and sources are sorted by path."""
    files = [
        ("s3a://lake/b.jsonl", "messages", "2"),
        ("s3a://lake/a.jsonl", "messages", "1"),
        ("s3a://lake/c.jsonl", "messages", "1"),
        ("s3a://lake/notes.txt", None, ""),
    ]
    found = sources_of(files)
    assert [paths for _, paths, _ in found] == [("s3a://lake/a.jsonl",), ("s3a://lake/b.jsonl",)]
    assert len({content for _, _, content in found}) == 2


def test_logs_or_rows_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither and both are wrong usage."""
    words = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    for more in ([], ["logs", "--from-work"]):
        with pytest.raises(SystemExit) as ended:
            spark_job.main([*words, *more])
        assert ended.value.code == 2
    assert "give LOGS, or --from-work" in capsys.readouterr().err
