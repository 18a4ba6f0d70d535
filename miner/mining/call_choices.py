"""Which call each decision took among the candidates, "no call" among them.

The second conditional logit. It sees only candidates made by patterns that were mined without the session at hand
(cross-fitting; Stone 1974), so what it learns holds for sessions nobody has seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from miner.events import SessionLog
from miner.mining.choice import Choices, thousandths
from miner.mining.decisions import decisions
from miner.mining.survey import arguments_of, environment_of, group_of
from miner.mining.telling import observe
from miner.mining.trace import fold_of
from miner.mining.weighing import LEAST_WEIGHT
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
    words: frozenset[str]
    """Words of the user that may tell."""

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
            moment = [
                trait
                for trait in predictor.moment()
                if not trait.startswith("word ") or trait[5:] in self.words or trait in self.words
            ]
            asked = {call_identity(call.tool or "", arguments_of(call)): call.tool or "" for call in decision.calls}
            options: list[list[Hashable]] = [[(trait, "") for trait in moment]]
            chosen = []
            for number, (candidate, traits) in enumerate(predictor.candidates(), 1):
                features: list[Hashable] = list(traits)
                features.extend((trait, candidate.tool) for trait in moment)
                options.append(features)
                identity = call_identity(candidate.tool, candidate.arguments)
                if identity in asked:
                    chosen.append(number)
                    del asked[identity]
            counts.missed.update(asked.values())
            counts.choices.add(options, tuple(chosen) or (0,), fold)


def tables(weights: Mapping[Hashable, float]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Weights of candidates' traits, and of the moment's traits by tool, in thousandths."""
    candidate: dict[str, int] = {}
    state: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for feature, weight in weights.items():
        small = thousandths(weight)
        if isinstance(feature, str):
            if small:
                candidate[feature] = small
        elif isinstance(feature, tuple) and abs(small) >= LEAST_WEIGHT:
            state[feature[0]][feature[1]] = small
    return candidate, dict(state)
