"""Serving rules from logs: which recorded results follow from recorded results, and what stands against a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from miner.events import SessionLog
from miner.mining.serving import FEW, choose_serving, count_serving, holds
from miner.mining.serving_counts import ServingCounts, Tally
from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.runtime.serving_rules import ServingRule
from tests.evaluation.sessions import Step, read_all, session_of
from tests.mining.sessions import mined
from tests.real_logs import SHARED, needs_real_logs

NOTE = "\n\n<note>be careful</note>"


def numbered(number: int, first: int, last: int, *, version: str = "") -> str:
    """Some lines of the file of one session, with the note that the host puts under them."""
    return "\n".join(f"{line:>5}→text {number} {line}{version}" for line in range(first, last + 1)) + NOTE


def reading(number: int, *between: Step, narrow: str = "") -> SessionLog:
    """The whole of a file of thirty lines, then a part of it."""
    path = f"src/file{number}.py"
    part = narrow or numbered(number, 10, 14)
    steps: list[Step] = [f"look at {path}", [("open", {"path": path}, numbered(number, 1, 30))], *between]
    return session_of(f"r{number}", *steps, [("open", {"path": path, "start": 10, "lines": 5}, part)], [])


def counted(logs: Iterable[SessionLog]) -> ServingCounts:
    """The counts of these sessions."""
    counts = ServingCounts()
    for log in logs:
        count_serving(log, counts)
    return counts


def rules_of(script: Callable[[int], SessionLog], sessions: int = 24) -> list[ServingRule]:
    """What so many sessions of a script teach."""
    return choose_serving(counted(map(script, range(sessions))))


def test_a_part_of_a_text_is_found_out_whatever_tools_and_arguments_are_called() -> None:
    """The rule names the tool, what the two arguments mean, and the note that stands under every result."""
    (rule,) = rules_of(reading)
    assert (rule.tool, rule.broad, rule.derivation) == ("open", "open", "line_range")
    assert dict(rule.options) == {"lines": "numbered", "first": "start", "origin": "1", "count": "lines"}
    assert (rule.fired, rule.right, rule.sessions) == (24, 24, 24)
    assert len(rule.frames) == 1
    assert rule.whole == (0, 0)
    assert rule.answer(numbered(99, 1, 30), {"path": "y", "start": 3, "lines": 2}) == numbered(99, 3, 4)


def test_too_few_right_answers_make_no_rule() -> None:
    """One less than the least is none."""
    assert rules_of(reading, FEW - 1) == []
    assert len(rules_of(reading, FEW)) == 1


def test_one_wrong_answer_among_few_ends_a_rule() -> None:
    """At small counts no counter-example is tolerated."""
    odd = reading(99, narrow=numbered(98, 10, 14))
    counts = counted([*map(reading, range(40)), odd])
    assert choose_serving(counts) == []
    (wrong,) = [tally for way, tally in counts.tallies.items() if tally.right == 40]
    assert wrong.counter_examples == [f"{odd.session.key} {odd.events[-1].seq - 1}"]


def test_among_many_a_wrong_answer_is_borne() -> None:
    """Above some hundred trials Wilson's interval decides."""
    assert holds(Tally(right=200, wrong=1, groups=set(map(str, range(5)))))
    assert not holds(Tally(right=200, wrong=8, groups=set(map(str, range(5)))))
    assert not holds(Tally(right=200, wrong=0, groups={"one session"}))


@pytest.mark.parametrize(
    "between",
    [
        [("patch", {"file": "src/file99.py", "text": "x"}, "done")],
        "I changed it myself",
    ],
    ids=["a call that names the file", "the user's turn"],
)
def test_what_may_have_changed_the_result_excuses_a_difference(between: Step) -> None:
    """A result that differs after somebody could have changed the file says nothing against the rule."""
    changed = reading(99, between, narrow=numbered(99, 10, 14, version=" new"))
    (rule,) = choose_serving(counted([*map(reading, range(24)), changed]))
    assert (rule.fired, rule.right) == (24, 24)


def test_a_call_that_names_nothing_of_it_excuses_nothing() -> None:
    """A search for something else does not change a file."""
    changed = reading(99, [("search", {"for": "x"}, "nothing")], narrow=numbered(99, 10, 14, version=" new"))
    assert choose_serving(counted([*map(reading, range(24)), changed])) == []


