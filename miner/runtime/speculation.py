"""A speculation: a call that may come next, with its arguments bound against the live session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from miner.runtime.canonical import call_identity


@dataclass(frozen=True, slots=True)
class Speculation:
    """One predicted call.

    ``probability`` is the calibrated chance that the model asks for exactly this call at this decision. ``rules``
    says, for each argument, which rule of the bundle gave its value, and ``origins`` from where in the session it
    was bound: the policy decides on those what may leave for where.
    """

    tool: str
    arguments: dict[str, Any]
    probability: float
    pattern: int | None = None
    """Index in the bundle's pattern table."""
    rules: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Argument -> where its value was seen: ``constant``, ``user``, ``environment``, ``result:<tool>`` or
    ``argument:<tool>``."""
    swept: dict[str, str] = field(default_factory=dict)
    """For a call that goes on with a sweep: argument -> place of the rows, one of which gave its value."""
    after: str | None = None
    """Identity of the speculation whose result it is bound to, for the later steps of a beam."""

    @property
    def identity(self) -> str:
        """Equal to the identity of the real call that it answers."""
        return call_identity(self.tool, self.arguments)
