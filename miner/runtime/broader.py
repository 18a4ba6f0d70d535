"""Broader calls live: which kept result answers a narrower call, and which broader call is started for several.

What the agent sees is what its own call would have given: a serving rule says so for this very result, nothing that
either call reads has changed since the broader one began, and each call is answered once. Before a rule answers
anything it says what real calls will give, and one that was ever wrong is not used again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .core import is_reusable
from .effects import Level
from .run import Run, State
from .serving_rules import Broader, ServingRule
from .speculation import Speculation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .core import Core
    from .live import Live
    from .policy import Footprint


_MOST_REFUSED = 3
"""Results in a row that answered nothing, after which a tool's broader calls are not started in place of others."""


class Derived(NamedTuple):
    """A result of its own for a narrower call."""

    value: Any
    text: str


class Part(NamedTuple):
    """A narrower call, as part of what the run of a broader one gives."""

    run: Run
    broader: Broader
    derived: Derived | None
    """Its result; None while the broader call runs."""


class Foreseen(NamedTuple):
    """What a rule that has not shown itself right live says a call will give."""

    run: Run
    rule: ServingRule
    text: str


def found_broader(
    live: Live,
    tool: str,
    arguments: Mapping[str, Any],
    key: str,
    footprint: Footprint,
    now: float,
    *,
    may_race: bool = False,
) -> Part | Foreseen | None:
    """How a narrower call is answered from what is kept or, in a race, from what runs; None when it must be run.

    The narrower call changes nothing and may be started early itself, for its answer was. A call that is made once
    more wants to know what is there now.
    """
    core = live.core
    wide = core.serving.broader(tool, arguments) if core.serving and not footprint.writes else []
    if not wide or not _may_be_early(core, tool, arguments):
        return None
    under_way: Part | None = None
    for broader in wide:
        run = _run_of(live, broader)
        if run is None or (key in run.answered and not is_reusable(run)) or core.proofs[broader.rule] < 0:
            continue
        if live.claim_refusal(run, now) is not None or _has_changed(live, run, tool, footprint):
            continue
        is_proved = core.proofs[broader.rule] >= core.budget.proofs
        if run.state is State.RUNNING:
            if under_way is None and is_proved and may_race and core.policy.rule(tool).cancellable:
                under_way = Part(run, broader, None)
            continue
        derived = _tried(core, run, broader, arguments)
        if derived is not None:
            return Part(run, broader, derived) if is_proved else Foreseen(run, broader.rule, derived.text)
    return under_way


def answered_by(live: Live, run: Run, broader: Broader, tool: str, arguments: Mapping[str, Any]) -> Derived | None:
    """What a broader run that was under way gives in the end; None when it is no answer."""
    footprint = live.core.policy.footprint(tool, arguments)
    return None if _has_changed(live, run, tool, footprint) else _tried(live.core, run, broader, arguments)


def hidden_s(core: Core, waited_s: float, tool: str, run: Run) -> float:
    """What a part was answered sooner: no more than the broader run took, or than the narrower calls usually take."""
    took = run.ended_s - run.started_s
    return max(0.0, min(took, core.durations.usual_s(tool, took)) - waited_s)


def _tried(core: Core, run: Run, broader: Broader, arguments: Mapping[str, Any]) -> Derived | None:
    """Derives, and remembers whether a tool's results are of a kind from which anything can be."""
    derived = derive(core, run, broader, arguments)
    core.refused_parts[broader.tool] = 0 if derived is not None else core.refused_parts[broader.tool] + 1
    return derived


def _has_changed(live: Live, run: Run, tool: str, footprint: Footprint) -> bool:
    """True when the narrower call may read something else than its broader one did."""
    world = live.world
    return world.changed_since(run.tick, tool, footprint.reads) or world.is_changing(tool, footprint.reads)


