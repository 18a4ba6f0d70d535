"""Anything that ranks the next call, one file each: the baselines, and ``shipped``, the runtime through a bundle.

A predictor is a module in this folder that defines a class ``Predictor`` with a no-argument constructor (or one
that takes ``Settings``), whose instances follow the protocol below. Prediction is pure: asking twice gives the same
answer, and only ``observe`` changes a walk.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from miner.errors import UsageError
from miner.events import Event, Session, SessionLog
from miner.runtime.speculation import Speculation


class Walk(Protocol):
    """One session as a predictor follows it."""

    def observe(self, event: Event) -> None:
        """Take in a message, a model text, or a call with its result."""
        ...

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The likeliest calls at this decision, best first, no two the same; empty is abstention."""
        ...


class Predictor(Protocol):
    """Learns from training sessions, then walks others."""

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Learn. Sessions come once, in a stated order."""
        ...

    def start(self, session: Session) -> Walk:
        """A fresh walk through one session."""
        ...


def predictor_names() -> list[str]:
    """Every predictor, by file name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load_predictor(name: str) -> type[Predictor]:
    """The class of that name; an unknown name is refused with the known ones."""
    if name not in predictor_names():
        raise UsageError(f"there is no predictor called {name!r}", next_step="known: " + ", ".join(predictor_names()))
    return cast("type[Predictor]", importlib.import_module(f"{__name__}.{name}").Predictor)
