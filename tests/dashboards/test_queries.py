"""What the pages ask: worked examples, masking, and text that may do no harm."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboards.charts.colours import FATES
from dashboards.charts.flow import process_map
from dashboards.charts.rules import source_map
from dashboards.frame import plain
from dashboards.queries import activity, bundles, flow, replays, rules, scores, walks
from dashboards.queries.folder import events_of, find_run
from dashboards.queries.masking import csv_bytes, masked
from dashboards.queries.wording import which_words
from miner.runtime.rules import Rule


def test_secrets_are_masked_and_the_rest_stays() -> None:
    """A word that looks like a key goes, its neighbours stay."""
    shown = masked('{"to": "ann@shop.example", "text": "hello"}')
    assert "ann@shop.example" not in shown
    assert "hello" in shown
    assert masked("nothing to hide") == "nothing to hide"


def test_a_spreadsheet_never_calculates_a_download() -> None:
    """Cells that begin a formula are text, headings too."""
    lines = csv_bytes([{"=a": "=1+1", "b": ["-x", "y"], "c": -3}]).decode("utf-8-sig").splitlines()
    assert lines == ["'=a,b,c", "'=1+1,'-x → y,-3"]


def test_markup_means_itself() -> None:
    """No character of Markdown keeps its power."""
    assert plain("<b>[x](y) :red[z] $1$ *a*") == r"\<b\>\[x\]\(y\) \:red\[z\] \$1\$ \*a\*"


def test_names_cannot_break_the_graph() -> None:
    """Quotes, backslashes and new lines in a tool's name stay inside its label."""
    name = 'a"]; b [label="\\\n'
    edge = {"from": name, "to": name, "times": 1, "sessions": 1, "share": 1.0, "median s": None}
    dot = process_map([edge], {name: 1}, "times")
    assert r'label="a\"]; b [label=\"\\ \n1 calls"' in dot


def test_which_value_a_rule_takes_is_said_in_plain_words() -> None:
    """The first of an order needs no number before it; the others have one."""
    said = {policy: which_words(Rule("t.a", "res:t.b", policy)) for policy in ("fresh 0", "fresh 1", "recent 0")}
    assert said == {"fresh 0": "latest not yet used", "fresh 1": "second latest not yet used", "recent 0": "latest"}


def test_no_name_of_a_log_is_markup_in_the_map_of_sources() -> None:
    """A name is the text beside a node and escaped under the mouse, and braces are no template in either."""
    drawn = source_map([{"from": "a person: <b>{a}</b>", "to": "t · x", "right": 3}])
    node = drawn["baseOption"]["series"][0]["data"][0]
    assert node["label"]["formatter"] == "a person: <b>(a)</b>"
    assert node["tooltip"]["formatter"] == "a person: &lt;b&gt;(a)&lt;/b&gt;"


def test_time_is_all_accounted_for(sample_run: Path) -> None:
    """Tool time is about what the calls took, and nobody's time is negative."""
    run = find_run(sample_run)
    spent = activity.time_spent(run)
    assert min(spent.values()) >= 0
    assert 0.8 < spent["tool_s"] / activity.totals(run)["tool_s"] < 1.1


def test_transitions_and_sequences_agree(sample_run: Path) -> None:
    """A sequence of two steps without a gap is found in as many sessions as its transition, counted by SQL."""
    run = find_run(sample_run)
    excerpt = flow.step_sequences(run)
    assert excerpt.is_whole
    assert len(excerpt.seen.database.items) == activity.totals(run)["calls"]
    pairs = {tuple(row["sequence"]): row for row in flow.frequent_sequences(excerpt, 0.05, 0, 2, (), 500).rows}
    edges = {(edge["from"], edge["to"]): edge for edge in flow.transitions(run)}
    assert pairs[("search", "open_page")]["sessions"] == edges["search", "open_page"]["sessions"]


