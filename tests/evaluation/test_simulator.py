"""The simulator against results worked out by hand, and against the closed forms of the literature."""

from __future__ import annotations

import numpy as np
import pytest

from miner.evaluation.replay.arrivals import alone, poisson
from miner.evaluation.replay.kernel import _room as room
from miner.evaluation.replay.planning import all_wrong, limits_of, no_plan
from miner.evaluation.replay.simulator import simulate
from miner.evaluation.replay.state import Limits, new_state
from miner.evaluation.replay.workload import serial_us
from miner.runtime.budget import Budget, Candidate, Load, Timing, admit, rank
from miner.runtime.speculation import Speculation
from tests.evaluation.replaying import FREE, SECOND, Call, Decision, Predicted, made, played


def _seconds(outcome: object) -> float:
    return float(outcome.session_us.sum()) / SECOND  # type: ignore[attr-defined]


@pytest.mark.parametrize(("think", "tool"), [(3.0, 1.0), (1.0, 3.0), (2.0, 2.0), (0.0, 5.0), (5.0, 0.0)])
def test_an_exact_hit_hides_the_smaller_of_think_and_tool(think: float, tool: float) -> None:
    """With one right prediction the session is shorter by min(think, tool), exactly."""
    outcome = played([(think, [Call(1, tool)], [Predicted(1, tool)])])
    assert outcome.session_us[0] == round((think + tool - min(think, tool)) * SECOND)
    assert outcome.counters["hits"] + outcome.counters["joins"] == 1
    assert outcome.counters["joins"] == int(tool > think)


def test_parallel_calls_wait_for_the_slowest() -> None:
    """Hiding one of two parallel calls saves nothing when the other takes longer."""
    outcome = played([(2, [Call(1, 1), Call(2, 4)], [Predicted(1, 1)])])
    assert _seconds(outcome) == 6


def test_a_write_makes_results_worthless_that_read_what_it_changes() -> None:
    """A result prepared before the write is not served after it; one that reads something else is."""
    for reads, saved in ((1, 0), (2, 1)):
        steps: list[Decision] = [
            (2, [Call(9, 1, writes=1)], [Predicted(1, 1, reads=reads)]),
            (0, [Call(1, 1)], []),
        ]
        outcome = played(steps)
        assert _seconds(outcome) == 4 - saved
        assert outcome.counters["invalidated"] == 1 - saved


def test_a_result_expires() -> None:
    """A result older than its time limit is made anew."""
    steps: list[Decision] = [(1, [Call(9, 10)], [Predicted(1, 1, ttl=5)]), (1, [Call(1, 1)], [])]
    outcome = played(steps)
    assert (_seconds(outcome), outcome.counters["expired"]) == (13, 1)


def test_one_broader_result_answers_several_parts() -> None:
    """Each part of a finished result costs nothing, is counted apart, and the result is not wasted; none is joined."""
    parts = [Call(1, 2, broader=7), Call(2, 2, broader=7)]
    steps: list[Decision] = [(3, [parts[0]], [Predicted(7, 1)]), (3, [parts[1]], []), (3, [Call(7, 1)], [])]
    outcome = played(steps)
    assert _seconds(outcome) == 9
    assert [outcome.counters[name] for name in ("derived", "hits", "joins", "wasted")] == [2, 1, 0, 0]
    unfinished = played([(1, [parts[0]], [Predicted(7, 5)])])
    assert _seconds(unfinished) == 3
    assert [unfinished.counters[name] for name in ("derived", "joins", "wasted")] == [0, 0, 1]


def test_no_part_is_answered_across_a_write_or_for_a_call_that_writes() -> None:
    """What the write changes is old for every part of it, and effects always happen."""
    steps: list[Decision] = [(2, [Call(9, 1, writes=1)], [Predicted(7, 1)]), (1, [Call(1, 1, broader=7)], [])]
    assert _seconds(played(steps)) == 5
    assert _seconds(played([(2, [Call(1, 1, writes=2, broader=7)], [Predicted(7, 1)])])) == 3


@pytest.mark.parametrize(("think", "saved"), [(0.5, 0.0), (1.0, 0.0), (1.5, 0.5), (3.5, 2.0)])
def test_a_call_joins_a_broader_one_under_way_if_that_ends_first(think: float, saved: float) -> None:
    """A part of 2 s is asked for while the whole of 3 s runs: it is there when the whole is, or its own run ends."""
    outcome = played([(think, [Call(1, 2, broader=9)], [Predicted(9, 3)])])
    assert _seconds(outcome) == think + 2 - saved
    assert outcome.counters["derived"] == (saved > 0)


def test_what_follows_from_a_prediction_is_started_when_its_result_is_there() -> None:
    """A beam: within one thought of 5 s the first call runs 2 s and the next one, bound to its result, 3 s."""
    beam = [Predicted(1, 2), Predicted(2, 3, after=1)]
    outcome = played([(5, [Call(1, 2)], beam), (0, [Call(2, 3)], [])])
    assert _seconds(outcome) == 5
    assert (outcome.counters["launched"], outcome.counters["hits"]) == (2, 2)


