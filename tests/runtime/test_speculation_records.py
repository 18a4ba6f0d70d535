"""What the speculator writes down and computes on the side: ledger, history, metrics, drift, conflicts, copies."""

from __future__ import annotations

import json
import logging
import sys
import types
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from miner.cli import main
from miner.cli.check_history import command
from miner.runtime.budget import Budget
from miner.runtime.drift import Drift
from miner.runtime.history import check_history
from miner.runtime.invalidation import World
from miner.runtime.ledger import Entry, Ledger
from miner.runtime.metrics import prometheus, to_opentelemetry
from miner.runtime.results import describe, snapshot
from miner.runtime.timing import Durations
from tests.runtime.simulation.harness import simulate

RUN = {"run": 1, "tool": "read"}


def launched(**more: Any) -> Entry:
    return {
        "kind": "launched", "session": "s", "key": "k", "effect": "local_read", "reads": ["files"], "level": "full",
        "server": "", "generation": 0, "ttl_us": 1_000, **RUN, **more,
    }  # fmt: skip


def called(number: int = 1, **more: Any) -> Entry:
    return {
        "kind": "call", "session": "s", "key": "k", "tool": "read", "effect": "local_read", "changes": [],
        "server": "", "generation": 0, "call": number, "how": "plain", **more,
    }  # fmt: skip


START: list[Entry] = [
    {"kind": "mode", "mode": "on"},
    {"kind": "policy", "generation": 0, "allowed": ["read"]},
]
ENDED: Entry = {"kind": "ended", "reason": "ok", **RUN}
SERVED: list[Entry] = [called(run=1, how="served"), {"kind": "delivered", "call": 1, "run": 1}]
RETURNED: Entry = {"kind": "returned", "call": 1, "reason": "ok"}
GOOD: list[Entry] = [*START, launched(), ENDED, *SERVED, RETURNED, {"kind": "closed", "session": "s", "orphans": []}]
WRITE: list[Entry] = [called(7, tool="write", effect="write", changes=["files"])]
WRITTEN: Entry = {"kind": "returned", "call": 7, "reason": "ok"}


def numbered(entries: list[Entry]) -> list[Entry]:
    return [{"n": number, "t_us": number, **entry} for number, entry in enumerate(entries)]


BROKEN: dict[str, list[Entry]] = {
    "I-2": [*START, launched(effect="write"), ENDED],
    "I-3": [*START, launched(key="other"), ENDED, *SERVED],
    "I-4": [*START, launched(), ENDED, *SERVED, RETURNED, called(2, run=1), {"kind": "delivered", "call": 2, "run": 1}],
    "I-6": [*START, launched(), ENDED, *WRITE, WRITTEN, *SERVED],
    "I-7": [*START, launched(), ENDED, {**called(run=1), "t_us": 5_000}],
    "I-8": [*START, launched(), {**ENDED, "reason": "failed"}, *SERVED],
    "I-10": [*START, launched(tool="unlisted")],
    "I-12": [*START, launched(), ENDED, called(run=1, generation=1)],
    "I-13": [*START, launched(server="far")],
    "I-14": [*START, {"kind": "mode", "mode": "off"}, launched()],
    "I-17": [*START, launched(), {"kind": "closed", "session": "s", "orphans": []}],
    "I-21": [*START, called(run=9)],
}


@pytest.mark.parametrize("invariant", BROKEN)
def test_the_checker_names_the_invariant_that_is_broken(invariant: str) -> None:
    """One small history for each promise that a ledger can show to be broken."""
    assert {one.invariant for one in check_history(numbered(BROKEN[invariant]))} == {invariant}


def test_the_checker_accepts_a_good_history() -> None:
    """Served, pure twice, listed orphans and reads after a write are all in order."""
    assert check_history(numbered(GOOD)) == []
    pure = [
        launched(effect="pure"),
        ENDED,
        *SERVED,
        RETURNED,
        called(2, run=1),
        {"kind": "delivered", "call": 2, "run": 1},
    ]
    assert check_history(numbered([*START, *pure])) == []
    orphan = [launched(), {"kind": "closed", "session": "s", "orphans": [1]}]
    assert check_history(numbered([*START, *orphan])) == []
    assert check_history(numbered([*START, *WRITE, WRITTEN, launched(), ENDED, *SERVED])) == []


def test_the_checker_notices_missing_disordered_and_mutilated_entries() -> None:
    """A ledger with a gap, two entries swapped, or a field gone proves nothing, and says so."""
    entries = numbered(GOOD)
    swapped = [entries[1], entries[0], *entries[2:]]
    bare = [{name: value for name, value in entry.items() if name != "run"} for entry in entries]
    for bad in ([*entries[:2], *entries[3:]], swapped, bare):
        assert "I-21" in {one.invariant for one in check_history(bad)}