def test_what_a_run_counted_is_what_is_counted_now(sample_run: Path, copy: Path) -> None:
    """Times, transitions and the excerpt are the same from the files of the run and, without them, from its events."""
    whole = find_run(sample_run)
    for name in ("overview.json", "excerpt.npz"):
        (copy / name).unlink()
    bare = find_run(copy)
    assert activity.time_spent(bare) == pytest.approx(activity.time_spent(whole))
    assert flow.transitions(bare) == flow.transitions(whole)
    kept, drawn = flow.step_sequences(whole).seen, flow.step_sequences(bare).seen
    assert (copy / "excerpt.npz").is_file()
    assert np.array_equal(kept.database.items, drawn.database.items)
    assert (kept.keys, kept.database.names, kept.tools) == (drawn.keys, drawn.database.names, drawn.tools)


def test_an_excerpt_of_a_large_store_holds_whole_sessions(sample_run: Path) -> None:
    """Drawing stops once there are enough calls; every session drawn has all its calls, in their order."""
    from miner.evaluation.excerpt import excerpt_of

    with events_of(find_run(sample_run)) as store:
        few = excerpt_of(store, 100)
        calls = dict(store.query("select session, list(tool order by seq) from calls group by session"))
    seen = few.seen
    assert not few.is_whole
    assert 100 <= len(seen.database.items) < 100 + max(map(len, calls.values()))
    for place, key in enumerate(seen.keys):
        low, high = seen.database.offsets[place : place + 2]
        steps = [seen.database.names[item].removesuffix(" (error)") for item in seen.database.items[low:high]]
        assert steps == calls[key]


def test_savings_are_those_of_the_run(sample_run: Path) -> None:
    """With the run's own settings the sliders give savings.json's figures."""
    from dashboards.queries.folder import document

    run, setting = find_run(sample_run), replays.Setting()
    saved = document(run, "savings.json")
    assert saved is not None
    prepared = replays.prepare(replays.kept(run), (), assume_read_only=False, setting=setting)
    found = replays.replayed(prepared, "shipped", setting)
    assert found["launched"] == saved["launched"]
    assert round(found["hidden_s"], 6) == saved["tool_stall_hidden_s"]


@pytest.mark.parametrize(
    ("allow", "assume_read_only"), [((), False), (("open_page", "search"), False), (("Edit",), True), ((), True)]
)
def test_a_kept_recording_is_judged_as_the_logs_would_be(
    sample_run: Path, allow: tuple[str, ...], assume_read_only: bool
) -> None:
    """Under any widened policy, gate and predictor, the kept numbers give the plan that walking the sessions gives."""
    from miner.evaluation.parts import parts_of
    from miner.evaluation.replay.kept import Foreseen
    from miner.evaluation.replay.permits import default_permits
    from miner.evaluation.replay.planning import plan_for
    from miner.evaluation.replay.replanning import under_policy, worth
    from miner.evaluation.replay.savings import ReplayOptions, recorded
    from miner.evaluation.run_folder import fitted_predictors

    run = find_run(sample_run)
    judged = under_policy(replays.kept(run), allow, assume_read_only=assume_read_only)
    with events_of(run) as store:
        parts = parts_of(store)
        permits = default_permits(store.sessions(), allow, assume_read_only=assume_read_only)
        fitted = fitted_predictors(run.path, parts.train, replays.PREDICTORS)
        predictors = {name: one.predictor for name, one in fitted.items()}
        walked = recorded(parts.train, parts.test, predictors, permits, ReplayOptions())
    assert judged.said == permits.said
    assert all((one == other).all() for one, other in zip(judged.workload, walked.recording.workload, strict=True))
    guesses = walked.recording.guesses
    if allow or assume_read_only:
        # What follows from calls that were not allowed when the run was made is not kept.
        guesses = {name: [guess for guess in made if guess.follows < 0] for name, made in guesses.items()}
        alone = {name: [column[one.follows < 0] for column in one] for name, one in judged.foreseen.items()}
        judged = replace(judged, foreseen={name: Foreseen(*columns) for name, columns in alone.items()})
    for name in replays.PREDICTORS:
        for gate in (0.0, 0.2, 0.6):
            budget = replays.Setting(gate).budget()
            wanted = plan_for(walked.recording, guesses[name], walked.habit, budget)
            found = worth(judged, name, budget).plan(gate)
            assert found.refused == wanted.refused
            assert all(np.array_equal(one, other) for one, other in zip(found.plan, wanted.plan, strict=True))


