"""Serving rules: which narrower calls the result of a broader one answers, and under which conditions exactly.

A rule is data from a bundle. It names a derivation, which arguments of the narrower call it reads, and what mining
saw: the largest results that were certainly whole, and what may stand around the part that is selected. A result
outside of that is not used: what a host cut off, or said differently, is never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from .serving import Derived, load_derivation

_SHORTEST = 3
"""Letters from which on a text among the arguments is looked for in what stands around a result."""


@dataclass(frozen=True, slots=True)
class ServingRule:
    """How one tool's calls are answered by a broader call of the same or another tool."""

    tool: str
    broad: str
    """The tool of the broader call; its arguments are those of the narrower one without the ones that are read."""
    derivation: str
    options: tuple[tuple[str, str], ...]
    frames: tuple[str, ...] = ()
    """Digests of what was seen around a selected part; anything else may be a host's note that something is missing."""
    whole: tuple[int, int] = (0, 0)
    """The most entries and characters of a broader result that was certainly not cut."""
    fired: int = 0
    right: int = 0
    sessions: int = 0
    """Independent sessions in which it was right."""

    @property
    def reads(self) -> frozenset[str]:
        """The arguments that only the narrower call has."""
        roles = load_derivation(self.derivation).ROLES
        return frozenset(name for role, name in self.options if role in roles)

    @property
    def chance(self) -> float:
        """How likely it is to answer a call that it fits, by Laplace's rule."""
        return (self.right + 1) / (self.fired + 2)

    def base(self, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """The broader call's arguments; None for a call that is not narrower."""
        reads = self.reads
        if not any(name in arguments for name in reads):
            return None
        return {name: value for name, value in arguments.items() if name not in reads}

    def answer(self, result: str, arguments: Mapping[str, Any]) -> str | None:
        """What the narrower call would give, from the text of the broader one's result; None where that is unsure."""
        derived = load_derivation(self.derivation).derive(result, arguments, dict(self.options))
        if derived is None or frame_mark(derived, arguments) not in ("", *self.frames):
            return None
        if derived.needs_whole and not self.is_whole(derived.items, len(result)):
            return None
        return derived.text

    def is_whole(self, items: int, characters: int) -> bool:
        """True for results no larger than the largest that was seen uncut."""
        return items <= self.whole[0] and characters <= self.whole[1]


class Broader(NamedTuple):
    """The broader call that may answer one, and the rule by which."""

    tool: str
    arguments: dict[str, Any]
    rule: ServingRule


class Serving:
    """The serving rules of a bundle, by the tool that they answer; the surest first."""

    def __init__(self, rules: Iterable[ServingRule] = ()) -> None:
        self._rules: dict[str, list[ServingRule]] = {}
        for rule in sorted(rules, key=lambda rule: (-rule.chance, -rule.right, rule.options)):
            self._rules.setdefault(rule.tool, []).append(rule)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def broader(self, tool: str, arguments: Mapping[str, Any]) -> list[Broader]:
        """The calls whose results may answer this one, surest first."""
        found = []
        for rule in self._rules.get(tool, ()):
            base = rule.base(arguments)
            if base is not None:
                found.append(Broader(rule.broad, base, rule))
        return found


def frame_mark(derived: Derived, arguments: Mapping[str, Any]) -> str:
    """A digest of what stands around the selected part, where the call's own texts count as blanks; "" for nothing."""
    text = derived.frame
    if text.strip("\0\n ") == "":
        return ""
    said = [value for value in arguments.values() if isinstance(value, str) and len(value) >= _SHORTEST]
    for value in sorted(said, key=len, reverse=True):
        text = text.replace(value, "\0")
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def with_text(result: Any, text: str) -> Any:
    """A result of the same kind that says something else; None where it is not known how to say it.

    Plain text, what carries one piece of text (an MCP result), and anything that is JSON itself.
    """
    if isinstance(result, str):
        return text
    if isinstance(result, dict) and result.get("content") is not None:
        return _with_content(result, text)
    if not isinstance(result, dict | list):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _with_content(result: dict[str, Any], text: str) -> dict[str, Any] | None:
    """A result that carries its text; nothing of another kind may stand beside it."""
    content = result["content"]
    if isinstance(content, str):
        return {**result, "content": text} if result.keys() <= {"content", "isError", "is_error"} else None
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        return _with_block(result, content[0], text)
    return None


def _with_block(result: dict[str, Any], block: dict[str, Any], text: str) -> dict[str, Any] | None:
    """An MCP result whose only block is text; what it says once more, structured, is said anew as well."""
    said = block.get("text")
    if not isinstance(said, str) or block.keys() - {"type", "text"}:
        return None
    new = {**result, "content": [{**block, "text": text}]}
    structured = result.get("structuredContent")
    if structured is not None:
        if not isinstance(structured, dict) or list(structured.values()) != [said]:
            return None
        new["structuredContent"] = dict.fromkeys(structured, text)
    return new if result.keys() <= {"content", "isError", "structuredContent"} else None
