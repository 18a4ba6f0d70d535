"""A session seen as decisions: what the model knew when it started to think, and what it then asked for.

Mining, every predictor, evaluation and replay walk sessions through this one function, so they agree on what a
decision is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from miner.events import Caller, Event, EventKind, SessionLog


@dataclass(frozen=True, slots=True)
class Decision:
    """A moment at which the model starts to think.

    ``observed`` is what became known since the previous decision, in the order the model saw it: messages, the text
    of its previous step, and calls with their results. ``calls`` is what it then asked for: none, one, or several
    in parallel.
    """

    index: int
    observed: tuple[Event, ...]
    step: Event | None
    """The model step itself (its text and times), where the log has one."""
    calls: tuple[Event, ...]


def decisions(log: SessionLog) -> Iterator[Decision]:
    """The decisions of a session, oldest first.

    Only the model's own calls count as asked for; calls of a simulated user, of a program or of the host are
    observed, because their results are known to the next decision.
    """
    known: list[Event] = []
    later: list[Event] = []
    step: Event | None = None
    calls: list[Event] = []
    number: int | None = None
    index = 0
    for event in log.events:
        asked = is_asked_for(event)
        if (asked or event.kind is EventKind.MODEL_STEP) and event.step != number:
            if number is not None:
                yield Decision(index, tuple(known), step, tuple(calls))
                index += 1
                said = [step] if step is not None and step.text else []
                known = [*said, *calls, *later]
            step, calls, later, number = None, [], [], event.step
        if event.kind is EventKind.MODEL_STEP:
            step = event
        elif asked:
            calls.append(event)
        elif number is None:
            known.append(event)
        else:
            later.append(event)
    if number is not None:
        yield Decision(index, tuple(known), step, tuple(calls))


def is_asked_for(event: Event) -> bool:
    """True for a call that the model itself asked for: the only kind that is predicted."""
    return event.kind is EventKind.TOOL_CALL and event.caller in (Caller.MODEL, None)
