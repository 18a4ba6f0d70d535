"""Every transform found in the package: its examples both ways, and that no value whatever upsets it."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.canonical import canonical
from miner.runtime.errors import BundleError
from miner.runtime.memory import value_key
from miner.runtime.transforms import Transform, load_transform, transform_names

NAMES = transform_names()
MEGABYTE = 1_000_000
ODD: dict[str, Any] = {
    "None": None,
    "true": True,
    "NaN": math.nan,
    "infinity": math.inf,
    "1e308": 1e308,
    "half": 0.5,
    "beyond 2^53": 2**53 + 1,
    "beyond 64 bits": 10**400,
    "negative": -(10**18),
    "empty text": "",
    "blanks": " \t\n",
    "null byte": "\0",
    "megabyte": "x" * MEGABYTE,
    "megabyte of digits": "9" * MEGABYTE,
    "megabyte of slashes": "/" * MEGABYTE,
    "megabyte of dates": "May 20, 2024 " * (MEGABYTE // 13),
    "lone surrogate": "a\ud800/b\udfff.c",
    "full-width digits": "１２３",
    "Arabic digits": "٠٥/٢٠/٢٠٢٤",
    "superscript": "²",
    "long s": "ſep 20, 2024",
    "Kelvin sign": "\u212a",
    "sharp s": "ß",
    "Cyrillic letters": "сору/а.ру",
    "right to left": "\u202e/etc/\u202d.py",
    "fraction slash": "a\u2044b",
    "dash": "-",
    "two signs": "--5",
    "no day": "2024-02-31T00:00:00",
    "month 13": "13/45/2024",
    "only slashes": "///",
    "only dots": "...",
    "nested list": [[[[[[["a"]]]]]]],
    "long list": list(range(10_000)),
    "mixed list": [1, "a", None, {"id": 1}, [2]],
    "rows with gaps": [{"id": 1}, {}, {"id": None}],
    "rows of NaN": [{"id": math.nan}],
    "empty list": [],
    "object": {"a.b[0]": {"": None}},
    "list of empty objects": [{}, {}],
}
FACTOR = 4
"""How much longer than its input a result may get, beside a constant: some letters grow when their case changes."""


@pytest.fixture(params=NAMES)
def transform(request: pytest.FixtureRequest) -> Transform:
    """Each transform of the package."""
    return load_transform(request.param)


def options_of(transform: Transform) -> list[tuple[Any, ...]]:
    """The option tuples of its examples, each once."""
    return list(dict.fromkeys(options for _, options, _ in transform.EXAMPLES))


def induced(transform: Transform, source: Any, target: Any) -> Iterator[tuple[Any, ...]]:
    """What the transform says makes the target of the source."""
    return transform.induce(source, target)


def reached(transform: Transform, value: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """What a transform that can be looked up makes of a value, ``$cwd`` filled in."""
    reach = getattr(transform, "reach", None)
    return [] if reach is None else list(reach(value, "/w"))


def look(value: Any) -> str:
    """A value with its types, in a form that compares NaN."""
    return repr(value)


def test_examples_hold_when_applied(transform: Transform) -> None:
    """Every example's source with its options gives its target, type and all."""
    assert transform.EXAMPLES
    for source, options, target in transform.EXAMPLES:
        assert look(transform.apply(source, *options)) == look(target)


def test_examples_are_induced_or_reached(transform: Transform) -> None:
    """Mining finds the options of every example: by the pair, or by what the source reaches."""
    for source, options, target in transform.EXAMPLES:
        by_pair = list(induced(transform, source, target))
        by_reach = [
            tuple("/w" if option == "$cwd" else option for option in found)
            for found, changed in reached(transform, source)
            if changed == target
        ]
        assert options in [*by_pair, *by_reach]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_odd_values_are_survived_without_a_trace(transform: Transform, odd: Any) -> None:
    """No value raises or is changed, asking twice gives the same, and no result outgrows its input."""
    before = copy.deepcopy(odd)
    for options in options_of(transform):
        once, twice = transform.apply(odd, *options), transform.apply(odd, *options)
        assert look(once) == look(twice)
        assert len(look(once)) <= FACTOR * len(look(odd)) + 200
    assert look(odd) == look(before)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_what_is_induced_from_odd_values_is_true(transform: Transform, odd: Any) -> None:
    """Inducing from and to any value raises nothing, ends soon, and never claims what applying does not give."""
    others = [odd, *(value for _, _, value in transform.EXAMPLES), *(value for value, _, _ in transform.EXAMPLES)]
    for other in others:
        for source, target in ((odd, other), (other, odd)):
            claims = list(induced(transform, source, target))
            assert len(claims) <= 20
            for options in claims:
                assert transform.apply(source, *options) == target


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_what_is_reached_from_odd_values_is_true_and_little(transform: Transform, odd: Any) -> None:
    """Reaching raises nothing, gives at most eight values, and each is what applying its options gives."""
    found = reached(transform, odd)
    assert len(found) <= 8
    for options, changed in found:
        filled = ["/w" if option == "$cwd" else option for option in options]
        assert look(transform.apply(odd, *filled)) == look(changed)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_what_is_inverted_is_true_and_little(transform: Transform, odd: Any) -> None:
    """The sources that a transform says would give a value are few and do give it; so for targets of examples."""
    invert = getattr(transform, "invert", lambda _: iter(()))
    for target in (odd, *(target for _, _, target in transform.EXAMPLES)):
        claims = list(invert(target))
        assert len(claims) <= 8
        for source, options in claims:
            assert transform.apply(source, *options) == target


PARTS = ["a", "A", "ß", "ı", "x_y", "/", "//", ".", "./", "~", "/w", "/w/", "7", "0", "-", "http://", "b.org", "?", "#"]
TEXTS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join) | st.text(max_size=12)


@given(texts=st.lists(TEXTS, max_size=8), others=st.lists(TEXTS, max_size=3), cwd=st.sampled_from(["", "/w", "/"]))
@settings(max_examples=400, deadline=None)
def test_a_sieve_holds_back_no_text_that_leads_to_a_target(texts: list[str], others: list[str], cwd: str) -> None:
    """Whatever a transform can make of a text, its sieve lets the text through when just that is asked for."""
    for transform in map(load_transform, NAMES):
        sieve = getattr(transform, "sieve", None)
        if sieve is None:
            continue
        for text in texts:
            for _, changed in getattr(transform, "reach")(text, cwd):  # noqa: B009 - it is no part of the protocol
                assert text in sieve({value_key(changed), *others}, cwd)(texts)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(value=json_values)
@settings(max_examples=100, deadline=None)
def test_results_of_json_are_json(value: Any) -> None:
    """From any JSON value every transform makes nothing, or a JSON value that can stand in a call."""
    for name in NAMES:
        transform = load_transform(name)
        for options in options_of(transform):
            result = transform.apply(value, *options)
            assert json.loads(canonical(result)) == result


def test_options_can_stand_in_a_bundle(transform: Transform) -> None:
    """Options are short texts and whole numbers, which a bundle holds."""
    for options in options_of(transform):
        assert all(isinstance(option, str | int) for option in options)
        assert len(options) <= 12


@pytest.mark.parametrize("name", ["os", "..memory", "copy.os", "", "x" * 10_000, "__init__"])
def test_an_unknown_transform_is_refused_before_anything_is_imported(name: str) -> None:
    """Only names of files in the folder are ever loaded."""
    with pytest.raises(BundleError, match="no transform called"):
        load_transform(name)