def test_nothing_follows_once_the_model_has_asked() -> None:
    """A result that comes after the thought starts no later step of a beam."""
    beam = [Predicted(1, 2), Predicted(2, 3, after=1)]
    outcome = played([(1, [Call(1, 2)], beam), (0, [Call(2, 3)], [])])
    assert _seconds(outcome) == 1 + 1 + 3
    assert (outcome.counters["launched"], outcome.counters["joins"]) == (1, 1)


def test_steps_of_a_beam_count_as_launches_of_their_decision() -> None:
    """With one launch a decision there is none left for what follows."""
    beam = [Predicted(1, 2), Predicted(2, 3, after=1)]
    outcome = played([(5, [Call(1, 2)], beam), (0, [Call(2, 3)], [])], limits=FREE._replace(per_decision=1))
    assert outcome.counters["launched"] == 1


def test_a_stored_result_serves_a_later_decision_once() -> None:
    """A prediction that came true late still counts, and a second equal call runs again."""
    steps: list[Decision] = [(1, [Call(9, 1)], [Predicted(1, 1)]), (1, [Call(1, 1)], []), (1, [Call(1, 1)], [])]
    outcome = played(steps)
    assert (_seconds(outcome), outcome.counters["hits"]) == (5, 1)


def test_a_new_turn_forgets_everything() -> None:
    """After a person spoke, nothing prepared before is served."""
    steps: list[Decision] = [(1, [Call(9, 1)], [Predicted(1, 1)]), (1, [Call(1, 1)], [])]
    assert played(steps, new_turns=True).counters["hits"] == 0


def test_what_is_no_longer_predicted_is_cancelled_while_it_runs() -> None:
    """A run that the next decision does not predict again ends there, and its seconds are waste."""
    steps: list[Decision] = [(1, [Call(9, 1)], [Predicted(1, 60)]), (1, [Call(8, 1)], [])]
    outcome = played(steps)
    assert outcome.counters["cancelled"] == 1
    assert outcome.counters["wasted_us"] == 2 * SECOND


def test_a_real_call_pushes_out_the_least_worthy_prediction() -> None:
    """With one slot on the host, the real call runs at once and the prediction that holds the slot gives way."""
    limits = FREE._replace(capacity=1)
    outcome = played([(1, [Call(9, 2)], [Predicted(1, 60)])], limits=limits)
    assert (_seconds(outcome), outcome.counters["preempted"]) == (3, 1)


@pytest.mark.parametrize(("most", "hidden"), [(0, 0), (1, 1), (2, 2)])
def test_no_more_than_the_limit_run_at_once(most: int, hidden: int) -> None:
    """Over two sessions that think at the same time, only so many predictions are launched."""
    step: list[Decision] = [(5, [Call(1, 1)], [Predicted(1, 1)])]
    outcome = played(step, step, limits=FREE._replace(in_flight=most), together=True)
    assert outcome.counters["hits"] == hidden
    assert outcome.counters["no_room"] == 2 - hidden


def _random_sessions(seed: int, sessions: int = 40) -> list[list[Decision]]:
    draw = np.random.default_rng(seed)
    found: list[list[Decision]] = []
    for _ in range(sessions):
        steps: list[Decision] = []
        lasts = draw.exponential(2, size=6).tolist()
        for _ in range(draw.integers(1, 12)):
            asked = draw.integers(0, 6, size=draw.integers(0, 4)).tolist()
            calls = [Call(i, lasts[i], int(draw.random() < 0.2), float(draw.random())) for i in asked]
            guesses = set(draw.integers(0, 6, size=draw.integers(0, 4)).tolist())
            steps.append((float(draw.exponential(3)), calls, [Predicted(i, lasts[i]) for i in sorted(guesses)]))
        found.append(steps)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_without_speculation_recorded_times_come_out_exactly(seed: int) -> None:
    """A/A: to the microsecond, alone and all at once."""
    work, _ = made(*_random_sessions(seed))
    for begin in (alone(work), np.zeros(40, dtype=np.int64), poisson(work, 8)):
        outcome = simulate(work, no_plan(len(work.think_us)), FREE, begin, 1)
        assert (outcome.session_us == serial_us(work)).all()


@pytest.mark.parametrize("seed", range(5))
def test_all_wrong_costs_no_more_than_coordination(seed: int) -> None:
    """When every prediction is wrong, a session is slower by its launches' coordination time and nothing else."""
    work, plan = made(*_random_sessions(seed))
    limits = FREE._replace(coordination_us=700, in_flight=3, capacity=4, per_decision=2)
    outcome = simulate(work, all_wrong(plan), limits, poisson(work, 6), 1)
    assert outcome.counters["hits"] + outcome.counters["joins"] == 0
    slower = outcome.session_us - serial_us(work)
    assert slower.min() >= 0
    assert slower.sum() == 700 * outcome.counters["launched"]
    decisions = np.diff(work.decision_start)
    assert (slower <= 700 * 2 * decisions).all()


