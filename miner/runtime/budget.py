"""Which speculations are worth their cost, and which of those there is room for: pure functions of plain numbers.

The live speculator and the offline replay both call ``rank`` and then ``admit``, so what replay promises is decided
by the same arithmetic that runs beside an agent.

The objective is lexicographic, not a weighted sum: real calls come first (``Load.free_slots`` is what they leave
over), and only then are the expected seconds hidden made as large as possible within the limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .speculation import Speculation


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one speculator, shared by all its sessions. Nothing here can be exceeded, only refused."""

    in_flight: int = 2
    """Speculations running at once, those that ignore their cancellation included."""
    capacity: int | None = None
    """Calls the host can run at once, real ones included; None where calls do not compete for slots."""
    per_decision: int = 4
    """Speculations launched between one start of the model and the next."""
    stored_results: int = 256
    """Finished speculations kept at once, over all sessions."""
    stored_bytes: int = 16 << 20
    result_bytes: int = 1 << 20
    """A larger result is not kept."""
    result_nodes: int = 5_000
    """A result of more objects and lists than this is not kept: copying it would hold up the agent."""
    spend: float = 0.0
    """Money that all speculations together may cost, in the unit of ``ToolRule.price``."""
    min_probability: float = 0.05
    coordination_s: float = 0.0005
    """What launching and keeping one speculation costs the agent's own process."""
    guard_s: float = 0.002
    """A head start of less than this is not worth having."""
    waste_weight: float = 0.02
    """Seconds of benefit that one wasted second of a tool must buy: the price of load."""
    money_per_second: float = 0.0
    """What one hidden second is worth in money; 0 means that no priced tool is ever worth it."""
    wasted_share: float = 0.95
    """Share of settled launches that may turn out wasted, looked at over the last ``waste_window``."""
    waste_window: int = 50
    patience_s: float = 30.0
    """A joined speculation that takes longer, and four times longer than seen, hangs: its call is run afresh."""
    proofs: int = 1
    """Calls that a serving rule must have foreseen to the letter, here and now, before it answers any."""
    default_service_s: float = 0.5
    """Duration of a tool nobody has timed yet."""
    default_think_s: float = 2.0
    """Time between the start of the model and its next call, as long as none was seen."""


class Timing(NamedTuple):
    """What is known about the seconds a call takes and the seconds the model still thinks: quantiles, or one each."""

    service_s: Sequence[float]
    think_s: Sequence[float]
    elapsed_s: float = 0.0
    """How long the model has been thinking already."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One speculation that could be launched, with what it would cost. ``session`` only breaks ties by name."""

    speculation: Speculation
    timing: Timing
    price: float = 0.0
    session: str = ""
    refusal: str | None = None
    """Why the policy or the state forbids it; such a candidate is ranked, recorded, and never admitted."""


class Ranked(NamedTuple):
    """A candidate with its worth in seconds."""

    candidate: Candidate
    hidden_s: float
    """Expected seconds that the agent would not wait, given that the call is asked for."""
    net_s: float
    """Expected seconds hidden, times the probability, minus every cost."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is going on at the moment of admission."""

    speculative: int = 0
    """Speculations that have not physically ended."""
    real: int = 0
    """Real calls running."""
    launched: int = 0
    """Launched since the model started to think."""
    stored_results: int = 0
    stored_bytes: int = 0
    spent: float = 0.0
    settled: int = 0
    """Launches in the waste window whose fate is known."""
    wasted: int = 0
    rate_left: Mapping[str, int] = field(default_factory=dict)
    """Launches that a tool's ``max_rate`` still allows now; a tool that is not named has no limit."""

    def free_slots(self, budget: Budget) -> int:
        """How many more speculations may run: the slack that real calls leave, within the limit."""
        slots = budget.in_flight - self.speculative
        if budget.capacity is not None:
            slots = min(slots, budget.capacity - self.real - self.speculative)
        return max(0, slots)


class Admission(NamedTuple):
    """The answer for one ranked candidate: ``refusal`` is None when it may start now."""

    ranked: Ranked
    refusal: str | None


