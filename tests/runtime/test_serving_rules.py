"""Serving rules: which broader call answers a narrower one, and when its result is not trusted to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miner.runtime.serving import load_derivation
from miner.runtime.serving_rules import Serving, ServingRule, frame_mark, with_text

LINES = ServingRule(
    "view",
    "view",
    "line_range",
    (("count", "limit"), ("first", "offset"), ("lines", "numbered"), ("origin", "1")),
    whole=(10, 1_000),
    fired=40,
    right=40,
    sessions=20,
)
TEXT = "1\ta\n2\tb\n3\tc"


def test_the_broader_call_has_the_arguments_that_are_not_read() -> None:
    """What selects a part is left out; a call that selects nothing is no narrower one."""
    assert LINES.base({"path": "x", "offset": 2, "limit": 1}) == {"path": "x"}
    assert LINES.base({"path": "x", "limit": 1}) == {"path": "x"}
    assert LINES.base({"path": "x"}) is None


def test_an_answer_is_the_part_of_the_broader_result() -> None:
    """Lines inside what is shown need nothing else to hold."""
    assert replace(LINES, whole=(0, 0)).answer(TEXT, {"path": "x", "offset": 2, "limit": 2}) == "2\tb\n3\tc"


def test_to_the_end_is_answered_only_from_results_known_to_be_whole() -> None:
    """A longer result than any that was seen uncut may lack its end: both its lines and its letters are bounded."""
    to_end = {"path": "x", "offset": 3}
    assert LINES.answer(TEXT, to_end) == "3\tc"
    assert replace(LINES, whole=(2, 1_000)).answer(TEXT, to_end) is None
    assert replace(LINES, whole=(10, len(TEXT) - 1)).answer(TEXT, to_end) is None


def test_a_note_of_the_host_that_was_not_seen_before_prevents_an_answer() -> None:
    """What stands around the lines may say that something is missing, so only known frames are carried over."""
    noted = f"{TEXT}\n\n[100 more lines]"
    asked = {"path": "x", "offset": 1, "limit": 1}
    assert LINES.answer(noted, asked) is None
    derived = load_derivation("line_range").derive(noted, asked, dict(LINES.options))
    assert derived is not None
    known = replace(LINES, frames=(frame_mark(derived, asked),))
    assert known.answer(noted, asked) == "1\ta\n\n[100 more lines]"


def test_a_frame_may_name_what_was_asked_for() -> None:
    """A heading that repeats an argument is the same heading for every value of it."""
    marks = set()
    for path in ("src/a.py", "docs/long/name.md"):
        asked = {"path": path, "offset": 1, "limit": 1}
        derived = load_derivation("line_range").derive(f"Lines of {path}:\n{TEXT}", asked, dict(LINES.options))
        assert derived is not None
        marks.add(frame_mark(derived, asked))
    assert len(marks) == 1
    assert marks != {""}


def test_the_surest_rule_comes_first() -> None:
    """Rules that answer the same tool are asked in the order of how often they were right."""
    unsure = replace(LINES, broad="cat", fired=40, right=39)
    found = Serving([unsure, LINES]).broader("view", {"path": "x", "offset": 1})
    assert [one.tool for one in found] == ["view", "cat"]
    assert found[0].arguments == {"path": "x"}
    assert Serving([LINES]).broader("other", {"path": "x", "offset": 1}) == []
    assert not Serving()


@pytest.mark.parametrize(
    ("result", "new"),
    [
        ("old", "new"),
        ({"content": "old"}, {"content": "new"}),
        (
            {"content": [{"type": "text", "text": "old"}], "isError": False},
            {"content": [{"type": "text", "text": "new"}], "isError": False},
        ),
        (
            {"content": [{"type": "text", "text": "old"}], "structuredContent": {"result": "old"}},
            {"content": [{"type": "text", "text": "new"}], "structuredContent": {"result": "new"}},
        ),
        ({"content": [{"type": "text", "text": "old"}], "structuredContent": {"result": "else"}}, None),
        ({"content": [{"type": "text", "text": "old"}], "_meta": {}}, None),
        ({"content": [{"type": "text", "text": "old"}, {"type": "text", "text": "more"}]}, None),
        ({"content": [{"type": "image", "data": ""}]}, None),
        ({"content": "old", "lines": 1}, None),
        (b"old", None),
        (object, None),
    ],
)
def test_a_result_of_the_same_kind_says_something_else(result: Any, new: Any) -> None:
    """Text, and what carries exactly one text, is made anew; anything more than that is not touched."""
    assert with_text(result, "new") == new


def test_what_is_json_itself_is_read_from_the_text() -> None:
    """A host whose results are objects or lists gets one of those."""
    assert with_text([1, 2, 3], "[1, 2]") == [1, 2]
    assert with_text([1, 2, 3], "no JSON") is None