def test_reading_to_the_end_shows_that_a_result_was_whole() -> None:
    """Where a part to the end agrees, a result that large was not cut; a smaller one that was cut bounds it."""

    def to_the_end(number: int) -> SessionLog:
        path = f"src/file{number}.py"
        return session_of(
            f"e{number}",
            "look",
            [("open", {"path": path}, numbered(number, 1, 30))],
            [("open", {"path": path, "start": 28}, numbered(number, 28, 30))],
            [],
        )

    (rule,) = rules_of(to_the_end)
    assert rule.whole == (30, len(numbered(10, 1, 30)))
    assert dict(rule.options) == {"lines": "numbered", "first": "start", "origin": "1"}
    path = "src/cut.py"
    cut = session_of(
        "cut",
        "look",
        [("open", {"path": path}, numbered(7, 1, 20))],
        [("open", {"path": path, "start": 19}, numbered(7, 19, 25))],
        [],
    )
    (rule,) = choose_serving(counted([*map(to_the_end, range(24)), cut]))
    assert rule.whole[0] == 19


def test_counts_of_parts_add_up_to_those_of_the_whole() -> None:
    """Mining is a sum: any division of the sessions gives the same rules, bounds and examples."""
    logs = [*map(reading, range(30)), reading(99, narrow=numbered(98, 10, 14))]
    whole, parts = counted(logs), ServingCounts()
    for at in range(0, len(logs), 4):
        parts.add(counted(logs[at : at + 4]))
    assert parts.tallies == whole.tallies


def test_lists_and_plain_texts_are_served_as_well() -> None:
    """Pages of a list in JSON and the first lines of a plain text are learnt from the same evidence."""

    def listing(number: int) -> SessionLog:
        entries = [f"{number}-{entry}" for entry in range(9)]
        text = "".join(f"{entry}\n" for entry in entries)
        return session_of(
            f"l{number}",
            "list",
            [("list", {"of": f"shelf {number}"}, str(entries).replace("'", '"'))],
            [("list", {"of": f"shelf {number}", "limit": 99}, str(entries).replace("'", '"'))],
            [("list", {"of": f"shelf {number}", "limit": 4}, str(entries[:4]).replace("'", '"'))],
            [("cat", {"file": f"book {number}"}, text)],
            [("cat", {"file": f"book {number}", "n": 20}, text)],
            [("cat", {"file": f"book {number}", "n": 3}, "".join(f"{entry}\n" for entry in entries[:3]))],
            [],
        )

    cat, page = rules_of(listing)
    assert (cat.derivation, dict(cat.options)) == ("head_tail", {"head": "n", "ends": "kept"})
    assert (page.derivation, dict(page.options)) == ("page", {"count": "limit"})
    assert cat.whole[0] == page.whole[0] == 9


def test_a_broader_call_may_be_of_another_tool() -> None:
    """Where one tool reads a whole and another a part, the arguments that both have join them."""

    def two_tools(number: int) -> SessionLog:
        path = f"src/file{number}.py"
        return session_of(
            f"t{number}",
            "look",
            [("whole", {"path": path}, numbered(number, 1, 30))],
            [("part", {"path": path, "range": [10, 14]}, numbered(number, 10, 14))],
            [],
        )

    (rule,) = rules_of(two_tools)
    assert (rule.tool, rule.broad) == ("part", "whole")
    assert dict(rule.options) == {"lines": "numbered", "span": "range", "origin": "1"}


def test_odd_calls_are_passed_over() -> None:
    """Arguments that are no object or no JSON, failures and missing results neither count nor upset anything."""
    log = session_of(
        "odd",
        "look",
        [("open", {"path": float("nan")}, "1: a"), ("open", {"path": "x", "n": 10**400}, "1: a")],
        [("open", {"path": "x"}, ""), ("open", {"n": 1}, "1: a"), ("open", {}, "1: a\n2: b")],
        [],
    )
    assert choose_serving(counted([log])) == []


def test_mining_puts_the_rules_into_the_bundle() -> None:
    """What mining as a whole learns is read back from the bytes that ship, ready to answer."""
    found = load_bundle(bundle_bytes(mined(reading)))
    (broader,) = found.serving.broader("open", {"path": "x", "start": 2, "lines": 1})
    assert (broader.tool, broader.arguments) == ("open", {"path": "x"})
    assert broader.rule.answer(numbered(5, 1, 30), {"path": "x", "start": 2, "lines": 1}) == numbered(5, 2, 2)


@needs_real_logs("claude_code")
def test_real_results_follow_from_real_results() -> None:
    """In the sessions of one developer every part of a file is what the rule makes of the whole; few make no rule."""
    counts = counted(read_all(SHARED / "claude_code" / "train" / "dev-b", "claude_code"))
    best = max(counts.tallies.values(), key=lambda tally: tally.right)
    assert (best.right, best.wrong, len(best.groups)) == (7, 0, 4)
    assert choose_serving(counts) == []
