"""Speculators broken on purpose, one small way each: a harness that does not notice one of them proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from miner.runtime import admission, broader, core, live, speculator
from miner.runtime.budget import Load
from miner.runtime.core import Core
from miner.runtime.invalidation import World
from miner.runtime.live import Live
from miner.runtime.policy import Policy
from miner.runtime.results import Snapshot
from miner.runtime.run import Mode, State
from miner.runtime.serving_rules import ServingRule
from miner.runtime.speculator import Session

Bug = Callable[[], Any]


def _changed_since_only_if_kept(self: Live, run: Any, now: float) -> str | None:
    if run.state is State.RUNNING and run.generation == self.core.generation:
        return None
    return claim_refusal(self, run, now)


def _forget_only_kept(self: Live, changes: frozenset[str]) -> None:
    for run in list(self.by_key.values()):
        if run.state is State.KEPT:
            self.core.drop(run, "changed")
            self._unlist(run)


claim_refusal = Live.claim_refusal
_rule = Policy.rule
_finish = Core.finish
_drop = Core.drop
_tool_refusal = Policy._tool_refusal
_session_refusal = admission._session_refusal
_load = Core.load


def _slot_leak(self: Core, run: Any, value: Any, failure: str | None) -> None:
    if failure != "cancelled":
        _finish(self, run, value, failure)


def _prefix_match(self: Policy, tool: str) -> Any:
    return next((rule for name, rule in self.tools.items() if tool.startswith(name)), _rule(self, tool))


def _prefix_refusal(self: Policy, tool: str, rule: Any, effect: Any) -> str | None:
    return _tool_refusal(self, next((name for name in self.tools if tool.startswith(name)), tool), rule, effect)


def _loose_key(self: Core, tool: str, arguments: Mapping[str, Any], rule: Any) -> str:
    return f"{tool}{hash(frozenset(arguments.items()))}"


def _error_kept(self: Core, run: Any, value: Any) -> Any:
    return Snapshot(value, 8), None


def _no_close(self: Live) -> None:
    self.closed = True


def _no_copy(self: Core, run: Any) -> Any:
    run.deliveries += 1
    if core.is_reusable(run) and run.state is State.KEPT:
        return run.result.value
    value, run.state, run.result = run.result.value, State.DELIVERED, None
    self.runs.pop(run.number, None)
    return value


def _off_keeps_going(self: Core, mode: Mode, reason: str = "asked") -> None:
    self.record("mode", mode=mode.value, reason=reason)


def _policy_without_recheck(self: Core, new: Policy) -> None:
    self._policy = new
    self._record_policy()


def _approval_bypassed(self: Policy, tool: str, rule: Any, effect: Any) -> str | None:
    return _tool_refusal(self, tool, replace(rule, approval=False), effect)


def _unlisted_tools_run(self: Policy, tool: str, rule: Any, effect: Any) -> str | None:
    found = _tool_refusal(self, tool, rule, effect)
    return None if found == "not_listed" else found


def _writes_run(self: Policy, tool: str, rule: Any, effect: Any) -> str | None:
    found = _tool_refusal(self, tool, rule, effect)
    return None if found in ("changes_something", "not_speculation_safe") else found


def _any_server(one: Live, *rest: Any) -> str | None:
    found = _session_refusal(one, *rest)
    return None if found == "unknown_server" else found


async def _no_fallback(self: Session, call: Any, run: Any) -> Any:
    if call.joined and not run.ended:
        await asyncio.wait({run.handle}, timeout=5.0)
    return speculator._Outcome(run.result.value if run.result else None, None)


def _part_of_anything(self: Live, call: Any, run: Any) -> Any:
    if call.broader is None or run.result is None:
        return None
    derived = call.derived or broader.derive(self.core, run, call.broader, call.arguments)
    if derived is not None:
        facts = {"call": call.number, "tool": call.tool, "run": run.number}
        self.core.record("delivered", self.id, reason="served_derived", **facts)
    return derived


async def _waits_before_it_runs(self: Session, call: Any, run: Any, execute: Any) -> Any:
    await asyncio.wait({run.handle})
    part = self.live.hand_over(call, run)
    if part is None:
        self._fall_back(call, run)
        return await execute
    execute.close()
    return part.value


async def _join_outlives_its_caller(self: Session, run: Any) -> None:
    await asyncio.wait({run.handle}, timeout=5.0)


def _no_rate(self: Core, launched: int, tools: set[str]) -> Load:
    return replace(_load(self, launched, tools), rate_left={})


def _ended_at_once(self: Core, run: Any, reason: str) -> None:
    going_on = not run.ended
    _drop(self, run, reason)
    if going_on and run.state is State.DROPPED:
        run.ended = True
        self.runs.pop(run.number, None)


def _faults_reach_the_agent(self: Core, action: Callable[[], Any], otherwise: Any) -> Any:
    return action()


def _claims_ignore_time(run: Any, now: float) -> bool:
    return False


@contextmanager
def _all(*patches: Any) -> Iterator[None]:
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def _set(target: Any, name: str, value: Any) -> Bug:
    return lambda: patch.object(target, name, value)


BUGS: dict[str, Bug] = {
    "a cancelled run never gives its slot back": _set(Core, "finish", _slot_leak),
    "the allow list matches prefixes": lambda: _all(
        patch.object(Policy, "rule", _prefix_match), patch.object(Policy, "_tool_refusal", _prefix_refusal)
    ),
    "there is always a free slot": lambda: _all(
        patch.object(Load, "free_slots", lambda self, budget: 99), patch.object(Core, "_has_slot", lambda self: True)
    ),
    "1, 1.0 and true are one key": _set(Core, "key", _loose_key),
    "an early error is kept as a result": _set(Core, "_kept", _error_kept),
    "changes make nothing old": lambda: _all(
        patch.object(World, "changed_since", lambda *_: False), patch.object(Live, "_forget_changed", lambda *_: None)
    ),
    "every result may be used twice": lambda: _all(
        patch.object(live, "is_reusable", lambda run: True), patch.object(core, "is_reusable", lambda run: True)
    ),
    "close leaves work running": _set(Live, "close", _no_close),
    "a read in flight is kept over a write": lambda: _all(
        patch.object(Live, "claim_refusal", _changed_since_only_if_kept),
        patch.object(Live, "_forget_changed", _forget_only_kept),
    ),
    "results never grow old": lambda: _all(
        patch.object(live, "is_old", _claims_ignore_time), patch.object(core, "is_old", _claims_ignore_time)
    ),
    "pure results are shared with the agent": _set(Core, "deliver", _no_copy),
    "off is only written down": _set(Core, "set_mode", _off_keeps_going),
    "a new policy does not concern what runs": _set(Core, "set_policy", _policy_without_recheck),
    "approval is not asked": _set(Policy, "_tool_refusal", _approval_bypassed),
    "unlisted tools run": _set(Policy, "_tool_refusal", _unlisted_tools_run),
    "tools that change something run": _set(Policy, "_tool_refusal", _writes_run),
    "any server is known": _set(admission, "_session_refusal", _any_server),
    "reads start while a write is running": _set(World, "is_changing", lambda *_: False),
    "a failed join is the answer": _set(Session, "_adopt", _no_fallback),
    "a joined run outlives its caller": _set(Session, "_join", _join_outlives_its_caller),
    "rates are not looked at": _set(Core, "load", _no_rate),
    "a cancelled run counts as ended at once": _set(Core, "drop", _ended_at_once),
    "any origin may go anywhere": _set(Policy, "may_leave", lambda *_, **__: True),
    "the predictor's faults reach the agent": _set(Core, "guarded", _faults_reach_the_agent),
    "a part is taken from what was cut off": _set(ServingRule, "is_whole", lambda *_: True),
    "a part is given twice": _set(broader, "is_reusable", lambda run: True),
    "a broader result that was given up still answers": _set(Live, "claim_refusal", lambda *_: None),
    "a part is given of what has changed": lambda: _all(
        patch.object(Live, "hand_over", _part_of_anything), patch.object(Live, "_forget_changed", lambda *_: None)
    ),
    "a part waits for the whole before it runs": _set(Session, "_race", _waits_before_it_runs),
    "real calls push nothing out": _set(Live, "_preempt", lambda self: None),
}
"""Name -> a context in which the bug is planted."""