def test_check_history_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 for a good ledger, 1 with the promise's name for a bad one or for another file."""
    path = tmp_path / "ledger.jsonl"

    def write(entries: list[Entry]) -> None:
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))

    write(numbered(GOOD))
    assert main(["check-history", str(path)]) == 0
    assert f"{len(GOOD)} entries, 0 violations" in capsys.readouterr().out
    write(numbered(BROKEN["I-10"]))
    assert main(["check-history", str(path)]) == 1
    assert "I-10" in capsys.readouterr().out
    answer = CliRunner().invoke(command, [str(path), "--json"])
    assert json.loads(answer.output)["violations"][0]["invariant"] == "I-10"
    for text in ("", "{}\n", "no json\n", "[" * 100_000):
        path.write_text(text)
        assert main(["check-history", str(path)]) == 1
    assert main(["check-history", str(tmp_path / "none")]) == 1


def test_a_ledger_forgets_entries_but_not_counts() -> None:
    """Memory is bounded; the sink gets everything; digests differ between keys."""
    got: list[Entry] = []
    ledger = Ledger(key=b"a", most=3, sink=got.append)
    for number in range(5):
        ledger.record("call", float(number), "s", tool="read")
    assert len(ledger) == 3
    assert ledger.total("call") == len(got) == 5
    assert Ledger(key=b"b").digest("x") != ledger.digest("x") != Ledger().digest("x")


def test_a_sink_that_fails_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """A full disk under the ledger costs the agent nothing; it is said once, without content."""

    def sink(entry: Entry) -> None:
        raise OSError("no space for secret")

    ledger = Ledger(sink=sink)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ledger.record("call", 0.0)
    assert ledger.total("call") == 3
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_counts_of_invented_tools_are_bounded() -> None:
    """A model that invents tool names does not fill the memory."""
    ledger = Ledger()
    for number in range(6_000):
        ledger.record("call", 0.0, tool=f"tool{number}")
    assert len(ledger.counts) <= 5_001
    assert ledger.total("call") == 6_000


def test_prometheus_text_has_every_counter() -> None:
    """One line for each kind, tool and reason, with odd characters escaped."""
    _, speculator = simulate(3)
    assert speculator is not None
    speculator.ledger.record("call", 0.0, tool='odd"\\\n')
    text = prometheus(speculator.core)
    assert 'miner_speculation_events_total{kind="call",tool="odd\\"\\\\\\n",reason=""} 1' in text
    assert f"miner_speculation_hidden_seconds_total {speculator.ledger.hidden_s:g}" in text
    assert text.count("# TYPE") == text.count("# HELP") == 7
    assert all(line.startswith(("#", "miner_speculation_")) for line in text.splitlines())


