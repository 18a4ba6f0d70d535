"""Served calls in held-out sessions: which predictions answer them, and what recorded results have to say about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miner.evaluation.baselines import Fitted
from miner.evaluation.evaluate import Options, evaluate
from miner.evaluation.replay.permits import default_permits
from miner.evaluation.replay.savings import savings
from miner.evaluation.serving import HeldOutServing, rules_of
from miner.events import SessionLog, Status
from miner.predictors.repeat_last import Predictor as RepeatLast
from miner.runtime.serving_rules import ServingRule
from miner.runtime.speculation import Speculation
from tests.evaluation.sessions import Step, logs_of, session_of

RULE = ServingRule(
    "open",
    "open",
    "line_range",
    (("count", "lines"), ("first", "start"), ("lines", "numbered"), ("origin", "1")),
    whole=(40, 2_000),
    fired=50,
    right=50,
)
WHOLE = Speculation("open", {"path": "a.txt"}, 0.9)


def lines(first: int, last: int, word: str = "text") -> str:
    """Some numbered lines."""
    return "\n".join(f"{line}\t{word} {line}" for line in range(first, last + 1))


def part(first: int, count: int, result: str) -> Step:
    """A narrower call."""
    return [("open", {"path": "a.txt", "start": first, "lines": count}, result)]


def whole(result: str) -> Step:
    """The broader call."""
    return [("open", {"path": "a.txt"}, result)]


def judged(*steps: Step, guess: Speculation = WHOLE) -> tuple[bool, dict[str, Any]]:
    """Whether the guess answers the last call of a session, and the counts."""
    serving = HeldOutServing([RULE])
    log = session_of("s", "look", *steps, [])
    record = serving.session(log)
    assert record is not None
    return record.serves(guess, [event for event in log.events if event.tool][-1]), serving.as_json()


def test_a_recorded_result_decides() -> None:
    """What the rule makes of it is the recorded answer, or the prediction did not answer the call."""
    served, counts = judged(whole(lines(1, 30)), part(5, 3, lines(5, 7)))
    assert served
    assert counts == {"rules": 1, "narrower_calls": 1, "answerable": 1, "checked": 1, "right": 1}
    served, counts = judged(whole(lines(1, 30)), part(5, 3, lines(5, 7, "other")))
    assert not served
    assert (counts["checked"], counts["right"], counts["answerable"]) == (1, 0, 0)
    served, counts = judged(whole(lines(1, 4)), part(5, 3, lines(5, 7)))
    assert not served


def test_a_result_that_may_have_changed_says_nothing_unless_it_agrees() -> None:
    """After a call that names the file, a difference is no mistake of the rule; equality still proves it right."""
    change: Step = [("patch", {"file": "a.txt"}, "done")]
    served, counts = judged(whole(lines(1, 30)), change, part(5, 3, lines(5, 7, "other")))
    assert served
    assert (counts["checked"], counts["answerable"]) == (0, 1)
    assert judged(whole(lines(1, 30)), change, part(5, 3, lines(5, 7)))[1]["right"] == 1


def test_a_later_result_speaks_as_well() -> None:
    """The broader call may follow the narrower one."""
    log = session_of("s", "look", part(5, 3, lines(5, 7)), whole(lines(1, 30, "other")), [])
    serving = HeldOutServing([RULE])
    serving.session(log)
    assert (serving.checked, serving.right) == (1, 0)


@pytest.mark.parametrize(
    ("steps", "served"),
    [
        ([part(5, 3, lines(5, 7))], True),
        ([part(5, 3, lines(5, 6))], True),
        ([part(5, 3, "no such lines")], False),
        ([part(5, 3, lines(5, 7) + "\n(a strange note)")], False),
        ([part(50, 3, lines(50, 52))], False),
        ([part(50, 3, lines(50, 52)), part(5, 3, lines(5, 7))], False),
        ([part(5, 3, "")], False),
    ],
    ids=["fits", "the end", "other text", "note", "further than known", "of a long file", "nothing"],
)
def test_without_one_the_answer_must_be_what_the_rule_could_give(steps: list[Step], served: bool) -> None:
    """Form, frame and reach are looked at; a file known to be longer than any whole result is not counted on."""
    assert judged(*steps)[0] is served


def test_only_the_broader_call_itself_answers() -> None:
    """A guess of another file, another part or another tool does not."""
    for guess in (
        Speculation("open", {"path": "b.txt"}, 0.9),
        Speculation("open", {"path": "a.txt", "start": 1}, 0.9),
        Speculation("read", {"path": "a.txt"}, 0.9),
        Speculation("open", {"path": float("nan")}, 0.9),
    ):
        assert not judged(part(5, 3, lines(5, 7)), guess=guess)[0]


def test_a_failed_broader_call_answers_nothing() -> None:
    """Where the session shows that the whole cannot be read, no part comes from it."""
    log = session_of("s", "look", whole("too large"), part(5, 3, lines(5, 7)), [])
    events = [replace(event, status=Status.ERROR) if event.text == "too large" else event for event in log.events]
    serving = HeldOutServing([RULE])
    record = serving.session(SessionLog(log.session, tuple(events)))
    assert record is not None
    assert not record.serves(WHOLE, events[2])
    assert record.broader_of(events[2]) is None


class Whole(RepeatLast):
    """Always says the whole of the same file, and brings a rule."""

    serving_rules = (RULE,)

    def start(self, session: Any) -> Any:
        """A walk that observes nothing."""

        class Walk:
            def observe(self, event: Any) -> None:
                """Nothing is learnt."""

            def predict(self, most: int = 5) -> list[Speculation]:
                """The one guess."""
                return [WHOLE]

        return Walk()


def test_served_calls_count_apart_from_exact_hits() -> None:
    """A broader prediction that answers the call is served, and the exact figures stay as they are."""
    test = session_of("test", "hi", whole(lines(1, 30)), part(5, 3, lines(5, 7)), part(50, 2, lines(50, 51)), [])
    train = session_of("train", "hello", whole(lines(1, 9)))
    found = evaluate(logs_of(train), logs_of(test), {"w": Fitted(Whole(), 1.0)}, Options(draws=0))
    counts = found["predictors"]["w"]["overall"]["counts"]
    assert (counts["exact_top5"], counts["served_top1"], counts["served_top5"]) == ([1, 3], [2, 3], [2, 3])
    assert found["serving"] == {"rules": 1, "narrower_calls": 2, "answerable": 1, "checked": 1, "right": 1}


def test_predictors_without_rules_serve_nothing() -> None:
    """The served figures are then the exact ones."""
    assert rules_of([RepeatLast()]) == ()
    assert list(rules_of([RepeatLast(), Whole()])) == [RULE]
    assert HeldOutServing(()).session(session_of("s", "hi", whole("x"))) is None


def test_a_replay_answers_parts_from_what_was_launched() -> None:
    """A broader launch answers the parts asked for after it, each the first time, and what they took is hidden."""
    train = session_of("train", "hello", whole(lines(1, 9)))
    test = session_of("test", "hi", part(5, 3, lines(5, 7)), part(8, 2, lines(8, 9)), part(5, 3, lines(5, 7)), [])
    found = savings(logs_of(train), logs_of(test), {"w": Whole()}, default_permits([], ["open"]))
    assert (found["hits"], found["joins"], found["derived"]) == (0, 0, 2)
    assert found["launched"] - found["wasted_calls"] == 1
    assert found["tool_stall_hidden_s"] == 2.0
