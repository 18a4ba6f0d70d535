"""Where a bound argument is from, in the policy's words: the policy decides on those what may leave for where.

``constant``, ``user``, ``environment``, ``said`` (the model's own words), ``host``, ``result:TOOL``,
``argument:TOOL``; several joined by ``+``. A stream that gathers a field over all tools has no one tool: it is
``result:*``, which no policy knows, so its value leaves for nowhere unless a policy says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .forms import Form
from .memory import path_text
from .rules import Rule

_PLACES = {"res:": "result:", "arg:": "argument:"}
_PATH_STARTS = ".[{~#"


def origins_of(form: Form, rules: Mapping[str, Rule], tools: Sequence[str]) -> dict[str, str]:
    """Argument name -> its origins.

    Args:
        form: what was filled.
        rules: path text of each hole -> the rule that gave its value.
        tools: every known tool, to tell a tool's name from a path.
    """
    found: dict[str, dict[str, None]] = {}
    for slot in form.slots or ():
        rule = rules.get(path_text(slot.path))
        origin = "constant" if slot.literal is not None else "unknown" if rule is None else origin_of(rule, tools)
        found.setdefault(slot.path[0], {})[origin] = None
    return {name: "+".join(sorted(parts)) for name, parts in found.items()}


def repeated(tool: str, arguments: Iterable[str]) -> dict[str, str]:
    """Origins of a call that was made before: the model itself gave these arguments to this tool."""
    return dict.fromkeys(arguments, f"argument:{tool}")


def origin_of(rule: Rule, tools: Sequence[str]) -> str:
    """The origin of what a rule gives."""
    if rule.source == "constant":
        return "constant"
    return origin_of_place(rule.policy.partition("\x1f")[0] if rule.source == "beside" else rule.source, tools)


def origin_of_place(place: str, tools: Sequence[str]) -> str:
    """The origin of what stands at a place or comes from a stream."""
    kind = _PLACES.get(place[:4])
    if kind is not None:
        return kind + _tool_of(place[4:], tools)
    speaker = place[: min((at for mark in _PATH_STARTS if (at := place.find(mark)) > 0), default=len(place))]
    return {"env": "environment", "user": "user", "said": "said", "host": "host"}.get(speaker, "unknown")


def _tool_of(place: str, tools: Sequence[str]) -> str:
    """The longest known tool that a path begins with; any other text is kept up to where a path may begin."""
    fitting = [
        tool for tool in tools if place.startswith(tool) and place[len(tool) : len(tool) + 1] in ("", *_PATH_STARTS)
    ]
    if fitting:
        return max(fitting, key=len)
    return place[: min((at for mark in _PATH_STARTS if (at := place.find(mark)) > 0), default=len(place))]