@pytest.mark.parametrize("seed", range(5))
def test_predictions_never_slow_a_session_when_they_cost_nothing(seed: int) -> None:
    """Right or wrong, with free coordination no session ends later than without speculation."""
    work, plan = made(*_random_sessions(seed))
    outcome = simulate(work, plan, FREE._replace(in_flight=2, capacity=3), poisson(work, 6), 1)
    assert (outcome.session_us <= serial_us(work)).all()
    assert (
        outcome.counters["launched"]
        == outcome.counters["hits"] + outcome.counters["joins"] + outcome.counters["wasted"]
    )


def test_the_same_input_gives_the_same_bytes() -> None:
    """Two runs agree in every array."""
    work, plan = made(*_random_sessions(3))
    runs = [simulate(work, plan, FREE._replace(in_flight=2, capacity=3), poisson(work, 6, seed=4), 1) for _ in range(2)]
    assert runs[0].session_us.tobytes() == runs[1].session_us.tobytes()
    assert runs[0].counters == runs[1].counters


def test_an_empty_workload() -> None:
    """No sessions, no decisions and sessions without a decision are no error."""
    assert played().session_us.tolist() == []
    assert played([]).session_us.tolist() == [0]
    assert played([], [(1, [], [])]).session_us.tolist() == [0, SECOND]


@pytest.mark.parametrize(("p", "actor", "guesser"), [(0.5, 3.0, 1.0), (0.9, 2.0, 2.0), (0.2, 1.0, 4.0)])
def test_the_closed_form_of_speculative_actions(p: float, actor: float, guesser: float) -> None:
    """Time falls to 1 - p/(1+p) · a/(a+b), for exponential actor and guesser times and no guess upon a guess.

    Their actor is our thinking model and their next step our call, which here outlasts every thought, so that a right
    guess after b saves what is left of the actor's time.
    """
    draw, steps, taken = np.random.default_rng(11), [], False
    for number in range(40_000):
        think, delay = draw.exponential(actor), draw.exponential(guesser)
        right = not taken and draw.random() < p
        guesses = [Predicted(number, 1000.0, delay=delay)] if right else []
        steps.append((think, [Call(number, 1000.0)], guesses))
        taken = right
    work, plan = made(steps)
    outcome = simulate(work, plan, FREE, alone(work), 1)
    saved = int((serial_us(work) - outcome.session_us).sum())
    ratio = 1 - saved / int(work.think_us.sum())
    assert ratio == pytest.approx(1 - p / (1 + p) * actor / (actor + guesser), abs=0.01)


def test_a_given_hit_rate_saves_its_share_of_the_smaller_time() -> None:
    """With constant times and a hit rate p, the ratio is 1 - p · min(think, tool) / (think + tool)."""
    steps: list[Decision] = [
        (3, [Call(number, 2)], [Predicted(number if number % 10 < 3 else number + 5000, 2, ttl=5)])
        for number in range(1000)
    ]
    work, plan = made(steps)
    outcome = simulate(work, plan, FREE._replace(wasted_most=1 << 30), alone(work), 1)
    assert outcome.session_us.sum() / serial_us(work).sum() == pytest.approx(1 - 0.3 * 2 / 5, abs=1e-9)


def test_room_is_what_the_runtime_would_admit() -> None:
    """For random loads, the compiled check and the runtime's own admission give the same answer."""
    draw = np.random.default_rng(5)
    work, _ = made([(1, [], [])])
    one = rank([Candidate(Speculation("tool", {}, 1.0), Timing([1.0], [2.0]))], Budget())
    answers = set()
    for _ in range(3000):
        budget = Budget(
            in_flight=int(draw.integers(0, 4)),
            capacity=None if draw.random() < 0.3 else int(draw.integers(0, 5)),
            per_decision=int(draw.integers(0, 4)),
            stored_results=int(draw.integers(0, 4)),
            wasted_share=float(draw.choice([0.0, 0.5, 0.95, 1.0])),
            waste_window=int(draw.choice([1, 5, 50])),
        )
        limits = limits_of(budget)
        settled = int(draw.integers(0, budget.waste_window + 1))
        load = Load(
            speculative=int(draw.integers(0, 4)),
            real=int(draw.integers(0, 4)),
            launched=int(draw.integers(0, 4)),
            stored_results=int(draw.integers(0, 4)),
            settled=settled,
            wasted=int(draw.integers(0, settled + 1)),
        )
        ours = _admits(work, limits, load)
        assert ours == (admit(one, load, budget)[0].refusal is None), (budget, load)
        answers.add(ours)
    assert answers == {True, False}


def _admits(work: object, limits: Limits, load: Load) -> bool:
    state = new_state(work, 1, limits)  # type: ignore[arg-type]
    state.totals[:] = (load.speculative, load.real, load.stored_results, 0, load.settled, load.wasted)
    return bool(room(state, limits, load.launched))
