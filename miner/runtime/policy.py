"""The policy: which tools may be called early, how far, and what may leave for where.

Nothing is allowed that the operator has not written down, tool by tool and by exact name. A policy is immutable and
judging is a pure function, so a verdict given at dispatch still holds at the claim as long as the policy is the same
object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .effects import EVERYTHING, Effect, Level
from .shell_effect import shell_effect
from .speculation import Speculation


@dataclass(frozen=True, slots=True)
class ToolRule:
    """What the operator says about one tool. The defaults are those of a tool that nobody described."""

    level: Level = Level.NEVER
    effect: Effect = Effect.WRITE
    reads: frozenset[str] = frozenset({EVERYTHING})
    """Conflict groups whose change makes a result of this tool old."""
    writes: frozenset[str] = frozenset({EVERYTHING})
    """Conflict groups that a call changes, if its effect is to change something."""
    speculation_safe: bool | None = None
    """Harmless to call for nothing: no quota, no bill, no trace. None: true for ``pure`` and ``local_read`` only."""
    approval: bool = False
    """A person confirms such calls, so they are never made early."""
    server: str = ""
    """Who provides the tool; empty for the host itself. Only a server the session has used is called early."""
    destination: str = ""
    """Who learns the arguments; empty when they stay on this machine."""
    destination_argument: str = ""
    """The argument, such as a URL, that itself selects where the call goes."""
    irrelevant: frozenset[str] = frozenset()
    """Arguments that do not change the result, such as a description for people; not compared."""
    shell_argument: str = ""
    """The argument that is a shell command line: its own effect then replaces ``effect``, call by call."""
    understood: frozenset[str] = frozenset()
    """The arguments that this rule was written for; a call with any other is a write. Empty: all."""
    twin: str = ""
    """The dry-run twin, for level ``dry_run``."""
    price: float = 0.0
    """Money for one call."""
    max_rate_per_min: int | None = None
    ttl_s: float = 10.0
    """A result may be given to the agent this long after its run began."""
    cancellable: bool = True
    """False when cancelling a call does not stop its work; it then counts as running until it ends."""
    refusal: str = ""
    """Why the tool is not called early whatever else is said of it: the word that the ledger gives as the reason."""


class Footprint(NamedTuple):
    """What a call reads and changes."""

    effect: Effect
    reads: frozenset[str]
    writes: frozenset[str]


class Verdict(NamedTuple):
    """What the policy says of one speculation; ``refusal`` is None when it may go as far as ``level``."""

    level: Level
    footprint: Footprint
    refusal: str | None
    rule: ToolRule


class PolicyError(ValueError):
    """A policy that cannot be used, with what is wrong, where, and what to do."""

    def __init__(self, what: str, where: str, next_step: str) -> None:
        super().__init__(f"{what}\n  where: {where}\n  next:  {next_step}")
        self.what = what
        self.where = where
        self.next_step = next_step


_UNKNOWN = ToolRule()
NOT_UNDERSTOOD = Footprint(_UNKNOWN.effect, _UNKNOWN.reads, _UNKNOWN.writes)
"""What a call does of which nothing is known."""
_READS = (Effect.PURE, Effect.LOCAL_READ, Effect.REMOTE_READ)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules by tool, and which values may go where.

    ``flows`` holds (source, destination): a value from that source may be sent there early. A source is an origin as
    in ``Speculation.origins`` (``user``, ``result:WebSearch``) or its trust group (the destination of that tool,
    ``local``, ``user``, ``environment``). ``meetings`` holds the pairs of trust groups that may be in one call that
    leaves the machine.
    """

    tools: Mapping[str, ToolRule] = field(default_factory=dict)
    flows: frozenset[tuple[str, str]] = frozenset()
    meetings: frozenset[frozenset[str]] = frozenset()

    def rule(self, tool: str) -> ToolRule:
        """The rule of a tool, by its exact name; an unknown tool may change everything and is never called early."""
        return self.tools.get(tool, _UNKNOWN)

    def footprint(self, tool: str, arguments: Mapping[str, Any], *, early: bool = False) -> Footprint:
        """What a call with these arguments does; ``early`` asks about calling it beside the agent, for nothing."""
        rule = self.rule(tool)
        effect = rule.effect
        if rule.understood and not arguments.keys() <= rule.understood:
            effect = Effect.WRITE
        elif rule.shell_argument:
            effect = shell_effect(arguments.get(rule.shell_argument), early=early)
        return Footprint(effect, rule.reads, rule.writes if effect.changes else frozenset())

    def judge(self, speculation: Speculation) -> Verdict:
        """Whether, and how far, this call may be made before the model asks for it."""
        tool, arguments = speculation.tool, speculation.arguments
        rule = self.rule(tool)
        footprint = self.footprint(tool, arguments, early=True)
        refusal = self._tool_refusal(tool, rule, footprint.effect) or self._origin_refusal(speculation, rule)
        return Verdict(rule.level, footprint, refusal, rule)

    def lowered(self, hints: Mapping[str, Mapping[str, Any]]) -> Policy:
        """A copy of the policy, made stricter by the MCP annotations of each tool; annotations never allow anything."""
        tools = dict(self.tools)
        for tool, hint in hints.items():
            if tool in tools:
                tools[tool] = _lowered(tools[tool], hint)
        return replace(self, tools=tools)

    def may_leave(self, origin: str, destination: str, *, selects: bool) -> bool:
        """True when a value of that origin may be sent to that destination early.

        A bundle constant may; so may a value that the destination itself gave or was already sent, unless it would
        select where the call goes. Everything else must be listed. An origin may be several, joined by ``+``.
        """
        for part in origin.split("+"):
            group = self.trust_group(part)
            known_there = group == destination and not selects
            listed = (part, destination) in self.flows or (group, destination) in self.flows
            if part != "constant" and not known_there and not listed:
                return False
        return True

    def trust_group(self, origin: str) -> str:
        """Whom a value is from: the destination of the tool that it passed through, ``local``, or the origin."""
        kind, _, tool = origin.partition(":")
        if kind not in ("result", "argument"):
            return origin
        if tool not in self.tools:
            return origin
        return self.tools[tool].destination or "local"

    def _tool_refusal(self, tool: str, rule: ToolRule, effect: Effect) -> str | None:
        """The first reason that lies in the tool, not in where its arguments are from."""
        if rule.refusal:
            return rule.refusal
        if tool not in self.tools:
            return "not_listed"
        if rule.level is Level.NEVER:
            return "never"
        if rule.approval:
            return "needs_approval"
        if rule.level is Level.DRY_RUN:
            return self._twin_refusal(rule)
        if rule.level is Level.FULL and effect is Effect.WRITE:
            return "changes_something"
        safe = rule.speculation_safe
        if safe is None:
            safe = effect in (Effect.PURE, Effect.LOCAL_READ)
        if not safe:
            return "not_speculation_safe"
        return None

    def _twin_refusal(self, rule: ToolRule) -> str | None:
        """A dry run needs a listed twin that itself reads and no more."""
        twin = self.tools.get(rule.twin)
        if twin is None:
            return "no_twin"
        harmless = twin.effect in _READS and twin.level is Level.FULL and not twin.approval and not twin.shell_argument
        same_reach = (twin.destination, twin.destination_argument) == (rule.destination, rule.destination_argument)
        return None if harmless and same_reach and twin.speculation_safe is not False else "unsafe_twin"

    def _origin_refusal(self, speculation: Speculation, rule: ToolRule) -> str | None:
        """The first reason that lies in the values: unknown origin, a flow or a meeting that is not allowed."""
        origins = speculation.origins
        if not rule.destination:
            return None
        if not speculation.arguments.keys() <= origins.keys():
            return "unknown_origin"
        groups = set()
        for name in speculation.arguments:
            selects = name == rule.destination_argument
            if not self.may_leave(origins[name], rule.destination, selects=selects):
                return "selects_destination" if selects else "private"
            groups |= {self.trust_group(part) for part in origins[name].split("+") if part != "constant"}
        if rule.destination_argument and not _plain_url(speculation.arguments.get(rule.destination_argument)):
            return "unusual_destination"
        pairs = (frozenset({a, b}) for a in groups for b in groups if a < b)
        return None if all(pair in self.meetings for pair in pairs) else "mixed_origins"


def _lowered(rule: ToolRule, hint: Mapping[str, Any]) -> ToolRule:
    """A rule after the annotations of its own server: only ever stricter, and silence says nothing."""
    if hint.get("readOnlyHint") is False or hint.get("destructiveHint") is True:
        return replace(rule, level=Level.NEVER, effect=Effect.WRITE)
    if hint.get("openWorldHint") is True and rule.effect in (Effect.PURE, Effect.LOCAL_READ):
        return replace(rule, effect=Effect.REMOTE_READ, destination=rule.destination or "open world")
    return rule


def _plain_url(value: Any) -> bool:
    """True for a web address with a host and no credentials: any other kind of destination is not understood."""
    if not isinstance(value, str) or any(character.isspace() or character < " " for character in value):
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    plain = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and "\\" not in value
    return plain and port in (None, 80, 443)
