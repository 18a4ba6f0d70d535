"""Training and held-out sessions, fitted predictors -> the content of evaluation.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from miner.evaluation.baselines import Fitted
from miner.evaluation.bootstrap import DRAWS
from miner.evaluation.calibration import precision_recall, reliability
from miner.evaluation.compare import per_session
from miner.evaluation.controls import controls
from miner.evaluation.leakage import Fingerprints, compare
from miner.evaluation.metrics import DEFINITIONS, Slice, Table, metrics, whole
from miner.evaluation.score import Ignored, Scores, moments
from miner.evaluation.serving import HeldOutServing, rules_of
from miner.evaluation.split import Logs, without
from miner.evaluation.times import CAP_S
from miner.events import Session

FORMAT = 1
POSITIONS = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 19), (20, 49), (50, None))
"""First and last decision of each stretch of a session."""

LevelOf = Callable[[str], str]
"""Tool -> how far it may be executed early: never, warm, dry_run, full."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be said about an evaluation, beyond its sessions and predictors."""

    how: str = "given: every session of LOGS trains, every session of --test is scored"
    level_of: LevelOf = lambda tool: "never"  # noqa: ARG005 - a policy that allows nothing
    policy: str = "nothing may be executed early"
    ignored: Ignored = field(default_factory=dict)
    """Tool -> arguments that are left out of the comparison because they do not change its result."""
    cap_s: float = CAP_S
    base: str = "variable_order"
    """The predictor that the controls are held against."""
    draws: int = DRAWS
    """Draws of sessions behind every interval; 0 leaves intervals out."""


@dataclass(slots=True)
class Scored:
    """The held-out sessions and each predictor's outcomes on them."""

    sessions: list[Session]
    tables: dict[str, Table]
    gates: dict[str, float]
    serving: dict[str, Any]
    """How the serving rules of what would be shipped fare on these sessions."""


def score_all(test: Logs, predictors: Mapping[str, Fitted], options: Options | None = None) -> Scored:
    """Walk every held-out session once with every predictor; one session is in memory at a time."""
    options = options or Options()
    collected = {name: Scores(name, options.ignored) for name in predictors}
    serving = HeldOutServing(rules_of(fitted.predictor for fitted in predictors.values()))
    sessions = []
    for log in test():
        sessions.append(log.session)
        ready = moments(log, options.cap_s, options.ignored)
        record = serving.session(log)
        serves = None if record is None else record.serves
        for name, scores in collected.items():
            scores.add(predictors[name].predictor, log, ready, serves)
    tables = {name: scores.table() for name, scores in collected.items()}
    gates = {name: fitted.gate for name, fitted in predictors.items()}
    return Scored(sessions, tables, gates, serving.as_json())


def evaluate(
    train: Logs, test: Logs, predictors: Mapping[str, Fitted], options: Options | None = None
) -> dict[str, Any]:
    """The content of evaluation.json.

    Raises:
        SplitError: a held-out session was seen in training, or a part is empty.
    """
    options = options or Options()
    known = Fingerprints()
    for log in train():
        known.add(log)
    leakage = compare(known, test())
    leakage.refuse()
    scored = score_all(without(test, leakage.left_out), predictors, options)
    _add_ceiling(scored.tables)
    split = {
        "how": options.how,
        "train_sessions": len(known.keys),
        "test_sessions": len(scored.sessions),
        "leakage": leakage.as_json(),
    }
    measured = {
        name: figures(table, scored.gates[name], scored.sessions, options) for name, table in scored.tables.items()
    }
    return {
        "format": FORMAT,
        "tier": "replay: predictions on recorded sessions, nothing executed",
        "split": split,
        "interval": f"95 %, bootstrap over sessions, {options.draws} draws, percentile",
        "definitions": {name: definition._asdict() for name, definition in DEFINITIONS.items()},
        "ignored_arguments": {tool: list(names) for tool, names in sorted(options.ignored.items())},
        "policy": options.policy,
        "serving": scored.serving,
        "controls": controls(measured, options.base),
        "predictors": measured,
    }


def figures(table: Table, gate: float, sessions: Sequence[Session], options: Options) -> dict[str, Any]:
    """One predictor's figures: overall, and by tool, source, position and policy level."""
    level_of, draws = options.level_of, options.draws
    source = np.array([source_of(session) for session in sessions], dtype=object)
    by_tool = {tool: metrics(table, gate, _of_tools(table, {tool}), draws=0) for tool in sorted(set(table.call_tool))}
    by_source = {
        name: metrics(table, gate, _of_sessions(table, source == name), draws=draws) for name in sorted(set(source))
    }
    by_position = {
        _span(low, high): metrics(table, gate, _of_positions(table, low, high), draws=0)
        for low, high in POSITIONS
        if (table.decision_position >= low).any()
    }
    by_arguments = {
        said: metrics(table, gate, whole(table)._replace(calls=table.bare == bare), draws=draws)
        for said, bare in (("some", 0), ("none", 1))
    }
    tools = set(table.call_tool) | set(table.guess_tool)
    levels = sorted({level_of(tool) for tool in tools})
    by_level = {
        level: metrics(table, gate, _of_tools(table, {tool for tool in tools if level_of(tool) == level}), draws=draws)
        for level in levels
    }
    return {
        "gate": gate,
        "overall": metrics(table, gate, draws=draws),
        "by_tool": by_tool,
        "by_source": by_source,
        "by_position": by_position,
        "by_arguments": by_arguments,
        "by_policy": by_level,
        "reliability": reliability(table.chance, table.right),
        "precision_recall": precision_recall(table.chance, table.right, table.call_chance),
        "per_session": per_session(table, gate, [session.key for session in sessions]),
    }


def source_of(session: Session) -> str:
    """Where a session comes from: its format, and what it worked on where that is known."""
    return f"{session.reader}/{session.application}" if session.application else session.reader


def _add_ceiling(tables: Mapping[str, Table]) -> None:
    """What the shipped rules could have produced is a fact about the calls, so every predictor's figures carry it.

    The oracle keeps its own: what anything could have known, rules or not.
    """
    known = [name for name in ("shipped", "oracle", *tables) if name in tables and (tables[name].reachable >= 0).any()]
    for name, table in tables.items():
        if known and name != "oracle":
            table.reachable = tables[known[0]].reachable


def _of_tools(table: Table, tools: set[Any]) -> Slice:
    """Calls and predictions of these tools, and the decisions that ended in a call of one."""
    calls = np.fromiter((tool in tools for tool in table.call_tool), bool, len(table.call_tool))
    guesses = np.fromiter((tool in tools for tool in table.guess_tool), bool, len(table.guess_tool))
    at = set(zip(table.call_session[calls], table.call_position[calls], strict=True))
    places = zip(table.decision_session, table.decision_position, strict=True)
    return Slice(calls, guesses, np.fromiter((place in at for place in places), bool, len(table.best)))


def _of_sessions(table: Table, chosen: Any) -> Slice:
    return Slice(chosen[table.call_session], chosen[table.guess_session], chosen[table.decision_session])


def _of_positions(table: Table, low: int, high: int | None) -> Slice:
    def inside(position: Any) -> Any:
        return (position >= low) & (position <= high) if high is not None else position >= low

    return Slice(inside(table.call_position), inside(table.guess_position), inside(table.decision_position))


def _span(low: int, high: int | None) -> str:
    if high is None:
        return f"{low}+"
    return str(low) if low == high else f"{low}-{high}"
