"""The report: self-contained, honest about what is missing, and safe against what stands in logs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from miner.errors import RunFolderError
from miner.evaluation.baselines import fit_baselines
from miner.evaluation.evaluate import evaluate
from miner.evaluation.learning_curve import learning_curve, leave_one_application_out
from miner.evaluation.page import html, markdown
from miner.evaluation.replay.permits import default_permits
from miner.evaluation.replay.savings import savings
from miner.evaluation.report import sections
from miner.evaluation.run_folder import fits_of, read_result, write_result
from miner.evaluation.sections import Section, Table
from tests.evaluation.sessions import logs_of, session_of

NASTY = "<script>|\n"
LOGS = [
    session_of(f"s{n}", "go", [(NASTY, {"n": 1})], [(NASTY, {"n": 1})], [], application="ab"[n % 2], began_s=n)
    for n in range(12)
]
TRAIN, TEST = logs_of(*LOGS[:8]), logs_of(*LOGS[8:])


@pytest.fixture(scope="module")
def results() -> tuple[dict, dict]:
    """A small evaluation and replay with everything in it."""
    fitted = fit_baselines(TRAIN, ["markov1", "variable_order", "shuffled_arguments", "oracle"])
    evaluation = evaluate(TRAIN, TEST, fitted)
    fits = fits_of(["markov1", "variable_order"])
    evaluation["learning_curve"] = learning_curve(TRAIN, TEST, fits)
    evaluation["leave_one_application_out"] = leave_one_application_out(logs_of(*LOGS), fits)
    predictors = {"markov1": fitted["markov1"].predictor, "oracle": fitted["oracle"].predictor}
    return evaluation, savings(TRAIN, TEST, predictors, default_permits([], [NASTY]))


def test_the_page_needs_nothing_beside_it_and_runs_nothing(results: tuple[dict, dict]) -> None:
    """No address, no script, no reference to a file, whatever a tool is called."""
    page = html("Title", sections(*results))
    assert "http" not in page
    assert not re.search(r"<script|src=|href=|url\(|@import", page)
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == page.count("</svg>") >= 3


def test_the_bound_comes_first_and_the_limits_last(results: tuple[dict, dict]) -> None:
    """Whoever reads from the top learns what is possible before what is claimed."""
    titles = [section.title for section in sections(*results)]
    assert titles[0] == "What could be hidden at all"
    assert titles[-1] == "Limits"
    assert "Would more logs help" in titles
    assert "Does it carry over" in titles


def test_served_calls_are_told_beside_the_exact_ones(results: tuple[dict, dict]) -> None:
    """Only where there are serving rules, with how often they could be checked."""
    evaluation, savings_ = results
    counts = {"rules": 1, "narrower_calls": 9, "answerable": 7, "checked": 5, "right": 4}
    said = "right in 4 of 5 held-out calls"
    assert said in markdown("Title", sections({**evaluation, "serving": counts}, savings_))
    assert "serving rules:" not in markdown("Title", sections(evaluation, savings_))


def test_intervals_stand_below_their_figures_on_the_page() -> None:
    """A table of nine figures with intervals fits a window; words keep their brackets where they are."""
    page = html("Title", [Section("One", tables=[Table(("tool (a)", "hits"), [("look (b)", "2.5 % (0.6–4.5)")])])])
    assert '<td class="words">look (b)</td><td>2.5 %<small>(0.6–4.5)</small></td>' in page
    assert "<script" not in html("Title", [Section("One", tables=[Table(("a", "b"), [("", "1 (<script>)")])])])


def test_markdown_tables_keep_their_columns(results: tuple[dict, dict]) -> None:
    """A name with a bar or a line break stays in its cell."""
    text = markdown("Title", sections(*results))
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("|")]
    assert blocks
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block}) == 1


def test_each_half_alone_makes_a_report(results: tuple[dict, dict]) -> None:
    """Evaluation without replay, replay without evaluation, and neither."""
    evaluation, saved = results
    assert "What it would save" not in [section.title for section in sections(evaluation, None)]
    assert "How much is predicted" not in [section.title for section in sections(None, saved)]
    assert [section.title for section in sections(None, None)] == ["Limits"]


def test_results_are_written_whole_and_read_back(tmp_path: Path, results: tuple[dict, dict]) -> None:
    """A run folder holds the result and both reports; a damaged result names the step to repeat."""
    write_result(tmp_path, "evaluation.json", results[0])
    assert read_result(tmp_path, "evaluation.json") == results[0]
    assert read_result(tmp_path, "savings.json") is None
    assert {path.name for path in tmp_path.iterdir()} == {"evaluation.json", "report.md", "report.html"}
    (tmp_path / "savings.json").write_text("{")
    with pytest.raises(RunFolderError, match="is no JSON"):
        read_result(tmp_path, "savings.json")
    with pytest.raises(RunFolderError, match="no such run folder"):
        read_result(tmp_path / "absent", "savings.json")


def test_more_training_never_loses_sessions(results: tuple[dict, dict]) -> None:
    """Each point of the learning curve holds the sessions of the one before."""
    curve = results[0]["learning_curve"]
    counts = [row["sessions"] for row in curve]
    assert counts == sorted(counts)
    assert (curve[-1]["share"], counts[-1]) == (1.0, 8)


def test_each_application_is_scored_by_the_others(results: tuple[dict, dict]) -> None:
    """Both are there, with the sessions they have."""
    rows = results[0]["leave_one_application_out"]
    assert [(row["application"], row["sessions"]) for row in rows] == [("a", 6), ("b", 6)]
