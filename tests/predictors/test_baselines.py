"""What each baseline must get right on sessions made for it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from miner.events import SessionLog
from miner.mining.decisions import decisions
from miner.predictors import Predictor, load_predictor
from miner.predictors.oracle import Predictor as Oracle
from miner.predictors.shuffled_arguments import Predictor as Shuffled
from miner.runtime.speculation import Speculation
from tests.evaluation.sessions import session_of

HELP, LOOK = ("help", {"topic": "all"}), ("look", {"at": "a"})


def _after(predictor: Predictor, log: SessionLog) -> Sequence[Speculation]:
    """What is predicted once the whole session has been seen."""
    walk = predictor.start(log.session)
    for event in log.events:
        walk.observe(event)
    return walk.predict()


def _fitted(name: str, *logs: SessionLog) -> Predictor:
    predictor = load_predictor(name)()
    predictor.fit(iter(logs))
    return predictor


def test_most_frequent_knows_the_commonest_call_of_several_sessions() -> None:
    """What every session does comes first; what one session alone did is no constant."""
    logs = [session_of(f"s{n}", "go", [HELP], [("look", {"at": n})]) for n in range(9)]
    guesses = _after(_fitted("most_frequent", *logs), session_of("new", "go"))
    assert [(guess.tool, guess.arguments) for guess in guesses] == [("help", {"topic": "all"})]


def test_repeat_last_repeats_with_the_rate_it_learnt() -> None:
    """Calls that come again nine times of ten are promised at about that rate."""
    logs = [session_of(f"s{n}", "go", *[[("look", {"at": n})]] * 10) for n in range(30)]
    guesses = _after(_fitted("repeat_last", *logs), session_of("new", "go", [LOOK]))
    assert guesses[0].arguments == {"at": "a"}
    assert guesses[0].probability == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("name", ["markov1", "variable_order", "classifier"])
def test_context_predictors_learn_what_follows_what(name: str) -> None:
    """After help comes look with the arguments that look had last."""
    logs = [session_of(f"s{n}", "go", *[[HELP], [("look", {"at": f"place {n}"})]] * 4) for n in range(12)]
    guesses = _after(_fitted(name, *logs), session_of("new", "go", [LOOK], [HELP]))
    assert (guesses[0].tool, guesses[0].arguments) == ("look", {"at": "a"})
    assert guesses[0].probability > 0.5


def test_variable_order_sees_further_back_than_markov1() -> None:
    """What follows b depends on what came before b, which only the longer context tells."""
    steps = {n: [("a", {}), ("b", {}), ("c", {})] if n % 2 else [("x", {}), ("b", {}), ("y", {})] for n in range(20)}
    logs = [session_of(f"s{n}", "go", *([call] for call in calls)) for n, calls in steps.items()]
    seen = session_of("new", "go", [("x", {})], [("b", {})])
    assert _after(_fitted("variable_order", *logs), seen)[0].tool == "y"
    first = _after(_fitted("markov1", *logs), seen)
    assert {guess.tool for guess in first[:2]} == {"c", "y"}
    assert first[0].probability == pytest.approx(first[1].probability)


def test_shuffled_arguments_keep_tools_and_lose_arguments() -> None:
    """Tools and probabilities are the wrapped predictor's; arguments come from unrelated calls."""
    logs = [session_of(f"s{n}", "go", *[[("look", {"at": f"place {n}"})]] * 5) for n in range(40)]
    base = _fitted("variable_order", *logs)
    control = Shuffled(base)
    control.fit(iter(logs))
    seen = session_of("new", "go", [LOOK])
    real, shuffled = _after(base, seen), _after(control, seen)
    assert shuffled[0].tool == real[0].tool
    assert shuffled[0].probability == real[0].probability
    assert real[0].arguments == {"at": "a"}
    assert all(guess.arguments["at"].startswith("place ") for guess in shuffled)


@pytest.mark.parametrize(
    ("value", "since"),
    [
        ("src/a.py", 1),
        ("a.py", 1),
        ("rc/a.p", None),
        (42, 1),
        (4, None),
        ("the attic", 0),
        ("never said", None),
        ("daily", 0),
        (True, 1),
        ("feature/x", 0),
    ],
    ids=str,
)
def test_the_oracle_knows_since_when_a_value_could_have_been_known(value: object, since: int | None) -> None:
    """Texts between word borders, numbers, environment, messages, and constants of two sessions; nothing else."""
    oracle = Oracle()
    oracle.fit(session_of(f"t{n}", "go", [("use", {"it": "daily"})]) for n in range(2))
    result = '{"file": "src/a.py", "size": 42, "open": true}'
    log = session_of(
        "s", "look in the attic", [("list", {"n": 5}, result)], [("use", {"it": value})], branch="feature/x"
    )
    walk, last = oracle.start(log.session), None
    for decision in decisions(log):
        for event in decision.observed:
            walk.observe(event)
        walk.reveal(decision.calls)
        last = decision.calls[0]
    assert last is not None
    assert walk.known_since(last) == since
    assert [guess.arguments for guess in walk.predict()] == ([] if since is None else [{"it": value}])


def test_the_oracle_can_be_told_what_else_values_make_known() -> None:
    """With a rule that turns values to capitals, their capitals are known too."""
    log = session_of("s", "go", [("list", {}, "attic")], [("use", {"it": "ATTIC"})])
    for derived, expected in ((None, None), (lambda text: [text.upper()], 1)):
        oracle = Oracle(derived)
        oracle.fit(iter(()))
        walk = oracle.start(log.session)
        for decision in decisions(log):
            for event in decision.observed:
                walk.observe(event)
            walk.reveal(decision.calls)
        assert walk.known_since(log.events[-1]) == expected
