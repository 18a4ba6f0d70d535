"""The pattern set: all that mining learned, as plain tables. On disk it is a bundle.

Weights are natural-log weights in thousandths, probabilities are parts per million: integers only, so that the same
input gives the same bytes on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .forms import Form
from .rules import Rule
from .serving_rules import ServingRule

NO_CALL = -1
"""The outcome of a decision at which the model asks for nothing."""


@dataclass(slots=True)
class Evidence:
    """What was counted about a rule, in calls of its tool whose argument was free to vary."""

    fired: int = 0
    right: int = 0
    sessions: int = 0
    """Sessions in which it was right."""
    counter_examples: list[str] = field(default_factory=list)
    """Up to three places, as session key and event number, where it fired and was wrong."""


@dataclass(slots=True)
class Hole:
    """How one argument is filled: competing rules and what else tells their values apart."""

    rules: list[int]
    """Indices into ``PatternSet.rules``."""
    weights: list[int]
    """One a rule: what it adds to the score of the value it proposes."""
    none: int = 0
    """Score of "none of these"."""
    traits: dict[str, int] = field(default_factory=dict)
    """Weights of what a value looks like (``s…``), how new it is (``a…``), how often it was used here (``u…``) and
    how many rules agree on it (``n…``)."""
    after: dict[str, dict[int, int]] = field(default_factory=dict)
    """Last signature -> rule -> what that rule's weight gains; the key -1 is "none of these"."""
    distinct: int = 0
    """Distinct values seen in mining: the most telling hole of a form is bound first."""


@dataclass(slots=True)
class PatternSet:
    """Contexts, forms, argument rules and how to weigh them."""

    forms: list[Form] = field(default_factory=list)
    literals: dict[str, list[Any]] = field(default_factory=dict)
    """Hole -> its fixed values."""
    rules: list[Rule] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    """One a rule; empty in a bundle."""
    holes: dict[str, Hole] = field(default_factory=dict)
    contexts: dict[str, dict[int, int]] = field(default_factory=dict)
    """Context -> outcome (a form, or NO_CALL) -> how often."""
    successions: dict[str, dict[str, int]] = field(default_factory=dict)
    """State of a tool's last call -> step to its next one ("" for one that is no step) -> how often."""
    candidate_weights: dict[str, int] = field(default_factory=dict)
    """Trait of a candidate -> weight; see ``ranking``."""
    tool_weights: dict[str, int] = field(default_factory=dict)
    """Trait of a tool as the next one -> weight; see ``tool_choice``. Empty: tools keep what contexts give them."""
    state_weights: dict[str, dict[str, int]] = field(default_factory=dict)
    """Trait of the moment -> tool ("" for no call) -> weight in the choice of the tool."""
    calibration: list[tuple[int, int]] = field(default_factory=list)
    """Raw score -> probability, both in parts per million, rising; between the points it is linear."""
    gate: int = 1_000_000
    """Least probability, in parts per million, at which a speculation is worth starting."""
    seconds: dict[str, int] = field(default_factory=dict)
    """Tool -> median running time in milliseconds, where logs tell."""
    serving: list[ServingRule] = field(default_factory=list)
    """Which calls the results of broader ones answer, sorted by tool."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Where it comes from: input hashes, settings, versions, held-out figures."""

    def tools(self) -> list[str]:
        """Every tool that has a form."""
        return sorted({form.tool for form in self.forms})
