"""A run folder's part of evaluation and replay: predictors of a run, results written whole, the report beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from miner.errors import RunFolderError
from miner.evaluation.baselines import BASELINES, Fitted, fit_baselines, gate_of
from miner.evaluation.learning_curve import Fit
from miner.evaluation.page import write_report
from miner.evaluation.report import sections
from miner.evaluation.split import Logs
from miner.predictors import Predictor, load_predictor, predictor_names
from miner.predictors.shuffled_arguments import Predictor as Shuffled

if TYPE_CHECKING:
    from miner.store.database import Store

SHIPPED = "shipped"


def fitted_predictors(run: Path, train: Logs, names: Iterable[str] | None = None) -> dict[str, Fitted]:
    """The predictors to score: what would be shipped first, where there is one, then the baselines and controls.

    The shuffled control belongs to whatever stands first: its calls with unrelated arguments.
    """
    wanted = (
        list(names) if names is not None else [*(known for known in predictor_names() if known == SHIPPED), *BASELINES]
    )
    found: dict[str, Fitted] = {}
    if SHIPPED in wanted:
        shipped = _shipped(run, train)
        found[SHIPPED] = Fitted(shipped, gate_of(shipped, train))
        wanted.remove(SHIPPED)
    if found and "shuffled_arguments" in wanted:
        control = Shuffled(found[SHIPPED].predictor)
        control.fit(train())
        wanted.remove("shuffled_arguments")
        return found | fit_baselines(train, wanted) | {"shuffled_arguments": Fitted(control, found[SHIPPED].gate)}
    return found | fit_baselines(train, wanted)


def replayed_by_default() -> list[str]:
    """What a replay sets side by side: what would be shipped (else the best simple one), a plain one, the ceiling."""
    best = SHIPPED if SHIPPED in predictor_names() else "variable_order"
    return [best, "markov1", "oracle"]


def fits_of(names: Iterable[str] = ()) -> dict[str, Fit]:
    """How to learn each predictor anew from some sessions, for curves; two plain baselines unless named."""
    return {name: _fit_with(name) for name in names or ("markov1", "variable_order")}


def open_store(run: Path) -> Store:
    """The events of a run folder, for reading.

    Raises:
        RunFolderError: no such folder, or one without events.
    """
    from miner.store.database import Store

    if not (run / "events.duckdb").is_file():
        raise RunFolderError(
            "this is no run folder: it holds no events", where=str(run), next_step=f"miner run LOGS --out {run}"
        )
    return Store.open(run / "events.duckdb", read_only=True)


def read_result(run: Path, name: str) -> dict[str, Any] | None:
    """A result of a run folder; None when that step has not been run.

    Raises:
        RunFolderError: no such folder, or a file that is no JSON object.
    """
    if not run.is_dir():
        raise RunFolderError("there is no such run folder", where=str(run), next_step=f"miner run LOGS --out {run}")
    path = run / name
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunFolderError(f"{name} is no JSON: {error}", where=str(path), next_step="run that step again") from error
    if not isinstance(value, dict):
        raise RunFolderError(f"{name} is no JSON object", where=str(path), next_step="run that step again")
    return value


def write_result(run: Path, name: str, value: Mapping[str, Any]) -> None:
    """Write a result, whole or not at all, and the report over everything that has been measured."""
    path = run / name
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)
    evaluation, savings = read_result(run, "evaluation.json"), read_result(run, "savings.json")
    write_report(run, sections(evaluation, savings))


def _fit_with(name: str) -> Fit:
    return lambda train: fit_baselines(train, [name])[name]


def _shipped(run: Path, train: Logs) -> Predictor:
    """What would be shipped: from the run's bundle where the predictor can be had from it, else learnt anew."""
    kind: Any = load_predictor(SHIPPED)
    if hasattr(kind, "from_run"):
        return cast("Predictor", kind.from_run(run))
    predictor: Predictor = kind()
    predictor.fit(train())
    return predictor
