"""The command ``miner sequences`` on a run folder made from the sample logs."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from threading import Event, Thread

import polars as pl
import pytest

from miner.cli import main
from miner.cli._interrupt import stoppable
from miner.mining.sequence_cache import stored_sequences
from miner.store import Store

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


def store_of(folder: Path, *sessions: list[str]) -> Path:
    """A run folder whose sessions call tools of these names."""
    lines = []
    for number, tools in enumerate(sessions):
        messages: list[dict[str, object]] = [{"role": "user", "content": f"go {number}"}]
        for place, tool in enumerate(tools):
            name = f"c{number}-{place}"
            call = {"id": name, "type": "function", "function": {"name": tool, "arguments": "{}"}}
            messages.append({"role": "assistant", "tool_calls": [call]})
            messages.append({"role": "tool", "tool_call_id": name, "content": f"done {place}"})
        lines.append(json.dumps({"id": f"s{number}", "messages": [*messages, {"role": "assistant", "content": "so"}]}))
    (folder / "log.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with Store.open(folder / "events.duckdb") as store:
        store.ingest([folder / "log.jsonl"])
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that holds the sample's events."""
    folder = tmp_path_factory.mktemp("run")
    with Store.open(folder / "events.duckdb") as store:
        store.ingest([SAMPLE])
    return folder


