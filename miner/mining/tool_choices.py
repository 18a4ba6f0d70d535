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
from miner.runtime.tool_choice import NO_TOOL, Seen


@dataclass(frozen=True, slots=True)
class ToolKernel:
    """Counts a run of sessions, each with the contexts of the model that was mined without its fold."""

    models: Sequence[Model]
    words: frozenset[str]
    """Words of the user that may tell, as traits."""

    def __call__(self, logs: Iterable[SessionLog]) -> Choices:
        """The choices of the sessions; decisions whose tools no context allows are none."""
        counting = _Counting(self.words)
        for log in logs:
            fold = fold_of(group_of(log), len(self.models))
            counting.add(log, self.models[fold], fold)
        return counting.choices


class _Counting:
    """What a run of sessions came to. Sessions see the same again and again: its features are numbered once."""

    def __init__(self, words: frozenset[str]) -> None:
        self.choices = Choices()
        self._words = words
        self._own: dict[Seen, list[int]] = {}
        """What is seen of a tool -> the numbers of its traits."""
        self._moments: dict[str, _Moments] = {}

    def add(self, log: SessionLog, model: Model, fold: int) -> None:
        """Take in one session."""
        predictor = SessionPredictor(model, environment_of(log), binds=False)
        for decision in decisions(log):
            for event in decision.observed:
                observe(predictor, event)
            asked = {call.tool or "" for call in decision.calls} or {NO_TOOL}
            tools = predictor.tools()
            chosen = tuple(place for place, seen in enumerate(tools) if seen.tool in asked)
            if chosen:
                moment = [
                    trait
                    for trait in predictor.outlook.moment()
                    if not trait.startswith("word ") or trait in self._words
                ]
                self.choices.add_numbered([self._option(seen, moment) for seen in tools], chosen, fold)

    def _option(self, seen: Seen, moment: Sequence[str]) -> list[int]:
        own = self._own.get(seen)
        if own is None:
            own = self._own[seen] = list(map(self.choices.number, seen.traits()))
        of_tool = self._moments.get(seen.tool)
        if of_tool is None:
            of_tool = self._moments[seen.tool] = _Moments(self.choices, seen.tool)
        return [*own, *map(of_tool.__getitem__, moment)]


class _Moments(dict[str, int]):
    """Trait of a moment -> the number of the feature that says it of one tool."""

    __slots__ = ("_choices", "_tool")

    def __init__(self, choices: Choices, tool: str) -> None:
        super().__init__()
        self._choices, self._tool = choices, tool

    def __missing__(self, trait: str) -> int:
        number = self[trait] = self._choices.number((trait, self._tool))
        return number


def tables(weights: Mapping[Hashable, float]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Weights of tools' traits, and of the moment's traits by tool, in thousandths."""
    state: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for feature, weight in weights.items():
        small = thousandths(weight)
        if isinstance(feature, tuple) and abs(small) >= LEAST_WEIGHT:
            state[feature[0]][feature[1]] = small
    return by_trait(weights), dict(state)
