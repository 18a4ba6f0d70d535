"""From predictions to admitted runs: judged by the policy, ranked over all sessions, taken while there is room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from .broader import is_covered
from .budget import Candidate, admit, loaded, rank
from .effects import Level
from .policy import Verdict
from .results import snapshot
from .run import Mode, Run
from .speculation import Speculation

if TYPE_CHECKING:
    from .core import Core
    from .live import Live

_MOST_WAITING = 16
"""Sessions that are ranked together when a slot is free: ranking must not hold up the loop."""


@dataclass(slots=True, eq=False)
class Prepared:
    """A prediction with its verdict, before it is known whether there is room."""

    live: Live
    speculation: Speculation
    key: str
    verdict: Verdict
    generation: int


def prepare(live: Live, speculations: Iterable[Speculation]) -> list[Prepared]:
    """Judges predictions and writes the refusals down; the rest may be launched when there is room."""
    prepared: list[Prepared] = []
    seen: set[str] = set()
    for speculation in speculations:
        core = live.core
        verdict = core.policy.judge(speculation)
        key = core.key(speculation.tool, speculation.arguments, verdict.rule)
        refusal = verdict.refusal or _session_refusal(live, speculation, verdict)
        if key is None:
            refusal = "not_json"
        elif key in seen or key in live.by_key:
            refusal = "already_there"
        elif refusal is None and core.serving and is_covered(live, speculation, (one.key for one in prepared)):
            refusal = "covered"
        own = snapshot(speculation.arguments, core.budget.result_bytes, core.budget.result_nodes)
        if own is None:
            refusal = "too_large"
        else:
            speculation = replace(speculation, arguments=own.value)
        seen.add(key or "")
        one = Prepared(live, speculation, key or "", verdict, core.generation)
        if refusal is None:
            prepared.append(one)
        else:
            _record(core, one, refusal)
    return prepared


def admit_all(core: Core, live: Live | None = None) -> None:
    """Ranks what a session wants together with what others wait for, and admits the best; leftovers wait for a slot.

    While every slot is taken the others need not be looked at again.
    """
    free = core.load(0, set()).free_slots(core.budget) > 0
    lives = dict.fromkeys(waiting(core) if free else [])
    if live is not None:
        lives[live] = None
    wanted = {id(one.speculation): one for each in lives for one in each.wanted}
    now = core.clock()
    candidates = [_candidate(one, now) for one in wanted.values()]
    load = core.load(0, {one.speculation.tool for one in wanted.values()})
    for ranked in rank(candidates, core.budget):
        one = wanted[id(ranked.candidate.speculation)]
        load = replace(load, launched=one.live.launched)
        refusal = admit([ranked], load, core.budget)[0].refusal
        if refusal is None:
            refusal = _launch(core, one, ranked.net_s)
            load = loaded(load, ranked.candidate) if refusal is None else load
        if refusal == "no_slot":
            _wait(core, one)
        else:
            one.live.wanted.remove(one)
            _record(core, one, refusal)


def waiting(core: Core) -> list[Live]:
    """Sessions that still want a slot, the longest waiting first."""
    found: list[Live] = []
    for live in list(islice(core.waiting, 4 * _MOST_WAITING)):
        if not live.wanted or not live.is_thinking:
            del core.waiting[live]
        elif len(found) < _MOST_WAITING:
            found.append(live)
    return found


def _candidate(one: Prepared, now: float) -> Candidate:
    core, live = one.live.core, one.live
    later = 1 if one.speculation.after is not None else 0
    timing = core.durations.timing(one.speculation.tool, now - live.thinking_since, core.budget, later_steps=later)
    refusal = None
    if one.generation != core.generation:
        refusal = "authority_changed"
    elif one.key in live.by_key:
        refusal = "already_there"
    return Candidate(one.speculation, timing, one.verdict.rule.price, live.id, refusal)


def _launch(core: Core, one: Prepared, net_s: float) -> str | None:
    """Makes the run, or says that this is only a rehearsal."""
    one.live.launched += 1
    if core.mode is not Mode.ON:
        return "shadow"
    run = Run(
        core.next_number(), one.live.id, one.speculation, one.verdict, one.key, core.generation, net_s, one.live.world
    )
    core.runs[run.number] = one.live.by_key[one.key] = run
    core.to_launch.append(run)
    return None


def _wait(core: Core, one: Prepared) -> None:
    if one.live not in core.waiting:
        core.waiting[one.live] = None
        _record(core, one, "no_slot")


def _record(core: Core, one: Prepared, refusal: str | None) -> None:
    speculation = one.speculation
    core.record(
        "refused" if refusal else "admitted",
        one.live.id,
        decision=one.live.decision,
        tool=speculation.tool,
        key=core.ledger.digest(one.key),
        ppm=round(speculation.probability * 1e6),
        pattern=speculation.pattern,
        origins=sorted(set(speculation.origins.values())),
        reason=refusal or "",
    )


def _session_refusal(live: Live, speculation: Speculation, verdict: Verdict) -> str | None:
    """The first reason that lies in this session's state."""
    core, rule = live.core, verdict.rule
    server = rule.server or rule.destination
    if server and server not in live.servers:
        return "unknown_server"
    if core.drift.is_retired(speculation.pattern):
        return "retired"
    if live.world.is_changing(speculation.tool, verdict.footprint.reads):
        return "being_changed"
    if verdict.level is Level.WARM and not core.can_warm:
        return "no_warm_up"
    if speculation.after is not None and rule.destination:
        return "unconfirmed_origin"
    return None
