"""What is wanted: taking in less gives the same streams, and the fast extraction what the plain one defines."""

from __future__ import annotations

import gzip
import json
import sys
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.runtime import tokens as tokens_module
from miner.runtime.memory import Memory
from miner.runtime.places import Place, Walk
from miner.runtime.tokens import RUNS_KEPT, Tokens
from miner.runtime.wanted import PLACES_KEPT, Wanted, wanted_of
from tests.real_logs import needs_real_logs, real_files
from tests.runtime import plain_extraction

PIECES = [
    "https://a.org/x?y=1", "http", "://", "xhttps://b.io", "May", "20th", "3", "of", "June", "Sept.", "2024",
    "2024-05-20", "T15", "15:00", ":22", "05/20/2024", "src/a_b.py", "a.py", "main.go(", "obj.run(", "~/n", "../up",
    "bob@mail.org", "ORD-77", "raj_sanchez_7340", "K1NW8N", "-3", "2.5", "parseLine", "FileReader", "Mei", "cancel",
    "status:", "id =", '"two words"', "`code`", "**bold**", "'", '"', "(", ")", ",", ".", "/", "-", "+", "@", "~", "_",
    " ", "  ", "\n", "\t", "\u2192", "é", "漢字", "\u00b2", "x" * 500, "a/" * 120, "12:", "7-", "Mar", "Decimal",
    "3rd", "of", "21st", "ofMay", "\u0663", "key", "key **", ":\n", "; ,", "* ", "> - ", "=" * 3, "v" * 199, "\r",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.lists(
    st.sampled_from(PIECES), max_size=30
).map(" ".join)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just(json.dumps({"raw": "r" * 500, "list": [1, {"a": "b"}]})),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "a.b", "k1", "x/y", "", "~t", "items"]), inner, max_size=4)
    ),
    max_leaves=25,
)


def plain_tokens(text: str, *, words: bool) -> dict[str, list[str]]:
    """Kind -> distinct tokens, as defined."""
    found: dict[str, dict[str, None]] = {}
    for kind, token in plain_extraction.text_atoms(text, words=words):
        found.setdefault(kind, {})[token] = None
    return {kind: list(tokens) for kind, tokens in found.items()}


