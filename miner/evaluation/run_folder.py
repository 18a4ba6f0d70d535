"""A run folder's part of evaluation and replay: predictors of a run, results written whole, the report beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from miner.errors import RunFolderError
from miner.evaluation.baselines import BASELINES, Fitted, fit_baselines, gate_of
from miner.evaluation.learning_curve import Fit
from miner.evaluation.overview import overview_section
from miner.evaluation.page import write_report
from miner.evaluation.report import sections
from miner.evaluation.split import Logs
from miner.predictors import Predictor, load_predictor
from miner.predictors.shuffled_arguments import Predictor as Shuffled

if TYPE_CHECKING:
    from miner.store.database import Store

SHIPPED = "shipped"
REPLAYED = (SHIPPED, "markov1", "oracle")
"""What a replay sets side by side unless told otherwise: what would be shipped, a plain one, and the ceiling."""
_MADE_BY = {"evaluation.json": "evaluate", "savings.json": "replay", "bundle.json": "export"}
CURVES = (SHIPPED, "markov1")
"""What is learnt anew for curves unless told otherwise."""


def fitted_predictors(
    run: Path, train: Logs, names: Iterable[str] | None = None, *, anew: bool = False
) -> dict[str, Fitted]:
    """The predictors to score: what would be shipped first, then the baselines and controls.

    ``anew`` learns what would be shipped from these training sessions instead of taking the run's bundle, which may
    have been mined from sessions that another split holds out. The shuffled control belongs to whatever stands
    first: its calls with unrelated arguments.
    """
    wanted = [SHIPPED, *BASELINES] if names is None else list(names)
    found: dict[str, Fitted] = {}
    if SHIPPED in wanted:
        shipped = _shipped(run, train, anew=anew)
        found[SHIPPED] = Fitted(shipped, gate_of(shipped, train))
        wanted.remove(SHIPPED)
    if found and "shuffled_arguments" in wanted:
        control = Shuffled(found[SHIPPED].predictor)
        control.fit(train())
        wanted.remove("shuffled_arguments")
        return found | fit_baselines(train, wanted) | {"shuffled_arguments": Fitted(control, found[SHIPPED].gate)}
    return found | fit_baselines(train, wanted)


def fits_of(names: Iterable[str] = CURVES) -> dict[str, Fit]:
    """How to learn each predictor anew from some sessions."""
    return {name: _fit_with(name) for name in names}


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
    advice = f"make it anew: miner {_MADE_BY.get(name, 'run LOGS --out')} {run}"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunFolderError(f"{name} is no JSON: {error}", where=str(path), next_step=advice) from error
    if not isinstance(value, dict):
        raise RunFolderError(f"{name} is no JSON object", where=str(path), next_step=advice)
    return value


def write_result(run: Path, name: str, value: Mapping[str, Any]) -> None:
    """Write a result, whole or not at all, and the report over everything that has been measured."""
    path = run / name
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)
    refresh_report(run)


def refresh_report(run: Path) -> None:
    """Write the report over everything that a run folder holds."""
    seen = read_result(run, "overview.json")
    opening = [overview_section(seen)] if seen else []
    write_report(run, [*opening, *sections(read_result(run, "evaluation.json"), read_result(run, "savings.json"))])


def _fit_with(name: str) -> Fit:
    return lambda train: fit_baselines(train, [name])[name]


def _shipped(run: Path, train: Logs, *, anew: bool) -> Predictor:
    """What would be shipped: the run's bundle, or one that is mined from these sessions."""
    kind: Any = load_predictor(SHIPPED)
    if (run / "bundle.json").exists() and not anew:
        return cast("Predictor", kind.from_run(run))
    predictor: Predictor = kind()
    predictor.fit(train())
    return predictor
