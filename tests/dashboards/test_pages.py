"""Every page over a sound run, and over every state in which a run folder can be met."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dashboards.queries.folder import find_run
from dashboards.work import _going_on
from miner.cli import main
from miner.export.review import REVIEW, read_review
from miner.runtime.bundle import bundle_bytes, load_bundle
from tests.dashboards.pages import NAMES, opened, said
from tests.runtime.small_patterns import small_patterns

every_page = pytest.mark.parametrize("page", NAMES)
MARKUP = '<img src=x onerror="alert(1)"> **bold** [link](https://elsewhere.example) :material/home: $x$ "] } \\'


def _chat(path: Path, sessions: list[list[tuple[str, dict[str, object]]]]) -> Path:
    """Sessions of calls as a file of chat messages."""
    lines = []
    for number, calls in enumerate(sessions):
        messages: list[dict[str, object]] = [{"role": "user", "content": f"job {number}"}]
        for place, (tool, arguments) in enumerate(calls):
            call = {"id": f"c{number}_{place}", "type": "function"}
            call["function"] = {"name": tool, "arguments": json.dumps(arguments)}  # type: ignore[assignment]
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": f"done {place}"})
        lines.append(json.dumps({"messages": messages}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def many_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The events of 2,000 tools with markup in their names."""
    tools = [f"tool {number} {MARKUP}" for number in range(2000)]
    calls = [[(tools[(20 * session + place) % 2000], {"q": MARKUP}) for place in range(20)] for session in range(100)]
    run = tmp_path_factory.mktemp("many")
    assert main(["ingest", str(_chat(run / "many.jsonl", calls)), "--db", str(run / "events.duckdb")]) == 0
    return run


@every_page
def test_a_page_draws_the_sample_run(page: str, sample_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page has a title and something to show, and nothing fails."""
    app = opened(sample_run, page, monkeypatch)
    assert not app.exception
    assert app.title
    assert "What to do" not in said(app)


@every_page
def test_a_page_of_an_empty_run_says_what_to_do(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without one call ends in words, never in an exception."""
    log = tmp_path / "talk.jsonl"
    log.write_text(json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}))
    run = tmp_path / "run"
    run.mkdir()
    assert main(["ingest", str(log), "--db", str(run / "events.duckdb")]) == 0
    app = opened(run, page, monkeypatch)
    assert not app.exception
    assert len(said(app)) > 80