def in_order(found: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """Names and values with their order."""
    return [(name, list(values)) for name, values in found.items()]


@given(text=texts, words=st.booleans())
@settings(max_examples=400, deadline=None)
def test_tokens_are_those_of_the_grammar(text: str, words: bool) -> None:
    """Cutting a text into runs finds what the grammar finds in one piece, in the same order."""
    assert in_order(Tokens(words=words).by_kind(text)) == in_order(plain_tokens(text, words=words))


@needs_real_logs("claude_code")
@pytest.mark.parametrize("words", [False, True])
def test_tokens_of_real_logs_are_those_of_the_grammar(words: bool) -> None:
    """Pieces of real logs, code and prose in their JSON, hold what the grammar finds in one piece."""
    tokens = Tokens(words=words)
    files = real_files("claude_code", "*.jsonl.gz")[::9]
    assert files
    for path in files:
        whole = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        for start in range(0, len(whole), max(9_000, len(whole) // 4)):
            text = whole[start : start + 9_000].replace("\\n", "\n").replace('\\"', '"')
            assert in_order(tokens.by_kind(text)) == in_order(plain_tokens(text, words=words))


@given(text=texts, words=st.booleans(), data=st.data())
@settings(max_examples=200, deadline=None)
def test_kinds_that_are_not_wanted_change_nothing_for_the_others(text: str, words: bool, data: Any) -> None:
    """Some kinds alone are found exactly as among all: what another kind takes is still taken."""
    every = plain_tokens(text, words=words)
    kinds = data.draw(st.frozensets(st.sampled_from(sorted({*every, "path", "number", "quoted", "label:status"}))))
    found = Tokens(kinds, words=words).by_kind(text)
    assert in_order(found) == [(kind, tokens) for kind, tokens in in_order(every) if kind in kinds]


@given(value=values)
@settings(max_examples=200, deadline=None)
def test_values_are_those_of_the_definition(value: Any) -> None:
    """Walking with places worked out once gives the paths and values of walking with none."""
    walk = Walk()
    walk.take(value, Place("res:t", lambda path: (path,)))
    assert repr([(place.where, found) for place, found in walk.found]) == repr(
        plain_extraction.json_atoms(value, "res:t")
    )


@pytest.mark.parametrize(
    "value",
    [
        {"rows": [{"id": number, "cells": ["x"] * 3} for number in range(900)]},
        [{"deep": [[[[[[[[[[[["x"]]]]]]]]]]]], "id": "i"}] * 3,
        {f"k{number}": {"id": number} for number in range(900)},
    ],
    ids=["rows", "deep", "keys that are values"],
)
def test_the_bound_is_the_same_whatever_is_wanted(value: Any) -> None:
    """A walk that keeps only ids ends where one that keeps everything ends."""
    every = [found for path, found in plain_extraction.json_atoms(value) if path.endswith(".id")]
    walk = Walk(rows=False)
    walk.take(value, Place("", lambda path: (path,) if path.endswith(".id") else ()))
    assert [found for _, found in walk.found] == every


events = st.lists(
    st.tuples(st.sampled_from(["user", "said", "host"]), texts)
    | st.tuples(st.just("call"), values, values.map(json.dumps) | texts),
    max_size=6,
)


def remembered(happened: list[Any], wanted: frozenset[str] | None) -> Memory:
    """A memory to which it has happened."""
    memory = Memory({"cwd": "/w", "branch": "main"}, wanted)
    for event in happened:
        if event[0] == "call":
            memory.call("T", event[1] if isinstance(event[1], dict) else {"id": event[1]}, event[2])
        else:
            memory.message(*event)
    return memory


def shown(memory: Memory, wanted: frozenset[str]) -> list[Any]:
    """The wanted streams of a memory, in full and in order."""
    return [
        (name, stream.events, list(stream.recent.items()), stream.opening)
        for name, stream in memory.streams.items()
        if name in wanted
    ]


@given(happened=events, data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_memory_of_the_wanted_streams_is_the_full_one_without_the_others(happened: list[Any], data: Any) -> None:
    """Streams with their order and bounds, and what the newest event added, are the same."""
    full = remembered(happened, None)
    wanted = data.draw(st.frozensets(st.sampled_from([*full.streams, "res:*.id", "res:T~path", "user~word", "arg:*"])))
    memory = remembered(happened, wanted)
    assert repr(shown(memory, wanted)) == repr(shown(full, wanted))
    assert list(memory.streams) == [name for name in full.streams if name in wanted]
    assert repr(memory.kept) == repr({name: found for name, found in full.kept.items() if name in wanted})


@given(happened=events)
@settings(max_examples=50, deadline=None)
def test_rows_are_kept_when_a_rule_reads_what_stands_beside(happened: list[Any]) -> None:
    """All of them, for any value may lead to one; and none when no rule does."""
    full, beside = remembered(happened, None), remembered(happened, frozenset({"beside"}))
    assert repr(beside.rows) == repr(full.rows)
    assert not remembered(happened, frozenset({"res:*.id"})).rows


def test_what_nobody_reads_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result of a tool that no rule reads costs nothing but its call."""
    monkeypatch.setattr("miner.runtime.memory.as_json", lambda _text: pytest.fail("parsed"))
    memory = Memory(wanted=frozenset({"res:other.id", "arg:*.id"}))
    memory.call("T", {"id": 1}, '{"id": 2}')
    assert list(memory.streams) == ["arg:*.id"]


def test_sessions_share_what_was_worked_out() -> None:
    """The same streams give the same object."""
    assert wanted_of(frozenset({"res:*.id"})) is wanted_of(frozenset({"res:*.id"}))


def test_threads_share_what_is_kept_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """While others fill it again and again beyond its bound, each finds the tokens of its own texts."""
    monkeypatch.setattr(tokens_module, "RUNS_KEPT", 100)
    tokens, interval = Tokens(), sys.getswitchinterval()
    found: dict[int, bool] = {}

    def find(thread: int) -> None:
        """Texts that no other thread has."""
        numbers = range(1_000 * thread, 1_000 * thread + 500)
        texts = [[f"id_{number}" for number in numbers[at : at + 40]] for at in range(0, 500, 40)]
        found[thread] = all(list(tokens.by_kind(" ".join(text))["code"]) == text for text in texts * 5)

    threads = [Thread(target=find, args=(number,)) for number in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert found == dict.fromkeys(range(4), True)


def test_what_is_kept_ready_is_bounded() -> None:
    """Runs and places that never come again do not pile up, and what comes after is found all the same."""
    tokens = Tokens()
    for start in range(0, RUNS_KEPT + 2_000, 1_000):
        tokens.by_kind(" ".join(f"w{number}" for number in range(start, start + 1_000)))
    assert len(tokens.runs) <= RUNS_KEPT
    wanted = Wanted(None)
    for number in range(PLACES_KEPT + 10):
        place = wanted.root("res:T")
        assert place is not None
        place.field(_letters(number))
    assert len(place.fields) < PLACES_KEPT
    assert list(tokens.by_kind("see w1")["code"]) == ["w1"]


def _letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))
