"""The sequence miner held against its definition, on random databases and under every limit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefixspan import PrefixSpan

from miner.errors import LogError
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_engines import engine_names
from miner.mining.sequences import SequenceLimits, mine_sequences

Steps = tuple[str, ...]
Database = list[list[str]]

DATABASES = st.text("abcd/", max_size=36).map(lambda text: [list(session[:7]) for session in text.split("/")])
"""Calls of four tools, cut into sessions anywhere: one text is drawn and shrunk much faster than lists of lists."""


def examples(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """So many random cases, the same ones in every run."""
    return settings(max_examples=number, deadline=None, derandomize=True, database=None)


def ends_of(steps: Steps, session: list[str], gap: int | None, span: int | None) -> set[int]:
    """Every place where a match of the steps ends, by trying all matches."""
    found = set()

    def place(step: int, last: int, start: int) -> None:
        if step == len(steps):
            found.add(last)
            return
        for at in range(last + 1, len(session)):
            first = at if step == 0 else start
            near = step == 0 or gap is None or at - last - 1 <= gap
            if near and (span is None or at - first + 1 <= span) and session[at] == steps[step]:
                place(step + 1, at, first)

    place(0, -1, -1)
    return found


def all_frequent(
    database: Database, least: int, gap: int | None = None, span: int | None = None, longest: int | None = None
) -> dict[Steps, int]:
    """Every frequent pattern by growing those one step shorter."""
    alphabet = sorted({item for session in database for item in session})
    found: dict[Steps, int] = {}
    level: list[Steps] = [()]
    while level:
        grown = [(*steps, item) for steps, item in product(level, alphabet)]
        grown = [steps for steps in grown if longest is None or len(steps) <= longest]
        counted = {steps: sum(bool(ends_of(steps, session, gap, span)) for session in database) for steps in grown}
        level = [steps for steps, count in counted.items() if count >= least]
        found.update({steps: counted[steps] for steps in level})
    return found


def is_within(small: Steps, large: Steps, gap: int | None) -> bool:
    """True when a longer pattern contains a shorter one: with a gap limit, without steps left out between."""
    return len(small) < len(large) and bool(ends_of(small, list(large), None if gap is None else 0, None))


def reduced(found: dict[Steps, int], kind: str, gap: int | None) -> dict[Steps, int]:
    """The closed or maximal ones among all frequent patterns, by comparing each with each."""
    return {
        steps: count
        for steps, count in found.items()
        if not any(is_within(steps, other, gap) and (kind == "maximal" or found[other] == count) for other in found)
    }


def mined(database: Database, limits: SequenceLimits, engine: str = "miner") -> dict[Steps, int]:
    """What the miner finds; a pattern found twice fails here."""
    patterns = mine_sequences(database, limits, engine=engine).patterns
    found = {pattern.steps: pattern.sessions for pattern in patterns}
    assert len(found) == len(patterns)
    return found


@examples(1500)
@given(DATABASES, st.integers(1, 4))
def test_all_patterns_are_those_of_prefixspan(database: Database, least: int) -> None:
    """Without limits on gaps the patterns and their support are those of the prefixspan package."""
    expected = {tuple(steps): count for count, steps in PrefixSpan(database).frequent(least)}
    assert mined(database, SequenceLimits(min_sessions=least)) == expected


@examples(800)
@given(DATABASES, st.integers(1, 4))
def test_closed_patterns_are_those_of_prefixspan(database: Database, least: int) -> None:
    """The closed patterns are those of the prefixspan package, less those that it reports though they are not closed.

    Its forward check looks behind the last match of a pattern, not the first, and so lets some pass (its issue 14):
    ``b`` with two sessions beside ``b a`` with two.
    """
    everything = {tuple(steps): count for count, steps in PrefixSpan(database).frequent(least)}
    closed = {tuple(steps): count for count, steps in PrefixSpan(database).frequent(least, closed=True)}
    expected = reduced(everything, "closed", None)
    assert expected.items() <= closed.items()
    assert mined(database, SequenceLimits(min_sessions=least, kind="closed")) == expected


@examples(1500)
@given(
    DATABASES,
    st.integers(1, 3),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(1, 6),
    st.none() | st.integers(1, 4),
)
def test_limits_mean_what_they_say(
    database: Database, least: int, gap: int | None, span: int | None, longest: int | None
) -> None:
    """Under limits of gap, span and length exactly the patterns of the definition are found."""
    limits = SequenceLimits(min_sessions=least, max_gap=gap, max_span=span, max_length=longest)
    assert mined(database, limits) == all_frequent(database, least, gap, span, longest)


@examples(500)
@given(DATABASES, st.integers(1, 3), st.none() | st.integers(0, 2), st.sampled_from(["closed", "maximal"]))
def test_reduced_kinds_follow_their_definition(database: Database, least: int, gap: int | None, kind: str) -> None:
    """Closed and maximal patterns are those that comparing all with all leaves."""
    limits = SequenceLimits(min_sessions=least, max_gap=gap, kind=kind)  # type: ignore[arg-type]
    assert mined(database, limits) == reduced(all_frequent(database, least, gap), kind, gap)


@examples(500)
@given(DATABASES, st.data())
def test_filters_choose_among_the_patterns(database: Database, data: st.DataObject) -> None:
    """Filters on steps leave exactly the patterns that pass them, whatever the kind."""
    present = sorted({item for session in database for item in session})
    if not present:
        return
    name = st.sampled_from(present)
    kind = data.draw(st.sampled_from(["all", "closed"]))
    contains, without = data.draw(st.none() | name), data.draw(st.none() | name)
    first, last = data.draw(st.none() | name), data.draw(st.none() | name)
    shortest = data.draw(st.integers(1, 3))
    if without is not None and without in (contains, first, last):
        return
    limits = SequenceLimits(
        min_sessions=2,
        kind=kind,
        min_length=shortest,
        contains=(contains,) if contains else (),
        without=(without,) if without else (),
        starts_with=first,
        ends_with=last,
    )
    found = all_frequent(database, 2)
    expected = {
        steps: count
        for steps, count in (reduced(found, "closed", None) if kind == "closed" else found).items()
        if (contains is None or contains in steps)
        and without not in steps
        and (first is None or steps[0] == first)
        and (last is None or steps[-1] == last)
        and len(steps) >= shortest
    }
    assert mined(database, limits) == expected


@examples(400)
@given(DATABASES, st.integers(1, 12), st.sampled_from(["all", "closed"]))
def test_the_top_are_the_most_frequent(database: Database, top: int, kind: str) -> None:
    """The top k are the first k of all patterns by sessions, length and name."""
    every = mine_sequences(database, SequenceLimits(min_sessions=1, kind=kind))  # type: ignore[arg-type]
    best = mine_sequences(database, SequenceLimits(min_sessions=1, kind=kind, top=top))  # type: ignore[arg-type]
    assert best.patterns == every.patterns[:top]


@examples(5)
@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=66, max_size=130), min_size=2, max_size=3))
def test_long_sessions_take_several_words(database: Database) -> None:
    """Sessions longer than a machine word are mined as exactly as short ones."""
    expected = all_frequent(database, 2, longest=3)
    assert mined(database, SequenceLimits(min_sessions=2, max_length=3)) == expected


def test_many_kinds_of_steps_take_several_words() -> None:
    """More items than a machine word has bits are counted as exactly as few."""
    names = [f"t{number:03}" for number in range(150)]
    database = [names, names[::-1], names[::2] + names[1::2]]
    expected = all_frequent(database, 3)
    assert mined(database, SequenceLimits(min_sessions=3, max_length=2)) == {
        steps: count for steps, count in expected.items() if len(steps) <= 2
    }


@pytest.mark.parametrize("engine", engine_names())
def test_every_engine_finds_the_same(engine: str) -> None:
    """Engines are interchangeable: same patterns, same support, filters included."""
    database = [list("abcab"), list("bca"), list("acbb"), []]
    limits = SequenceLimits(min_sessions=2, starts_with="a", without=("c",))
    assert mined(database, limits, engine) == {("a",): 3, ("a", "b"): 2, ("a", "b", "b"): 2}


@examples(500)
@given(DATABASES, st.none() | st.integers(0, 2), st.none() | st.integers(2, 5))
def test_evidence_leads_back_to_the_sessions(database: Database, gap: int | None, span: int | None) -> None:
    """Each pattern names its sessions, a match in each, and at how many places a match ends."""
    found = mine_sequences(database, SequenceLimits(min_sessions=1, max_gap=gap, max_span=span, max_length=3))
    for pattern in found.patterns:
        evidence = found.evidence(pattern)
        ends = [ends_of(pattern.steps, session, gap, span) for session in database]
        assert evidence.sessions == tuple(number for number, places in enumerate(ends) if places)
        assert len(evidence.sessions) == pattern.sessions
        assert evidence.occurrences == sum(map(len, ends))
        for number, places in zip(evidence.sessions, evidence.first_positions, strict=True):
            assert tuple(database[number][place] for place in places) == pattern.steps
            assert places[-1] == min(ends[number])
            assert span is None or places[-1] - places[0] < span
            assert gap is None or all(b - a - 1 <= gap for a, b in pairwise(places))


def test_an_empty_database_has_no_patterns() -> None:
    """No sessions, or only empty ones, give an empty result and no error."""
    for database in ([], [[], []]):
        assert mine_sequences(database, min_share=0.5).patterns == []


def test_one_event_sessions_have_patterns_of_one_step() -> None:
    """Patterns of length one are reported like all others."""
    found = mine_sequences([["a"], ["a"], ["b"]], min_sessions=1)
    assert [(pattern.steps, pattern.sessions) for pattern in found.patterns] == [(("a",), 2), (("b",), 1)]


def test_sessions_are_read_from_text() -> None:
    """One session a line; empty lines are empty sessions, the last line may lack its end, numbers may be far apart."""
    database = SequenceDatabase.from_text(b"1 2 1\n\n2 2000000000")
    assert database.sessions == 3
    assert [database.names[item] for item in database.items] == ["1", "2", "1", "2", "2000000000"]
    assert SequenceDatabase.from_text(b"").sessions == 0
    with pytest.raises(LogError, match="not a number") as refused:
        SequenceDatabase.from_text(b"1 2\n1 x\n", "f.txt")
    assert refused.value.where == "f.txt, line 2"
