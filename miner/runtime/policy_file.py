"""Policies as JSON: a file that says for each tool what may be done early. Strict: an unknown word is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from .effects import Effect, Level
from .policy import Policy, PolicyError, ToolRule

FORMAT = 1
_MAX_BYTES = 1 << 20
_STARTER = Path(__file__).with_name("starter_policy.json")
_SETS = ("reads", "writes", "irrelevant", "understood")
_Word = TypeVar("_Word", bound=StrEnum)


def load_policy(path: Path) -> Policy:
    """The policy in a file.

    Raises:
        PolicyError: a file that is missing, too large, no JSON, or says something that is not understood.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError("the policy cannot be read", str(path), "check the path and its permissions") from error
    if len(text) > _MAX_BYTES:
        raise PolicyError("the policy is too large", str(path), f"keep it under {_MAX_BYTES} bytes")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError("the policy is no JSON", str(path), "write it as one JSON object") from error
    return parse_policy(data, str(path))


def parse_policy(data: Any, where: str = "policy") -> Policy:
    """The policy that decoded JSON describes."""
    _known(data, ("format", "tools", "flows", "meetings"), where)
    if data.get("format") != FORMAT:
        raise PolicyError("the policy is of an unknown format", where, f'begin it with "format": {FORMAT}')
    tools = _mapping(data.get("tools", {}), f"{where}: tools")
    flows = _pairs(data.get("flows", []), f"{where}: flows")
    meetings = _pairs(data.get("meetings", []), f"{where}: meetings")
    return Policy(
        {tool: parse_rule(rule, f"{where}: tools.{tool}") for tool, rule in tools.items()},
        frozenset(flows),
        frozenset(frozenset(pair) for pair in meetings),
    )


def parse_rule(data: Any, where: str) -> ToolRule:
    """The rule of one tool."""
    names = {field.name: field for field in fields(ToolRule)}
    _known(data, names, where)
    values: dict[str, Any] = {}
    for name, value in data.items():
        at = f"{where}.{name}"
        if name == "level":
            values[name] = _word(Level, value, at)
        elif name == "effect":
            values[name] = _word(Effect, value, at)
        elif name in _SETS:
            values[name] = frozenset(_strings(value, at))
        else:
            values[name] = _scalar(name, value, at)
    return ToolRule(**values)


def starter_policy(agents: Iterable[str] = (), servers: Mapping[str, str] | None = None) -> Policy:
    """The shipped policy for the built-in tools of some agents and for some reference MCP servers.

    ``servers`` maps a server's name to what its tools' names begin with in the host, for example
    ``{"filesystem": "mcp__filesystem__"}``; only the operator can know which server stands behind a name, so none is
    assumed.
    """
    data = json.loads(_STARTER.read_text("utf-8"))
    tools: dict[str, ToolRule] = {}
    for agent in agents:
        for tool, rule in _chosen(data["agents"], agent, "agent").items():
            tools[tool] = parse_rule(rule, f"starter policy: {agent}.{tool}")
    for server, prefix in (servers or {}).items():
        for tool, rule in _chosen(data["servers"], server, "server").items():
            named = {"server": prefix or server, **rule}
            if "twin" in named:
                named["twin"] = prefix + named["twin"]
            tools[prefix + tool] = parse_rule(named, f"starter policy: {server}.{tool}")
    return Policy(tools)


def _chosen(known: Mapping[str, Any], name: str, kind: str) -> Mapping[str, Any]:
    if name not in known:
        raise PolicyError(
            f"the starter policy knows no {kind} {name!r}", "starter policy", "known: " + ", ".join(known)
        )
    chosen: Mapping[str, Any] = known[name]
    return chosen


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PolicyError("a JSON object is needed", where, "write {…}")
    return value


def _known(value: Any, names: Iterable[str], where: str) -> None:
    unknown = sorted(_mapping(value, where).keys() - set(names))
    if unknown:
        raise PolicyError(f"unknown word {unknown[0]!r}", where, "known: " + ", ".join(names))


def _word(kind: type[_Word], value: Any, where: str) -> _Word:
    if value not in tuple(kind):
        raise PolicyError("unknown word", where, "known: " + ", ".join(kind))
    return kind(value)


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PolicyError("a list of names is needed", where, 'write ["…"]')
    return value


def _pairs(value: Any, where: str) -> list[tuple[str, str]]:
    if not isinstance(value, list):
        raise PolicyError("a list of pairs is needed", where, 'write [["from", "to"]]')
    pairs = []
    for number, item in enumerate(value):
        names = _strings(item, f"{where}[{number}]")
        if len(names) != 2:
            raise PolicyError("a pair of names is needed", f"{where}[{number}]", 'write ["from", "to"]')
        pairs.append((names[0], names[1]))
    return pairs


def _scalar(name: str, value: Any, where: str) -> Any:
    """A boolean, a name or a number that is not negative, as the field asks for."""
    if name in ("speculation_safe", "approval", "cancellable"):
        good = isinstance(value, bool)
    elif name in ("price", "ttl_s"):
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    elif name == "max_rate_per_min":
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    else:
        good = isinstance(value, str)
    if not good:
        raise PolicyError("a value of another type is needed", where, f"see the description of {name} in ToolRule")
    return value