def test_the_answer_fits_machines(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--json`` holds each sequence with its sessions, and the rules."""
    assert main(["sequences", str(run), "--min-sessions", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["complete"]
    assert told["found"] >= len(told["sequences"]) > 0
    for row in told["sequences"]:
        assert len(row["session_keys"]) == row["sessions"] == len(row["first_positions"])
        assert row["occurrences"] >= row["sessions"] >= 2
    assert all(0 <= rule["low"] <= rule["confidence"] <= rule["high"] for rule in told["rules"])


def test_tables_exports_and_graphs_are_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exports hold every sequence that is told of, in CSV and Parquet alike."""
    names = {ending: tmp_path / f"out.{ending}" for ending in ("csv", "parquet", "graphml", "dot")}
    wanted = [
        "--export",
        names["csv"],
        "--export",
        names["parquet"],
        "--graph",
        names["graphml"],
        "--graph",
        names["dot"],
    ]
    assert main(["sequences", str(run), "--min-sessions", "2", "--top", "7", *map(str, wanted)]) == 0
    assert "sequences in at least" in capsys.readouterr().out
    with names["csv"].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    frame = pl.read_parquet(names["parquet"])
    assert [json.loads(row["steps"]) for row in rows] == frame["steps"].to_list()
    assert 0 < len(rows) <= 7
    assert names["graphml"].stat().st_size > 0
    assert names["dot"].read_text().startswith("digraph")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--min-sessions", "0"], "at least 1"),
        (["--min-share", "2"], "at most 1"),
        (["--contains", "no such tool"], "no session has a step called"),
        (["--only", "open_pages"], "did you mean open_page"),
        (["--starts-with", "SEARCH"], "did you mean search"),
        (["--kind", "open"], "known: all, closed, maximal"),
        (["--engine", "quick"], "no sequence engine is called"),
        (["--engine", "prefixspan", "--max-gap", "0"], "no gap or span limit"),
        (["--contains", "search", "--without", "search"], "both wanted and ruled out"),
        (["--graph", "out.png"], "cannot be written"),
        (["--any-gap", "--max-gap", "1"], "contradict"),
        (["--export", "out.xlsx"], "cannot be written"),
    ],
)
def test_wrong_usage_ends_with_two(
    run: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """What makes no sense is refused with exit code 2 and a word of why."""
    assert main(["sequences", str(run), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_run_without_events_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is no run folder ends with 1 and says what to do."""
    assert main(["sequences", str(tmp_path)]) == 1
    assert "miner ingest" in capsys.readouterr().err


def test_filters_take_tool_names(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tool stands for all its signatures in every filter."""
    words = ["--min-sessions", "2", "--json", "--starts-with", "Bash", "--contains", "Read", "--show", "1000"]
    assert main(["sequences", str(run), *words]) == 0
    rows = json.loads(capsys.readouterr().out)["sequences"]
    assert rows
    assert all(row["steps"][0].startswith("Bash:") for row in rows)
    assert all(any(step.startswith("Read") for step in row["steps"]) for row in rows)


def test_the_tables_say_what_they_show(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line tells kind, threshold and gaps; the rules about the next step stand apart from later ones."""
    assert main(["sequences", str(run), "--min-sessions", "6", "--max-gap", "0", "--show", "2"]) == 0
    out = capsys.readouterr().out
    assert "closed sequences in at least 6 of" in out
    assert "each step directly after the one before; the first 2:" in out
    assert out.index("what comes next") < out.index("what comes later")


def test_an_empty_result_says_what_to_change(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """More sessions than there are, nothing that frequent, and no calls at all each end well, with a word of why."""
    assert main(["sequences", str(run), "--min-sessions", "9999"]) == 0
    assert "lower --min-sessions" in capsys.readouterr().out
    assert main(["sequences", str(run), "--min-share", "1"]) == 0
    assert "0 closed sequences" in capsys.readouterr().out
    with Store.open(tmp_path / "events.duckdb"):
        pass
    assert main(["sequences", str(tmp_path)]) == 0
    assert "No session of this run calls a tool" in capsys.readouterr().out


def test_a_budget_is_said_to_be_reached(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A search that meets its budget shows what it has, says so, and how to get the rest."""
    assert main(["sequences", str(run), "--min-sessions", "1", "--budget", "50", "--json"]) == 0
    told = capsys.readouterr()
    assert "budget of 50 patterns" in told.err
    assert "raise --min-sessions or --budget" in told.err
    assert json.loads(told.out)["complete"] is False


def test_the_second_answer_reads_no_log(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was worked out is kept beside the store: the answer stays the same until the store changes or it is torn."""
    folder = store_of(tmp_path, ["find", "open", "find", "open"], ["find", "open"])

    def answer() -> dict[str, object]:
        assert main(["sequences", str(folder), "--min-sessions", "2", "--json"]) == 0
        told: dict[str, object] = json.loads(capsys.readouterr().out)
        return told

    first = answer()
    kept = (folder / "sequences.npz").read_bytes()
    assert answer() == first
    assert (folder / "sequences.npz").read_bytes() == kept
    (folder / "sequences.npz").write_bytes(kept[: len(kept) // 2])
    assert answer() == first
    (folder / "more").mkdir()
    with Store.open(folder / "events.duckdb") as store:
        store.ingest([store_of(folder / "more", ["find", "open"], ["find"], ["open"]) / "log.jsonl"])
    assert answer()["sessions"] != first["sessions"]


def test_a_filled_cache_is_the_same_as_an_empty_one(run: Path) -> None:
    """What is kept is read back exactly."""
    with Store.open(run / "events.duckdb", read_only=True) as store:
        (run / "sequences.npz").unlink(missing_ok=True)
        made, kept = stored_sequences(store), stored_sequences(store)
    assert made.database.items.tolist() == kept.database.items.tolist()
    assert made.database.offsets.tolist() == kept.database.offsets.tolist()
    assert made.times.starts_us.tolist() == kept.times.starts_us.tolist()
    assert made.times.ends_us.tolist() == kept.times.ends_us.tolist()
    assert (made.database.names, made.keys, dict(made.tools)) == (kept.database.names, kept.keys, dict(kept.tools))


def test_ctrl_c_ends_with_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C in a search without end prints what was found, says that it is not all, and exits with 130."""
    folder = store_of(tmp_path, *[[f"t{place}" for place in range(150)]] * 2)
    before, over = signal.getsignal(signal.SIGINT), Event()

    def press() -> None:
        while signal.getsignal(signal.SIGINT) is before and not over.wait(0.001):
            pass
        if not over.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    presser = Thread(target=press)
    presser.start()
    words = ["--kind", "all", "--min-sessions", "1", "--max-gap", "40", "--max-length", "60"]
    try:
        code = main(["sequences", str(folder), *words, "--budget", "60000000", "--show", "3"])
    finally:
        over.set()
        presser.join()
    told = capsys.readouterr()
    assert code == 130
    assert "ends with what it has" in told.err
    assert "stopped on request" in told.err
    assert "sequences in at least 1 of 2 sessions" in told.out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_gives_up(capsys: pytest.CaptureFixture[str]) -> None:
    """The first Ctrl-C only asks; the second raises; afterwards the key means what it meant before."""
    before = signal.getsignal(signal.SIGINT)
    with stoppable("the search") as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_page_for_users_shows_real_output(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What docs/sequences.md prints is what the sample and the library's example print."""
    page = (SAMPLE.parents[1] / "docs" / "sequences.md").read_text(encoding="utf-8")
    assert main(["sequences", str(run), "--show", "6"]) == 0
    assert capsys.readouterr().out.strip() in page
    code = page.partition("```python\n")[2].partition("```")[0]
    space: dict[str, object] = {}
    exec(compile(code, "docs/sequences.md", "exec"), space)
    printed = [f"# {line}" for line in capsys.readouterr().out.splitlines()]
    assert printed == [line for line in code.splitlines() if line.startswith("#")]