def test_a_recording_holds_no_value_of_a_log_and_is_made_again_when_it_is_lost(sample_run: Path, copy: Path) -> None:
    """What the run kept is numbers and tools; without it, or damaged, the sessions are walked and it is kept anew."""
    from miner.evaluation.replay.kept import FILE

    first = replays.kept(find_run(sample_run))
    with np.load(copy / FILE) as file:
        facts = json.loads(file["facts"].tobytes())
        assert all(file[name].dtype.kind in "if" for name in file.files if name != "facts")
    assert set(facts) == {"edition", "key", "tools", "refusals", "listed", "habit", "said", "predictors"}
    (copy / FILE).write_bytes(b"no archive")
    again = replays.kept(find_run(copy))
    assert (copy / FILE).stat().st_size > 1000
    assert all(np.array_equal(one, other) for one, other in zip(first.workload, again.workload, strict=True))
    assert all(
        np.array_equal(one, other)
        for name in replays.PREDICTORS
        for one, other in zip(first.foreseen[name], again.foreseen[name], strict=True)
    )


def test_rules_carry_their_evidence(sample_run: Path) -> None:
    """Every rule is right no more often than it fired, and names its source in words."""
    rows = rules.rule_rows(find_run(sample_run))
    assert rows
    assert all(row["right"] <= row["fired"] for row in rows)
    assert any(row["from"].startswith("result ") for row in rows)


def test_predictions_of_a_session_explain_themselves(sample_run: Path) -> None:
    """Each prediction of the walk has its pattern in words, and what started has a fate."""
    run = find_run(sample_run)
    key = walks.session_rows(run, "", "open_page", 0)[0]["session"]
    log = walks.session_log(run, key)
    moments = walks.predictions(run, key).rows
    assert walks.predictions(run, key, 2, 3) == (moments[2:5], len(moments))
    assert sum(len(moment["came"]) for moment in moments) == sum(event.kind == "tool_call" for event in log.events)
    assert all(guess["pattern"] for moment in moments for guess in moment["predicted"])
    assert {launch["fate"] for launch in walks.launches(log, moments)} <= set(FATES)


def test_a_bundle_does_not_differ_from_itself(sample_run: Path) -> None:
    """The comparison with its own run is empty, and its own sessions break no promise."""
    run = find_run(sample_run)
    assert bundles.differences(run, str(sample_run)) == {
        "same": True,
        "figures": {"bytes": (bundles.facts(run)["bytes"],) * 2, "patterns": (bundles.facts(run)["patterns"],) * 2},
        "rows": [],
    }
    assert bundles.drift_of_run(run)["broken"] is None


def test_the_gate_that_ships_stands_at_its_own_figures(sample_run: Path) -> None:
    """The mark on the curve has the precision and recall that are told elsewhere; a closed gate has no mark."""
    found = scores.evaluation(find_run(sample_run))
    assert found is not None
    overall = found["predictors"]["shipped"]["overall"]
    mark = scores.shipped_gate(found)
    assert mark is not None
    assert (mark["precision"], mark["recall"]) == (overall["precision"], overall["recall"])
    overall["launched"] = 0
    assert scores.shipped_gate(found) is None


def test_scores_come_with_intervals(sample_run: Path) -> None:
    """Each predictor's figure lies inside its own interval."""
    found = scores.evaluation(find_run(sample_run))
    assert found is not None
    rows = scores.predictor_rows(found, "exact_top1")
    assert {row["kind"] for row in rows} == {"shipped", "baseline", "ceiling", "control"}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
