"""One speculation on its way: admitted, running, kept or joined, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from .invalidation import World
from .policy import Verdict
from .results import Snapshot
from .speculation import Speculation


class Mode(StrEnum):
    """The steps of a roll-out."""

    OFF = "off"
    """Plain calls; nothing is predicted."""
    SHADOW = "shadow"
    """Predicts, judges and keeps the ledger; executes nothing."""
    ON = "on"
    """Launches what the policy allows."""


class State(StrEnum):
    """Where a run stands for the agent; whether its work has physically ended is told apart (``Run.ended``)."""

    ADMITTED = "admitted"
    RUNNING = "running"
    KEPT = "kept"
    JOINED = "joined"
    """A real call waits for it: from now on it is that call."""
    DELIVERED = "delivered"
    DROPPED = "dropped"


@dataclass(slots=True, eq=False)
class Run:
    """A speculation that was admitted, with what must still hold when its result is claimed."""

    number: int
    session: str
    speculation: Speculation
    verdict: Verdict
    key: str
    """What a real call must equal: the tool and its arguments without the irrelevant ones."""
    generation: int
    """Of policy, tools and mode: a change in between discards the result."""
    net_s: float
    world: World
    state: State = State.ADMITTED
    tick: int = 0
    """The world's tick when the run began."""
    started_s: float = 0.0
    ended_s: float = 0.0
    ended: bool = True
    """False while its work is physically going on, also after it was given up."""
    result: Snapshot | None = None
    deliveries: int = 0
    answered: set[str] = field(default_factory=set)
    """Narrower calls that were answered from its result, by their keys."""
    failed: bool = False
    """It gave no result that can be kept, of itself."""
    handle: Any = None
    """The task or thread that works on it; belongs to the flavour."""

    @property
    def tool(self) -> str:
        """The tool that is predicted to be asked for."""
        return self.speculation.tool


class Orphan(NamedTuple):
    """Work of a speculation that could not be stopped when its session was closed: it may still be going on."""

    tool: str
    run: int


class Walk(Protocol):
    """What follows one session and predicts its next calls.

    A walk may also have ``decision_starts()``, called before what is new to a decision is observed, and
    ``predict_after(speculation, status, text, most)``: what follows if that speculation comes true, for beams.
    """

    def observe_message(self, kind: str, text: str) -> None:
        """A message: ``user``, ``host``, or ``said`` for the model's own text."""
        ...

    def observe_call(self, tool: str, arguments: dict[str, Any], status: str, text: str) -> None:
        """A finished call of the agent."""
        ...

    def predict(self, most: int) -> Sequence[Speculation]:
        """The likeliest next calls, best first."""
        ...


class Predictor(Protocol):
    """What starts a walk for each session, such as a loaded bundle.

    It may also have ``tool_seconds``, how long each tool's calls usually take, and its ``start`` may take the
    session's environment (``cwd`` and the like), which it is given for sessions that have one.
    """

    def start(self, session: str) -> Walk:
        """A fresh walk."""
        ...
