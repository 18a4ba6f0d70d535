"""Counts kept between runs: however sessions came and went, what is mined is what mining them from scratch gives."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from miner.engines import load_engine
from miner.errors import SplitError, StoreError
from miner.events import SessionLog
from miner.export.pattern_file import pattern_bytes
from miner.mining.counts import rule_of, survey, surveyed, text_of
from miner.mining.counts_file import Counts
from miner.mining.mine import mine
from miner.mining.sample import sample
from miner.mining.selection import Thresholds, select
from miner.mining.sums import Sums
from miner.mining.survey import Survey, group_of, survey_session
from miner.mining.trace import fold_of
from miner.runtime.rules import Rule
from tests.mining import sessions
from tests.mining.sessions import RECIPE

FOLDS = RECIPE.folds
LOGS = [
    script(number)
    for number in range(5)
    for script in (sessions.order_desk, sessions.row_of_two, sessions.file_search, sessions.optional_argument)
]


class Held:
    """Sessions in memory that are told apart by their content, as those of a store are."""

    def __init__(self, logs: list[SessionLog], among: list[SessionLog] | None = None) -> None:
        self.logs = logs
        self.among = logs if among is None else among

    def __call__(self) -> Iterator[SessionLog]:
        return iter(self.logs)

    def contents(self) -> dict[str, str]:
        return {log.session.key: hashlib.sha256(repr(log).encode()).hexdigest() for log in self.logs}

    def present(self) -> set[str]:
        return {log.session.key for log in self.among}

    def only(self, keys: frozenset[str]) -> Callable[[], Iterator[SessionLog]]:
        return lambda: (log for log in self() if log.session.key in keys)


def sums(counts: Counts, logs: list[SessionLog]) -> list[Sums]:
    """What the counts say of some sessions."""
    return counts.sums([log.session.key for log in logs])


def things(path: Path) -> list[tuple[int, str, str]]:
    """What a file of counts says was seen in any session."""
    with duckdb.connect(str(path)) as connection:
        return sorted(connection.execute("select kind, hole, item from things").fetchall())


def grown(log: SessionLog) -> SessionLog:
    """The same session with a later end: its last call was made twice."""
    call = next(event for event in reversed(log.events) if event.tool)
    last = log.events[-1]
    again = replace(call, seq=last.seq + 1, step=last.step + 1)
    return SessionLog(log.session, (*log.events, again))


@pytest.mark.parametrize("seed", range(25))
def test_random_histories_sum_to_what_is_there_now(tmp_path: Path, seed: int) -> None:
    """Sessions added, removed, changed and added again in a random order sum as if surveyed once, each fold too."""
    draw = random.Random(seed)
    known: dict[str, SessionLog] = {}
    engine = load_engine(workers=1)
    for _ in range(draw.randint(2, 6)):
        for log in draw.sample(LOGS, draw.randint(0, 6)):
            known[log.session.key] = grown(log) if draw.random() < 0.3 else log
        for key in draw.sample(sorted(known), draw.randint(0, len(known) // 2)):
            del known[key]
        logs = list(known.values())
        draw.shuffle(logs)
        with Counts(tmp_path / "counts.duckdb", FOLDS) as kept, engine:
            survey(Held(logs), kept, engine)
            found = sums(kept, logs)
            assert sorted(kept.known()) == sorted(known)
    with Counts(None, FOLDS) as fresh:
        fresh.add(surveyed(logs))
        assert found == sums(fresh, logs)
        fresh.copy(tmp_path / "fresh.duckdb")
    assert things(tmp_path / "counts.duckdb") == things(tmp_path / "fresh.duckdb")


@pytest.mark.parametrize("without", [None, *range(FOLDS)])
def test_sums_are_those_of_merged_surveys(without: int | None) -> None:
    """The database sums to what merging surveys in memory gives, and to the same selection when rare things go."""
    usual, strong = Thresholds(), Thresholds(pooled_looked_at=1, word_groups=100)
    often = Thresholds(least_share=0.6, least_beside_share=0.7)
    whole = Survey()
    for log in LOGS:
        if fold_of(group_of(log), FOLDS) != without:
            survey_session(log, whole)
    with Counts(None, FOLDS) as counts:
        for at in range(0, len(LOGS), 3):
            counts.add(surveyed(LOGS[at : at + 3]))
        keys = [log.session.key for log in LOGS]
        place = 0 if without is None else without + 1
        exact, pruned, frequent, few = (counts.sums(keys, chosen)[place] for chosen in (None, usual, often, strong))
    assert exact == Sums.of(whole)
    assert select(pruned, usual) == select(whole, usual)
    assert sum(map(len, pruned.values.values())) < sum(map(len, exact.values.values()))
    assert len(few.words) < len(exact.words)
    assert select(frequent, often) == select(whole, often) != select(whole, usual)
    assert sum(map(len, frequent.explained.values())) < sum(map(len, pruned.explained.values()))
    assert select(few, strong) == select(whole, strong)
    assert sum(map(len, few.explained.values())) < sum(map(len, pruned.explained.values()))


def test_incremental_mining_gives_the_bytes_of_mining_everything(tmp_path: Path) -> None:
    """Yesterday's counts and today's sessions, then a deletion and a session that grew: each day as from scratch."""
    kept = tmp_path / "counts.duckdb"
    days = [LOGS[::2], LOGS, LOGS[3:], [*LOGS[3:9], grown(LOGS[9]), *LOGS[10:]]]
    for day in days:
        assert pattern_bytes(mine(Held(day), RECIPE, kept=kept)) == pattern_bytes(
            mine(lambda day=day: iter(day), RECIPE)
        )


def test_only_what_is_new_is_surveyed(tmp_path: Path) -> None:
    """A session whose content is known is not read for the first stage; one that changed is."""
    engine = load_engine(workers=1)
    with Counts(tmp_path / "counts.duckdb", FOLDS) as counts, engine:
        survey(Held(LOGS[:4]), counts, engine)
        changed = [grown(LOGS[0]), *LOGS[1:6]]
        before = counts.known()
        keys = survey(Held(changed), counts, engine)
        after = counts.known()
    assert keys == [log.session.key for log in changed]
    assert {key for key in keys if before.get(key) != after[key]} == {LOGS[at].session.key for at in (0, 4, 5)}


def test_held_out_sessions_stay_and_gone_ones_go(tmp_path: Path) -> None:
    """Rows of a session that is merely not asked for are kept; rows of one that is nowhere any more are deleted."""
    engine = load_engine(workers=1)
    with Counts(tmp_path / "counts.duckdb", FOLDS) as counts, engine:
        survey(Held(LOGS), counts, engine)
        survey(Held(LOGS[:5], among=LOGS[:8]), counts, engine)
        assert sorted(counts.known()) == sorted(log.session.key for log in LOGS[:8])
        assert sums(counts, LOGS[:5])[0].groups == range(5)


def test_counts_of_other_code_or_damaged_ones_are_counted_again(tmp_path: Path) -> None:
    """A file of another version, one that is no database and one of other folds are begun anew, never trusted."""
    path = tmp_path / "counts.duckdb"
    with Counts(path, FOLDS) as counts:
        counts.add(surveyed(LOGS[:2]))
    with Counts(path, FOLDS) as counts:
        assert len(counts.known()) == 2
    with Counts(path, FOLDS + 1) as counts:
        assert counts.known() == {}
        counts.add(surveyed(LOGS[:2]))
    path.write_bytes(b"no database" * 1000)
    with Counts(path, FOLDS) as counts:
        assert counts.known() == {}


def test_a_failed_addition_leaves_what_was_there(tmp_path: Path) -> None:
    """Rows that came in part are not half added."""
    with Counts(tmp_path / "counts.duckdb", FOLDS) as counts:
        counts.add(surveyed(LOGS[:2]))
        whole = surveyed(LOGS[2:3])
        with pytest.raises((duckdb.Error, OSError, ValueError)):
            counts.add(whole._replace(rows=whole.rows[: len(whole.rows) // 2]))
        assert sorted(counts.known()) == sorted(log.session.key for log in LOGS[:2])


def test_counts_in_use_are_refused(tmp_path: Path) -> None:
    """A second process that opens the same counts is told so, and the file is left alone."""
    path = tmp_path / "counts.duckdb"
    with Counts(path, FOLDS) as counts:
        counts.add(surveyed(LOGS[:1]))
        program = f"from miner.mining.counts_file import Counts; Counts(__import__('pathlib').Path({str(path)!r}), 3)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert StoreError.__name__ in done.stderr
        assert len(counts.known()) == 1


def test_rules_and_values_survive_as_text() -> None:
    """A rule with options, and a value that is no Unicode, come back as they were."""
    rule = Rule("t.a", "res:t.x", "next 0", "number", (3, "a\ud800"), "", "\0[1, 2]")
    assert rule_of(text_of(rule)) == rule
    assert text_of("\ud800").isascii()


def test_a_sample_does_not_hang_on_order_and_keeps_its_beginning() -> None:
    """The same sessions in any order give the same sample; a larger limit only adds; one session is always there."""
    calls = {f"session {number}": number % 7 + 1 for number in range(200)}
    shuffled = dict(random.Random(1).sample(sorted(calls.items()), 200))
    small, large, every = sample(calls, 100), sample(calls, 300), sample(calls, 10_000)
    assert sample(shuffled, 100) == small
    assert small.keys < large.keys < every.keys == calls.keys()
    assert (every.is_all, small.is_all) == (True, False)
    assert 93 < small.calls == sum(calls[key] for key in small.keys) <= 100
    assert len(sample(calls, 0).keys) == 1


def test_a_sample_hardly_moves_when_sessions_come_and_go() -> None:
    """One session more changes the sample at its end only."""
    calls = {f"session {number}": 5 for number in range(300)}
    before = sample(calls, 500).keys
    after = sample({**calls, "one more": 5}, 500).keys
    assert len(before ^ after) <= 2


def test_mining_beyond_the_limit_says_what_it_looked_at() -> None:
    """Patterns from a sample come with a note that names the share; without a sample there is no note."""
    notes: list[str] = []
    patterns = mine(Held(LOGS), replace(RECIPE, sample_calls=20), note=notes.append)
    assert len(notes) == 1
    assert "20 of 50 calls (40.0%) in 8 of 20 sessions" in notes[0]
    assert sum(patterns.contexts[""].values()) < sum(mine(Held(LOGS), RECIPE, note=notes.append).contexts[""].values())
    assert len(notes) == 1


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    """Kept counts of sessions that are all gone are no sessions."""
    with pytest.raises(SplitError, match="no session to learn from"):
        mine(Held([]), RECIPE, kept=tmp_path / "counts.duckdb")
