"""What the policy would let happen early in a replay, asked call by call of the runtime's own policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from miner.errors import UsageError
from miner.events import Event, Session
from miner.predictors._habits import call_of
from miner.runtime.effects import EVERYTHING, Effect, Level
from miner.runtime.policy import Policy, PolicyError, ToolRule, Verdict
from miner.runtime.policy_file import load_policy, starter_policy
from miner.runtime.speculation import Speculation

_ALL = -1
"""Every bit set: the group that every other one belongs to."""
_MOST_GROUPS = 62
_UNKNOWN = "unknown"


class Permit(NamedTuple):
    """What may be done with one call: conflict groups are bits."""

    early: bool
    reads: int
    writes: int
    ttl_us: int
    refusal: str | None
    level: str


@dataclass(slots=True)
class Permits:
    """A policy, and how it is said to be in the report."""

    policy: Policy
    said: str
    assume_read_only: bool = False
    """Also allow calls that the log itself marks as read-only; a policy file would have to say so."""
    _groups: dict[str, int] = field(default_factory=dict)
    _marked: set[str] = field(default_factory=set)

    def of_call(self, event: Event) -> Permit:
        """The permit of a real call, as if somebody had predicted it from constants."""
        call = call_of(event)
        if call is None:
            return Permit(early=False, reads=_ALL, writes=_ALL, ttl_us=0, refusal="no_object", level=Level.NEVER)
        origins = dict.fromkeys(call.arguments, "constant")
        speculation = Speculation(call.tool, call.arguments, 1.0, origins=origins)
        return self._permit(speculation, marked=self.assume_read_only and event.read_only is True)

    def of_guess(self, guess: Speculation, servers: Collection[str] | None = None) -> Permit:
        """The permit of a prediction; values of unstated origin count as unknown, which may not leave the machine.

        ``servers`` are those that the session has called, where that is known: no other is reached early.
        """
        if not guess.arguments.keys() <= guess.origins.keys():
            guess = replace(guess, origins=dict.fromkeys(guess.arguments, _UNKNOWN) | guess.origins)
        permit = self._permit(guess, marked=guess.tool in self._marked)
        server = self.server(guess.tool)
        if permit.early and server and servers is not None and server not in servers:
            return permit._replace(early=False, refusal="unknown_server")
        if permit.early and guess.after is not None and self.policy.rule(guess.tool).destination:
            return permit._replace(early=False, refusal="unconfirmed_origin")
        return permit

    def server(self, tool: str) -> str:
        """Who provides a tool; empty for the host itself."""
        rule = self.policy.rule(tool)
        return rule.server or rule.destination

    def lowered(self, hints: Mapping[str, Mapping[str, Any]]) -> Permits:
        """What is left when servers annotate their tools so, which only ever forbids."""
        policy = self.policy.lowered(hints)
        if policy == self.policy:
            return self
        return Permits(policy, f"{self.said}; lowered by what servers say of their tools", self.assume_read_only)

    def mark(self, tools: Iterable[str]) -> None:
        """Be told which tools training logs mark read-only in every call."""
        if self.assume_read_only:
            self._marked = set(tools)

    def level(self, tool: str) -> str:
        """How far the policy lets a tool go."""
        return str(Level.FULL if tool in self._marked else self.policy.rule(tool).level)

    def _permit(self, speculation: Speculation, *, marked: bool) -> Permit:
        verdict = self.policy.judge(speculation)
        ttl_us = round(verdict.rule.ttl_s * 1e6)
        if marked and speculation.tool not in self.policy.tools:
            return Permit(early=True, reads=_ALL, writes=0, ttl_us=ttl_us, refusal=None, level=Level.FULL)
        footprint = self.policy.footprint(speculation.tool, speculation.arguments)
        early = verdict.refusal is None and verdict.level is Level.FULL
        reads, writes = self._bits(footprint.reads), self._bits(footprint.writes)
        return Permit(early, reads, writes, ttl_us, None if early else _why(verdict), verdict.level)

    def _bits(self, groups: Iterable[str]) -> int:
        bits = 0
        for group in groups:
            if group == EVERYTHING:
                return _ALL
            bits |= 1 << self._groups.setdefault(group, len(self._groups) % _MOST_GROUPS)
        return bits


def _why(verdict: Verdict) -> str:
    """The refusal; a level below full hides no waiting and is named."""
    return verdict.refusal or f"only_{verdict.level}"


def default_permits(
    sessions: Iterable[Session], allow: Iterable[str] = (), *, assume_read_only: bool = False
) -> Permits:
    """The starter policy for the agents that wrote these sessions, plus tools that the user names."""
    agents: set[str] = set()
    for session in sessions:
        agents.update(name for name in (session.agent, session.reader) if name and _known(name))
    policy = starter_policy(sorted(agents))
    said = f"starter policy for {', '.join(sorted(agents))}" if agents else "nothing is allowed by default"
    return _widened(policy, said, allow, assume_read_only=assume_read_only)


def permits_from(path: Path, allow: Iterable[str] = (), *, assume_read_only: bool = False) -> Permits:
    """The policy of a file, plus tools that the user names.

    Raises:
        UsageError: a policy that cannot be used.
    """
    try:
        policy = load_policy(path)
    except PolicyError as error:
        raise UsageError(error.what, where=error.where, next_step=error.next_step) from error
    return _widened(policy, f"the policy in {path.name}", allow, assume_read_only=assume_read_only)


def _widened(policy: Policy, said: str, allow: Iterable[str], *, assume_read_only: bool) -> Permits:
    rule = ToolRule(level=Level.FULL, effect=Effect.LOCAL_READ, speculation_safe=True)
    policy = replace(policy, tools={**policy.tools, **dict.fromkeys(sorted(set(allow)), rule)})
    return Permits(policy, widened_words(said, allow, assume_read_only=assume_read_only), assume_read_only)


def widened_words(said: str, allow: Iterable[str], *, assume_read_only: bool) -> str:
    """How a policy is said to be once a user has allowed more."""
    allowed = sorted(set(allow))
    words = [said]
    words += [f"allowed by the user: {', '.join(allowed)}"] if allowed else []
    words += ["tools that the log marks read-only are taken to be"] if assume_read_only else []
    return "; ".join(words)


def _known(agent: str) -> bool:
    try:
        starter_policy([agent])
    except PolicyError:
        return False
    return True