def expected_hidden(timing: Timing) -> float:
    """Mean of ``min(service, think time left)`` over the given quantiles: what an exact hit takes off the wait.

    A launch that is still running when the model asks is joined, so a tool slower than the model hides the whole
    remaining think time, and a faster one hides its own duration. Think times already exceeded say nothing more.
    """
    left = [think - timing.elapsed_s for think in timing.think_s if think > timing.elapsed_s]
    if not left or not timing.service_s:
        return 0.0
    return sum(min(service, gap) for service in timing.service_s for gap in left) / (len(left) * len(timing.service_s))


def net_seconds(candidate: Candidate, hidden_s: float, budget: Budget) -> float:
    """Expected seconds hidden minus the cost of coordination, of wasted load, and of money."""
    chance = candidate.speculation.probability
    service = candidate.timing.service_s
    load = sum(service) / len(service) if service else 0.0
    cost = budget.coordination_s + (1.0 - chance) * load * budget.waste_weight
    if candidate.price > 0.0:
        cost += candidate.price / budget.money_per_second if budget.money_per_second > 0.0 else float("inf")
    return chance * hidden_s - cost


def rank(candidates: Iterable[Candidate], budget: Budget) -> list[Ranked]:
    """Candidates of any number of sessions by net worth, best first; ties by session, then by the call itself."""
    ranked = []
    for candidate in candidates:
        hidden = expected_hidden(candidate.timing)
        ranked.append(Ranked(candidate, hidden, net_seconds(candidate, hidden, budget)))
    ranked.sort(key=lambda one: (-one.net_s, one.candidate.session, one.candidate.speculation.identity))
    return ranked


def admit(ranked: Iterable[Ranked], load: Load, budget: Budget) -> list[Admission]:
    """Goes down the ranking and takes what there is room for; the refusal names the first limit that was met.

    Pure: ``load`` is what holds before, and every admission counts for those after it.
    """
    answers = []
    for one in ranked:
        refusal = _refusal(one, load, budget)
        answers.append(Admission(one, refusal))
        if refusal is None:
            load = loaded(load, one.candidate)
    return answers


def preempted(running: Sequence[tuple[str, float]], load: Load, budget: Budget) -> list[str]:
    """Which running speculations a real call pushes out: the least worth first, as many as capacity is short of.

    ``running`` is (name, net seconds) of those that can be cancelled; ``load`` already counts the real call.
    """
    if budget.capacity is None:
        return []
    short = load.real + load.speculative - budget.capacity
    return [name for name, _ in sorted(running, key=lambda one: (one[1], one[0]))[: max(0, short)]]


def _refusal(one: Ranked, load: Load, budget: Budget) -> str | None:
    """The first reason against starting this candidate now."""
    candidate = one.candidate
    if candidate.refusal is not None:
        return candidate.refusal
    if candidate.speculation.probability < budget.min_probability:
        return "improbable"
    thinking = max(candidate.timing.think_s, default=0.0) - candidate.timing.elapsed_s
    if thinking <= budget.guard_s:
        return "too_late"
    if load.spent + candidate.price > budget.spend and candidate.price > 0.0:
        return "no_money"
    if one.net_s <= 0.0:
        return "not_worth_it"
    return _no_room(candidate, load, budget)


def _no_room(candidate: Candidate, load: Load, budget: Budget) -> str | None:
    """The first limit that a worthwhile candidate meets."""
    if load.settled >= budget.waste_window and load.wasted > budget.wasted_share * load.settled:
        return "too_much_waste"
    if load.launched >= budget.per_decision:
        return "decision_full"
    if load.rate_left.get(candidate.speculation.tool, 1) <= 0:
        return "rate"
    if load.stored_results >= budget.stored_results or load.stored_bytes >= budget.stored_bytes:
        return "store_full"
    if load.free_slots(budget) <= 0:
        return "no_slot"
    return None


def loaded(load: Load, candidate: Candidate) -> Load:
    """The load once this candidate runs."""
    tool = candidate.speculation.tool
    left = load.rate_left
    if tool in left:
        left = {**left, tool: left[tool] - 1}
    return replace(
        load,
        speculative=load.speculative + 1,
        launched=load.launched + 1,
        stored_results=load.stored_results + 1,
        spent=load.spent + candidate.price,
        rate_left=left,
    )
