"""What the sequence miner does with hard inputs, limits that make no sense, and a user who has seen enough."""

from __future__ import annotations

from threading import Event

import pytest

from miner.errors import UsageError
from miner.mining.sequences import SequenceLimits, mine_sequences


def test_one_tool_repeated_ten_thousand_times() -> None:
    """A session of one tool over and over gives one pattern for each length, and one maximal pattern."""
    database = [["a"] * 10_000, ["a"] * 10_000]
    found = mine_sequences(database, SequenceLimits(min_sessions=2, kind="maximal"))
    assert [(len(pattern.steps), pattern.sessions) for pattern in found.patterns] == [(10_000, 2)]
    contiguous = mine_sequences(database, SequenceLimits(min_sessions=2, max_gap=0, max_length=50))
    assert sorted(len(pattern.steps) for pattern in contiguous.patterns) == list(range(1, 51))


@pytest.mark.parametrize("gap", [None, 3])
def test_a_budget_stops_with_exact_partial_results(gap: int | None) -> None:
    """Long sessions at the lowest threshold end at the budget, say so, and what they bring is right."""
    database = [[f"t{(place * step) % 17}" for place in range(5_000)] for step in (3, 5, 7)]
    found = mine_sequences(database, SequenceLimits(min_sessions=1, max_gap=gap, budget=2_000, max_length=30))
    assert "budget of 2,000" in found.interrupted
    assert 0 < len(found.patterns) <= 2_000
    for pattern in found.patterns[:5]:
        assert found.evidence(pattern).sessions
        assert len(found.evidence(pattern).sessions) == pattern.sessions


def test_over_the_budget_a_higher_threshold_is_complete() -> None:
    """What does not fit the budget is answered from the lowest doubled threshold that does, and that is all of it."""
    database = [[f"{number}-{place}" for place in range(14)] for number in range(4)] + [list("abc")] * 8
    found = mine_sequences(database, SequenceLimits(min_sessions=1, budget=1_000))
    assert found.interrupted == "stopped at the budget of 1,000 patterns; complete from 2 sessions up"
    assert found.least == 2
    assert found.patterns == mine_sequences(database, min_sessions=2).patterns


def test_a_search_can_be_stopped() -> None:
    """A caller who sets the flag gets what was found so far, and the word that it is not all."""
    stop = Event()
    stop.set()
    found = mine_sequences([list("abcabc")] * 3, min_sessions=1, stop=stop)
    assert found.interrupted == "stopped on request"


