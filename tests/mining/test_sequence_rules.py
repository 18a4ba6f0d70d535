"""Rules, the transition graph, times, and the choice of what a signature sees."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.errors import UsageError
from miner.events import Event, EventKind, Session, SessionLog, Status
from miner.mining.sequence_database import SequenceDatabase
from miner.mining.sequence_evidence import StepTimes
from miner.mining.sequence_rules import rules_beside, rules_of, wilson
from miner.mining.sequence_sessions import session_sequences
from miner.mining.sequences import SequenceLimits, SequencePattern, mine_sequences
from miner.mining.signatures import find_refinements
from miner.mining.transition_graph import transition_graph, write_graph


def patterns(*contexts: str) -> list[SequencePattern]:
    """Patterns of one-letter steps."""
    return [SequencePattern(tuple(context), 1, 1.0) for context in contexts]


def test_a_rule_has_the_figures_of_its_places() -> None:
    """Confidence counts the places where the context has just ended, lift divides by the share of all places."""
    database = SequenceDatabase.from_sessions([list("abab"), list("abc"), list("ac")] * 20)
    rules = {(rule.context, rule.consequent, rule.when): rule for rule in rules_of(patterns("a"), database)}
    rule = rules[("a",), "b", "next"]
    assert (rule.confidence, rule.occurrences, rule.sessions) == (0.75, 80, 40)
    assert rule.lift == pytest.approx(0.75 / (60 / 180))
    assert rule.low < 0.75 < rule.high


def test_a_longer_context_that_says_no_more_is_left_out() -> None:
    """Only what a longer context adds becomes a rule of its own."""
    told_by_both = [list("xab"), list("yac")] * 20
    database = SequenceDatabase.from_sessions(told_by_both)
    contexts = {rule.context for rule in rules_of(patterns("a", "xa"), database) if rule.when == "next"}
    assert ("x", "a") in contexts
    told_by_last = SequenceDatabase.from_sessions([list("xab"), list("yab"), list("xac"), list("yac")] * 20)
    contexts = {rule.context for rule in rules_of(patterns("a", "xa"), told_by_last) if rule.when == "next"}
    assert ("x", "a") not in contexts


def test_rules_beside_patterns_keep_to_their_threshold_and_filters() -> None:
    """Contexts of one step have rules too, though longer patterns were asked for; filters hold for rules as well."""
    database = SequenceDatabase.from_sessions([list("abc")] * 8 + [list("xyz")] * 3 + [list("q")] * 9)
    limits = SequenceLimits(min_sessions=3, max_gap=0, kind="maximal", min_length=3, without=("y",))
    rules = rules_beside(mine_sequences(database, limits))
    assert {(rule.context, rule.consequent) for rule in rules if rule.when == "next"} == {
        (("a",), "b"),
        (("b",), "c"),
    }
    assert (("x",), "z", "later") in {(rule.context, rule.consequent, rule.when) for rule in rules}
    assert all(rule.sessions >= 3 for rule in rules)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=8), max_size=6), st.none() | st.integers(0, 2))
def test_places_of_a_context_are_those_where_a_match_ends(sessions: list[list[str]], gap: int | None) -> None:
    """A rule's context occurs as often as the same sequence's evidence says."""
    database = SequenceDatabase.from_sessions(sessions)
    mined = mine_sequences(database, SequenceLimits(min_sessions=1, max_gap=gap, max_length=3))
    occurrences = {pattern.steps: mined.evidence(pattern).occurrences for pattern in mined.patterns}
    for rule in rules_of(mined.patterns, database, max_gap=gap, min_confidence=0.0):
        assert rule.occurrences == occurrences[rule.context]
        assert 0 <= rule.low <= rule.confidence <= rule.high + 1e-12 <= 1 + 1e-9


@pytest.mark.parametrize("trials", [1, 2, 3, 7, 23, 100, 12_345])
def test_a_share_lies_in_its_own_interval(trials: int) -> None:
    """Rounding never puts a share outside its interval, not even none or all."""
    for successes in (0, 1, trials - 1, trials):
        low, high = wilson(successes, trials)
        assert 0 <= low <= successes / trials <= high <= 1


def test_wilson_interval_of_known_shares() -> None:
    """The interval is Wilson's: 8 of 10 lies between 0.490 and 0.943, and nothing is known of no trials."""
    assert wilson(8, 10) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert wilson(0, 0) == (0.0, 1.0)


