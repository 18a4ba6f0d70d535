"""Every derivation found in the package: its examples, and that no result or argument whatever upsets it."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.errors import BundleError
from miner.runtime.serving import LONGEST, Derivation, derivation_names, load_derivation

NAMES = derivation_names()
ODD_TEXTS = {
    "empty": "",
    "line ends": "\n" * 1000,
    "megabyte of lines": "1: a\n" * 200_000,
    "megabyte of digits": "9" * 1_000_000,
    "numbers that jump": "  1→a\n  3→b",
    "numbers that do not end": "999999999→a\n1000000000→b",
    "carriage returns": "1\ta\r\n2\tb\r\n",
    "form feeds": "1\ta\x0c\n2\tb\u2028c",
    "lone surrogate": "1: \ud800",
    "full-width digits": "１: a\n２: b",
    "deep list": "[" * 100_000,
    "huge number": "[" + "9" * 10_000 + "]",
    "not a number": "[NaN, 1]",
    "double keys": '{"a": [1], "a": [2]}',
    "two lists": '{"a": [1], "b": [2]}',
    "plain value": '"a"',
    "too long": "x" * (LONGEST + 1),
}
ODD_VALUES: list[Any] = [
    None, True, math.nan, math.inf, 0.5, 2**80, -1, 0, "", "9" * 10_000, "²", "１", "-1", [], [1], [1, 2, 3], [2, 1],
    ["1", None], [[1, 2], [3, 4]], {}, {"a": 1},
]  # fmt: skip


@pytest.fixture(params=NAMES)
def derivation(request: pytest.FixtureRequest) -> Derivation:
    """Each derivation of the package."""
    return load_derivation(request.param)


def options_of(derivation: Derivation) -> list[dict[str, str]]:
    """The option sets of its examples, and every way to read two arguments called ``a`` and ``b``."""
    extras: list[dict[str, Any]] = [{"a": 1}, {"a": 1, "b": 2}, {"a": [1, 2]}]
    ways = [options for extra in extras for options in derivation.ways(extra)]
    return [*(options for _, _, options, _ in derivation.EXAMPLES), *ways]


def test_examples_hold(derivation: Derivation) -> None:
    """Every example gives its text, or nothing where it says so; at least one of each is there."""
    assert {target is None for _, _, _, target in derivation.EXAMPLES} == {True, False}
    for result, arguments, options, target in derivation.EXAMPLES:
        derived = derivation.derive(result, arguments, options)
        assert (None if derived is None else derived.text) == target


def test_examples_are_ways_that_mining_tries(derivation: Derivation) -> None:
    """The options of every example are found from the arguments that they read, each way once."""
    for _, arguments, options, _ in derivation.EXAMPLES:
        read = {options[role] for role in derivation.ROLES & options.keys()}
        extra = {name: arguments.get(name, 1) for name in sorted(read)}
        ways = list(derivation.ways(extra))
        assert options in ways
        assert len({tuple(sorted(way.items())) for way in ways}) == len(ways) <= 40


def test_ways_read_exactly_the_arguments_they_are_given(derivation: Derivation) -> None:
    """Each way names every extra argument and no other; there is none for no argument, or for many."""
    for extra in ({"a": 1}, {"a": 1, "b": 2}, {"a": [1, 2]}):
        for way in derivation.ways(extra):
            assert {way[role] for role in derivation.ROLES & way.keys()} == set(extra)
    assert list(derivation.ways({})) == []
    assert list(derivation.ways({"a": 1, "b": 2, "c": 3})) == []


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_results_are_survived(derivation: Derivation, text: str) -> None:
    """No text raises, asking twice gives the same, and nothing comes out that is longer than what went in."""
    for options in options_of(derivation):
        arguments = {options[role]: 1 for role in derivation.ROLES & options.keys()}
        once, twice = derivation.derive(text, arguments, options), derivation.derive(text, arguments, options)
        assert once == twice
        assert once is None or len(once.text) <= len(text)


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: repr(value)[:20])
def test_odd_arguments_are_survived(derivation: Derivation, value: Any) -> None:
    """No argument value raises or is changed, and what is no number or pair of numbers derives nothing."""
    before = copy.deepcopy(value)
    for result, _, options, _ in derivation.EXAMPLES:
        for name in {options[role] for role in derivation.ROLES & options.keys()}:
            derivation.derive(result, {name: value}, options)
    assert repr(value) == repr(before)


def test_calls_that_are_not_narrower_derive_nothing(derivation: Derivation) -> None:
    """Without any of the arguments that are read there is nothing to select."""
    for result, _, options, _ in derivation.EXAMPLES:
        assert derivation.derive(result, {"something_else": 1}, options) is None


@given(text=st.text(alphabet='ab1 2:→|\t\n[]{},"', max_size=60), low=st.integers(0, 6), high=st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_what_is_derived_is_no_more_than_was_there(text: str, low: int, high: int) -> None:
    """Whatever the text and the numbers, the derived text holds only letters that the text holds, and is not longer."""
    for name in NAMES:
        derivation = load_derivation(name)
        for options in options_of(derivation):
            roles = [role for role in sorted(derivation.ROLES) if role in options]
            arguments = {options[role]: number for role, number in zip(roles, (low, high), strict=False)}
            derived = derivation.derive(text, arguments, options)
            if derived is not None:
                assert set(derived.text) <= set(text)
                assert len(derived.text) <= len(text)


@pytest.mark.parametrize("name", ["os", "..rules", "page.json", "", "x" * 10_000, "__init__"])
def test_an_unknown_derivation_is_refused_before_anything_is_imported(name: str) -> None:
    """Only names of files in the folder are ever loaded."""
    with pytest.raises(BundleError, match="no derivation called"):
        load_derivation(name)
