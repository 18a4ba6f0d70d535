"""ingest, mine, export, inspect, diff and explain as a user meets them, on one small run folder."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from miner.cli import main
from miner.readers import load_reader
from miner.runtime.bundle import bundle_bytes
from miner.runtime.rules import Rule
from tests.conftest import Said
from tests.runtime.small_patterns import small_patterns

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "messages"


def _conversation(number: int) -> dict[str, Any]:
    found = f"docs/part{number}.txt"
    steps = [("find", {"name": "index"}, json.dumps({"path": found})), ("open", {"path": found}, "words")]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "please open the usual file"}]
    for name, arguments, result in steps:
        call = {
            "id": f"{name}{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    return {"id": f"conversation-{number}", "messages": [*messages, {"role": "assistant", "content": "done"}]}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty conversations that all find, then open what was found."""
    folder = tmp_path_factory.mktemp("logs")
    for number in range(30):
        (folder / f"{number}.json").write_text(json.dumps(_conversation(number)))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Path:
    """A run folder of them."""
    run = tmp_path_factory.mktemp("made") / "run"
    assert main(["run", str(logs), "--out", str(run)]) == 0
    return run


def test_run_tells_the_story(logs: Path, made: Path, say: Said) -> None:
    """Sessions, tools, what is predictable and where everything is: the end of ``miner run``."""
    code, out, _ = say("run", logs, "--out", made)
    assert code == 0
    titles = (
        "What your agents do",
        "What is predictable",
        "What could be hidden",
        "What it would save",
        "What was made",
    )
    places = [out.index(title) for title in titles]
    assert places == sorted(places)
    assert "30 sessions" in out
    assert "find → open" in out


def test_ingest_counts_and_is_incremental(logs: Path, tmp_path: Path, say: Said) -> None:
    """The same logs again add nothing."""
    words = ("ingest", logs, "--db", tmp_path / "e.duckdb", "--json")
    first, second = (json.loads(say(*words)[1]) for _ in range(2))
    assert (first["sessions"], first["calls"], first["files_read"]) == (30, 60, 30)
    assert (second["events_added"], second["files_unchanged"]) == (0, 30)
    code, out, _ = say("ingest", logs, "--db", tmp_path / "e.duckdb")
    assert code == 0
    assert re.search(r"^sessions +30$", out, re.MULTILINE)
    (tmp_path / "notes").write_text("eggs\n", encoding="utf-8")
    _, _, told = say("ingest", logs, tmp_path / "notes", "--db", tmp_path / "f.duckdb")
    assert f"of no known format: {tmp_path / 'notes'} (see" in told
    code, _, told = say("ingest", tmp_path / "notes", "--db", tmp_path / "g.duckdb")
    assert (code, "miner formats" in told) == (1, True)


def test_ingest_says_where_problems_are_found(tmp_path: Path, say: Said) -> None:
    """A count alone helps nobody: the store names file and line of each."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(load_reader("claude_code").EXAMPLE * 9 + b"{\n")
    _, out, told = say("ingest", log, "--db", tmp_path / "e.duckdb")
    assert re.search(r"^  not json +1$", out, re.MULTILINE)
    assert "the table `problems` of e.duckdb says of each in which file and line" in told


def test_ingest_explains_a_session_that_is_told_twice_as_one(tmp_path: Path, say: Said) -> None:
    """As many sessions as an ingest would store."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(load_reader("claude_code").EXAMPLE)
    stored = json.loads(say("ingest", log, "--db", tmp_path / "e.duckdb", "--json")[1])
    explained = json.loads(say("ingest", "--explain", log, "--json")[1])
    assert stored["sessions"] == explained["holds"]["sessions"] > 0


def test_ingest_explains_a_file(logs: Path, tmp_path: Path, say: Said) -> None:
    """``--explain`` says the format and what is in the file, and stores nothing."""
    code, out, _ = say("ingest", "--explain", logs / "0.json", "--json")
    found = json.loads(out)
    assert (code, found["format"], found["holds"]["tool_calls"]) == (0, "messages", 2)
    assert (found["records_of_unknown_kind"], found["problems_in_all"]) == (0, 0)
    told = say("ingest", "--explain", logs / "0.json")[1]
    assert re.search(r"^messages +0\.\d+ +\S", told, re.MULTILINE), "by what it is known"
    assert re.search(r"^tool calls +2$", told, re.MULTILINE)
    unknown = tmp_path / "shopping.txt"
    unknown.write_text("eggs\n")
    assert "no known format\nit is text" in say("ingest", "--explain", unknown)[1]
    assert json.loads(say("ingest", "--explain", unknown, "--json")[1])["looks_like"] == "it is text of no known layout"
    assert say("ingest", logs)[0] == 2


def test_mine_is_skipped_when_up_to_date(made: Path, say: Said) -> None:
    """``miner mine`` on a finished run has nothing to do; other settings mine anew and leave the rest for later."""
    code, out, _ = say("mine", made, "--json")
    assert (code, json.loads(out)["mined_now"]) == (0, 0)


def test_export_elsewhere_for_others(made: Path, tmp_path: Path, say: Said) -> None:
    """A shared bundle goes where it is asked to, and the run's own stays."""
    before = (made / "bundle.json").read_bytes()
    code, out, _ = say("export", made, "--audience", "shared", "--out", tmp_path / "b.json", "--json")
    found = json.loads(out)
    assert (code, found["audience"]) == (0, "shared")
    assert found["held_back"]
    assert (tmp_path / "b.txt").read_text().startswith("bundle sha256:")
    assert (made / "bundle.json").read_bytes() == before
    assert say("export", made, "--budget", 10)[0] == 2


