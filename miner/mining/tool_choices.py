"""Which tool each decision took among those that its contexts allow, "no call" among them.

Like whole calls, tools are weighed with models that were mined without the session at hand (cross-fitting; Stone 1974).
Nothing is bound for it, so it reads no results.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from miner.events import SessionLog
from miner.mining.choice import Choices, by_trait, thousandths
from miner.mining.decisions import decisions
from miner.mining.survey import environment_of, group_of
from miner.mining.telling import observe
from miner.mining.trace import fold_of
from miner.mining.weighing import LEAST_WEIGHT
from miner.runtime.model import Model
from miner.runtime.predictor import SessionPredictor
from miner.runtime.tool_choice import NO_TOOL


@dataclass(frozen=True, slots=True)
class ToolKernel:
    """Counts a run of sessions, each with the contexts of the model that was mined without its fold."""

    models: Sequence[Model]
    words: frozenset[str]
    """Words of the user that may tell, as traits."""

    def __call__(self, logs: Iterable[SessionLog]) -> Choices:
        """The choices of the sessions; decisions whose tools no context allows are none."""
        choices = Choices()
        for log in logs:
            fold = fold_of(group_of(log), len(self.models))
            self._add(choices, log, self.models[fold], fold)
        return choices

    def _add(self, choices: Choices, log: SessionLog, model: Model, fold: int) -> None:
        predictor = SessionPredictor(model, environment_of(log), binds=False)
        for decision in decisions(log):
            for event in decision.observed:
                observe(predictor, event)
            moment = [
                trait for trait in predictor.outlook.moment() if not trait.startswith("word ") or trait in self.words
            ]
            asked = {call.tool or "" for call in decision.calls} or {NO_TOOL}
            tools = predictor.tools()
            options: list[list[Hashable]] = [
                [*seen.traits(), *((trait, seen.tool) for trait in moment)] for seen in tools
            ]
            chosen = tuple(place for place, seen in enumerate(tools) if seen.tool in asked)
            if chosen:
                choices.add(options, chosen, fold)


def tables(weights: Mapping[Hashable, float]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Weights of tools' traits, and of the moment's traits by tool, in thousandths."""
    state: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for feature, weight in weights.items():
        small = thousandths(weight)
        if isinstance(feature, tuple) and abs(small) >= LEAST_WEIGHT:
            state[feature[0]][feature[1]] = small
    return by_trait(weights), dict(state)
