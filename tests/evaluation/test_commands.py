"""evaluate, replay and compare as a user meets them: on a run folder, with exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner.cli import main
from miner.store.database import Store

TOOLS = ("find", "open", "note")


def _conversation(number: int) -> dict[str, object]:
    messages: list[dict[str, object]] = [{"role": "user", "content": f"please do task {number}"}]
    for step in range(4):
        name, call = TOOLS[step % 3], f"c{number}-{step}"
        function = {"name": name, "arguments": json.dumps({"n": number % 2 if name != "note" else number})}
        messages.append(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": call, "type": "function", "function": function}],
            }
        )
        messages.append({"role": "tool", "tool_call_id": call, "content": f"result {number} {step}"})
    messages.append({"role": "assistant", "content": f"task {number} is done"})
    return {"id": f"conversation-{number}", "messages": messages}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with twelve training and six test conversations."""
    folder = tmp_path_factory.mktemp("run")
    for part, numbers in (("train", range(12)), ("test", range(12, 18))):
        (folder / part).mkdir()
        for number in numbers:
            (folder / part / f"{number}.json").write_text(json.dumps(_conversation(number)))
    with Store.open(folder / "events.duckdb") as store:
        for part in ("train", "test"):
            store.ingest([folder / part], part=part)
    return folder


def _output(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_evaluate_scores_and_writes_the_report(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table, evaluation.json and both reports, with every call in the denominator."""
    code, out, _ = _output(capsys, "evaluate", run, "--predictor", "markov1", "--predictor", "oracle")
    assert code == 0
    assert "markov1" in out
    found = json.loads((run / "evaluation.json").read_text())
    assert found["predictors"]["markov1"]["overall"]["calls"] == 24
    assert "Limits" in (run / "report.md").read_text()


def test_evaluate_can_print_json_and_split_anew(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json, stdout is one object, and says how sessions were split."""
    code, out, _ = _output(capsys, "evaluate", run, "--split", "session", "--predictor", "repeat_last", "--json")
    assert code == 0
    assert "hash" in json.loads(out)["split"]["how"]


def test_curves_are_drawn_when_asked_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After parts of the training sessions; and by application, of which these logs have none."""
    words = ("--predictor", "markov1", "--learning-curve", "--leave-one-application-out", "--json")
    code, out, _ = _output(capsys, "evaluate", run, *words)
    assert code == 0
    assert json.loads(out)["learning_curve"][-1]["sessions"] == 12
    assert isinstance(json.loads(out)["leave_one_application_out"], list)


def test_replay_says_the_bound_first(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With stated times for logs without any, and a tool that the user allows."""
    words = ("--predictor", "markov1", "--think", "const:3", "--tool", "const:1", "--allow", "open")
    code, out, _ = _output(capsys, "replay", run, *words)
    assert code == 0
    assert out.lstrip().startswith("What could be hidden at all")
    found = json.loads((run / "savings.json").read_text())
    assert found["tier"] == "simulated"
    assert found["bound"]["calls_allowed"] == 6
    assert found["controls"]["no_speculation"]["passed"]


def test_compare_of_a_run_with_itself(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is better than itself."""
    assert main(["evaluate", str(run), "--predictor", "markov1"]) == 0
    capsys.readouterr()
    code, out, _ = _output(capsys, "compare", run, run, "--json")
    assert code == 0
    assert {row["verdict"] for row in json.loads(out)["figures"]} <= {"no more than noise", "unknown"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("evaluate", "/nonexistent"), 1, "no run folder"),
        (("replay", "/nonexistent"), 1, "no run folder"),
        (("compare", "/nonexistent", "/nonexistent"), 1, "no such run folder"),
        (("evaluate", "RUN", "--split", "moon"), 2, "no split called"),
        (("evaluate", "RUN", "--predictor", "crystal"), 2, "no predictor called"),
        (("replay", "RUN", "--think", "const:1"), 2, "stated together"),
        (("replay", "RUN", "--think", "x", "--tool", "y"), 2, "no distribution"),
        (("replay", "RUN", "--policy", "/nonexistent"), 2, "cannot be read"),
        (("replay", "RUN", "--capacity", "0"), 2, "capacity"),
    ],
)
def test_mistakes_end_with_a_word_and_an_exit_code(
    run: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    """1 for what failed, 2 for what was asked wrongly, never a traceback."""
    got, _, error = _output(capsys, *(run if word == "RUN" else word for word in words))
    assert got == code
    assert said in error
    assert "Traceback" not in error
