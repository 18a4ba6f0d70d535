"""Export: budgets are kept, vectors come out, figures are carried, the twin can be read."""

from __future__ import annotations

import pytest

from miner.errors import UsageError
from miner.export.bundle import export_bundle, metrics_of
from miner.export.prune import harshness_for, prune
from miner.export.twin import twin_of
from miner.mining.mine import mine
from miner.mining.withhold import unwritable, withhold
from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.runtime.conformance import failures
from miner.runtime.patterns import PatternSet
from miner.runtime.rules import Rule
from miner.settings import ExportSettings
from tests.evaluation.sessions import session_of
from tests.runtime.small_patterns import small_patterns

CREATED = {"inputs": "a", "settings": "b"}


@pytest.fixture(scope="module")
def mined() -> PatternSet:
    """Patterns of two dozen small sessions."""
    logs = [
        session_of(
            f"s{n}",
            f"task {n}",
            [("list", {"folder": f"docs{n % 3}"})],
            [("open", {"path": f"docs{n % 3}/a.txt"}), ("open", {"path": f"docs{n % 3}/{n}.txt"})],
            [("count", {"n": n})],
            [],
        )
        for n in range(24)
    ]
    return mine(lambda: iter(logs))


def test_same_input_gives_the_same_bytes(mined: PatternSet) -> None:
    """Bundle and twin hold no clock and no chance."""
    assert export_bundle(mined, ExportSettings(), created_from=CREATED) == export_bundle(
        mined, ExportSettings(), created_from=CREATED
    )


def test_vectors_come_out_as_stated(mined: PatternSet) -> None:
    """Every vector holds for the runtime that reads the bundle, and one of them predicts something."""
    bundle = load_bundle(export_bundle(mined, ExportSettings(), created_from=CREATED).data)
    assert failures(bundle.model, bundle.vectors) == []
    assert any(vector["expected"] for vector in bundle.vectors)


def test_budget_is_kept(mined: PatternSet) -> None:
    """A smaller budget gives a smaller bundle that still loads, and says that it was pruned."""
    whole = export_bundle(mined, ExportSettings(), created_from=CREATED)
    budget = len(whole.data) - 1
    small = export_bundle(mined, ExportSettings(budget_bytes=budget), created_from=CREATED)
    assert len(small.data) <= budget
    assert small.held_back["pruned"] > 0
    assert load_bundle(small.data).pattern_count < load_bundle(whole.data).pattern_count


def test_impossible_budget_says_what_is_possible(mined: PatternSet) -> None:
    """A budget that nothing fits is refused with the number that would do."""
    with pytest.raises(UsageError) as refused:
        export_bundle(mined, ExportSettings(budget_bytes=100), created_from=CREATED)
    assert "at least" in str(refused.value.next_step)


def test_pruning_takes_what_earns_least() -> None:
    """A rare context goes before a common one, and the start of all backing-off stays."""
    pruned = prune(small_patterns(), 12)
    assert set(pruned.contexts) == {"", "1 user", "1 find"}
    assert len(bundle_bytes(pruned)) < len(bundle_bytes(small_patterns()))
    assert harshness_for(small_patterns(), 1 << 20) == 0


def test_withheld_form_keeps_its_number() -> None:
    """A form that loses a value becomes an open form, so that the contexts of all others still mean the same."""
    kept, held_back = withhold(small_patterns(), lambda kind, text: "no" if (kind, text) == ("value", "text") else None)
    assert [form.slots is None for form in kept.forms] == [True, True, False, True]
    assert kept.literals == {"open.options.raw": [True]}
    assert held_back == {"value: no": 1}
    assert load_bundle(bundle_bytes(kept)).patterns.contexts["1 user"] == {2: 18, -1: 2}


def test_text_without_utf8_never_ships() -> None:
    """Half a surrogate pair, which a log's escapes can hold, is taken out before anything is written."""
    patterns = small_patterns()
    patterns.rules[2] = Rule("open.path", "constant", constant="docs/\ud800.txt")
    kept, held_back = withhold(patterns, unwritable)
    assert held_back == {"value: no UTF-8": 1}
    assert load_bundle(bundle_bytes(kept)).pattern_count


def test_figures_are_carried_in_whole_numbers() -> None:
    """Held-out figures become parts per million, a missing one -1; without an evaluation there are none."""
    figures = dict.fromkeys(("exact_top1", "exact_top3", "exact_top5", "tool_top1", "recall", "coverage"), 0.25)
    figures |= {"precision": None, "ceiling": 1.0, "ece": 0.0123456}
    overall = {"calls": 8, "sessions": 2, **figures}
    found = metrics_of({"predictors": {"shipped": {"overall": overall, "by_tool": {"open": {"calls": 8, **figures}}}}})
    assert (found["exact_top1"], found["precision"], found["ece"]) == (250_000, -1, 12_346)
    assert found["by_tool"] == [["open", 8, 250_000, 250_000]]
    assert metrics_of(None) == {}


def test_twin_says_it_in_words() -> None:
    """Forms, rules with their evidence, and contexts stand in the twin as a person would write them."""
    patterns = small_patterns()
    twin = twin_of(load_bundle(bundle_bytes(patterns)), patterns.evidence)
    assert "find(limit=?, name=?)" in twin
    assert "open(mode='text', options.raw=true, path=?)" in twin
    assert "first 0 of res:find.items[].path   right 8 of 10 times" in twin
    assert "name of the row of res:list in which folder stands" in twin
    assert "AFTER user → find(limit=?, name=?)   (12 times)" in twin