@every_page
@pytest.mark.parametrize("damage", ["half", "older"])
def test_a_damaged_run_is_explained(page: str, damage: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents that are cut off, or of another version, are named, with what to do."""
    for name in ("evaluation.json", "savings.json", "overview.json", "patterns.json", "bundle.json"):
        path = copy / name
        if damage == "half":
            path.write_bytes(path.read_bytes()[:100])
        else:
            path.write_text(json.dumps({**json.loads(path.read_bytes()), "format": 0}))
    app = opened(copy, page, monkeypatch)
    assert not app.exception
    assert "What to do" in said(app)


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_damaged_bundle_alone_is_explained(text: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page that replays says which file it is and how it is made anew, whatever is wrong with it."""
    (copy / "bundle.json").write_text(text)
    app = opened(copy, "savings", monkeypatch)
    assert not app.exception
    assert f"make it anew: miner export {copy}" in said(app)


@every_page
def test_a_run_that_is_still_being_made_shows_what_is_there(
    page: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but events, each page shows what it can and says which step is missing."""
    for name in ("evaluation.json", "savings.json", "overview.json", "patterns.json", "bundle.json", "bundle.txt"):
        (copy / name).unlink()
    app = opened(copy, page, monkeypatch)
    assert not app.exception
    if page in ("argument_rules", "evaluation", "savings", "bundle"):
        assert "miner " in said(app)


@every_page
def test_a_run_without_held_out_sessions_is_shown(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One session trains and none is scored: what rests on scores says so."""
    log = _chat(tmp_path / "one.jsonl", [[("look", {"a": 1}), ("take", {"b": "x"}), ("look", {"a": 1})]])
    run = tmp_path / "run"
    assert main(["run", str(log), "--out", str(run)]) == 0
    app = opened(run, page, monkeypatch)
    assert not app.exception
    if page in ("evaluation", "savings"):
        assert "--test LOGS" in said(app)


def test_logs_without_times_promise_no_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no time is recorded, no page shows none as a figure: it says so, and how to have times simulated."""
    calls = [[("look", {"a": number}), ("take", {"b": number})] for number in range(20)]
    run = tmp_path / "run"
    assert main(["run", str(_chat(tmp_path / "chat.jsonl", calls)), "--out", str(run)]) == 0
    overview, savings = said(opened(run, "overview", monkeypatch)), opened(run, "savings", monkeypatch)
    assert "Nothing can be said about seconds" in overview
    assert f"miner replay {run} --think exp:3 --tool exp:1" in overview
    assert f"miner replay {run} --think exp:3 --tool exp:1" in said(savings)
    assert (len(savings.slider), savings.exception.len) == (0, 0)
    assert main(["replay", str(run), "--think", "const:3", "--tool", "const:1"]) == 0
    assert "Tier: simulated, under this policy" in said(opened(run, "overview", monkeypatch))


def test_a_gate_that_lets_nothing_pass_is_told(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed gate is a word and not a probability of one, and no mark on a curve is promised for it."""
    assert "The diamond is the gate that ships." in said(opened(copy, "evaluation", monkeypatch))
    found = json.loads((copy / "evaluation.json").read_bytes())
    found["predictors"]["shipped"]["overall"]["launched"] = 0
    (copy / "evaluation.json").write_text(json.dumps(found))
    patterns = small_patterns()
    patterns.gate = 1_000_000
    (copy / "bundle.json").write_bytes(bundle_bytes(patterns))
    assert "Nothing passes the gate that ships." in said(opened(copy, "evaluation", monkeypatch))
    assert "Gate: closed" in said(opened(copy, "bundle", monkeypatch))


@every_page
def test_a_locked_store_is_explained(page: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a pipeline writes, a page that needs the events says who holds them; the others are drawn."""
    script = (
        "import sys; from miner.store import Store\n"
        "with Store.open(sys.argv[1]): print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(copy / "events.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"locked\n"
        app = opened(copy, page, monkeypatch)
        writer.communicate()
    assert not app.exception
    if page in ("overview", "sequences", "savings", "sessions"):
        assert f"process {writer.pid}".replace(" ", "") in said(app).replace("\\", "").replace(" ", "")


def test_a_page_leaves_the_store_to_the_pipeline(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a page has been drawn, nothing of it keeps a writer out."""
    from miner.store import Store

    opened(copy, "overview", monkeypatch)
    with Store.open(copy / "events.duckdb") as store:
        assert store.sessions()


@every_page
def test_thousands_of_tools_with_markup_in_their_names_are_shown(
    page: str, many_tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are text: nothing in them becomes a picture, a link or a directive, however many there are."""
    app = opened(many_tools, page, monkeypatch)
    assert not app.exception
    assert "<img" not in "".join(str(part.value) for part in (*app.markdown, *app.caption)).replace("\\<", "")


def test_what_is_no_run_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page and the command say what is missing, and the command starts no server."""
    assert "What to do" in said(opened(tmp_path, "overview", monkeypatch))
    assert main(["dashboard", str(tmp_path)]) == 1
    assert "this is no run folder" in capsys.readouterr().err
    assert main(["dashboard", str(tmp_path / "nowhere")]) == 1
    assert "there is no such run folder" in capsys.readouterr().err


def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Streamlit the command says what to install."""
    from importlib import util

    real = util.find_spec
    monkeypatch.setattr("miner.cli.dashboard.find_spec", lambda name: None if name == "streamlit" else real(name))
    assert main(["dashboard", str(tmp_path)]) == 1
    assert "toolcall-miner[dashboard]" in capsys.readouterr().err


def test_a_port_in_use_is_refused_before_an_address_is_promised(
    sample_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who listens there already keeps the port, and another one is proposed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["dashboard", str(sample_run), "--port", str(port)]) == 1
    told = capsys.readouterr().err
    assert f"cannot listen at port {port}" in told
    assert "until you press" not in told


def test_a_rejected_rule_is_not_exported(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict given on the page lies beside the run, and the next export leaves the rule out."""
    from dashboards.queries.rules import rule_rows, save_verdict

    before = len(load_bundle(copy / "bundle.json").patterns.rules)
    row = rule_rows(find_run(copy))[0]
    save_verdict(find_run(copy), row["key"], "rejected", "depends on the order of results")
    assert read_review(copy)[row["key"]].note == "depends on the order of results"
    assert rule_rows(find_run(copy))[0]["verdict"] == "rejected"
    assert main(["export", str(copy)]) == 0
    assert len(load_bundle(copy / "bundle.json").patterns.rules) == before - 1
    save_verdict(find_run(copy), row["key"], None, "")
    assert main(["export", str(copy)]) == 0
    assert len(load_bundle(copy / "bundle.json").patterns.rules) == before


def test_a_damaged_review_stops_the_export(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exporting as if nothing had been rejected would be wrong."""
    (copy / REVIEW).write_text("{")
    assert main(["export", str(copy)]) == 1
    assert "the review is no JSON" in capsys.readouterr().err


def test_a_view_is_found_again_by_its_address(sample_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was chosen stands in the address, and the address alone brings it back."""
    app = opened(sample_run, "evaluation", monkeypatch, figure="exact, within five", by="source")
    assert app.session_state["figure"] == "exact_top5"
    assert app.session_state["by"] == "by_source"


def test_savings_follow_the_sliders(sample_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allowing a tool starts its calls early; a gate of certainty starts none."""

    def started(**query: str) -> str:
        app = opened(sample_run, "savings", monkeypatch, **query)
        assert not app.exception
        return next(metric.value for metric in app.metric if metric.label == "Answered early")

    assert int(started(allow="open_page")) > int(started())
    assert started(gate="1.0", allow="open_page") == "0"


def test_a_learning_curve_is_worked_out_on_request(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page offers it, shows how far it is, and draws it once it is there; all other figures stay."""
    before = json.loads((copy / "evaluation.json").read_bytes())
    app = opened(copy, "evaluation", monkeypatch)
    next(button for button in app.button if button.label == "Work it out now").click()
    app.run()
    assert any("Working for" in str(one.value) for one in app.info)
    work = next(iter(_going_on().values()))
    assert work.process.wait(300) == 0, work.last_words()
    after = json.loads((copy / "evaluation.json").read_bytes())
    curve = after.pop("learning_curve")
    assert after == before
    assert [row["share"] for row in curve][-1] == 1.0
    assert "Would more logs help" not in said(app.run())
