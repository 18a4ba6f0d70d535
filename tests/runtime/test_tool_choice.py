"""Which tool comes next: how messages name tools, shares, and the choice among them."""

from __future__ import annotations

import math

import pytest

from miner.runtime.forms import Form
from miner.runtime.tool_choice import NO_TOOL, Seen, ToolChoice, ToolNames, stems, tool_shares

TOOLS = ("cancel_order", "get_order", "sendInvoice", "mcp__desk__LIST")


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Yes, please go on with the cancellation.", {"cancel_order": 2}),
        ("What about my order?", {"cancel_order": 1, "get_order": 1}),
        ("Cancel that order and send me the invoices", {"cancel_order": 2, "get_order": 1, "sendInvoice": 2}),
        ("A list of what the desk has", {"mcp__desk__LIST": 2}),
        ("get it", {}),
        ("", {}),
    ],
)
def test_a_message_names_a_tool_by_the_beginnings_of_words(message: str, named: dict[str, int]) -> None:
    """2 by a word that only this tool has, 1 by a shared one; short words name nothing."""
    assert ToolNames(TOOLS).named(stems(message)) == named


def test_only_the_beginning_of_a_long_message_is_searched() -> None:
    """What stands behind 1,500 characters is not looked at."""
    assert stems("x " * 750 + "cancel") == set()


def test_shares_of_forms_add_up_to_those_of_tools() -> None:
    """Forms by number; what is no form is no call, which is always there."""
    forms = [Form("get_order", None), Form("get_order", ()), Form("cancel_order", ())]
    assert tool_shares(forms, {0: 0.25, 1: 0.25, 2: 0.125, -1: 0.375}) == {
        NO_TOOL: 0.375,
        "get_order": 0.5,
        "cancel_order": 0.125,
    }
    assert tool_shares(forms, {2: 1.0}) == {NO_TOOL: 0.0, "cancel_order": 1.0}


def test_chances_are_the_softmax_of_what_is_seen() -> None:
    """Weights of the tool's own traits and of the moment's for it, in thousandths of a natural logarithm."""
    options = [
        Seen("get_order", -1, "w10"),
        Seen("cancel_order", -3, "w20", 3, 3, made=True),
        Seen(NO_TOOL, -3),
    ]
    weights = {"w20": 1000, "Tget_order": 500, "mTrue": 250, "K3": 250}
    state = {"since 1": {"cancel_order": -500, NO_TOOL: 500, "gone": 9000}}
    choice = ToolChoice(TOOLS, weights, state)
    whole = math.exp(0.5) + math.exp(1.0) + math.exp(0.5)
    expected = {"get_order": math.exp(0.5) / whole, "cancel_order": math.e / whole, NO_TOOL: math.exp(0.5) / whole}
    for _ in range(2):
        assert choice.chances(options, ["since 1", "new"]) == pytest.approx(expected)
    assert choice.chances(options, [])[NO_TOOL] < expected[NO_TOOL]
    assert not ToolChoice(TOOLS, {}, state)
    assert ToolChoice(("", *TOOLS), weights, state).chances(options, ["since 1"]) == pytest.approx(expected)
