"""An indexed memory answers backwards what a rule answers forwards: where a value stands and which policies pick it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.mining import indexed_memory
from miner.mining.indexed_memory import IndexedMemory
from miner.runtime.memory import EVENTS_KEPT, Memory, value_key
from miner.runtime.rules import POLICIES, Rule, applier, pick

STREAM = "arg:*.v"
CHANGES: list[tuple[str, tuple[Any, ...]]] = [
    ("copy", ()),
    ("letter_case", ("upper",)),
    ("number", ("int", 1)),
    ("fields", ("wrap",)),
]
values = st.sampled_from(["a", "b", "c", "d", "A", "B", "7", 7, 8, 1.5, True, ["a"], [7, "b"]])


@given(
    events=st.lists(st.lists(values, min_size=1, max_size=5), min_size=1, max_size=EVENTS_KEPT + 2),
    used=st.lists(values, max_size=4),
    wanted=values,
    change=st.sampled_from(CHANGES),
)
@settings(max_examples=400, deadline=None)
def test_the_policies_named_are_those_that_pick(
    events: list[list[Any]], used: list[Any], wanted: Any, change: tuple[str, tuple[Any, ...]]
) -> None:
    """A named policy would pick the value, and none that would is left out but where it came once before."""
    memory, plain = IndexedMemory({}, "/w"), Memory()
    for event in events:
        for one in (memory, plain):
            one._keep({STREAM: {value_key(value): value for value in event}})
    key, pooled = value_key(wanted), dict.fromkeys(map(value_key, used), 1)
    own = dict.fromkeys([*pooled][:2], 1)
    always, unused, unpooled = memory.indexed[STREAM].policies(key, memory.change(*change), own, pooled)
    apply = applier(Rule("", "", "", *change), "/w")
    for taken, named in ((own, unused), (pooled, unpooled)):
        picked = {policy: pick(plain.streams[STREAM], policy, apply, taken) for policy in POLICIES}
        picking = [policy for policy, found in picked.items() if found is not None and value_key(found) == key]
        firsts = {
            family: [policy for policy in picking if policy.startswith(family)]
            for family in ("next", "recent", "fresh")
        }
        again = [policy for found in firsts.values() for policy in found[1:]]
        assert sorted([*always, *named, *again]) == sorted(picking)


def test_it_knows_where_values_stand() -> None:
    """Newest place last, and what transforms make of a value is found from the result."""
    memory = IndexedMemory({}, "/w")
    memory.call("open", {"path": "src/a_b.py"}, '{"file": "src/a_b.py"}')
    assert list(memory.streams_of["src/a_b.py"])[-1] in ("res:open.file", "res:*.file")
    assert ("src/a_b.py", "file_path", ("name",)) in memory.reached["a_b.py"]
    assert _everything(memory.streams_of.values()) <= set(memory.indexed)


def _everything(places: Iterable[Iterable[str]]) -> set[str]:
    return {place for found in places for place in found}


@pytest.mark.parametrize("value", [7, True, 1.5])
def test_numbers_and_flags_that_are_equal_in_python_lead_to_their_own(value: Any) -> None:
    """What 1 leads to is not what true leads to, whichever came first."""
    memory = IndexedMemory({}, "/w")
    for one in (True, 1, 1.0, value):
        memory.call("t", {"n": one}, None)
    alone = IndexedMemory({}, "/w")
    alone.call("t", {"n": value}, None)
    assert {place for place in memory.reached.get("7", {}) if place[0] == value_key(value)} == set(
        alone.reached.get("7", {})
    )


def test_a_transform_is_asked_once_about_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many policies and calls look at a value, its transform is applied once in a session."""
    asked: list[Any] = []

    def counting(rule: Rule, cwd: str) -> Any:
        apply = applier(rule, cwd)
        return lambda value: asked.append(value) or apply(value)

    monkeypatch.setattr(indexed_memory, "applier", counting)
    memory = IndexedMemory({}, "/w")
    memory._keep({STREAM: {name: name for name in ("src/a.py", "src/b.py", "plain")}})
    for _ in range(3):
        always, *_ = memory.indexed[STREAM].policies("b.py", memory.change("file_path", ("name",)), {}, {})
        assert "first 1" in always
    assert sorted(asked) == ["plain", "src/a.py", "src/b.py"]


def test_where_nobody_asks_nothing_is_noted() -> None:
    """Of a session whose questions are known, only what leads to an answer is, and that as if all were asked for."""
    asked = IndexedMemory({}, "/w", ["b.py", "x is c_d", 8])
    every = IndexedMemory({}, "/w")
    for memory in (asked, every):
        memory.call("open", {"path": "src/a.py"}, '{"file": "src/b.py", "name": "c_d", "n": 8, "other": "B.PY"}')
    assert set(asked.streams_of) == {"src/b.py", "c_d", "\0" + "8", "B.PY"}
    assert asked.streams_of == {key: every.streams_of[key] for key in asked.streams_of}
    assert asked.reached == {"b.py": every.reached["b.py"]}
    assert list(asked.rows) == ["\0" + "8"]
