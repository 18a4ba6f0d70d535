"""Processes that work side by side: the order of results, and what a death among them looks like."""

from __future__ import annotations

import gc
import os
import time

import pytest

from miner.engines._processes import COLLECTED_AFTER, Processes
from miner.errors import MiningError, SplitError


def slow_first(item: int) -> tuple[int, int]:
    """The item squared, and who did it; the first takes longest."""
    time.sleep(0.3 if item == 0 else 0.0)
    return item * item, os.getpid()


def dies(item: int) -> int:
    """Ends its process without a word, as the system does when memory is out."""
    if item == 3:
        os._exit(9)
    return item


def refuses(item: int) -> int:
    """Fails with an error of ours."""
    raise SplitError("no", where=str(item), next_step="try again")


def test_results_keep_the_order_of_their_items() -> None:
    """Whoever is done first, results come in the order of the items, from processes other than this one."""
    with Processes(2) as processes:
        found = list(processes.map(slow_first, range(12)))
    assert [square for square, _ in found] == [item * item for item in range(12)]
    assert os.getpid() not in {process for _, process in found}


def test_one_item_or_one_process_is_worked_on_here() -> None:
    """No process is started where a second one would have nothing to do."""
    with Processes(3) as processes:
        assert [process for _, process in processes.map(slow_first, [1])] == [os.getpid()]
    with Processes(1) as processes:
        assert {process for _, process in processes.map(slow_first, [1, 2, 3])} == {os.getpid()}


def collected_after(_: int) -> int:
    """How many new objects make Python look for cycles."""
    return gc.get_threshold()[0]


def test_cycles_are_looked_for_seldom_while_work_is_done_and_as_before_afterwards() -> None:
    """In this process and in others; who has turned it off keeps it off."""
    before = gc.get_threshold()
    with Processes(1) as alone, Processes(2) as two:
        for processes in (alone, two):
            assert list(processes.map(collected_after, range(3))) == [COLLECTED_AFTER] * 3
        results = alone.map(collected_after, range(3))
        next(results)
        assert gc.get_threshold() == before
        gc.set_threshold(0)
        try:
            assert next(results) == 0
        finally:
            gc.set_threshold(*before)


def test_a_process_that_dies_is_an_error_that_says_so() -> None:
    """Work ends with an error that names a way out, instead of waiting for ever or leaving something out."""
    with Processes(2) as processes, pytest.raises(MiningError, match="ended from outside") as told:
        list(processes.map(dies, range(8)))
    assert "mining.workers" in (told.value.next_step or "")


def test_an_error_keeps_its_facts_on_the_way_back() -> None:
    """What a process refuses is told here as it was told there."""
    with Processes(2) as processes, pytest.raises(SplitError) as told:
        list(processes.map(refuses, [5, 6]))
    assert (told.value.what, told.value.where, told.value.next_step) == ("no", "5", "try again")
