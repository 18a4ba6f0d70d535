"""The whole journey on the sample logs: once, again, with more logs, after a kill, and on logs that hold too little."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from miner.cli import main
from miner.journey.folder import RunFolder, open_run
from miner.journey.recipe import recipe_of
from miner.mining.mine import Recipe
from miner.runtime.bundle import load_bundle
from miner.runtime.conformance import failures
from miner.settings import Settings, settings_from
from tests.conftest import Said

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample" / "messages"
FILES = ("patterns.json", "evaluation.json", "savings.json", "bundle.json", "bundle.txt", "run.json", "report.html")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings without the costly intervals."""
    path = tmp_path_factory.mktemp("settings") / "quick.toml"
    path.write_text("[evaluation]\nresamples = 20\n")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, quick: Path) -> Path:
    """A run folder of the sample's message lists."""
    run = tmp_path_factory.mktemp("journey") / "run"
    assert main(["run", str(SAMPLE), "--out", str(run), "--settings", str(quick)]) == 0
    return run


def _json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _digests(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in FILES}


def test_run_folder_holds_everything(made: Path) -> None:
    """Every file of the contract is there, and the shipped predictor stands beside its baselines."""
    assert all((made / name).stat().st_size for name in (*FILES, "events.duckdb"))
    overall = {name: found["overall"] for name, found in _json(made / "evaluation.json")["predictors"].items()}
    assert {"shipped", "markov1", "oracle"} <= overall.keys()
    assert overall["shipped"]["exact_top1"] > 1.5 * overall["markov1"]["exact_top1"]
    assert overall["shipped"]["exact_top5"] <= overall["shipped"]["ceiling"]
    facts = _json(made / "run.json")
    assert facts["settings"]["evaluation"]["resamples"] == 20
    assert all(source["content"] for source in facts["sources"])


def test_bundle_carries_its_figures_and_predicts_as_it_states(made: Path) -> None:
    """What was measured on held-out sessions stands in the bundle that was measured, and its vectors hold."""
    bundle = load_bundle(made / "bundle.json")
    shipped = _json(made / "evaluation.json")["predictors"]["shipped"]["overall"]
    assert bundle.metrics["exact_top1"] == round(1e6 * shipped["exact_top1"])
    assert failures(bundle.model, bundle.vectors) == []
    assert str(made).encode() not in (made / "bundle.json").read_bytes()


def test_report_opens_with_what_the_agents_do(made: Path) -> None:
    """The report says what was read, what it could be worth, and what was predicted, in this order."""
    report = (made / "report.md").read_text(encoding="utf-8")
    order = [report.index(title) for title in ("What your agents do", "What could be hidden", "How much is predicted")]
    assert order == sorted(order)


def test_second_run_does_nothing(made: Path, quick: Path, say: Said) -> None:
    """With the same logs, settings and code every step is skipped, and every file stays as it was."""
    before = _digests(made)
    code, out, _ = say("run", SAMPLE, "--out", made, "--settings", quick, "--json")
    assert (code, json.loads(out)["did"]) == (0, [])
    assert _digests(made) == before


def test_same_logs_give_the_same_bundle(made: Path, quick: Path, tmp_path: Path, say: Said) -> None:
    """Another folder, another name of the logs, another order of files: the bundle has the same bytes."""
    copy = tmp_path / "elsewhere" / "logs"
    shutil.copytree(SAMPLE, copy)
    assert say("run", copy, "--out", tmp_path / "run", "--settings", quick)[0] == 0
    assert (tmp_path / "run" / "bundle.json").read_bytes() == (made / "bundle.json").read_bytes()


def test_missing_file_is_made_again(made: Path, quick: Path, tmp_path: Path, say: Said) -> None:
    """Of a half-written folder only what is missing or damaged is done again, with the same outcome."""
    run = tmp_path / "run"
    shutil.copytree(made, run)
    (run / "savings.json").unlink()
    (run / "bundle.json").write_bytes(b"{")
    (run / "evaluation.json.part").write_bytes(b"half of it")
    code, out, _ = say("run", SAMPLE, "--out", run, "--settings", quick, "--json")
    assert (code, json.loads(out)["did"]) == (0, ["export", "replay"])
    assert (run / "bundle.json").read_bytes() == (made / "bundle.json").read_bytes()
    assert (run / "savings.json").read_bytes() == (made / "savings.json").read_bytes()


def test_killed_run_is_completed(made: Path, quick: Path, tmp_path: Path, say: Said) -> None:
    """A run that was killed while it mined leaves a folder that the next one completes, to the same bundle."""
    run = tmp_path / "run"
    words = ["run", str(SAMPLE), "--out", str(run), "--settings", str(quick)]
    program = f"import sys; from miner.cli import main; sys.exit(main({words!r}))"
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("weighing"):
            break
    process.kill()
    process.wait()
    process.stderr.close()
    assert (run / "events.duckdb").exists()
    assert not (run / "patterns.json").exists()
    assert say(*words)[0] == 0
    assert (run / "bundle.json").read_bytes() == (made / "bundle.json").read_bytes()


def test_changed_setting_does_only_what_rests_on_it(made: Path, tmp_path: Path, say: Said) -> None:
    """Another seed of intervals scores anew, and mines nothing."""
    run, settings = tmp_path / "run", tmp_path / "s.toml"
    shutil.copytree(made, run)
    settings.write_text("[evaluation]\nresamples = 20\n[replay]\nconcurrency = 2\n")
    code, out, _ = say("run", SAMPLE, "--out", run, "--settings", settings, "--json")
    assert (code, json.loads(out)["did"]) == (0, ["replay"])


