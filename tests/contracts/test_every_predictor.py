"""Every predictor found in the package: known-answer sessions, odd input, and the promises of its protocol."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from miner.errors import UsageError
from miner.events import Event, EventKind, SessionLog
from miner.mining.decisions import decisions
from miner.predictors import Predictor, Walk, load_predictor, predictor_names
from miner.runtime.speculation import Speculation
from tests.evaluation.sessions import session_of

LIST, OPEN = ("list", {"folder": "docs"}), ("open", {"path": "docs/a.txt"})
TRAINING = [
    session_of(f"s{n}", f"task {n}", [LIST], [OPEN, ("open", {"path": f"docs/{n}.txt"})], [("count", {"n": n})], [])
    for n in range(12)
]
NEW = session_of("new", "task", [LIST], [OPEN, LIST], [], "more", [LIST], [OPEN])
NAMES = predictor_names()


@pytest.fixture(params=NAMES)
def predictor(request: pytest.FixtureRequest) -> Predictor:
    """Each predictor, fitted on a dozen small sessions."""
    fitted = load_predictor(request.param)()
    fitted.fit(iter(TRAINING))
    return fitted


def _walked(predictor: Predictor, log: SessionLog, most: int = 5) -> list[list[Speculation]]:
    walk, lists = predictor.start(log.session), []
    for decision in decisions(log):
        for event in decision.observed:
            walk.observe(event)
        _reveal(walk, decision.calls)
        lists.append(list(walk.predict(most)))
    return lists


def _reveal(walk: Walk, calls: tuple[Event, ...]) -> None:
    if hasattr(walk, "reveal"):
        walk.reveal(calls)


def test_lists_are_ranked_distinct_and_no_longer_than_asked(predictor: Predictor) -> None:
    """Probabilities are numbers between 0 and 1 that do not rise, no call stands twice, and the length is kept."""
    for most in (1, 3, 5):
        for guesses in _walked(predictor, NEW, most):
            now = [guess for guess in guesses if guess.after is None]
            chances = [guess.probability for guess in now]
            assert len(now) <= most
            assert all(math.isfinite(chance) and 0 <= chance <= 1 for chance in chances)
            assert chances == sorted(chances, reverse=True)
            assert len({guess.identity for guess in now}) == len(now)


def test_prediction_is_pure(predictor: Predictor) -> None:
    """Asking twice gives the same answer, and asking changes nothing that comes later."""
    once = _walked(predictor, NEW)
    walk, twice = predictor.start(NEW.session), []
    for decision in decisions(NEW):
        for event in decision.observed:
            walk.observe(event)
        _reveal(walk, decision.calls)
        assert list(walk.predict()) == list(walk.predict())
        twice.append(list(walk.predict()))
    assert once == twice


def test_walks_do_not_disturb_each_other(predictor: Predictor) -> None:
    """Two walks in turns give what each gives alone."""
    alone = _walked(predictor, NEW)
    other = predictor.start(TRAINING[0].session)
    walk, together = predictor.start(NEW.session), []
    for decision, unrelated in zip(decisions(NEW), [*decisions(TRAINING[0]), *decisions(TRAINING[1])], strict=False):
        for event in decision.observed:
            walk.observe(event)
        for event in unrelated.observed:
            other.observe(event)
        other.predict()
        _reveal(walk, decision.calls)
        together.append(list(walk.predict()))
    assert together == alone[: len(together)]


@pytest.mark.parametrize("name", NAMES)
def test_an_unseen_world_is_no_error(name: str) -> None:
    """Training on nothing, and tools that nobody has seen, end in some list."""
    empty = load_predictor(name)()
    empty.fit(iter(()))
    assert all(isinstance(guesses, list) for guesses in _walked(empty, NEW))


@pytest.mark.parametrize(
    "odd",
    [
        {"arguments": "[1, 2]"},
        {"arguments": "not json", "arguments_ok": False},
        {"arguments": '{"n": NaN}'},
        {"arguments": '{"n": ' + "9" * 400 + "}"},
        {"arguments": '{"a.b[0]": {"": [null, true, 1e5]}}'},
        {"arguments": None},
        {"tool": None},
        {"text": "x" * 200_000},
        {"text": "\ud800 \x00 café"},
        {"result": "{" * 2000},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_odd_calls_are_survived(predictor: Predictor, odd: dict[str, object]) -> None:
    """Arguments that are no object, numbers without end, lone surrogates and broken results raise nothing."""
    events = tuple(
        replace(event, **odd) if event.kind is EventKind.TOOL_CALL else event
        for event in NEW.events  # type: ignore[arg-type]
    )
    assert len(_walked(predictor, SessionLog(NEW.session, events))) == 5


def test_an_unknown_predictor_is_refused_with_the_known_ones() -> None:
    """The error lists what there is."""
    with pytest.raises(UsageError, match="no predictor called"):
        load_predictor("crystal_ball")