def test_opentelemetry_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package nothing happens; with it every counter and gauge is registered and read when asked."""
    _, speculator = simulate(3)
    assert speculator is not None
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    assert to_opentelemetry(speculator.core) is False
    instruments: dict[str, Callable[[object], Any]] = {}

    def create(name: str, callbacks: list[Callable[[object], Any]], description: str) -> None:
        instruments[name] = callbacks[0]

    meter = types.SimpleNamespace(create_observable_counter=create, create_observable_gauge=create)
    module = types.ModuleType("opentelemetry.metrics")
    module.get_meter = lambda name: meter  # type: ignore[attr-defined]
    module.Observation = lambda value, labels=None: (value, labels)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry", types.ModuleType("opentelemetry"))
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", module)
    assert to_opentelemetry(speculator.core) is True
    assert len(instruments) == 7
    assert instruments["miner.speculation.hidden_seconds_total"](None) == [(speculator.ledger.hidden_s, None)]
    assert sum(value for value, _ in instruments["miner.speculation.events"](None)) == sum(
        speculator.ledger.counts.values()
    )


def test_a_promise_that_is_kept_is_hardly_ever_taken_for_broken() -> None:
    """Of 300 honest bundles watched over 300 decisions, at most a few end off: the bound is 1 %."""
    broken = 0
    for seed in range(300):
        rng, drift = Random(seed), Drift(tolerance=1.0, alpha=0.01)
        for _ in range(300):
            chances = [rng.choice((0.2, 0.5, 0.8)) for _ in range(rng.randint(0, 3))]
            if drift.settle([(0, chance, rng.random() < chance) for chance in chances]):
                broken += 1
                break
    assert broken <= 6


@pytest.mark.parametrize(
    ("promised", "kept", "within"), [(0.9, 0.0, 16), (0.9, 0.4, 60), (0.5, 0.1, 80), (0.3, 0.0, 60)]
)
def test_a_broken_promise_is_noticed(promised: float, kept: float, within: int) -> None:
    """A bundle that is much worse than it says is found within tens of decisions, for nearly every seed."""
    late = 0
    for seed in range(50):
        rng, drift = Random(seed), Drift()
        late += not any(drift.settle([(1, promised, rng.random() < kept)]) for _ in range(within))
    assert late <= 2


def test_a_pattern_is_retired_alone() -> None:
    """One bad pattern among good ones is dropped, and the bundle goes on."""
    drift = Drift()
    broken = False
    for _ in range(60):
        broken = broken or drift.settle([(1, 0.9, True), (2, 0.4, False)])
    assert drift.retired == (2,)
    assert drift.is_retired(2)
    assert not drift.is_retired(1)
    assert not drift.is_retired(None)
    assert not broken


def test_conflict_groups_decide_what_grows_old() -> None:
    """A change concerns readers of its group, readers of everything, and, if it changes everything, all."""
    world = World({"vote": frozenset({"score"})})
    groups, everything = frozenset({"files"}), frozenset({"*"})
    tick = world.tick
    world.begin(groups)
    assert world.is_changing("read", groups)
    assert world.is_changing("read", everything)
    assert not world.is_changing("read", frozenset({"web"}))
    world.end(groups)
    assert not world.is_changing("read", groups)
    assert world.changed_since(tick, "read", groups)
    assert not world.changed_since(world.tick, "read", groups)
    assert not world.changed_since(tick, "read", frozenset({"web"}))
    world.begin(everything)
    assert world.is_changing("read", frozenset({"web"}))
    world.end(everything)
    world.begin(world.groups_changed_by("vote", frozenset()))
    assert world.is_changing("score", frozenset({"web"}))
    assert not world.is_changing("other", frozenset({"web"}))


def test_two_changes_at_once_end_one_by_one() -> None:
    """A group is changing until the last of the calls that change it has ended."""
    world, groups = World(), frozenset({"files"})
    world.begin(groups)
    world.begin(groups)
    world.end(groups)
    assert world.is_changing("read", groups)
    world.end(groups)
    world.end(groups)
    assert not world.is_changing("read", groups)


def test_snapshots_share_nothing_and_have_limits() -> None:
    """A copy is equal and apart; too many bytes, too many nodes or too deep a nesting give none."""
    value = {"a": [1, 2.5, None, True, "x", b"y", (3,)], "b": {"c": []}}
    copied = snapshot(value, 1_000, 100)
    assert copied is not None
    assert copied.value == value
    assert copied.value["b"]["c"] is not value["b"]["c"]  # type: ignore[index]
    assert snapshot("x" * 101, 100, 100) is None
    assert snapshot([0] * 101, 10_000, 100) is None
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert snapshot(deep, 1 << 30, 1 << 30) is None
    opaque = types.SimpleNamespace(items=[1])
    other = snapshot(opaque, 1 << 20, 100)
    assert other is not None
    assert other.value.items is not opaque.items


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("text", ("ok", "text")),
        (None, ("ok", "")),
        ({"a": 1}, ("ok", '{"a": 1}')),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}]}, ("ok", "a\nb")),
        ({"content": "plain", "is_error": True}, ("error", "plain")),
        (types.SimpleNamespace(content=[types.SimpleNamespace(text="a")], isError=True), ("error", "a")),
        (object(), ("ok", "")),
    ],
)
def test_results_are_described_as_a_model_sees_them(result: Any, expected: tuple[str, str]) -> None:
    """Plain text, MCP results as objects or JSON, and anything else."""
    assert describe(result) == expected


def test_durations_are_told_as_quantiles_of_the_last_ones() -> None:
    """Unknown tools have the default; a clock that jumped back says nothing; later steps think longer."""
    durations, budget = Durations(), Budget(default_service_s=0.5, default_think_s=2.0)
    assert durations.timing("read", 0.1, budget) == ((0.5,), (2.0,), 0.1)
    durations.tool_took("read", -5.0)
    assert durations.timing("read", 0.0, budget).service_s == (0.5,)
    for seconds in range(100):
        durations.tool_took("read", float(seconds))
        durations.model_took(3.0)
    timing = durations.timing("read", 0.0, budget, later_steps=1)
    assert timing.service_s == (71.0, 77.0, 84.0, 90.0, 96.0)
    assert set(timing.think_s) == {6.0}
    assert durations.patience_s("read", budget) == 4 * 96.0
    assert durations.patience_s("other", budget) == budget.patience_s
