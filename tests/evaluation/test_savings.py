"""Recorded sessions through the whole replay: times read from logs, policy, bound, savings and controls."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from miner.errors import UsageError
from miner.evaluation.baselines import fit_baselines
from miner.evaluation.page import markdown
from miner.evaluation.replay.bound import bound_for, bound_table
from miner.evaluation.replay.distributions import Assumed, parse_distribution
from miner.evaluation.replay.permits import Permits, default_permits, permits_from
from miner.evaluation.replay.savings import ReplayOptions, savings
from miner.evaluation.replay.workload import Recording, record, serial_us
from miner.evaluation.report_savings import bound_section, otherwise_section
from miner.events import Event, EventKind, SessionLog, TimeSource
from miner.runtime.budget import Budget
from miner.runtime.effects import Effect, Level
from miner.runtime.policy import Policy, ToolRule
from miner.runtime.speculation import Speculation
from tests.evaluation.sessions import SECOND, logs_of, session_of

LOOK, CHANGE = ("look", {"at": "a"}), ("change", {"at": "a"})
TRAIN = [session_of(f"t{n}", f"task {n}", [LOOK], [LOOK], [LOOK], began_s=n) for n in range(8)]


def _recorded(*logs: SessionLog, allow: tuple[str, ...] = ("look",), with_oracle: bool = False) -> Recording:
    fitted = fit_baselines(logs_of(*TRAIN), ["oracle"])["oracle"].predictor if with_oracle else None
    permits = default_permits([log.session for log in logs], allow)
    return record(logs_of(*logs), {"oracle": fitted} if fitted else {}, permits)


def _replayed(*logs: SessionLog, allow: tuple[str, ...] = ("look",), options: ReplayOptions | None = None) -> dict:
    names = ("repeat_last", "oracle")
    predictors = {name: one.predictor for name, one in fit_baselines(logs_of(*TRAIN), names).items()}
    permits = default_permits([log.session for log in logs], allow)
    return savings(logs_of(*TRAIN), logs_of(*logs), predictors, permits, options)


def test_recorded_times_add_up_to_the_log() -> None:
    """Model and tool time of a session are the time between its first message and its last result."""
    log = session_of("s", "hi", [LOOK], [LOOK, CHANGE], [], think_s=2.5, tool_s=1.25)
    recording = _recorded(log)
    last = max(event.end_us or event.time_us or 0 for event in log.events)
    assert serial_us(recording.workload).tolist() == [last]
    assert recording.excluded == {}


def test_a_persons_pause_is_no_model_time() -> None:
    """Between an answer and the next message nobody computes."""
    log = session_of("s", "hi", [LOOK], [], "later", [LOOK])
    events = tuple(
        _shifted(event, 3600 * SECOND) if event.turn > 0 else event for event in log.events
    )  # the second turn comes an hour later
    later = serial_us(_recorded(SessionLog(log.session, events)).workload)
    assert later.tolist() == serial_us(_recorded(log).workload).tolist()


def _shifted(event: Event, by: int) -> Event:
    times = {name: getattr(event, name) for name in ("time_us", "start_us", "end_us")}
    return replace(event, **{name: None if time is None else time + by for name, time in times.items()})


def test_false_times_are_left_out_and_counted() -> None:
    """Negative times, permission waits and missing times cost nothing and are named."""
    log = session_of("s", "hi", [LOOK], [LOOK], [LOOK], [LOOK])
    calls = [place for place, event in enumerate(log.events) if event.kind is EventKind.TOOL_CALL]
    events = list(log.events)
    start = events[calls[1]].start_us or 0
    events[calls[0]] = replace(events[calls[0]], time_source=TimeSource.NONE)
    events[calls[1]] = replace(events[calls[1]], end_us=start - 5)
    end = (events[calls[2]].start_us or 0) + 500 * SECOND
    events[calls[2]] = replace(events[calls[2]], time_source=TimeSource.LOG_DELTA, end_us=end)
    recording = _recorded(SessionLog(log.session, tuple(events)))
    assert recording.excluded == {"call_negative": 1, "call_over_cap": 1, "call_untimed": 1, "think_negative": 1}
    assert recording.workload.call_us.tolist() == [0, 0, 0, SECOND]


def test_the_bound_grows_with_the_horizon_up_to_the_last_write() -> None:
    """A five second call after one second thoughts: one decision ahead hides 1 s, two 2 s, and no more past a write."""
    log = session_of("s", "hi", [CHANGE], [("look", {"at": "b"})], [LOOK], think_s=1, tool_s=0)
    slow = replace(log.events[-1], end_us=(log.events[-1].start_us or 0) + 5 * SECOND)
    recording = _recorded(SessionLog(log.session, (*log.events[:-1], slow)))
    assert [bound_for(recording, horizon).hidden_us for horizon in (1, 2, 3, None)] == [
        SECOND,
        2 * SECOND,
        2 * SECOND,
        2 * SECOND,
    ]


def test_inputs_bound_what_can_start_early() -> None:
    """A value that first stands in the result before is known one decision ahead; one never seen is never known."""
    found = ("look", {"at": "here"}, "it lies in cellar-7")
    log = session_of(
        "s", "hi", [found], [("look", {"at": "cellar-7"})], [("look", {"at": "attic-9"})], tool_s=4, think_s=1
    )
    recording = _recorded(log, with_oracle=True)
    assert recording.known_since.tolist() == [-1, 1, -1]
    assert bound_for(recording, None, inputs=True).hidden_us == SECOND


def test_a_policy_that_allows_nothing() -> None:
    """Nothing is hidden, launched or wasted, and the bound says so too."""
    found = _replayed(session_of("s", "hi", [LOOK], [LOOK], [LOOK]), allow=())
    assert (found["reduction"], found["oracle_reduction"], found["launched"], found["wasted_calls"]) == (0, 0, 0, 0)
    assert [row["hidden_s"] for row in found["bound"]["horizons"]] == [0] * 5
    assert found["predictors"]["repeat_last"]["not_launched"] == {"not_listed": 2}


def test_repeated_reads_are_hidden_and_everything_adds_up() -> None:
    """Three equal reads of 1 s after 3 s thoughts: the last two are hidden but for coordination."""
    options = ReplayOptions(Budget(coordination_s=0.001))
    found = _replayed(session_of("s", "hi", [LOOK], [LOOK], [LOOK], began_s=99), options=options)
    assert found["serial_s"] == 12
    assert found["speculative_s"] == pytest.approx(12 - 2 + 0.002)
    assert (found["launched"], found["hits"], found["joins"], found["wasted_calls"]) == (2, 2, 0, 0)
    assert found["tool_stall_s"] == 3
    assert found["tool_stall_hidden_s"] == 2
    assert found["oracle_reduction"] == pytest.approx(3 / 12)
    assert found["controls"]["no_speculation"]["passed"]
    assert found["controls"]["all_wrong"]["passed"]
    assert found["by_tool"]["look"]["answered"] == 2


def test_a_faster_model_leaves_less_to_hide_behind() -> None:
    """With tools slower than thought, the share hidden falls as the model gets faster."""
    log = session_of("s", "hi", *[[LOOK]] * 6, think_s=2, tool_s=2)
    rows = {row["change"]: row for row in _replayed(log)["sensitivity"]}
    assert rows["model 2x faster"]["tool_stall_hidden_s"] > rows["model 4x faster"]["tool_stall_hidden_s"]


def test_savings_are_the_same_bytes_twice() -> None:
    """Nothing in the output depends on the clock or on memory addresses."""
    logs = [session_of(f"s{n}", "hi", [LOOK], [LOOK, CHANGE], [LOOK], began_s=n * 7) for n in range(5)]
    assert json.dumps(_replayed(*logs), allow_nan=False) == json.dumps(_replayed(*logs), allow_nan=False)


def test_sessions_without_times_need_stated_ones() -> None:
    """As logged there is nothing to say; with stated distributions the tier is called simulated."""
    timed = session_of("s", "hi", [LOOK], [LOOK])
    events = [replace(e, time_us=None, start_us=None, end_us=None, time_source=TimeSource.NONE) for e in timed.events]
    untimed = SessionLog(timed.session, tuple(events))
    nothing = _replayed(untimed)
    assert (nothing["tier"], nothing["serial_s"], nothing["reduction"]) == ("replay", 0, None)
    told = markdown("Report", [bound_section(nothing["bound"], nothing["conditions"]), otherwise_section(nothing)])
    assert "miner replay RUN --think exp:3 --tool exp:1" in told
    assert "gives the recorded times" not in told
    assumed = Assumed(parse_distribution("const:3"), parse_distribution("const:1"))
    stated = _replayed(untimed, options=ReplayOptions(assumed=assumed))
    assert (stated["tier"], stated["serial_s"], stated["hits"]) == ("simulated", 8, 1)
    assert "const:3" in stated["conditions"]["times"]


def test_zero_length_calls_have_nothing_to_hide() -> None:
    """They are counted as calls, and saving nothing of them is no division by zero."""
    found = _replayed(session_of("s", "hi", [LOOK], [LOOK], think_s=0, tool_s=0))
    assert (found["calls"], found["serial_s"], found["reduction"]) == (2, 0, None)


def test_what_the_log_marks_read_only_is_allowed_only_when_asked() -> None:
    """Hints of a log are no policy; the user may say to believe them."""
    log = session_of("s", "hi", [LOOK])
    event = replace(log.events[1], read_only=True)
    believed = Permits(default_permits([log.session]).policy, "believing", assume_read_only=True)
    assert not default_permits([log.session]).of_call(event).early
    assert believed.of_call(event).early
    assert not believed.of_call(replace(event, read_only=None)).early


def test_what_servers_say_of_their_tools_only_forbids() -> None:
    """A replay is told the annotations that the proxy is told, and allows no more than the proxy would."""
    log = session_of("s", "hi", [LOOK])
    permits = default_permits([log.session], ["look"])
    assert permits.lowered({"look": {"readOnlyHint": True}}) is permits
    assert permits.lowered({"change": {"readOnlyHint": True}}) is permits
    lowered = permits.lowered({"look": {"destructiveHint": True}})
    assert (permits.of_call(log.events[1]).early, lowered.of_call(log.events[1]).early) == (True, False)
    assert "servers say" in lowered.said


def test_an_unusable_policy_file_is_a_usage_error(tmp_path: object) -> None:
    """With what is wrong, where, and what to do."""
    with pytest.raises(UsageError, match="cannot be read"):
        permits_from(tmp_path / "absent.json")  # type: ignore[operator]


def test_no_sessions_at_all() -> None:
    """An empty recording has an empty bound."""
    recording = _recorded()
    assert bound_table(recording)["serial_s"] == 0
    assert np.array_equal(recording.workload.decision_start, [0])


class _Chain:
    """Predicts the first call of a chain, and the next one once the result of the last is there."""

    def fit(self, _: object) -> None:
        """Nothing is learned."""

    def start(self, _: object) -> _Chain:
        return self

    def observe(self, _: Event) -> None:
        """Nothing is learned."""

    def predict(self, most: int = 5) -> list[Speculation]:
        return [_look("a", 0.9)]

    def predict_after(self, parent: Speculation, call: Event, most: int = 5) -> list[Speculation]:
        return [replace(_look(f"{parent.arguments['at']}{call.text}", 0.8), after=parent.identity)]


def _look(at: str, chance: float) -> Speculation:
    return Speculation("look", {"at": at}, chance, origins={"at": "constant"})


def _chained(*names: str, **rule: Any) -> tuple[Recording, dict[str, Any]]:
    """Looks at these, each of which gives "b", under a rule for looking."""
    log = session_of("s", "hi", *([("look", {"at": at}, "b")] for at in names), think_s=5, tool_s=2)
    looking = ToolRule(Level.FULL, Effect.LOCAL_READ, speculation_safe=True, **rule)
    permits = Permits(Policy({"look": looking}), "looking")
    predictors = {"chain": _Chain()}
    recording = record(logs_of(log), predictors, permits)
    return recording, savings(logs_of(*TRAIN), logs_of(log), predictors, permits)


def test_what_follows_from_a_right_prediction_is_replayed() -> None:
    """A beam hides the second look too: its first step takes 2 s of a thought of 5 s, the second the rest.

    The third has not ended when the model asks for the first, and is no longer predicted then.
    """
    recording, found = _chained("a", "ab", "abb", "c")
    told = [(one.decision, one.speculation.arguments["at"], one.follows >= 0) for one in recording.guesses["chain"]]
    assert told[:4] == [(0, "a", False), (0, "ab", True), (0, "abb", True), (0, "abbb", True)]
    assert told[4:] == [(1, "a", False), (2, "a", False), (3, "a", False)]
    assert (found["hits"], found["fates"]["cancelled"]) == (2, 1)


def test_nothing_unconfirmed_leaves_the_machine_and_no_unused_server_is_reached() -> None:
    """As the runtime refuses them: a server's first call, and a value from a result that nobody has asked for."""
    recording, _ = _chained("a", "a", "ab", destination="far")
    refused = [(one.decision, one.speculation.arguments["at"], one.refusal) for one in recording.guesses["chain"]]
    assert refused[:3] == [(0, "a", "unknown_server"), (1, "a", None), (1, "ab", "unconfirmed_origin")]