def derive(core: Core, run: Run, broader: Broader, arguments: Mapping[str, Any]) -> Derived | None:
    """What a kept result gives to a narrower call, in the form in which the host gives results.

    Tried both ways: saying the same text anew must give the kept result, and describing the new one its text.
    """
    if run.result is None:
        return None
    value = run.result.value
    status, text = core.describe(value)
    answer = broader.rule.answer(text, arguments) if status == "ok" else None
    said = None if answer is None else core.retell(value, text)
    if answer is None or said is None or said != value:
        return None
    new = core.retell(value, answer)
    return Derived(new, answer) if new is not None and core.describe(new) == (status, answer) else None


def widened(core: Core, predictions: Sequence[Speculation]) -> list[Speculation]:
    """Predictions with the broader calls that are worth starting, those first.

    A broader call is worth it when it is predicted itself, or would answer several predicted calls; it is then as
    likely as any of them. For a single one its own call does the same and costs no more.
    """
    if not core.serving:
        return list(predictions)
    own = {key: one for one in predictions if one.after is None and (key := key_of(core, one)) is not None}
    answers: dict[str, list[tuple[Speculation, Broader]]] = {}
    for one in own.values():
        for broader in _promising(core, one)[:1]:
            key = key_of(core, broader)
            if key is not None:
                answers.setdefault(key, []).append((one, broader))
    wide: dict[str, Speculation] = {}
    for key, answered in answers.items():
        if key in own or len(answered) > 1:
            chance = sum(one.probability * broader.rule.chance for one, broader in answered)
            base = own.get(key) or replace(_as_speculation(*answered[0]), probability=0.0)
            wide[key] = replace(base, probability=min(1.0, base.probability + chance))
    left = {id(one) for key, one in own.items() if key in wide}
    return [*wide.values(), *(one for one in predictions if id(one) not in left)]


def key_of(core: Core, call: Speculation | Broader) -> str | None:
    """What makes a call the same as another; None when its arguments are no JSON."""
    return core.key(call.tool, call.arguments, core.policy.rule(call.tool))


def is_covered(live: Live, speculation: Speculation, coming: Iterable[str]) -> bool:
    """True when a broader call that is kept, under way or about to be launched will answer a predicted one.

    Args:
        live: the session.
        speculation: the narrower call.
        coming: keys of what is about to be launched.
    """
    core = live.core
    keys = set(coming)
    for broader in _promising(core, speculation):
        key = key_of(core, broader)
        if key in live.unusable:
            continue
        run = _run_of(live, broader)
        if key in keys or (run is not None and run.state in (State.ADMITTED, State.RUNNING)):
            return True
        fresh = run is not None and run.state is State.KEPT and key_of(core, speculation) not in run.answered
        if run is not None and fresh and derive(core, run, broader, speculation.arguments) is not None:
            return True
    return False


def _promising(core: Core, one: Speculation) -> list[Broader]:
    """Broader calls that may answer a prediction, of tools whose results have answered of late or were not tried.

    A host may give results in a form that is not known here, or say something new around them; a rule that has not
    shown itself right live is tried on calls that come anyway.
    """
    found = core.serving.broader(one.tool, one.arguments)
    return [
        broader
        for broader in found
        if core.refused_parts[broader.tool] < _MOST_REFUSED and core.proofs[broader.rule] >= core.budget.proofs
    ]


def _may_be_early(core: Core, tool: str, arguments: Mapping[str, Any]) -> bool:
    """True for a call that the policy would let run early with these arguments, wherever they are from."""
    origins = dict.fromkeys(arguments, "constant")
    verdict = core.policy.judge(Speculation(tool, dict(arguments), 1.0, origins=origins))
    return verdict.refusal is None and verdict.level is Level.FULL


def _run_of(live: Live, broader: Broader) -> Run | None:
    key = key_of(live.core, broader)
    return None if key is None else live.by_key.get(key)


def _as_speculation(one: Speculation, broader: Broader) -> Speculation:
    """The broader call of a prediction: what its arguments come from stays known."""
    kept = broader.arguments.keys()
    return Speculation(
        broader.tool,
        broader.arguments,
        one.probability,
        one.pattern,
        {name: rule for name, rule in one.rules.items() if name in kept},
        {name: origin for name, origin in one.origins.items() if name in kept},
    )
