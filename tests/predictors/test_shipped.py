"""What ships: the way through a bundle changes no prediction, and a run's bundle is what a run's predictor knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.errors import RunFolderError
from miner.mining.decisions import decisions
from miner.mining.mine import mine
from miner.mining.survey import environment_of
from miner.mining.telling import observe
from miner.predictors.shipped import Predictor
from miner.runtime.bundle import bundle_bytes
from miner.runtime.model import Model
from miner.runtime.predictor import SessionPredictor
from tests.evaluation.sessions import session_of

LIST = ("list", {"folder": "docs"})
TRAINING = [
    session_of(f"s{n}", f"task {n}", [LIST], [("open", {"path": f"docs/{n % 4}.txt"})], [("count", {"n": n})], [])
    for n in range(16)
]
NEW = session_of("new", "task", [LIST], [("open", {"path": "docs/3.txt"})], [], "more", [LIST], [])


def test_bundle_changes_no_prediction() -> None:
    """Calls, probabilities and rules are those of the mined patterns themselves."""
    patterns = mine(lambda: iter(TRAINING))
    direct = SessionPredictor(Model(patterns), environment_of(NEW))
    shipped = Predictor()
    shipped.fit(TRAINING)
    walk = shipped.start(NEW.session)
    for decision in decisions(NEW):
        direct.decision_starts()
        for event in decision.observed:
            observe(direct, event)
            walk.observe(event)
        assert list(walk.predict()) == direct.predict()
    assert shipped.gate == patterns.gate / 1e6


def test_predictor_of_a_run_is_its_bundle(tmp_path: Path) -> None:
    """A run's predictor reads the run's bundle, and says so when there is none that can be used."""
    with pytest.raises(RunFolderError, match="unreadable"):
        Predictor.from_run(tmp_path)
    (tmp_path / "bundle.json").write_bytes(b"{}")
    with pytest.raises(RunFolderError, match="wrong_format"):
        Predictor.from_run(tmp_path)
    patterns = mine(lambda: iter(TRAINING))
    (tmp_path / "bundle.json").write_bytes(bundle_bytes(patterns))
    assert Predictor.from_run(tmp_path).gate == patterns.gate / 1e6
