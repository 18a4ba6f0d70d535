"""Atoms: tokens of a text by kind, leaves of JSON by path, and bounds that hold whatever the input."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime import atoms
from miner.runtime import tokens as tokens_module
from miner.runtime.atoms import LEAVES, LONGEST, Row, as_json, clip, shapes
from miner.runtime.places import Place, Walk
from miner.runtime.tokens import Tokens
from tests.runtime.plain_extraction import text_atoms


def tokens(text: str, *, words: bool = False) -> dict[str, list[str]]:
    """Kind -> tokens, shapes left out."""
    found = Tokens(words=words).by_kind(text)
    return {f"~{kind}": list(values) for kind, values in found.items() if re.fullmatch(r"[a-z_:]+( \w+)?", kind)}


def json_atoms(value: Any, where: str = "") -> tuple[list[tuple[str, Any]], list[Row]]:
    """(path, value) of all that a value holds, and its rows."""
    walk = Walk()
    walk.take(value, Place(where, lambda path: (path,)))
    return [(place.where, found) for place, found in walk.found], walk.rows


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("see https://a.org/x?y=1, please.", "~url", ["https://a.org/x?y=1"]),
        ("mail bob.lee+x@mail.example.org.", "~email", ["bob.lee+x@mail.example.org"]),
        ("in src/app/main.py and ./run.sh", "~path", ["src/app/main.py", "./run.sh"]),
        ("from ~/notes/a.md to /etc/hosts", "~path", ["~/notes/a.md", "/etc/hosts"]),
        ("due 2024-05-20 or 2024-05-20T15:00", "~date", ["2024-05-20", "2024-05-20T15:00"]),
        ("on May 20th, 2024 or 3 June", "~day", ["May 20th, 2024", "3 June"]),
        ("order abc-123-x", "~dashed", ["abc-123-x"]),
        ("exit -3 after 2.5 of 17", "~number", ["-3", "2.5", "17"]),
        ("user raj_sanchez_7340 booked K1NW8N", "~code", ["raj_sanchez_7340", "K1NW8N"]),
        ("call parseLine in FileReader", "~camel", ["parseLine", "FileReader"]),
        ("Mei asked", "~name", ["Mei"]),
        ('say "two words" or `code`', "~quoted", ["two words", "code"]),
        ("Status: all good\n- id = `x7`", "~label:status", ["all good"]),
        ("src/a.py:12: x\nb.py:3: y", "~line_path", ["src/a.py", "b.py"]),
        ("src/a.py:12: x\n7: y\n  9\tz", "~line_number", ["12", "7", "9"]),
    ],
)
def test_tokens_are_found_by_kind(text: str, place: str, expected: list[str]) -> None:
    """Each kind finds its tokens, in order, without what surrounds them."""
    assert tokens(text)[place] == expected


def test_plain_words_are_looked_for_only_when_asked() -> None:
    """A result's prose is no source of values; a person's message may be."""
    assert "~word" not in tokens("cancel the order")
    assert tokens("cancel the order", words=True)["~word"] == ["cancel", "the", "order"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("raj_sanchez_7340", ["=a_a_94", "^raj9999"]),
        ("K1NW8N", ["X6", "=A91A91A"]),
        ("ORD-77", ["=A-92", "^ORD99"]),
        ("2024", ["=94"]),
    ],
)
def test_shapes_say_what_identifiers_look_like(token: str, expected: list[str]) -> None:
    """Letters lose their number, digits keep it, and a prefix stays."""
    assert shapes(token) == expected


def test_leaves_stand_under_their_path() -> None:
    """Indices are left out, small lists are values too, keys that are values are atoms, long JSON texts are entered."""
    raw = json.dumps({"x": 1, "note": "n" * (LONGEST - 5)})
    found, rows = json_atoms(
        {"items": [{"id": "A1", "n": 2}], "by_id": {"A1": {"ok": True}}, "raw": raw, "none": None, "empty": ""}
    )
    assert found == [
        (".items[=]", [{"id": "A1", "n": 2}]),
        (".items[].id", "A1"),
        (".items[].n", 2),
        (".by_id{}", "A1"),
        (".by_id{}.{key}", "A1"),
        (".by_id{}.ok", True),
        (".raw#.x", 1),
        (".raw#.note", "n" * (LONGEST - 5)),
    ]
    inner = next(row for row in rows if row.get("id") == "A1")
    assert (inner.where, dict(inner)) == (".items[]", {"id": "A1", "n": 2})
    assert inner.parent is rows[0]


def test_keys_with_dots_and_brackets_are_fields_like_others() -> None:
    """A key that looks like a path ends up in some path, and its value is found."""
    found, _ = json_atoms({"a.b": {"c[0]": "x"}, "": "y", "a": {"b": "z"}})
    assert sorted(value for _, value in found if value in ("x", "y", "z")) == ["x", "y", "z"]


@pytest.mark.parametrize(
    "value",
    [
        {name: {"id": name} for name in (f"k{number}" for number in range(5_000))},
        {f"k{number}": number for number in range(5_000)},
        [{"id": number} for number in range(5_000)],
        [[number] * 20 for number in range(5_000)],
        {"rows": [{"cells": [{"v": 1}] * 20}] * 500},
    ],
    ids=["keys that are values", "values by key", "rows", "small lists", "rows of rows"],
)
def test_leaves_are_bounded(value: Any) -> None:
    """However large the value, about as many atoms come of it as the bound says."""
    assert len(json_atoms(value)[0]) <= LEAVES + 2 * atoms.DEPTH
    assert len(json_atoms(value)[1]) <= 2 * LEAVES


def test_a_list_that_was_not_walked_to_its_end_is_no_value() -> None:
    """A small list around something huge or deep is content."""
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    assert not [place for place, _ in json_atoms(deep)[0] if place.endswith("[=]")]
    assert not [place for place, _ in json_atoms([list(range(5_000))])[0] if place == "[=]"]
    assert [place for place, _ in json_atoms([[1, 2]])[0]] == ["[=]", "[][=]", "[][]", "[][]"]


@pytest.mark.parametrize("text", ["", "x", "3", '"a"', "{", '{"a": 1', "[1,]", "[" * 100_000, "[" + "9" * 5000 + "]"])
def test_what_is_no_json_is_none(text: str) -> None:
    """Cut off, nested without end, scalars, digits without end: no JSON, and no exception."""
    assert as_json(text) is None


def test_numbers_that_json_cannot_hold_become_nothing() -> None:
    """NaN, infinities and overflows are null; whole numbers keep every digit."""
    assert as_json("[NaN, -Infinity, 1e999, 1.5, 9007199254740993]") == [None, None, None, 1.5, 9007199254740993]


def test_json_beyond_the_bound_is_read_as_text() -> None:
    """A megabyte of JSON is not parsed; its head and tail are looked at as text."""
    text = json.dumps([f"word_{number}" for number in range(100_000)])
    assert as_json(text) is None
    assert len(clip(text)) <= atoms.TEXT_HEAD + atoms.TEXT_TAIL + 1
    found = tokens(text)["~code"]
    assert (found[0], found[-1]) == ("word_0", "word_99999")
    assert len(found) < 1_500


@pytest.mark.parametrize(
    "letter", ["-", ".", "+", "/", "@", "_", "é", "漢", "a.", "a/", "a@", "9", "https://.", "./", "~/", "A-", "\ud800"]
)
def test_no_token_is_looked_for_in_long_runs(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the token grammar is given holds no run of token letters longer than a value may be."""
    seen: list[str] = []

    class Watching:
        """Notes what is searched."""

        def finditer(self, text: str, *bounds: int) -> Any:
            seen.append(text)
            return grammar.finditer(text, *bounds)

        def match(self, text: str) -> Any:
            seen.append(text)
            return grammar.match(text)

    for name in ("_TOKEN", "_WORD_TOKEN"):
        grammar = getattr(tokens_module, name)
        monkeypatch.setattr(tokens_module, name, Watching())
    Tokens(words=True).by_kind("before " + letter * 10_000 + " after x_1")
    assert max(len(run) for text in seen for run in re.findall(r"[\w@+.~/-]+", text)) <= LONGEST
    assert seen[0].startswith("before")


