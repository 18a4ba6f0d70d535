"""A session as it happens: a scripted agent thinks (drawn), calls tools (run and measured) and answers.

No model runs here, so the time an agent thinks is drawn from the distributions below, with the session's own seed;
the time a tool takes is measured while it runs. Both advance one clock, whose readings are the log's timestamps.
"""

from __future__ import annotations

import math
import random
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

THINK_SECONDS = (2.8, 0.55)
"""Median and sigma of the log-normal time a model thinks before it asks for calls or answers."""
NEXT_CALL_SECONDS = (0.12, 0.4)
"""The same, for each further call of one step: a model writes them one after the other."""
PERSON_SECONDS = (35.0, 0.8)
"""The same, for the time a person takes before the next message."""


class ToolError(Exception):
    """A tool's own refusal; its text is the call's result."""


@dataclass(frozen=True)
class Outcome:
    """What a tool gave: the text that the model sees and, where the log keeps one, a typed result."""

    text: str
    typed: Any = None
    failed: bool = False


Tool = Callable[..., Outcome]


@dataclass
class Call:
    """One call with its result and its measured time."""

    id: str
    tool: str
    arguments: dict[str, Any]
    start_us: int
    end_us: int = 0
    outcome: Outcome = field(default_factory=lambda: Outcome(""))
    child: Transcript | None = None


@dataclass
class Message:
    """What a person said."""

    text: str
    time_us: int
    rewinds: bool = False
    """True when it takes the place of the message before it, which is then abandoned with all that followed."""


@dataclass
class Step:
    """One answer of the model: text, and the calls it asks for in parallel."""

    start_us: int
    time_us: int
    text: str
    calls: list[Call]


class Transcript:
    """One session; ``messages`` and ``steps`` stand in ``entries`` in the order they happened."""

    def __init__(self, seed: str, tools: Mapping[str, Tool], start_us: int) -> None:
        self.chance = random.Random(seed)
        self.id = self.new_uuid()
        self.tools = tools
        self.now_us = start_us
        self.entries: list[Message | Step] = []

    def new_uuid(self) -> str:
        """A seeded UUID."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def likely(self, probability: float) -> bool:
        """True with that probability."""
        return self.chance.random() < probability

    def user(self, text: str, *, rewinds: bool = False) -> None:
        """A person says something, after a while if it is not the first thing."""
        if self.entries:
            self._wait(PERSON_SECONDS)
        self.entries.append(Message(text, self.now_us, rewinds))

    def answer(self, text: str) -> None:
        """The model answers and calls nothing."""
        start = self.now_us
        self._wait(THINK_SECONDS)
        self.entries.append(Step(start, self.now_us, text, []))

    def call(self, tool: str, text: str = "", /, **arguments: Any) -> Outcome:
        """The model asks for one call."""
        return self.calls([(tool, arguments)], text)[0]

    def calls(self, wanted: list[tuple[str, dict[str, Any]]], text: str = "") -> list[Outcome]:
        """The model asks for calls in parallel; they run in parallel, and the clock moves to the end of the last."""
        start = self.now_us
        self._wait(THINK_SECONDS)
        step = Step(start, self.now_us, text, [])
        for tool, arguments in wanted:
            step.calls.append(Call(self._call_id(), tool, arguments, self.now_us))
            self._wait(NEXT_CALL_SECONDS)
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(self._run, step.calls))
        self.now_us = max(self.now_us, *(call.end_us for call in step.calls))
        self.entries.append(step)
        return [call.outcome for call in step.calls]

    def delegate(self, arguments: dict[str, Any], script: Callable[[Transcript], str]) -> str:
        """The model hands a question to a sub-agent: a session of its own, which lasts as long as its parts."""
        start = self.now_us
        self._wait(THINK_SECONDS)
        call = Call(self._call_id(), "Agent", arguments, self.now_us)
        child = Transcript(f"{self.id}/{call.id}", self.tools, self.now_us)
        child.user(arguments["prompt"])
        found = script(child)
        call.end_us = self.now_us = child.now_us
        call.outcome, call.child = Outcome(found), child
        self.entries.append(Step(start, call.start_us, "", [call]))
        return found

    def _run(self, call: Call) -> None:
        began = time.perf_counter()
        try:
            call.outcome = self.tools[call.tool](**call.arguments)
        except ToolError as error:
            call.outcome = Outcome(str(error), failed=True)
        call.end_us = call.start_us + round((time.perf_counter() - began) * 1e6)

    def _wait(self, distribution: tuple[float, float]) -> None:
        median, sigma = distribution
        self.now_us += round(self.chance.lognormvariate(math.log(median), sigma) * 1e6)

    def _call_id(self) -> str:
        return f"{self.chance.getrandbits(96):024x}"
