"""Mining as a whole: sessions -> pattern set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from miner.engines import EMBEDDED, Engine, Logs, load_engine, restricted
from miner.errors import SplitError
from miner.mining.calibrate import choose_gate, isotonic
from miner.mining.call_choices import CallCounts, CallKernel
from miner.mining.choice import Choices, CrossFit, by_trait
from miner.mining.counts import survey
from miner.mining.counts_file import Counts
from miner.mining.sample import sample
from miner.mining.selection import Selection, Thresholds, select
from miner.mining.serving import choose_serving
from miner.mining.tool_choices import ToolKernel, tables
from miner.mining.trace import Forms, Trace
from miner.mining.weighing import HoleChoices
from miner.runtime.memory import value_key, value_of
from miner.runtime.model import Model
from miner.runtime.patterns import Evidence, PatternSet

Say = Callable[[str], None]
TOP = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to mine."""

    folds: int = 5
    """Patterns are mined this many times, each time without one fold of the sessions, to weigh and calibrate."""
    form_groups: int = 2
    """Groups of sessions a form must occur in."""
    hole_priors: tuple[float, ...] = (1.0, 5.0, 20.0)
    tool_priors: tuple[float, ...] = (2.0, 6.0, 20.0)
    call_priors: tuple[float, ...] = (0.7, 2.0, 6.0)
    """Inverse variances of weights that are tried; held-out sessions choose."""
    precision: float = 0.83
    """What must hold at the gate."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    sample_calls: int = 20_000
    """Beyond so many calls, rules and calls are weighed on a sample; what is counted before is over all."""
    workers: int = 0
    """Processes; 0 for as many as there are cores. Changes no byte of what is mined."""
    engine: str = EMBEDDED
    """Where mining runs. Changes no byte of what is mined."""


def mine(
    logs: Logs,
    recipe: Recipe | None = None,
    say: Say = lambda _: None,
    engine: Engine | None = None,
    *,
    kept: Path | None = None,
    note: Say = lambda _: None,
) -> PatternSet:
    """Mine a pattern set: the same bytes on every engine, with any number of processes, anew or from what was kept.

    Args:
        logs: called for a fresh iterator over the sessions that train, always in the same order.
        recipe: how to mine.
        say: told what is being done, for a progress line.
        engine: where to mine; the recipe's, unless one is given.
        kept: a file with the counts of earlier runs, made if need be; only sessions that it lacks are surveyed.
        note: told what a reader of the patterns should know.

    Raises:
        SplitError: there is no session to learn from.
        MiningError: a process was ended from outside.
    """
    recipe = recipe or Recipe()
    with engine or load_engine(recipe.engine, recipe.workers) as place:
        with Counts(kept, recipe.folds) as counts:
            say("surveying where arguments come from")
            keys = survey(logs, counts, place)
            if not keys:
                raise SplitError(
                    "there is no session to learn from", next_step="give logs that hold at least one session"
                )
            summed = counts.sums(keys, recipe.thresholds)
            whole, *selections = [select(sums, recipe.thresholds) for sums in summed]
            del summed
            serving = choose_serving(counts.serving(keys))
            chosen = sample(counts.calls(keys), recipe.sample_calls)
        if not chosen.is_all:
            note(chosen.said())
            logs = restricted(logs, chosen.keys)
        patterns = _weighed(logs, whole, selections, recipe, say, place)
    patterns.serving = serving
    return patterns


def _weighed(
    logs: Logs, whole: Selection, selections: list[Selection], recipe: Recipe, say: Say, engine: Engine
) -> PatternSet:
    say("weighing argument rules")
    holes = HoleChoices([whole, *selections], recipe.folds)
    for counts in engine.parts(holes.kernel(whole), logs):
        holes.counts.extend(counts)
    traces = holes.counts.traces
    whole, *selections = [holes.distinct(selection) for selection in (whole, *selections)]
    holes.cross_fit(recipe.hole_priors, (whole, *selections), engine.map)
    say("mining without each fold in turn")
    partial = [
        Model(_patterns(selection, [trace for trace in traces if trace.fold != fold], holes, recipe, fold))
        for fold, selection in enumerate(selections)
    ]
    patterns = _patterns(whole, traces, holes, recipe, None)
    say("weighing tools")
    tools = Choices()
    for chosen in engine.parts(ToolKernel(partial, whole.words), logs):
        tools.extend(chosen)
    of_tools = tools.cross_fit(recipe.tool_priors, recipe.folds, engine.map)
    patterns.tool_weights, patterns.state_weights = tables(of_tools.whole)
    weighed = [Model(_knowing(model.patterns, of_tools, fold)) for fold, model in enumerate(partial)]
    say("weighing whole calls")
    calls = CallCounts()
    for taken in engine.parts(CallKernel(weighed), logs):
        calls.extend(taken)
    fit = calls.choices.cross_fit(recipe.call_priors, recipe.folds, engine.map)
    patterns.candidate_weights = by_trait(fit.whole)
    say("calibrating")
    _calibrate(patterns, calls.choices, fit, recipe)
    return patterns


def _knowing(patterns: PatternSet, fit: CrossFit, without: int) -> PatternSet:
    """A pattern set with the weights of tools that one fold had no part in."""
    tool_weights, state_weights = tables(fit.without[without])
    return replace(patterns, tool_weights=tool_weights, state_weights=state_weights)


def _patterns(
    selection: Selection, traces: list[Trace], holes: HoleChoices, recipe: Recipe, without: int | None
) -> PatternSet:
    forms = Forms(selection, traces, recipe.form_groups)
    rules, fitted = holes.holes(selection, without)
    used = {slot.literal for form in forms.forms for slot in form.slots or () if slot.literal is not None}
    literals = {
        hole: sorted((value_of(key) for key in keys if key in used), key=value_key)
        for hole, keys in sorted(selection.literals.items())
    }
    counted = holes.evidence_by_rule()
    evidence = [counted.get(rule, Evidence()) for rule in rules]
    return PatternSet(
        forms=forms.forms,
        literals={hole: values for hole, values in literals.items() if values},
        rules=rules,
        evidence=evidence,
        holes=fitted,
        successions=forms.successions(recipe.form_groups),
        contexts={key: dict(sorted(counts.items())) for key, counts in sorted(forms.contexts.items())},
    )


def _calibrate(patterns: PatternSet, choices: Choices, fit: CrossFit, recipe: Recipe) -> None:
    """Score each fold with weights fitted on the others; those scores meet what then happened."""
    scores: list[float] = []
    right: list[bool] = []
    for fold in range(recipe.folds):
        for shares, chosen in choices.shares(fit.without[fold], fold):
            best = np.argsort(-shares[1:], kind="stable")[:TOP] + 1
            scores.extend(float(share) for share in shares[best])
            right.extend(int(option) in chosen for option in best)
    patterns.calibration = isotonic(scores, right)
    model = Model(patterns)
    patterns.gate = choose_gate([model.calibrated(score) for score in scores], right, recipe.precision)
