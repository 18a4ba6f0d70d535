"""Nights that go well, nights that are refused, and nights that were killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from miner.runtime.bundle import load_bundle
from pipelines import backfill, nightly
from pipelines.gates import judge
from pipelines.home import read_json
from pipelines.settings import load
from tests.pipelines.conftest import FIRST, PINNED, ROOT, SESSIONS, Night, Site

KILLED = 9
RUN = """
import os, sys
from pathlib import Path
from pipelines.nightly import main
left, replace = int(sys.argv[2]), Path.replace
def counted(path, target):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return replace(path, target)
if left:
    Path.replace = counted
sys.exit(main(["--settings", sys.argv[1]]))
"""
"""One night in a process of its own, killed before so many files (unless 0) have taken their places."""


def start(site: Site, replaced: int) -> subprocess.Popen[bytes]:
    """A night in a process of its own."""
    words = [sys.executable, "-c", PINNED + RUN, str(site.settings), str(replaced)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_first_night_is_published(site: Site) -> None:
    """The pointer leads to a run folder whose bundle loads, and the summary says so to a scheduler."""
    run = site.home / site.current().strip()
    summary = read_json(site.home / "summary.json")
    assert site.current() == "runs/000001\n"
    assert load_bundle(run / "bundle.json").digest == summary["bundle"]["digest"]
    assert summary == read_json(run / "summary.json")
    assert (summary["status"], summary["exit_code"], summary["read"]["sessions"]) == ("published", 0, FIRST)


def test_a_night_surveys_only_what_is_new(site: Site, run_pipeline: Night) -> None:
    """Rows of the first night's sessions are taken over as they are; those that came later are added behind them."""
    site.arrive()
    run_pipeline(nightly.main, "--settings", site.settings)
    numbers = []
    for name in ("000001", "000002"):
        with duckdb.connect(str(site.home / "runs" / name / "counts.duckdb"), read_only=True) as counts:
            numbers.append(dict(counts.execute("select key, number from surveyed").fetchall()))
    first, second = numbers
    assert len(first) < len(second)
    assert {key: second[key] for key in first} == first


def test_a_night_without_news_changes_nothing(site: Site, run_pipeline: Night) -> None:
    """Nothing is mined or published again, and the run keeps no copy of the store."""
    for number in ("000002", "000003"):
        code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
        assert (code, summary["status"], summary["current"]) == (0, "nothing_new", "000001")
        assert sorted(file.name for file in (site.home / "runs" / number).iterdir()) == ["request.json", "summary.json"]


def test_news_after_the_clock_was_set_back(site: Site, run_pipeline: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """New logs are read and the next run follows the last, whatever the clock says; both bundles are compared."""
    # Seven held-out sessions say little about a gate; what is published is not the matter here.
    site.configure(gates='min_precision = 0.0\nfigures = ["exact_top5"]')
    os.utime(site.arrive(), (631152000, 631152000))
    monkeypatch.setattr(nightly, "_now", lambda: "1990-01-01T00:00:00+00:00")
    code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"], summary["run"]) == (0, "published", "000002")
    assert (summary["read"]["sessions"], summary["compared_with"]) == (len(SESSIONS), "000001")
    assert {row["figure"] for row in summary["comparison"]} >= {"exact_top1", "recall", "precision"}
    assert site.current() == "runs/000002\n"


def test_a_worse_bundle_is_not_published(site: Site, run_pipeline: Night) -> None:
    """A bundle that knows next to nothing is refused for what it lost, and the pointer stays."""
    site.configure("[mining]\nmin_sessions = 1000\n")
    code, summary, said = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"], summary["current"]) == (3, "refused", "000001")
    assert any(reason.startswith("exact_top1 is worse") for reason in summary["reasons"])
    assert "beyond noise" in said
    assert site.current() == "runs/000001\n"


def test_few_held_out_sessions_are_not_compared(site: Site, run_pipeline: Night) -> None:
    """With a session fewer than the settings ask for there is no comparison and no reason from one, and the summary
    says how many there were; with just as many the worse bundle is refused.
    """
    evaluation = read_json(site.home / "runs" / "000001" / "evaluation.json")
    held_out = len(evaluation["predictors"]["shipped"]["per_session"]["sessions"])
    site.configure("[mining]\nmin_sessions = 1000\n", compared_from=held_out)
    assert run_pipeline(nightly.main, "--settings", site.settings)[1]["status"] == "refused"
    site.configure("[mining]\nmin_sessions = 1001\n", compared_from=held_out + 1)
    code, summary, said = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["status"], summary["compared_with"], summary["comparison"]) == (0, "published", None, [])
    expected = f"not compared: {held_out} held-out sessions with calls are too few to tell, {held_out + 1} tell"
    assert summary["not_compared"] == expected
    assert expected in said


def test_a_broken_promise_is_not_published(site: Site) -> None:
    """Precision below the promise is a reason not to publish; at the promise it is none."""
    site.configure(gates="min_precision = 0.8")
    run = site.home / "runs" / "000001"
    evaluation = read_json(run / "evaluation.json")
    for precision, reasons in ((0.8, []), (0.79, ["precision 0.790 is below the promise of 0.8"]), (None, [])):
        evaluation["predictors"]["shipped"]["overall"]["precision"] = precision
        assert judge(run, evaluation, None, load(site.settings)).reasons == reasons


def test_too_few_sessions_are_not_published(site: Site, run_pipeline: Night) -> None:
    """What could not be scored is not shipped."""
    shutil.rmtree(site.home)
    (site.logs / "first.jsonl").write_text(SESSIONS[0] + "\n", encoding="utf-8")
    code, summary, _ = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["reasons"]) == (3, ["too few sessions to hold any out, so it was not scored"])
    assert not (site.home / "current").exists()


def test_killed_between_any_two_files(site: Site, run_pipeline: Night) -> None:
    """A first night that is killed again and again, each time a little later, ends in the same bundle."""
    bundle = (site.home / "runs" / "000001" / "bundle.json").read_bytes()
    shutil.rmtree(site.home)
    for replaced in (1, 2, 4, 6):
        assert start(site, replaced).wait(120) == KILLED
        assert not (site.home / "current").exists()
    code, summary, said = run_pipeline(nightly.main, "--settings", site.settings)
    assert (code, summary["run"], summary["read"]["sessions"]) == (0, "000001", FIRST)
    assert "completing run 000001" in said
    assert (site.home / "runs" / "000001" / "bundle.json").read_bytes() == bundle


def test_backfill_adds_what_the_next_night_keeps(site: Site, run_pipeline: Night, tmp_path: Path) -> None:
    """An archive is read beside the sources, and its sessions stay when the archive is named no more, until afresh."""
    archive = tmp_path / "archive.jsonl"
    archive.write_text("\n".join(SESSIONS[FIRST:]) + "\n", encoding="utf-8")
    code, summary, _ = run_pipeline(backfill.main, "--settings", site.settings, archive)
    assert (code, summary["pipeline"], summary["read"]["sessions"]) == (0, "backfill", len(SESSIONS))
    archive.unlink()
    assert run_pipeline(nightly.main, "--settings", site.settings)[1]["status"] == "nothing_new"
    code, summary, _ = run_pipeline(backfill.main, "--settings", site.settings, "--afresh")
    assert summary["read"]["sessions"] == FIRST
