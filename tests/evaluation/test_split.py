"""Splits: nothing that belongs together is torn apart, nothing is on both sides, nothing is empty in silence."""

from __future__ import annotations

import pytest

from miner.errors import SplitError
from miner.evaluation.leakage import Fingerprints, compare
from miner.evaluation.split import Split, by_group, by_hash, by_time, families, leave_one_out, select
from miner.events import Session, SessionLog
from tests.evaluation.sessions import keys, logs_of, session_of


def _sessions(count: int) -> list[Session]:
    return [Session(f"s{n}", "test", f"s{n}", started_us=n, application="ab"[n % 2]) for n in range(count)]


def test_children_forks_and_runs_of_one_task_stay_with_their_family() -> None:
    """A chain of parents, and sessions of one task, are one family; the rest are their own."""
    sessions = [
        Session("a", "test", "a"),
        Session("b", "test", "b", parent="a"),
        Session("c", "test", "c", parent="b", task="t"),
        Session("d", "test", "d", task="t"),
        Session("e", "test", "e", task="other"),
        Session("f", "test", "f", parent="lost"),
        Session("g", "test", "g", parent="lost"),
    ]
    family = families(sessions)
    assert len({family[key] for key in "abcd"}) == 1
    assert family["f"] == family["g"]
    assert len(set(family.values())) == 3


def test_a_hash_split_does_not_depend_on_order_and_holds_out_its_share() -> None:
    """The same sessions are held out in any order, about as many as asked for, and more sessions move none."""
    sessions = _sessions(1000)
    split = by_hash(sessions, 0.2)
    assert split == by_hash(sessions[::-1], 0.2)
    assert 160 < len(split.test) < 240
    assert by_hash(sessions[:500], 0.2).test <= split.test


def test_two_families_give_one_to_each_side() -> None:
    """However the hashes fall, both parts have something when they can."""
    for first in range(30):
        split = by_hash(_sessions(first + 2)[first:], 0.2)
        assert (len(split.train), len(split.test)) == (1, 1)


@pytest.mark.parametrize("splitter", [by_hash, by_time])
def test_one_session_cannot_be_split(splitter: object) -> None:
    """It is refused with a word on what to do."""
    with pytest.raises(SplitError, match="part is empty"):
        splitter(_sessions(1))  # type: ignore[operator]


def test_time_splits_train_on_the_past() -> None:
    """Every held-out session began after every training session."""
    split = by_time(_sessions(50), 0.3)
    assert max(int(key[1:]) for key in split.train) < min(int(key[1:]) for key in split.test)
    assert len(split.test) == 15


def test_without_times_there_is_no_split_by_time() -> None:
    """It is refused, not made up."""
    with pytest.raises(SplitError, match="no session has a time"):
        by_time([Session("a", "test", "a"), Session("b", "test", "b")])


def test_groups_are_held_out_whole() -> None:
    """No source file is on both sides."""
    sessions = _sessions(30)
    group = {session.key: str(number // 3) for number, session in enumerate(sessions)}
    split = by_group(sessions, group, 0.2)
    assert {group[key] for key in split.train}.isdisjoint(group[key] for key in split.test)
    assert len(split.test) == 6


def test_each_application_is_left_out_in_turn() -> None:
    """Two applications give two splits; one gives none."""
    sessions = _sessions(6)
    group = {session.key: session.application or "" for session in sessions}
    assert [(name, len(split.test)) for name, split in leave_one_out(sessions, group)] == [("a", 3), ("b", 3)]
    assert list(leave_one_out(sessions[:1], group | dict.fromkeys(group, "a"))) == []


def test_a_key_on_both_sides_is_refused() -> None:
    """A split cannot be made with it at all."""
    with pytest.raises(SplitError, match="both in training and held out"):
        Split("by hand", frozenset("ab"), frozenset("bc"))


def test_copied_records_are_found_under_any_key() -> None:
    """A resumed session that repeats records of a training session is named, an unrelated one is not."""
    origin = session_of("origin", "hi", [("tool", {})])
    resumed = session_of("resumed", "hi", [("tool", {})], [("tool", {"more": 1})])
    events = (*origin.events, *resumed.events[2:])
    known = Fingerprints()
    known.add(origin)
    found = compare(known, [SessionLog(resumed.session, events), session_of("new", "other", [("tool", {})])])
    assert (found.copied_history, found.left_out) == (("resumed",), frozenset({"resumed"}))


def test_only_copies_to_score_is_refused() -> None:
    """When every held-out session was seen in training, there is nothing to report."""
    origin, copy = session_of("origin", "hi", [("tool", {})]), session_of("copy", "hi", [("tool", {})])
    known = Fingerprints()
    known.add(origin)
    with pytest.raises(SplitError, match="no held-out session is left"):
        compare(known, [copy]).refuse()
    with pytest.raises(SplitError, match="held-out part is empty"):
        compare(known, []).refuse()


def test_selecting_reads_anew_each_time() -> None:
    """A part can be read twice."""
    logs = [session_of(name, "hi", [("tool", {})]) for name in "abc"]
    part = select(logs_of(*logs), frozenset("ac"))
    assert keys(list(part())) == keys(list(part())) == {"a", "c"}
