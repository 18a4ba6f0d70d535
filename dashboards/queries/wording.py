"""Argument rules and streams in a reader's words."""

from __future__ import annotations

from collections.abc import Sequence

from miner.export.twin import rule_text
from miner.runtime.rules import Rule

_STREAMS = {"arg": "argument of", "res": "result of"}
_WHOSE = {"user": "a person's message", "said": "the model's words", "env": "the environment"}
_KINDS = {
    "url": "a URL",
    "email": "an address",
    "path": "a path",
    "line_path": "a path with a line",
    "day": "a date",
    "date": "a date",
    "dashed": "a dashed name",
    "number": "a number",
    "code": "a code",
    "camel": "a camelCase name",
    "name": "a capitalised word",
    "word": "a word",
    "quoted": "a quoted text",
}
_POLICIES = {
    "first": "{} of the newest",
    "next": "{} not yet used",
    "recent": "{} latest",
    "fresh": "{} latest not yet used",
    "last": "last of the newest",
    "opening": "the very first",
}
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def source_words(rule: Rule, tools: Sequence[str] = ()) -> str:
    """Where a rule looks: a tool's result or argument, a person's message, a fixed value."""
    if rule.source == "constant":
        return "a fixed value"
    if rule.source == "same":
        return "another argument of the call"
    return stream_words(rule.policy.partition("\x1f")[0] if rule.source == "beside" else rule.source, tools)


def stream_words(stream: str, tools: Sequence[str] = ()) -> str:
    """A stream of the session's memory: whose it is, and which field or kind of text."""
    place, _, shape = stream.partition("~")
    kind, _, rest = place.partition(":")
    if kind in _STREAMS and rest:
        tool = next((tool for tool in sorted(tools, key=len, reverse=True) if _begins(rest, tool)), None)
        if tool is None:
            tool = rest.partition(".")[0]
        path = rest[len(tool) :].lstrip(".")
        whose = f"{_STREAMS[kind]} {'any tool' if tool == '*' else tool}"
    else:
        whose, path = _WHOSE.get(kind, kind), rest
    found = " in ".join(part for part in (_shape_words(shape), path) if part)
    return f"{whose}: {found}" if found else whose


def which_words(rule: Rule) -> str:
    """Which of the values there a rule takes."""
    if rule.source in ("constant", "beside", "same"):
        return rule_text(rule._replace(transform="copy")).replace("\x1f", " ")
    family, _, rank = rule.policy.partition(" ")
    words = _POLICIES.get(family)
    place = int(rank) if rank.isdecimal() else 0
    if words is None or place >= len(_ORDINALS):
        return rule.policy
    if family in ("recent", "fresh") and place == 0:
        return words.format("").strip()
    return words.format(_ORDINALS[place])


def change_words(rule: Rule) -> str:
    """What is done to the value; nothing for a copy."""
    if rule.transform == "copy":
        return ""
    return " ".join([rule.transform.replace("_", " "), *(str(option) for option in rule.options)])


def rule_words(rule: Rule, tools: Sequence[str] = ()) -> str:
    """A whole rule on one line."""
    if rule.source in ("constant", "same"):
        parts = [which_words(rule), change_words(rule)]
    else:
        parts = [source_words(rule, tools), which_words(rule), change_words(rule)]
    return ", ".join(part for part in parts if part)


def _begins(rest: str, tool: str) -> bool:
    """Whether a place names this tool: its name, then a path or nothing."""
    return rest.startswith(tool) and rest[len(tool) : len(tool) + 1] in ("", ".", "[")


def _shape_words(shape: str) -> str:
    if not shape:
        return ""
    known = _KINDS.get(shape)
    if known:
        return known
    if shape[:1] == "X" and shape[1:].isdecimal():
        return f"a code of {shape[1:]} characters"
    return f"text like {shape.lstrip('=^')}"
