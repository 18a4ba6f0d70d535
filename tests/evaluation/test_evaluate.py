"""The content of evaluation.json, checked against counts made by hand."""

from __future__ import annotations

import json

import pytest

from miner.errors import MinerError, SplitError
from miner.evaluation.baselines import Fitted, fit_baselines
from miner.evaluation.evaluate import Options, evaluate
from miner.events import Event, Session
from miner.predictors import Walk
from miner.predictors.repeat_last import Predictor as RepeatLast
from miner.runtime.speculation import Speculation
from tests.evaluation.sessions import logs_of, read_all, session_of
from tests.real_logs import SHARED, needs_real_logs

READ_A, READ_B = ("read", {"path": "a"}), ("read", {"path": "b"})


def _fitted(*logs: object, gate: float = 0.5) -> Fitted:
    predictor = RepeatLast()
    predictor.fit(logs)  # type: ignore[arg-type]
    return Fitted(predictor, gate)


def _without_clock(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_clock(item) for key, item in value.items() if not key.startswith("predict_us")}
    return value


def test_counts_of_a_hand_made_session() -> None:
    """Three decisions with calls and one without: each figure has the numerator and denominator counted by hand.

    The predictions: none, A, A, then two at the end of which only the first passes the gate, and nothing is asked.
    """
    train = session_of("train", "hello", [READ_A], [READ_A], [READ_A], [READ_A])
    test = session_of("test", "hi", [READ_A], [READ_A], [READ_A, READ_B], [])
    found = evaluate(logs_of(train), logs_of(test), {"repeat_last": _fitted(train)})
    overall = found["predictors"]["repeat_last"]["overall"]
    assert (overall["calls"], overall["decisions"], overall["predictions"]) == (4, 4, 4)
    assert overall["counts"]["exact_top1"] == [2, 4]
    assert overall["counts"]["tool_top1"] == [3, 4]
    assert overall["counts"]["precision"] == [2, 3]
    assert overall["counts"]["coverage"] == [3, 4]
    assert overall["amplification"] == (4 + 1) / 4


def test_evaluation_is_json_and_the_same_twice_but_for_the_clock() -> None:
    """Nothing but the measured prediction times may differ between two evaluations."""
    train = [session_of(f"t{i}", f"task {i}", [READ_A], [READ_B], [READ_A]) for i in range(6)]
    test = [session_of(f"s{i}", "hi", [READ_A], [READ_B], []) for i in range(3)]

    def run() -> str:
        found = evaluate(logs_of(*train), logs_of(*test), fit_baselines(logs_of(*train)))
        return json.dumps(_without_clock(found), sort_keys=True, allow_nan=False)

    assert run() == run()


def test_a_shared_session_is_refused() -> None:
    """A held-out session that also trains is an error, not a better score."""
    log = session_of("same", "hi", [READ_A])
    with pytest.raises(SplitError, match="seen in training"):
        evaluate(logs_of(log), logs_of(log), {"repeat_last": _fitted(log)})


def test_one_session_has_figures_and_no_interval() -> None:
    """With one held-out session nothing can be drawn again, so the interval is absent instead of zero wide."""
    train, test = session_of("train", "hello", [READ_A], [READ_A]), session_of("test", "hi", [READ_A], [READ_A])
    overall = evaluate(logs_of(train), logs_of(test), {"r": _fitted(train)})["predictors"]["r"]["overall"]
    assert overall["exact_top1"] == 0.5
    assert overall["exact_top1_ci"] is None


def test_a_gate_that_launches_nothing() -> None:
    """Precision has no value then; recall and coverage are 0 and nothing is amplified."""
    train, test = session_of("train", "hello", [READ_A], [READ_A]), session_of("test", "hi", [READ_A], [READ_A])
    overall = evaluate(logs_of(train), logs_of(test), {"r": _fitted(train, gate=2.0)})["predictors"]["r"]["overall"]
    assert overall["precision"] is None
    assert (overall["recall"], overall["coverage"], overall["amplification"]) == (0, 0, 1)


def test_a_copy_under_another_key_is_left_out_and_counted() -> None:
    """The same content at the same times is the same session, whatever it is called."""
    train, copy = session_of("one", "hi", [READ_A], [READ_B]), session_of("copy", "hi", [READ_A], [READ_B])
    other = session_of("other", "hi", [READ_A], began_s=50)
    found = evaluate(logs_of(train), logs_of(copy, other), {"r": _fitted(train)})
    assert found["split"]["leakage"]["left_out_same_content"] == 1
    assert found["predictors"]["r"]["overall"]["sessions"] == 1


