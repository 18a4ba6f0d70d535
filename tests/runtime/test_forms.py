"""Forms: a call seen with holes, and filled back to the same call."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime.canonical import canonical
from miner.runtime.forms import Form, Slot, fill, form_of
from miner.runtime.memory import leaves, path_text, value_key

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
arguments = st.dictionaries(
    st.text(max_size=6),
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=4), scalars, max_size=3),
    max_size=5,
)


def test_fixed_values_and_holes_are_told_apart() -> None:
    """What is fixed stands in the form by its key, what a rule fills is a hole, in the order of paths."""
    form = form_of("t", {"z": "x1", "mode": "fast"}, lambda hole, key: hole == "t.mode", lambda hole: hole == "t.z")
    assert form == Form("t", (Slot(("mode",), "fast"), Slot(("z",), None)))


def test_an_argument_that_nothing_explains_opens_the_form() -> None:
    """One such argument is enough, whatever the others are."""
    assert form_of("t", {"a": 1, "b": 2}, lambda hole, _: hole == "t.a", lambda _: False) == Form("t", None)


def test_a_call_without_arguments_has_a_form_without_slots() -> None:
    """It is not the open form: it can be predicted."""
    assert form_of("t", {}, lambda *_: False, lambda _: False) == Form("t", ())


def test_the_order_of_arguments_does_not_matter() -> None:
    """Two spellings of one call have one form."""
    forms = {form_of("t", call, lambda *_: True, lambda _: True) for call in ({"a": 1, "b": 2}, {"b": 2, "a": 1})}
    assert len(forms) == 1


@given(arguments, st.booleans())
@settings(max_examples=200, deadline=None)
def test_filling_gives_the_call_back(call: dict[str, Any], fixed: bool) -> None:
    """All fixed or all holes: with the call's own values the form fills to the very same call."""
    form = form_of("t", call, lambda *_: fixed, lambda _: True)
    values = {path_text(path): value for path, value in leaves(call)}
    literals = {value_key(value): value for _, value in leaves(call)}
    filled = fill(form.slots or (), literals, values)
    assert canonical(filled) == canonical(call)
