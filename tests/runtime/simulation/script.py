"""Seeded agents: what they ask for, when they give up, and what a predictor that is right, wrong or hostile says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from miner.runtime.serving_rules import Serving
from miner.runtime.speculation import Speculation

from .world import KEYS, SERVING

READS = ("read", "read", "read", "view", "view", "ask", "shape", "now", "approve")
CHANGES = ("write", "write", "note", "unknown", "read_all")
_TWINS: tuple[Any, ...] = (1, 1.0, True, "1")


@dataclass(frozen=True)
class Ask:
    """One call of a batch."""

    tool: str
    arguments: dict[str, Any]
    after: float = 0.0
    """Seconds after the start of the batch."""
    timeout: float | None = None
    cancel_after: float | None = None
    host: bool = False
    """The host runs it itself and only tells."""


@dataclass(frozen=True)
class Step:
    """The model thinks, then asks for a batch."""

    think: float
    batch: tuple[Ask, ...]
    events: tuple[tuple[float, str], ...] = ()
    """(seconds after the start of thinking, what happens)."""


@dataclass(frozen=True)
class Script:
    """One agent's whole session."""

    seed: int
    steps: tuple[Step, ...]
    close_after: float | None = None
    """Cancel the agent after so many seconds."""
    neighbour: tuple[tuple[float, str, str], ...] = ()
    """What another agent changes in the same world: (seconds to wait, tool, key)."""


def script(seed: int, *, steps: int = 6, calm: bool = False) -> Script:
    """A random session; ``calm`` leaves out what makes a paired comparison meaningless."""
    rng = Random(f"script/{seed}")
    made = tuple(_step(rng, calm=calm) for _ in range(rng.randint(2, steps)))
    made = made if calm else tuple(_with_a_change(step, Random(f"meanwhile/{seed}")) for step in made)
    close = rng.uniform(0.0, 12.0) if not calm and rng.random() < 0.15 else None
    changes = () if calm or rng.random() < 0.5 else tuple(_change(rng) for _ in range(rng.randint(1, 6)))
    return Script(seed, made, close, changes)


def _change(rng: Random) -> tuple[float, str, str]:
    return rng.choice((0.02, 0.5, 2.0)), rng.choice(("write", "unknown", "note")), rng.choice(KEYS)


def _step(rng: Random, *, calm: bool) -> Step:
    batch = tuple(_ask(rng, calm=calm) for _ in range(rng.choice((0, 1, 1, 1, 2, 3))))
    batch += tuple(replace(ask, after=ask.after + 0.3) for ask in batch[:1] if ask.tool == "view")  # once more
    events = []
    if rng.random() < 0.25:
        events.append((rng.uniform(0.0, 3.0), rng.choice(("off", "strict", "policy", "jump", "back", "tools", "on"))))
    return Step(rng.choice((0.0, 0.05, 0.5, 1.5, 3.0, 6.0)), batch, tuple(events))


def _with_a_change(step: Step, rng: Random) -> Step:
    """What a part of something is read from is now and then changed just afterwards."""
    parts = [ask for ask in step.batch if "offset" in ask.arguments]
    if not parts or rng.random() < 0.5:
        return step
    key, after = parts[0].arguments["key"], parts[0].after + rng.choice((0.005, 0.05))
    return replace(step, batch=(*step.batch, Ask("write", {"key": key}, after)))


def _ask(rng: Random, *, calm: bool) -> Ask:
    tool = rng.choice(READS if rng.random() < 0.7 else CHANGES)
    arguments: dict[str, Any] = {"key": rng.choice(KEYS)}
    if tool == "shape":
        arguments["key"] = rng.choice(_TWINS)
    elif tool == "read" and rng.random() < 0.2:
        arguments["key"] = rng.choice(("broken", "error"))
    if tool == "read" and rng.random() < 0.3:
        arguments["why"] = rng.choice(("x", "y"))
    if tool == "view":
        part = {"offset": 2, "limit": 2}
        arguments |= rng.choice(({}, part, part, part, {"offset": 3}, {"offset": 4, "limit": 5}))
    after = rng.choice((0.0, 0.0, 0.0, 0.03, 0.3))
    if rng.random() < 0.12:
        return Ask(tool, arguments, after, timeout=rng.choice((0.005, 0.05, 0.2, 0.7)))
    if rng.random() < 0.12:
        return Ask(tool, arguments, after, cancel_after=rng.choice((0.0, 0.02, 0.3, 0.9)))
    return Ask(tool, arguments, after, host=rng.random() < 0.1)


class FaultyPredictorError(Exception):
    """The predictor broke."""


@dataclass
class Oracle:
    """A predictor that knows the script and uses it well or badly."""

    script: Script
    faults: float = 0.0
    position: int = 0
    rng: Random = field(init=False)
    serving: Serving = SERVING
    observed: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(f"oracle/{self.script.seed}")

    def start(self, session: str) -> Oracle:
        return self

    def observe_message(self, kind: str, text: str) -> None:
        self.observed.append((kind, text))

    def observe_call(self, tool: str, arguments: Mapping[str, Any], status: str, text: str) -> None:
        self.observed.append((tool, status))

    def predict(self, most: int) -> list[Speculation]:
        rng = self.rng
        if rng.random() < self.faults:
            raise FaultyPredictorError
        right = [ask for step in self.script.steps[self.position : self.position + 2] for ask in step.batch]
        guesses = [_guess(ask.tool, dict(ask.arguments), rng) for ask in right if rng.random() < 0.8]
        guesses += [_guess("view", {"key": ask.arguments["key"]}, rng) for ask in right if ask.tool == "view"]
        guesses += [_wrong(rng) for _ in range(rng.randint(0, 3))]
        rng.shuffle(guesses)
        return guesses

    def predict_after(self, parent: Speculation, status: str, text: str, most: int) -> list[Speculation]:
        if self.rng.random() < 0.5:
            return []
        tool = self.rng.choice(("read", "write", "ask"))
        origin = self.rng.choice(("constant", "result:read"))
        return [Speculation(tool, {"key": self.rng.choice(KEYS)}, 0.4, origins={"key": origin}, after=parent.identity)]


def _guess(tool: str, arguments: dict[str, Any], rng: Random) -> Speculation:
    origin = rng.choice(("constant", "constant", "constant", "user", "result:read"))
    origins = dict.fromkeys(arguments, origin)
    if rng.random() < 0.03:
        origins = {}
    return Speculation(tool, arguments, rng.choice((0.9, 0.9, 0.5, 1.0)), rng.randint(0, 5), origins=origins)


def _wrong(rng: Random) -> Speculation:
    """Calls nobody asked for, forbidden ones, twins of another type, and plain nonsense."""
    tool = rng.choice(("read", "read", "now", "shape", "ask", "write", "approve", "unknown", "read_all", "note"))
    key: Any = rng.choice((*KEYS, *_TWINS, "broken", "error"))
    if rng.random() < 0.05:
        return Speculation(tool, {"key": float("nan")}, 0.9, origins={"key": "constant"})
    if rng.random() < 0.05:
        return Speculation(tool, {"key": key}, rng.choice((0.0, -1.0, 7.0, float("nan"))), origins={"key": "constant"})
    return _guess(tool, {"key": key}, rng)
