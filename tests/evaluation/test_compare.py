"""Two runs over the same sessions: a real difference is told from noise."""

from __future__ import annotations

import pytest

from miner.errors import RunFolderError
from miner.evaluation.baselines import Fitted
from miner.evaluation.compare import compare_runs
from miner.evaluation.evaluate import evaluate
from miner.events import SessionLog
from miner.predictors.most_frequent import Predictor as MostFrequent
from miner.predictors.repeat_last import Predictor as RepeatLast
from tests.evaluation.sessions import logs_of, session_of

TRAIN = [session_of(f"t{n}", f"task {n}", [("read", {"n": n})], [("read", {"n": n})]) for n in range(6)]
TEST = [
    session_of(f"s{n}", "go", *[[("read", {"n": 100 + n})]] * 4, *[[("list", {"n": i})] for i in range(n % 3)])
    for n in range(20)
]


def _evaluated(kind: type, test: list[SessionLog]) -> dict[str, object]:
    predictor = kind()
    predictor.fit(iter(TRAIN))
    return evaluate(logs_of(*TRAIN), logs_of(*test), {"p": Fitted(predictor, 0.5)})


def test_a_real_gain_is_called_better_and_its_reverse_worse() -> None:
    """Repeating the last call wins on sessions that repeat, in every session."""
    before, after = _evaluated(MostFrequent, TEST), _evaluated(RepeatLast, TEST)
    gain = {row["figure"]: row for row in compare_runs(before, after, "p")}["exact_top1"]
    assert (gain["verdict"], gain["before"]) == ("better", 0)
    assert gain["ci"][0] > 0
    assert {row["figure"]: row for row in compare_runs(after, before, "p")}["exact_top1"]["verdict"] == "worse"


def test_a_run_against_itself_is_no_more_than_noise() -> None:
    """Every difference is exactly 0."""
    run = _evaluated(RepeatLast, TEST)
    assert {row["verdict"] for row in compare_runs(run, run, "p")} <= {"no more than noise", "unknown"}
    assert {row["change"] for row in compare_runs(run, run, "p")} <= {0, None}


def test_only_common_sessions_are_compared() -> None:
    """A run over fewer sessions is compared on those."""
    rows = compare_runs(_evaluated(RepeatLast, TEST), _evaluated(RepeatLast, TEST[:4]), "p")
    assert {row["figure"]: row["change"] for row in rows}["exact_top1"] == 0


def test_nothing_in_common_and_unknown_predictors_are_refused() -> None:
    """Both errors say what there is."""
    one, other = _evaluated(RepeatLast, TEST[:3]), _evaluated(RepeatLast, TEST[3:])
    with pytest.raises(RunFolderError, match="no session in common"):
        compare_runs(one, other, "p")
    with pytest.raises(RunFolderError, match="has not scored 'q'"):
        compare_runs(one, other, "q")