def test_progress_reaches_the_end() -> None:
    """The last report of progress says that every first step is done."""
    told: list[tuple[int, int, int]] = []
    found = mine_sequences([list("abc")] * 3, min_sessions=1, progress=lambda *figures: told.append(figures))
    assert told[-1] == (3, 3, len(found.patterns))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (SequenceLimits(), "exactly one threshold"),
        (SequenceLimits(min_sessions=1, min_share=0.5), "exactly one threshold"),
        (SequenceLimits(min_sessions=0), "at least 1, not 0"),
        (SequenceLimits(min_sessions=0.5), "whole number"),  # type: ignore[arg-type]
        (SequenceLimits(min_share=0), "above 0"),
        (SequenceLimits(min_share=1.5), "at most 1"),
        (SequenceLimits(min_sessions=1, kind="open"), "no kind 'open'"),  # type: ignore[arg-type]
        (SequenceLimits(min_sessions=1, max_gap=-1), "max_gap must be at least 0"),
        (SequenceLimits(min_sessions=1, min_length=3, max_length=2), "that short and that long"),
        (SequenceLimits(min_sessions=1, min_length=3, max_span=2), "fits that span"),
        (SequenceLimits(min_sessions=1, contains=("a",), without=("a",)), "both wanted and ruled out"),
        (SequenceLimits(min_sessions=1, starts_with="a", only=("b",)), "not among the only steps"),
        (SequenceLimits(min_sessions=1, only=("a",), without=("a",)), "every step allowed is also ruled out"),
        (SequenceLimits(min_sessions=1, contains=("a", "b"), max_length=1), "more steps are wanted"),
        (SequenceLimits(min_sessions=1, top=0), "top must be at least 1"),
        (SequenceLimits(min_sessions=1, budget=0), "budget must be at least 1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: SequenceLimits, message: str) -> None:
    """A threshold or limits that contradict each other are refused with what to do."""
    with pytest.raises(UsageError, match=message) as refused:
        mine_sequences([["a", "b"]], limits)
    assert refused.value.next_step


def test_a_threshold_of_everything_and_more() -> None:
    """A share of 1 asks for every session; more sessions than there are is an empty result, not an error."""
    database = [list("ab"), list("ba"), list("ab")]
    assert {pattern.steps for pattern in mine_sequences(database, min_share=1.0).patterns} == {("a",), ("b",)}
    assert mine_sequences(database, min_sessions=4).patterns == []


def test_an_unknown_step_is_refused_with_the_nearest() -> None:
    """A misspelt filter names the step that was probably meant."""
    with pytest.raises(UsageError, match="no session has a step called 'serch'") as refused:
        mine_sequences([["search", "open"]], SequenceLimits(min_sessions=1, contains=("serch",)))
    assert "search" in (refused.value.next_step or "")


@pytest.mark.parametrize(
    ("name", "meant"), [("read", "Read"), ("git dif", "Bash:git diff"), ("BASH", "Bash"), ("pytest", "Bash:pytest")]
)
def test_the_nearest_is_found_whatever_the_case_or_prefix(name: str, meant: str) -> None:
    """Case and the tool in front of a class do not hide what was meant, and a group's name counts as a step."""
    limits = SequenceLimits(min_sessions=1, ends_with=name, groups={"Bash": frozenset({"Bash:pytest"})})
    with pytest.raises(UsageError) as refused:
        mine_sequences([["Read", "Bash:git diff", "Bash:pytest"]], limits)
    assert meant in (refused.value.next_step or "")


def test_a_group_stands_for_any_of_its_steps() -> None:
    """Each filter takes the name of a group and means any of its steps; what the groups rule out is refused."""
    database = [["Bash:git", "Read", "Bash:pytest"], ["Read", "Bash:git"]]
    groups = {"Bash": frozenset({"Bash:git", "Bash:pytest"})}

    def found(**filters: object) -> set[tuple[str, ...]]:
        limits = SequenceLimits(min_sessions=1, min_length=2, groups=groups, **filters)  # type: ignore[arg-type]
        return {pattern.steps for pattern in mine_sequences(database, limits).patterns}

    everything = found()
    assert found(contains=("Bash", "Read")) == {s for s in everything if "Read" in s}
    assert found(starts_with="Bash") == {s for s in everything if s[0] != "Read"}
    assert found(ends_with="Bash", kind="closed") == {s for s in found(kind="closed") if s[-1] != "Read"}
    assert found(only=("Bash",)) == {("Bash:git", "Bash:pytest")}
    assert found(without=("Bash",)) == set()
    with pytest.raises(UsageError, match="both wanted and ruled out"):
        found(contains=("Bash:git",), without=("Bash",))


def test_shares_at_their_borders() -> None:
    """A share that is no number is refused; a share that falls on a whole number of sessions asks for no more."""
    with pytest.raises(UsageError, match="above 0"):
        mine_sequences([["a"]], min_share=float("nan"))
    assert mine_sequences([["a"]] * 7 + [["b"]] * 3, min_share=0.3).least == 3
    with pytest.raises(UsageError, match="given twice"):
        mine_sequences([["a"]], SequenceLimits(min_sessions=1), min_share=0.5)


def test_unknown_engines_and_limits_of_engines_are_refused() -> None:
    """An engine that is not there, or that cannot keep a limit, says so."""
    with pytest.raises(UsageError, match="no sequence engine"):
        mine_sequences([["a"]], min_sessions=1, engine="quick")
    with pytest.raises(UsageError, match="no gap or span limit"):
        mine_sequences([["a"]], SequenceLimits(min_sessions=1, max_gap=0), engine="prefixspan")
