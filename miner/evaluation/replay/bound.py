"""The bound, before anything else: what perfect prediction could hide at all in these logs, and what keeps it small.

Every call the policy allows is started as early as a horizon of decisions permits, with unlimited resources and no
error, but not before the last call that changes what it reads has ended. Computed along the shortened time line:
what is hidden earlier makes later head starts shorter.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from miner.evaluation.replay.workload import Recording, serial_us, stall_us

HORIZONS: tuple[int | None, ...] = (1, 2, 3, None)
"""Decisions ahead; None is as soon as the last write allows."""


class Bound(NamedTuple):
    """What one horizon could hide."""

    hidden_us: int
    saved_by_tool: dict[str, int]


def bound_for(recording: Recording, horizon: int | None, *, inputs: bool = False) -> Bound:
    """Hidden time at a horizon; with ``inputs`` no call starts before all its argument values were known."""
    work = recording.workload
    saved: dict[str, int] = {}
    sessions = range(len(work.decision_start) - 1)
    left = sum(_session(recording, session, horizon, saved, inputs=inputs) for session in sessions)
    return Bound(
        int(serial_us(work).sum()) - left,
        {tool: saved[tool] for tool in sorted(saved, key=lambda name: (-saved[name], name))},
    )


def _last_write(written: dict[int, int], reads: int) -> int:
    """When the last call ended that changed something which these groups contain."""
    return max((time for groups, time in written.items() if groups & reads), default=0)


def _session(recording: Recording, session: int, horizon: int | None, saved: dict[str, int], *, inputs: bool) -> int:
    """How long the session still takes."""
    work = recording.workload
    first, last = work.decision_start[session], work.decision_start[session + 1]
    starts: list[int] = []
    now = turn = 0
    written: dict[int, int] = {}
    for decision in range(first, last):
        if work.new_turn[decision]:
            turn = now
        starts.append(now)
        ahead = 0 if horizon is None else max(0, len(starts) - horizon)
        earliest = max(starts[ahead], turn)
        issued = now + int(work.think_us[decision])
        end = issued
        for call in range(work.call_start[decision], work.call_start[decision + 1]):
            asked = issued + int(work.call_offset_us[call])
            done = asked + int(work.call_us[call])
            if work.call_early[call]:
                begins = max(earliest, _last_write(written, int(work.call_reads[call])))
                begins = max(begins, _inputs_known(recording, call, first, starts)) if inputs else begins
                early = max(asked, min(done, begins + int(work.call_us[call])))
                tool = recording.tools[work.call_tool[call]]
                saved[tool] = saved.get(tool, 0) + done - early
                done = early
            end = max(end, done)
            if writes := int(work.call_writes[call]):
                written[writes] = max(written.get(writes, 0), done)
        now = end
    return now


def _inputs_known(recording: Recording, call: int, first: int, starts: list[int]) -> int:
    """When all argument values were there; a call whose values never were is not started early."""
    since = int(recording.known_since[call])
    return starts[since - first] if 0 <= since - first < len(starts) else 1 << 62


def bound_table(recording: Recording) -> dict[str, Any]:
    """For savings.json: the horizons, what each tool contributes, and what makes the bound small."""
    work = recording.workload
    serial, stall = int(serial_us(work).sum()), int(stall_us(work).sum())
    eligible = int(work.call_us[work.call_early == 1].sum())
    rows = []
    for horizon, inputs in [*((horizon, False) for horizon in HORIZONS), (None, True)]:
        bound = bound_for(recording, horizon, inputs=inputs)
        rows.append(
            {
                "horizon": _said(horizon, inputs=inputs),
                "hidden_s": round(bound.hidden_us / 1e6, 3),
                "share_of_time": _share(bound.hidden_us, serial),
                "share_of_tool_stall": _share(bound.hidden_us, stall),
                "share_of_eligible_tool_time": _share(bound.hidden_us, eligible),
                "hidden_s_by_tool": {tool: round(saved / 1e6, 3) for tool, saved in bound.saved_by_tool.items()},
            }
        )
    return {
        "sessions": len(recording.sessions),
        "calls": len(work.call_us),
        "timed_calls": int((work.call_us > 0).sum()),
        "calls_allowed": int(work.call_early.sum()),
        "serial_s": round(serial / 1e6, 3),
        "think_s": round(int(work.think_us.sum()) / 1e6, 3),
        "tool_stall_s": round(stall / 1e6, 3),
        "eligible_tool_s": round(eligible / 1e6, 3),
        "not_allowed_tool_s": round((int(work.call_us.sum()) - eligible) / 1e6, 3),
        "times_left_out": recording.excluded,
        "horizons": rows,
    }


def _said(horizon: int | None, *, inputs: bool) -> str:
    if horizon is None:
        return "as soon as the last write is done" + (" and all inputs are known" if inputs else "")
    return f"{horizon} decision{'s' if horizon > 1 else ''} ahead"


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