def test_arguments_declared_irrelevant_are_not_compared() -> None:
    """Only for the tool they are declared for, and the declaration stands in the result."""
    train = session_of("train", "hello", [READ_A], [READ_A])
    test = session_of("test", "hi", [("read", {"path": "a", "why": "x"})], [("read", {"path": "a", "why": "y"})])
    for ignored, hits in (({}, 0), ({"read": ("why",)}, 1), ({"write": ("why",)}, 0)):
        found = evaluate(logs_of(train), logs_of(test), {"r": _fitted(train)}, Options(ignored=ignored))
        assert found["predictors"]["r"]["overall"]["counts"]["exact_top1"] == [hits, 2]
        assert found["ignored_arguments"] == {tool: list(names) for tool, names in ignored.items()}


def test_seconds_count_slow_calls_more() -> None:
    """One hit of 9 s among calls of 9 s and 1 s is nine tenths of the time."""
    train = session_of("train", "hello", [READ_A], [READ_A])
    slow = session_of("slow", "hi", [READ_B], [READ_B], tool_s=9)
    quick = session_of("quick", "hi", [READ_A], [("list", {})], tool_s=1)
    found = evaluate(logs_of(train), logs_of(slow, quick), {"r": _fitted(train)})["predictors"]["r"]["overall"]
    assert found["counts"]["seconds_top5"] == [9, 20]


class _Listing:
    """Always guesses the same calls, in one order."""

    def __init__(self, *guesses: Speculation) -> None:
        self._guesses = list(guesses)

    def start(self, _session: Session) -> Walk:
        """A walk that learns nothing."""
        guesses = self._guesses

        class Listed:
            def observe(self, event: Event) -> None:
                """Nothing is learnt."""

            def predict(self, most: int = 5) -> list[Speculation]:
                """The list."""
                return guesses[:most]

        return Listed()


def test_parallel_calls_do_not_take_each_others_place_in_filtered_ranks() -> None:
    """A, a wrong guess, B: asked for together, A is first in both counts; B is third, and second without A."""
    train, test = session_of("train", "hello", [READ_A]), session_of("test", "hi", [READ_A, READ_B], [])
    guesses = [Speculation("read", {"path": path}, 0.3) for path in ("a", "x", "b")]
    found = evaluate(logs_of(train), logs_of(test), {"l": Fitted(_Listing(*guesses), 0.5)}, Options(draws=0))
    counts = found["predictors"]["l"]["overall"]["counts"]
    assert (counts["exact_top1"], counts["exact_top3"]) == ([1, 2], [2, 2])
    assert (counts["filtered_top1"], counts["filtered_top3"]) == ([1, 2], [2, 2])
    found = evaluate(logs_of(train), logs_of(test), {"l": Fitted(_Listing(guesses[0], guesses[2]), 0.5)})
    counts = found["predictors"]["l"]["overall"]["counts"]
    assert (counts["exact_top1"], counts["filtered_top1"]) == ([1, 2], [2, 2])


def test_a_probability_that_is_none_is_refused() -> None:
    """A predictor that promises more than certainty is an error, not a better score."""

    class Boastful(RepeatLast):
        def start(self, session: Session) -> Walk:
            walk = super().start(session)
            walk._chances = [1.5] * 10
            return walk

    log = session_of("s", "hi", [READ_A], [READ_A])
    with pytest.raises(MinerError, match=r"gave a probability that is none: 1\.5"):
        evaluate(logs_of(session_of("t", "hello", [READ_A])), logs_of(log), {"p": Fitted(Boastful(), 0.5)})


def test_slices_add_up() -> None:
    """Calls by tool, source, position, arguments and policy level are all the calls."""
    train = session_of("train", "hello", [READ_A], [READ_A])
    test = [
        session_of(f"s{n}", "hi", [READ_A], [READ_B, ("list", {})], application="ab"[n % 2], began_s=n)
        for n in range(4)
    ]
    found = evaluate(logs_of(train), logs_of(*test), {"r": _fitted(train)})["predictors"]["r"]
    for slices in ("by_tool", "by_source", "by_position", "by_arguments", "by_policy"):
        assert sum(part["calls"] for part in found[slices].values()) == found["overall"]["calls"] == 12


@needs_real_logs("tau")
def test_real_logs_give_every_call_and_sane_controls() -> None:
    """On held-out benchmark conversations: all calls scored, nothing leaked, the ceiling above, the shuffle below."""
    parts = {part: read_all(SHARED / "tau" / part, "tau") for part in ("train", "test")}
    train, test = logs_of(*parts["train"]), logs_of(*parts["test"])
    found = evaluate(train, test, fit_baselines(train, ["variable_order", "shuffled_arguments", "oracle"]))
    assert found["predictors"]["oracle"]["overall"]["calls"] == 748
    assert (
        found["split"]["leakage"]["left_out_same_content"] == found["split"]["leakage"]["left_out_copied_history"] == 0
    )
    assert found["controls"]["oracle"]["passed"]
    assert found["controls"]["shuffled_arguments"]["passed"]
