"""What a context sees of a call: its tool, how it ended, and the class of an argument where that tells something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from miner.runtime.argument_class import CLASS_FUNCTIONS

OK = "ok"
ERROR = "error"
EMPTY = "empty"

_FAILURES = frozenset({"error", "denied", "cancelled", "timeout"})
_EMPTY_RESULTS = frozenset({"", "[]", "{}", "null", "None", '""'})


@dataclass(frozen=True, slots=True)
class Refinement:
    """Which argument of a tool is worth seeing, as which class, and the class names worth telling apart.

    A call whose argument falls in none of ``names`` keeps the plain signature of its tool, so the number of
    signatures is bounded by what mining found.
    """

    argument: str
    function: str
    """A name in ``CLASS_FUNCTIONS``."""
    names: frozenset[str]

    def name_of(self, arguments: Mapping[str, Any]) -> str:
        """The finest known class name of a call's argument; empty when there is none."""
        if self.argument in arguments:
            for name in CLASS_FUNCTIONS[self.function](arguments[self.argument]):
                if name in self.names:
                    return name
        return ""


def coarse_status(status: str | None, text: str | None) -> str:
    """``error`` when the call failed, ``empty`` when it succeeded and brought nothing, else ``ok``."""
    if status in _FAILURES:
        return ERROR
    if status == OK and text is not None and len(text) < 16 and text.strip() in _EMPTY_RESULTS:
        return EMPTY
    return OK


def signature(tool: str, status: str = OK, class_name: str = "") -> str:
    """The signature as text: ``Read``, ``Bash:git diff``, ``Bash:pytest (error)``."""
    refined = f"{tool}:{class_name}" if class_name else tool
    return refined if status == OK else f"{refined} ({status})"


def signature_of_call(
    tool: str,
    arguments: Mapping[str, Any],
    status: str | None,
    text: str | None,
    refinements: Mapping[str, Refinement],
) -> str:
    """The signature of a finished call under the refinements that mining chose."""
    refinement = refinements.get(tool)
    class_name = refinement.name_of(arguments) if refinement else ""
    return signature(tool, coarse_status(status, text), class_name)
