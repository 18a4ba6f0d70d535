"""What ships: the runtime, predicting from a bundle that was written to bytes and read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from miner.errors import RunFolderError
from miner.events import Event, EventKind, Session, SessionLog
from miner.runtime.bundle import Bundle, bundle_bytes, load_bundle
from miner.runtime.canonical import canonical
from miner.runtime.errors import BundleError
from miner.runtime.patterns import PatternSet
from miner.runtime.predictor import SessionPredictor
from miner.runtime.serving_rules import ServingRule
from miner.runtime.speculation import Speculation

_MILLION = 1_000_000


class Predictor:
    """Mines, writes a bundle, reads it, and from then on knows nothing but the bundle."""

    def __init__(self, bundle: Bundle | None = None) -> None:
        self._bundle = bundle or load_bundle(bundle_bytes(PatternSet()))

    @classmethod
    def from_run(cls, run: Path) -> Self:
        """The predictor that a run folder would ship.

        Raises:
            RunFolderError: the folder holds no bundle that can be read.
        """
        path = run / "bundle.json"
        try:
            return cls(load_bundle(path))
        except BundleError as error:
            raise RunFolderError(
                f"the run's bundle cannot be used: {error}", where=str(path), next_step=f"miner export {run}"
            ) from error

    @property
    def gate(self) -> float:
        """The probability from which the bundle says that a speculation is worth starting."""
        return self._bundle.patterns.gate / _MILLION

    @property
    def serving_rules(self) -> list[ServingRule]:
        """Which calls the results of broader ones answer, as the bundle says."""
        return self._bundle.patterns.serving

    def fit(self, sessions: Iterable[SessionLog]) -> None:
        """Mine the sessions and take the way through a bundle."""
        from miner.mining.mine import mine
        from miner.mining.withhold import unwritable, withhold

        logs = list(sessions)
        patterns, _ = withhold(mine(_again(logs)) if logs else PatternSet(), unwritable)
        self._bundle = load_bundle(bundle_bytes(patterns))

    def start(self, session: Session) -> _Walk:
        """A fresh walk that knows the session's environment."""
        from miner.mining.survey import environment_of

        return _Walk(SessionPredictor(self._bundle.model, environment_of(SessionLog(session, ()))))


class _Walk:
    def __init__(self, predictor: SessionPredictor) -> None:
        self._predictor = predictor
        self._decided = True

    def observe(self, event: Event) -> None:
        """Take in an event as a live host would tell it; the first after a prediction opens the next decision."""
        from miner.mining.telling import observe

        if self._decided:
            self._predictor.decision_starts()
            self._decided = False
        if event.kind is EventKind.TOOL_CALL and not _is_json(event.arguments):
            return
        observe(self._predictor, event)

    def reaches(self, call: Event) -> bool:
        """Whether the bundle's rules could have produced the call, however unlikely."""
        if not _is_json(call.arguments):
            return False
        from miner.mining.survey import arguments_of

        return self._predictor.could_produce(call.tool or "", arguments_of(call))

    def predict(self, most: int = 5) -> Sequence[Speculation]:
        """The likeliest calls at this decision; to ask for none passes it by, which costs nothing."""
        self._decided = True
        return self._predictor.predict(most) if most else ()

    def tool_chances(self) -> dict[str, float]:
        """How likely each tool is at this decision; the empty name stands for no call."""
        return self._predictor.tool_chances()

    def predict_after(self, parent: Speculation, call: Event, most: int = 5) -> Sequence[Speculation]:
        """The likeliest calls after a prediction that came true as this call, once its result is there."""
        return self._predictor.predict_after(parent, call.status or "ok", call.text, most)


def _is_json(arguments: str | None) -> bool:
    """Whether a runtime could have seen these arguments: no host passes on text that is no JSON."""
    try:
        canonical(json.loads(arguments or "{}"))
    except (ValueError, RecursionError):
        return False
    return True


def _again(logs: list[SessionLog]) -> Callable[[], Iterator[SessionLog]]:
    return lambda: iter(logs)
