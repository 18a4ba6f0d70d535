"""What one message adds to a conversation, free of any dialect: words, calls, results, times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from miner.events import Caller, Status, TimeSource
from miner.readers.dialects import Role


@dataclass(frozen=True, slots=True)
class Call:
    """A call as a message holds it; ``arguments`` is an object, or text that may be JSON."""

    name: str
    arguments: Any
    id: str | None = None
    server: str | None = None
    caller: Caller = Caller.MODEL


@dataclass(frozen=True, slots=True)
class Result:
    """What came back for a call: found by ``id``, else by ``name``, else by order."""

    text: str | None
    id: str | None = None
    name: str | None = None
    status: Status = Status.UNKNOWN
    native_error: bool | None = None
    structured: Any = None
    exit_code: int | None = None
    truncated: bool = False
    start_us: int | None = None
    end_us: int | None = None
    """When the call itself ran, where a span measured it."""


@dataclass(slots=True)
class Turn:
    """One message, free of dialect; whoever made it completes it, afterwards nobody changes it."""

    role: Role
    text: str | None = None
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    uid: str | None = None
    time_us: int | None = None
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    think_us: int | None = None
    """How long the model took, where the log says."""
    start_us: int | None = None
    time_source: TimeSource = TimeSource.NATIVE
    """Where ``start_us`` and ``think_us`` come from."""
    response: str | None = None
    """Items with the same response id are one model step."""
    joins: bool = False
    """This is one item of a list in which a run of model items is one step."""
    compacts: bool = False
    """The host replaced what the model saw until here."""
    passed_over: int = 0
    """Parts of the message, or elements beside it, that are of no known kind and so are told nowhere."""
    line: int | None = None