@pytest.mark.parametrize("behind", ["", "(", "(b", "((", "(1_x)"])
@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1])
@pytest.mark.parametrize("letter", ["a", "1", "_"])
def test_a_run_as_long_as_a_value_may_be_is_a_token(letter: str, length: int, behind: str) -> None:
    """Up to the bound it is one, beyond it is none, whatever stands behind it."""
    plain: dict[str, dict[str, str]] = {}
    text = letter * length + behind
    for kind, token in text_atoms(text, words=True):
        plain.setdefault(kind, {})[token] = token
    assert Tokens(words=True).by_kind(text) == plain


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_every_token_stands_in_the_text(text: str) -> None:
    """Nothing is made up: each token is a part of the text."""
    for found in Tokens(words=True).by_kind(text).values():
        assert all(token in text for token in found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
        max_leaves=20,
    )
)
@settings(max_examples=100, deadline=None)
def test_any_json_is_walked(value: Any) -> None:
    """Any value gives atoms with a place and rows with scalars, and is not changed by it."""
    before = json.dumps(value)
    found, rows = json_atoms(value, "res:t")
    assert all(place.startswith("res:t") for place, _ in found)
    assert not [field for row in rows for name, field in row.items() if isinstance(field, dict)]
    assert json.dumps(value) == before
