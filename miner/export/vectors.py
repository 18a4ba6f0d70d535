"""Conformance vectors for a bundle: short made-up sessions of its own tools, with what the runtime predicts in them.

No value in them is from a log: holes are filled with made-up text, results are built from the paths that rules read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from miner.runtime.canonical import canonical
from miner.runtime.conformance import vector_of
from miner.runtime.forms import fill
from miner.runtime.memory import path_text
from miner.runtime.model import Model
from miner.runtime.patterns import NO_CALL, PatternSet

MOST = 5
ENVIRONMENT = {"cwd": "/project"}
MESSAGE = "Please look into order A1B2C3 of x@example.org, in docs/notes.txt, line 42, since 2024-05-20."
TEXT = "docs/notes.txt:42: see https://example.org/page and src/main.py, number 7, code D4E5F6, on 2024-05-21"
_FIELD = re.compile(r"\.([^.\[\]{}~#]+)|(\[\])")


def vectors_of(model: Model) -> list[dict[str, Any]]:
    """A vector for an empty session, one after a message, and one after each of the commonest calls in turn."""
    patterns = model.patterns
    events: list[list[Any]] = [["decision"]]
    found = [vector_of(model, ENVIRONMENT, events)]
    events.append(["user", MESSAGE])
    found.append(vector_of(model, ENVIRONMENT, events))
    for number, form in enumerate(_commonest(patterns)):
        arguments = _arguments(model, form, number)
        tool = patterns.forms[form].tool
        events += [["decision"], ["call", tool, canonical(arguments), "ok", _result(patterns, tool, number)]]
        found.append(vector_of(model, ENVIRONMENT, events))
    return found


def _commonest(patterns: PatternSet) -> list[int]:
    """The forms that most often come, each of another tool."""
    general = patterns.contexts.get("", {})
    chosen: dict[str, int] = {}
    for form in sorted(general, key=lambda form: (-general[form], form)):
        if form != NO_CALL and patterns.forms[form].slots is not None:
            chosen.setdefault(patterns.forms[form].tool, form)
    return list(chosen.values())[: MOST - 2]


def _arguments(model: Model, form: int, number: int) -> dict[str, Any]:
    """The form with made-up values in its holes."""
    slots = model.patterns.forms[form].slots or ()
    values = {path_text(slot.path): f"docs/part{number}_{place}.txt" for place, slot in enumerate(slots)}
    return fill(slots, model.literals, values)


def _result(patterns: PatternSet, tool: str, number: int) -> str:
    """A JSON object with the fields that rules read from this tool's results; plain text when they read none."""
    root: dict[str, Any] = {}
    for place, path in enumerate(_paths(patterns, tool)):
        _put(root, path, f"G{number}H{place}J8")
    return canonical(root) if root else TEXT


def _paths(patterns: PatternSet, tool: str) -> Iterator[list[str]]:
    prefix = f"res:{tool}"
    for source in sorted({rule.source for rule in patterns.rules}):
        where = source.removeprefix(prefix)
        if source.startswith(prefix + "."):
            steps = [name or "[]" for name, _ in _FIELD.findall(where)]
            if "".join(step if step == "[]" else "." + step for step in steps) == where:
                yield steps


def _put(place: Any, steps: list[str], value: str) -> None:
    """Put a value at a path; a path that collides with another one is left out."""
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        fresh: Any = value if following is None else [] if following == "[]" else {}
        if step == "[]":
            if not isinstance(place, list):
                return
            if not place or following is None:
                place.append(fresh)
            place = place[-1]
        else:
            if not isinstance(place, dict):
                return
            place = place.setdefault(step, fresh)