def test_evidence_tells_times() -> None:
    """The median runs from start to start, and the share of tool time counts parallel calls once."""
    database = SequenceDatabase.from_sessions([["a", "b"], ["a", "b"]])
    times = StepTimes(np.array([0, 100, 0, 300], np.int64), np.array([50, 200, 400, 400], np.int64))
    mined = mine_sequences(database, min_sessions=2, times=times)
    pair = next(pattern for pattern in mined.patterns if pattern.steps == ("a", "b"))
    evidence = mined.evidence(pair)
    assert evidence.step_medians_us == (200,)
    assert evidence.tool_share == pytest.approx((150 + 400) / (200 + 400))


def test_the_graph_carries_counts_probabilities_and_times(tmp_path: Path) -> None:
    """GraphML read back says what the sessions say; DOT quotes names; another ending is refused."""
    database = SequenceDatabase.from_sessions([["a", 'b "x"', "a"], ["a", "a"]])
    times = StepTimes(np.array([0, 10, 30, 0, 5], np.int64), np.array([1, 11, 31, 1, 6], np.int64))
    graph = transition_graph(database, times)
    write_graph(graph, tmp_path / "g.graphml")
    read = nx.read_graphml(tmp_path / "g.graphml")
    assert read.nodes["a"] == {"count": 4, "sessions": 2}
    assert read.edges["a", 'b "x"'] == {"count": 1, "sessions": 1, "probability": 0.25, "median_us": 10}
    write_graph(graph, tmp_path / "g.dot")
    assert '"a" -> "b \\"x\\""' in (tmp_path / "g.dot").read_text()
    with pytest.raises(UsageError, match="cannot be written"):
        write_graph(graph, tmp_path / "g.png")


def log_of(key: str, *calls: tuple[str, dict[str, object]], status: Status = Status.OK) -> SessionLog:
    """A session of calls."""
    events = tuple(
        Event(
            session=key,
            seq=number,
            kind=EventKind.TOOL_CALL,
            turn=0,
            step=number,
            text="done",
            tool=tool,
            arguments=json.dumps(arguments),
            status=status,
            start_us=number * 10,
            end_us=number * 10 + 5,
        )
        for number, (tool, arguments) in enumerate(calls)
    )
    return SessionLog(Session(key=key, reader="test", native_id=key), events)


def test_the_argument_that_tells_is_chosen() -> None:
    """A verb that decides what comes next is seen; an argument that says nothing is not."""
    logs = []
    for number in range(40):
        verb = ("view", "create")[number % 2]
        after = {"view": "search", "create": "test"}[verb]
        logs.append(log_of(f"s{number}", ("edit", {"verb": verb, "path": f"/p/{number}"}), (after, {})))
    refinements = find_refinements(logs)
    assert refinements["edit"].argument == "verb"
    assert refinements["edit"].function == "value"
    assert set(refinements) == {"edit"}
    seen = session_sequences(logs, refinements)
    assert "edit:view" in seen.database.names or "edit:create" in seen.database.names
    assert find_refinements(logs) == refinements


def test_shell_commands_are_seen_by_their_program() -> None:
    """A command line is refined by what it runs, whatever its tool and argument are called."""
    ways = (("git diff --stat f", "look"), ("pytest -q t", "fix"), ("ls -la d", "look"))
    logs = []
    for number in range(60):
        line, after = ways[number % 3]
        logs.append(log_of(f"s{number}", ("run_it", {"line": f"cd d{number} && {line}{number}"}), (after, {})))
    refinement = find_refinements(logs)["run_it"]
    assert (refinement.argument, refinement.function) == ("line", "shell")
    assert len(refinement.names & {"git", "ls", "pytest"}) == 2, "the third is what remains"


def test_chance_is_not_taken_for_a_rule() -> None:
    """Values that are all different, or spread evenly, refine nothing."""
    logs = [
        log_of(f"s{number}", ("get", {"id": f"v{number}", "mode": str(number % 2)}), (("a", "b")[number // 2 % 2], {}))
        for number in range(60)
    ]
    assert find_refinements(logs) == {}
