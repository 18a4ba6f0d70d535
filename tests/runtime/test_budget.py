"""Ranking by expected seconds hidden minus cost, and admission within limits."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.runtime.budget import (
    Budget,
    Candidate,
    Load,
    Timing,
    admit,
    expected_hidden,
    loaded,
    net_seconds,
    preempted,
    rank,
)
from miner.runtime.speculation import Speculation

BUDGET = Budget(coordination_s=0.0, waste_weight=0.0)


def candidate(
    tool: str = "read",
    probability: float = 0.5,
    service: float = 1.0,
    think: float = 2.0,
    *,
    price: float = 0.0,
    refusal: str | None = None,
    session: str = "",
) -> Candidate:
    speculation = Speculation(tool, {"path": tool}, probability)
    return Candidate(speculation, Timing((service,), (think,)), price, session, refusal)


@pytest.mark.parametrize(
    ("service", "think", "elapsed", "hidden"),
    [
        ((1.0,), (2.0,), 0.0, 1.0),
        ((3.0,), (2.0,), 0.0, 2.0),
        ((3.0,), (2.0,), 1.5, 0.5),
        ((3.0,), (2.0,), 2.0, 0.0),
        ((1.0, 3.0), (2.0,), 0.0, 1.5),
        ((1.0,), (0.5, 4.0), 0.0, 0.75),
        ((1.0,), (0.5, 4.0), 1.0, 1.0),
        ((), (2.0,), 0.0, 0.0),
        ((1.0,), (), 0.0, 0.0),
    ],
)
def test_what_is_hidden_is_the_shorter_of_service_and_thinking(
    service: tuple[float, ...], think: tuple[float, ...], elapsed: float, hidden: float
) -> None:
    """A fast tool hides its own duration, a slow one the thinking time that is left; both are averaged."""
    assert expected_hidden(Timing(service, think, elapsed)) == pytest.approx(hidden)


def test_the_likelier_call_is_not_always_the_better_one() -> None:
    """Seconds hidden count, not hits: a slow tool at 40 % comes before a fast one at 90 %."""
    ranked = rank([candidate("fast", 0.9, 0.05), candidate("slow", 0.4, 2.0)], BUDGET)
    assert [one.candidate.speculation.tool for one in ranked] == ["slow", "fast"]
    assert [one.net_s for one in ranked] == pytest.approx([0.8, 0.045])


def test_every_cost_lowers_the_worth() -> None:
    """Coordination, load that is probably wasted, and money each take their part."""
    one = candidate(probability=0.5, service=1.0)
    assert net_seconds(one, 1.0, BUDGET) == pytest.approx(0.5)
    assert net_seconds(one, 1.0, replace(BUDGET, coordination_s=0.1)) == pytest.approx(0.4)
    assert net_seconds(one, 1.0, replace(BUDGET, waste_weight=0.2)) == pytest.approx(0.4)
    assert net_seconds(replace(one, price=0.02), 1.0, replace(BUDGET, money_per_second=0.1)) == pytest.approx(0.3)
    assert net_seconds(replace(one, price=0.02), 1.0, BUDGET) == -math.inf


def test_ties_are_broken_by_session_then_by_call() -> None:
    """The order does not depend on the order of arrival."""
    ones = [candidate("b", session="2"), candidate("a", session="2"), candidate("z", session="1")]
    for order in (ones, ones[::-1]):
        assert [one.candidate.speculation.tool for one in rank(order, BUDGET)] == ["z", "a", "b"]


@pytest.mark.parametrize(
    ("one", "load", "budget", "refusal"),
    [
        (candidate(), Load(), BUDGET, None),
        (candidate(refusal="never"), Load(), BUDGET, "never"),
        (candidate(probability=0.01), Load(), BUDGET, "improbable"),
        (candidate(think=0.001), Load(), BUDGET, "too_late"),
        (candidate(price=1.0), Load(), BUDGET, "no_money"),
        (candidate(price=1.0), Load(spent=9.5), replace(BUDGET, spend=10.0, money_per_second=9.0), "no_money"),
        (candidate(price=1.0), Load(spent=9.0), replace(BUDGET, spend=10.0, money_per_second=9.0), None),
        (candidate(price=1.0), Load(), replace(BUDGET, spend=10.0, money_per_second=1.0), "not_worth_it"),
        (candidate(service=0.001), Load(), replace(BUDGET, coordination_s=0.01), "not_worth_it"),
        (candidate(), Load(settled=50, wasted=50), BUDGET, "too_much_waste"),
        (candidate(), Load(settled=49, wasted=49), BUDGET, None),
        (candidate(), Load(launched=4), BUDGET, "decision_full"),
        (candidate(), Load(rate_left={"read": 0}), BUDGET, "rate"),
        (candidate(), Load(rate_left={"other": 0}), BUDGET, None),
        (candidate(), Load(stored_results=256), BUDGET, "store_full"),
        (candidate(), Load(stored_bytes=16 << 20), BUDGET, "store_full"),
        (candidate(), Load(speculative=2), BUDGET, "no_slot"),
        (candidate(), Load(real=3), replace(BUDGET, capacity=3), "no_slot"),
        (candidate(), Load(real=2), replace(BUDGET, capacity=3), None),
        (candidate(), Load(real=99), BUDGET, None),
    ],
)
def test_the_first_limit_that_is_met_is_named(one: Candidate, load: Load, budget: Budget, refusal: str | None) -> None:
    """Each limit refuses at its edge, by its own word."""
    assert [answer.refusal for answer in admit(rank([one], budget), load, budget)] == [refusal]


def test_admissions_count_for_those_after_them() -> None:
    """Two slots are given to the two best; a rate of one admits one."""
    ranked = rank([candidate(tool, chance) for tool, chance in (("a", 0.2), ("b", 0.9), ("c", 0.5))], BUDGET)
    assert [answer.refusal for answer in admit(ranked, Load(), BUDGET)] == [None, None, "no_slot"]
    again = rank([candidate("a", 0.5), candidate("a", 0.6)], BUDGET)
    assert [answer.refusal for answer in admit(again, Load(rate_left={"a": 1}), BUDGET)] == [None, "rate"]


def test_a_real_call_pushes_out_the_least_worth() -> None:
    """As many as capacity is short of, worst first; without a capacity nothing competes."""
    running = [("x", 0.5), ("y", 0.1), ("z", 0.9)]
    budget = replace(BUDGET, capacity=3)
    assert preempted(running, Load(speculative=3, real=2), budget) == ["y", "x"]
    assert preempted(running, Load(speculative=3, real=0), budget) == []
    assert preempted(running, Load(speculative=3, real=9), BUDGET) == []


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0.0, 1.0), st.floats(0.0, 5.0), st.floats(0.0, 5.0)), max_size=12
    ),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_no_limit_is_ever_exceeded(
    wanted: list[tuple[str, float, float, float]], speculative: int, real: int, launched: int
) -> None:
    """Whatever is wanted and going on, what is admitted fits into every limit, and was worth its cost."""
    budget = Budget(in_flight=3, capacity=4, per_decision=3, stored_results=5)
    load = Load(speculative=speculative, real=real, launched=launched, rate_left={"a": 1})
    answers = admit(rank([candidate(*one) for one in wanted], budget), load, budget)
    admitted = [answer.ranked for answer in answers if answer.refusal is None]
    for one in admitted:
        load = loaded(load, one.candidate)
        assert one.net_s > 0.0
    if admitted:
        assert load.speculative <= 3
        assert load.speculative + load.real <= 4
        assert load.launched <= 3
        assert load.stored_results <= 5
        assert load.rate_left["a"] >= 0
