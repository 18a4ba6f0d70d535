"""Which call each decision took among the candidates, "no call" among them.

The second conditional logit. It sees only candidates made by patterns that were mined without the session at hand
(cross-fitting; Stone 1974), so what it learns holds for sessions nobody has seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from miner.events import SessionLog
from miner.mining.choice import Choices
from miner.mining.decisions import decisions
from miner.mining.survey import arguments_of, environment_of, group_of
from miner.mining.telling import observe
from miner.mining.trace import fold_of
from miner.runtime.canonical import call_identity
from miner.runtime.model import Model
from miner.runtime.predictor import SessionPredictor


@dataclass(slots=True)
class CallCounts:
    """What a run of sessions came to; runs that follow each other are put together by ``extend``."""

    choices: Choices = field(default_factory=Choices)
    missed: Counter[str] = field(default_factory=Counter)
    """Tool -> calls that were no candidate."""

    def extend(self, later: CallCounts) -> None:
        """Take in the counts of the sessions that follow."""
        self.choices.extend(later.choices)
        self.missed.update(later.missed)


@dataclass(frozen=True, slots=True)
class CallKernel:
    """Counts a run of sessions, each with candidates of the model that was mined without its fold."""

    models: Sequence[Model]

    def __call__(self, logs: Iterable[SessionLog]) -> CallCounts:
        """The counts of the sessions."""
        counts = CallCounts()
        for log in logs:
            fold = fold_of(group_of(log), len(self.models))
            self._add(counts, log, self.models[fold], fold)
        return counts

    def _add(self, counts: CallCounts, log: SessionLog, model: Model, fold: int) -> None:
        predictor = SessionPredictor(model, environment_of(log))
        for decision in decisions(log):
            predictor.decision_starts()
            for event in decision.observed:
                observe(predictor, event)
            asked = {call_identity(call.tool or "", arguments_of(call)): call.tool or "" for call in decision.calls}
            no_call, candidates = predictor.candidates()
            options: list[list[Hashable]] = [list(no_call)]
            chosen = []
            for number, (candidate, traits) in enumerate(candidates, 1):
                options.append(list(traits))
                identity = call_identity(candidate.tool, candidate.arguments)
                if identity in asked:
                    chosen.append(number)
                    del asked[identity]
            counts.missed.update(asked.values())
            counts.choices.add(options, tuple(chosen) or (0,), fold)
