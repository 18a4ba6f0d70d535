"""Proposing: the same answers as asking rule by rule, and a stream is looked at again only when it has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.mining import proposing
from miner.mining.proposing import JointPlan, Proposing
from miner.runtime.memory import Memory, Stream
from miner.runtime.rules import POLICIES, Rule, applier, in_order
from tests.runtime.plain_proposals import proposals

HOLE, POOLED, OTHER = "open.id", "*.id", "close.id"
SOURCES = ("res:find.items[].id", "res:*.id", "arg:*.id", "res:find.items[=]", "env.cwd")
CHANGES: list[tuple[str, tuple[Any, ...]]] = [
    ("copy", ()),
    ("letter_case", ("upper",)),
    ("number", ("int", 1)),
    ("file_path", ("under", "$cwd")),
    ("list_head", (1,)),
]
rules = st.builds(
    Rule,
    st.sampled_from([HOLE, POOLED]),
    st.sampled_from(SOURCES),
    st.sampled_from(POLICIES),
    st.sampled_from([name for name, _ in CHANGES]),
    st.just(()),
    st.just(""),
    st.just(""),
).map(lambda rule: rule._replace(options=dict(CHANGES)[rule.transform]))
dependent = st.sampled_from(
    [
        Rule(HOLE, "beside", "res:find.items[]\x1fid", anchor=".name"),
        Rule(HOLE, "same", "", "letter_case", ("upper",), ".name"),
        Rule(HOLE, "constant", constant="a"),
        Rule(HOLE, "constant", constant="\0" + "7"),
    ]
)
ids = st.sampled_from(["a", "b", "c", "A", "src/x.py", "7", 7, 8, 1.5])
calls = st.lists(st.tuples(st.sampled_from(["find", "open", "close"]), ids, st.lists(ids, max_size=6)), max_size=8)


def told(memory: Memory, tool: str, value: Any, found: list[Any]) -> None:
    """A call of a tool, and the items that it found."""
    items = [{"id": one, "name": f"n{one}"} for one in found]
    memory.call(tool, {"id": value}, json.dumps({"items": items}))


@given(
    listed=st.lists(rules | dependent, min_size=1, max_size=30, unique=True),
    happened=calls,
    name=st.none() | st.just("na"),
)
@settings(max_examples=200, deadline=None)
def test_it_proposes_what_asking_rule_by_rule_gives(listed: list[Rule], happened: list[Any], name: Any) -> None:
    """After every call, for two holes that share rules: values, their rules and their order."""
    memory = Memory({"cwd": "/w"})
    asked = {HOLE: listed, OTHER: listed[::-1]}
    session, assigned = Proposing(JointPlan(asked), memory, "/w"), {} if name is None else {".name": name}
    for tool, value, found in happened:
        told(memory, tool, value, found)
        for hole, one in asked.items():
            plain = proposals(one, [applier(rule, "/w") for rule in one], memory, assigned)
            places, values = session.proposals(hole, assigned)
            assert list(places.items()) == [(key, proposal.rules) for key, proposal in plain.items()]
            assert repr(list(values.values())) == repr([proposal.value for proposal in plain.values()])


def test_a_stream_that_has_not_changed_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for another hole with the same rule, nor after a call that brought it nothing."""
    looked: list[str] = []

    def counting(stream: Stream, family: str) -> Iterator[Any]:
        looked.append(family)
        return in_order(stream, family)

    monkeypatch.setattr(proposing, "in_order", counting)
    memory = Memory()
    rule = Rule(POOLED, "res:find.items[].id", "recent 0")
    session = Proposing(JointPlan({HOLE: [rule], OTHER: [rule]}), memory, "")
    told(memory, "find", "a", ["b"])
    assert session.proposals(HOLE, {})[1] == {"b": "b"} == session.proposals(OTHER, {})[1]
    told(memory, "open", "b", [])
    assert session.proposals(HOLE, {})[1] == {"b": "b"}
    assert looked == ["recent"]
    told(memory, "find", "a", ["c"])
    assert session.proposals(HOLE, {})[1] == {"c": "c"}
    assert looked == ["recent", "recent"]
