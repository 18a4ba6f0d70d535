"""Thousands of seeded schedules on virtual time: the agent sees the same, and every promise holds in each of them."""

from __future__ import annotations

import logging
import os
from collections import Counter

import pytest

from miner.runtime.core import _log as core_log
from tests.runtime.simulation.harness import complaints, simulate
from tests.runtime.simulation.planted import BUGS

SCHEDULES = 800
SOAK_SCHEDULES = 20_000
PLANTED_SCHEDULES = 2_000


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Predictors that break on purpose turn speculation off hundreds of times."""
    caplog.set_level(logging.CRITICAL, core_log.name)


def failures(seeds: range) -> dict[int, list[str]]:
    """The seeds that break a promise, with which."""
    return {seed: found for seed in seeds if (found := complaints(seed))}


def test_no_schedule_breaks_a_promise() -> None:
    """Right, wrong and hostile predictions, user cancels, time limits, hung tools, policy changes, clock jumps."""
    assert failures(range(SCHEDULES)) == {}


@pytest.mark.soak
@pytest.mark.skipif("SOAK" not in os.environ, reason="a long campaign: set SOAK=1")
def test_no_schedule_of_a_long_campaign_breaks_a_promise() -> None:
    """The same over twenty thousand other schedules."""
    assert failures(range(SCHEDULES, SCHEDULES + SOAK_SCHEDULES)) == {}


def test_the_schedules_reach_every_way_a_speculation_can_go() -> None:
    """A campaign in which nothing was served, joined, invalidated or refused would prove nothing."""
    seen: Counter[str] = Counter()
    for seed in range(400):
        _, speculator = simulate(seed)
        assert speculator is not None
        for entry in speculator.ledger:
            seen[f"{entry['kind']} {entry.get('how') or entry.get('reason') or ''}".strip()] += 1
    expected = {
        "admitted", "launched", "call plain", "call served", "call joined", "call derived", "call derived_joined",
        "delivered",
        "delivered served_derived", "proof right", "fell_back", "cancel",
        "ended ok", "ended failed", "ended cancelled", "ended too_large", "dropped unlikely", "dropped changed",
        "dropped expired", "dropped closed", "dropped preempted", "dropped policy_changed", "dropped mode_changed",
        "dropped tools_changed", "dropped cancelled", "dropped host_ran_it", "refused no_slot", "refused decision_full",
        "refused not_listed", "refused never", "refused needs_approval", "refused changes_something",
        "refused unknown_server", "refused unknown_origin", "refused private", "refused not_json",
        "refused already_there", "refused covered", "refused rate", "refused being_changed",
        "refused unconfirmed_origin", "refused store_full", "refused too_late", "closed",
    }  # fmt: skip
    assert expected - seen.keys() == set()


def test_the_same_seed_gives_the_same_ledger_byte_for_byte() -> None:
    """Same predictor, seed and events, same decisions."""
    for seed in range(0, 60, 7):
        first, second = (simulate(seed)[1] for _ in range(2))
        assert first is not None
        assert second is not None
        assert list(first.ledger.lines()) == list(second.ledger.lines())


@pytest.mark.parametrize("bug", BUGS)
def test_a_speculator_broken_on_purpose_is_found(bug: str) -> None:
    """Each planted bug breaks a promise that some schedule notices."""
    with BUGS[bug]():
        assert any(complaints(seed) for seed in range(PLANTED_SCHEDULES))