def test_steps_one_by_one_end_in_a_bundle_with_its_figures(logs: Path, tmp_path: Path, say: Said) -> None:
    """An export before the scores says that it has none; after `evaluate` it has them, and a run repeats neither."""
    run = tmp_path / "run"
    run.mkdir()
    assert say("ingest", logs, "--db", run / "events.duckdb")[0] == 0
    assert say("mine", run)[0] == 0
    assert f"without held-out figures: miner evaluate {run}" in say("export", run)[1]
    assert say("evaluate", run)[0] == 0
    assert "without held-out figures" not in say("export", run)[1]
    assert json.loads(say("inspect", run, "--json")[1])["metrics"]["calls"] > 0
    code, out, told = say("run", logs, "--out", run)
    assert (code, "Done now: overview, replay." in out, "scoring it" in told) == (0, True, False)


def test_a_gate_that_lets_nothing_pass_is_told_in_words(tmp_path: Path, say: Said) -> None:
    """A gate of a million parts per million is no probability from which calls are started."""
    patterns = small_patterns()
    patterns.gate = 600_000
    (tmp_path / "open.json").write_bytes(bundle_bytes(patterns))
    patterns.gate = 1_000_000
    (tmp_path / "closed.json").write_bytes(bundle_bytes(patterns))
    assert "starts calls from 0.600 on" in say("inspect", tmp_path / "open.json")[1]
    assert "starts no call: no prediction passes its gate" in say("inspect", tmp_path / "closed.json")[1]


def test_inspect_shows_what_is_shipped(made: Path, say: Said) -> None:
    """Tools with their held-out scores, every constant, and whether the vectors hold."""
    code, out, _ = say("inspect", made)
    assert code == 0
    assert re.search(r"conformance: (\d+) of \1 vectors", out)
    assert re.search(r"^find.name +index$", out, re.MULTILINE)
    found = json.loads(say("inspect", made / "bundle.json", "--json")[1])
    assert found["vectors"]["failed"] == []
    assert found["constants"] == [{"where": "find.name", "value": "index"}]
    assert "TOOL open" in say("inspect", made, "--twin")[1]


def test_inspect_refuses_what_is_no_bundle(logs: Path, say: Said) -> None:
    """A file that is no bundle is refused with its code, without a traceback."""
    code, _, error = say("inspect", logs / "0.json")
    assert code == 1
    assert "the bundle is refused" in error
    assert "Traceback" not in error


def test_diff_says_what_changed(made: Path, tmp_path: Path, say: Said) -> None:
    """Nothing against itself; else figures beside each other, and every tool, form and rule that came or went."""
    assert "the same bundle" in say("diff", made, made)[1]
    patterns = small_patterns()
    (tmp_path / "a.json").write_bytes(bundle_bytes(patterns))
    patterns.rules[0] = Rule("open.path", "res:find.items[].file", "first 0")
    patterns.gate = 500_000
    (tmp_path / "b.json").write_bytes(bundle_bytes(patterns))
    code, out, _ = say("diff", tmp_path / "a.json", tmp_path / "b.json", "--json")
    found = json.loads(out)
    assert (code, found["same"], found["figures"]["gate"]) == (0, False, [0.6, 0.5])
    assert found["rules"] == {
        "added": ["open.path: first 0 of res:find.items[].file"],
        "gone": ["open.path: first 0 of res:find.items[].path"],
    }
    assert (
        "+ rule open.path: first 0 of res:find.items[].file" in say("diff", tmp_path / "a.json", tmp_path / "b.json")[1]
    )


def test_explain_says_where_a_prediction_is_from(made: Path, say: Said) -> None:
    """For each decision: the calls that were predicted, the rule behind each argument, and what came."""
    code, out, _ = say("explain", made, "conversation-3", "--json")
    found = json.loads(out)
    assert (code, found["native_id"]) == (0, "conversation-3")
    opened = found["decisions"][1]
    assert opened["predicted"][0]["arguments"] == {"path": "docs/part3.txt"}
    assert opened["predicted"][0]["came"]
    assert "of res:" in opened["predicted"][0]["rules"]["path"]
    tools = [one["probability"] for one in opened["tools"]]
    assert opened["tools"][0]["tool"] == opened["predicted"][0]["tool"]
    assert tools == sorted(tools, reverse=True)
    assert 0.5 < sum(tools) <= 1.000001
    _, out, _ = say("explain", made, found["session"][:12], 1)
    assert "✓" in out
    assert "came  open" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("explain", "RUN", "nobody"), 1, "0 sessions fit"),
        (("explain", "RUN", "conversation-3", "99"), 2, "decisions, counted from 0"),
        (("explain", "/nonexistent", "x"), 1, "refused"),
        (("mine", "/nonexistent"), 1, "no such run folder"),
        (("export", "/nonexistent"), 1, "no such run folder"),
        (("diff", "/nonexistent", "RUN"), 1, "refused"),
        (("check-history", "/nonexistent"), 1, "cannot read the ledger"),
        (("check-history", sys.executable), 1, "no ledger of the runtime"),
        (("run", "RUN"), 2, "--out"),
        (("run", "--out", "RUN"), 2, "LOGS"),
    ],
)
def test_mistakes_end_with_a_word_and_an_exit_code(
    made: Path, say: Said, words: tuple[str, ...], code: int, said: str
) -> None:
    """1 for what failed, 2 for what was asked wrongly, never a traceback."""
    got, _, error = say(*(made if word == "RUN" else word for word in words))
    assert got == code
    assert said in error
    assert "Traceback" not in error