def test_other_logs_are_refused(made: Path, tmp_path: Path, say: Said) -> None:
    """A folder that holds the sessions of other logs is not mixed with these in silence."""
    code, _, error = say("run", tmp_path, "--out", made)
    assert code == 1
    assert "is not named now" in error


def test_two_runs_on_one_folder(made: Path, say: Said) -> None:
    """The second one is told, and changes nothing."""
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(made, held, done))
    other.start()
    try:
        assert held.wait(30)
        code, _, error = say("run", SAMPLE, "--out", made)
        assert code == 1
        assert "another run is at work" in error
    finally:
        done.set()
        other.join(30)


def _hold(run: Path, held: Any, done: Any) -> None:
    with open_run(run):
        held.set()
        done.wait(60)


def test_manifest_that_is_damaged_is_begun_anew(tmp_path: Path) -> None:
    """A run.json that is no JSON means that nothing is known to be done."""
    (tmp_path / "run.json").write_text("{")
    (tmp_path / "made.txt").write_text("x")
    folder = RunFolder(tmp_path)
    assert not folder.is_done("step", "key")
    folder.done("step", "key", ["made.txt"])
    assert RunFolder(tmp_path).is_done("step", "key")
    (tmp_path / "made.txt").write_text("changed")
    assert not folder.is_done("step", "key")


def _conversation(number: int, calls: int) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"do {number}"}]
    for step in range(calls):
        function = {"name": "look", "arguments": json.dumps({"n": step})}
        call = {"id": f"c{number}-{step}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": f"saw {step}"})
    messages.append({"role": "assistant", "content": "done"})
    return {"id": f"conversation-{number}", "messages": messages}


def _logs(folder: Path, *conversations: dict[str, Any]) -> Path:
    folder.mkdir()
    for number, conversation in enumerate(conversations):
        (folder / f"{number}.json").write_text(json.dumps(conversation))
    return folder


def test_one_session_is_learnt_from_and_not_scored(tmp_path: Path, say: Said) -> None:
    """With nothing to hold out, a bundle is made, and the run says that it was not scored, and why."""
    logs = _logs(tmp_path / "logs", _conversation(1, 4))
    code, out, _ = say("run", logs, "--out", tmp_path / "run")
    assert code == 0
    assert "nothing was scored" in out
    assert load_bundle(tmp_path / "run" / "bundle.json").metrics == {}


def test_sessions_without_calls_end_in_a_word(tmp_path: Path, say: Said) -> None:
    """Conversations in which no tool was called are refused with the reason."""
    logs = _logs(tmp_path / "logs", _conversation(1, 0), _conversation(2, 0))
    code, _, error = say("run", logs, "--out", tmp_path / "run")
    assert code == 1
    assert "no tool call" in error
    assert "Traceback" not in error


def test_test_logs_without_calls_score_nothing(tmp_path: Path, say: Said) -> None:
    """Test logs in which no tool was called still end in an evaluation, of no calls."""
    train = _logs(tmp_path / "train", *(_conversation(number, 4) for number in range(6)))
    test = _logs(tmp_path / "test", _conversation(7, 0))
    code, _, error = say("run", train, "--test", test, "--out", tmp_path / "run")
    assert (code, "Traceback" in error) == (0, False)
    assert _json(tmp_path / "run" / "evaluation.json")["predictors"]["shipped"]["overall"]["calls"] == 0


@pytest.mark.parametrize("engine", ["spark9", ""])
def test_unknown_engine_is_wrong_usage(tmp_path: Path, say: Said, engine: str) -> None:
    """An engine that is not there is refused with those that are."""
    code, _, error = say("run", SAMPLE, "--out", tmp_path / "run", "--engine", engine)
    assert code == 2
    assert "known: duckdb" in error


def test_default_settings_are_the_usual_recipe() -> None:
    """What settings say by default is what mining does by default: the two cannot drift apart."""
    assert recipe_of(Settings()) == Recipe()
    changed = recipe_of(settings_from({"mining": {"min_sessions": 7, "precision": 0.9}}, "test"))
    assert (changed.form_groups, changed.thresholds.rule_groups, changed.precision) == (7, 7, 0.9)


def test_nothing_to_read(tmp_path: Path, say: Said) -> None:
    """An empty folder and a missing one end in a word."""
    assert say("run", tmp_path, "--out", tmp_path / "run")[0] == 1
    code, _, error = say("run", tmp_path / "none", "--out", tmp_path / "run2")
    assert (code, "Traceback" in error) == (1, False)


def test_a_mistyped_path_does_not_stand_in_the_way(tmp_path: Path, say: Said) -> None:
    """A folder whose first runs read nothing, or only a part, takes the right names; what was read still binds it."""
    run = tmp_path / "run"
    train = _logs(tmp_path / "train", *(_conversation(number, 4) for number in range(6)))
    test = _logs(tmp_path / "test", _conversation(7, 4))
    assert say("run", tmp_path / "trian", "--out", run)[0] == 1
    assert say("run", train, "--test", tmp_path / "tset", "--out", run)[0] == 1
    assert say("run", train, "--test", test, "--out", run)[0] == 0
    code, _, error = say("run", test, "--out", run)
    assert (code, f"{train}, which is not named now" in error) == (1, True)
