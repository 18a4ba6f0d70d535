"""The command line as a shell sees it: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest

from miner.cli import DONE, FAILED, INTERRUPTED, READER_GONE, WRONG_USAGE, commands, main
from miner.cli.commands import command_names, summary
from miner.errors import LogError, UsageError
from miner.settings import load_settings


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Make ``miner formats`` raise what ``failing.error`` holds."""
    holder = types.SimpleNamespace(error=None)

    @click.command()
    def command() -> None:
        raise holder.error

    monkeypatch.setattr("miner.cli.formats.command", command)
    return holder


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` lists each command file with the first line of its docstring."""
    assert main(["--help"]) == DONE
    words = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {summary(name)}" in words for name in command_names())


@pytest.mark.parametrize("name", command_names())
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command has help of its own, and says one line about itself in the list."""
    assert main([name, "--help"]) == DONE
    assert f"Usage: miner {name}" in capsys.readouterr().out
    assert summary(name)


def test_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt command ends with 2 and the nearest name."""
    assert main(["formts"]) == WRONG_USAGE
    assert "Did you mean 'formats'?" in capsys.readouterr().err


def test_unknown_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt option ends with 2 and nothing on stdout."""
    assert main(["formats", "--jsn"]) == WRONG_USAGE
    output = capsys.readouterr()
    assert (output.out, "--json" in output.err) == ("", True)


def test_error_says_what_where_and_what_next(
    failing: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure is three lines on stderr, without a traceback, and ends with 1."""
    failing.error = LogError("the log is empty", where="a.jsonl", next_step="give another")
    assert main(["formats"]) == FAILED
    assert capsys.readouterr() == ("", "error: the log is empty\n  where: a.jsonl\n  next:  give another\n")


def test_debug_shows_the_traceback_wherever_it_stands(
    failing: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--debug`` may be put at the end of the command that failed."""
    failing.error = LogError("the log is empty")
    assert main(["formats", "--debug"]) == FAILED
    assert "Traceback" in capsys.readouterr().err


def test_debug_behind_two_dashes_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """What follows ``--`` belongs to another program and is handed on."""
    assert main(["formats", "--", "--debug"]) == WRONG_USAGE
    assert "'--debug'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no"), WRONG_USAGE),
        (KeyboardInterrupt(), INTERRUPTED),
        (OSError(28, "No space left on device", "/full/x"), FAILED),
    ],
)
def test_exit_codes(failing: types.SimpleNamespace, error: BaseException, code: int) -> None:
    """Wrong usage is 2, an interruption 130, and a full disk a failure like any other."""
    failing.error = error
    assert main(["formats"]) == code


def test_full_disk_names_the_file(failing: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the operating system says which file it was about, and what to do; others say what they know."""
    failing.error = OSError(28, "No space left on device", "/full/x.part")
    main(["formats"])
    told = "error: No space left on device\n  where: /full/x\n  next:  free some space\n"
    assert capsys.readouterr().err == told
    failing.error = OSError(5, "Input/output error")
    main(["formats"])
    assert capsys.readouterr().err == "error: Input/output error\n"


def test_reader_that_leaves_ends_quietly() -> None:
    """``miner formats | head -0`` neither complains nor succeeds: it ends as a closed pipe does."""
    program = "import sys; from miner.cli import main; sys.stdin.readline(); sys.exit(main(['formats']))"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.close()
    child.stdout = None
    _, complaint = child.communicate(b"go\n", timeout=60)
    assert (child.returncode, complaint) == (READER_GONE, b"")


def test_without_click_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A plain install has no command line; it says which command brings it."""
    monkeypatch.setattr("miner.cli.find_spec", lambda name: None)
    assert main([]) == WRONG_USAGE
    assert "pip install 'toolcall-miner[mining]'" in capsys.readouterr().err


def test_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints name and version, and nothing else."""
    from importlib.metadata import version

    assert main(["--version"]) == DONE
    assert capsys.readouterr().out == f"miner {version('toolcall-miner')}\n"


def test_formats_lists_every_reader(capsys: pytest.CaptureFixture[str]) -> None:
    """``formats --json`` holds each reader with its title and place."""
    from miner.readers import load_reader, reader_names

    assert main(["formats", "--json"]) == DONE
    listed = json.loads(capsys.readouterr().out)["formats"]
    assert {name: entry["title"] for name, entry in listed.items()} == {
        name: load_reader(name).TITLE for name in reader_names()
    }


def test_formats_says_how_sure_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With files, ``formats`` shows what recognition thinks of each, and of an unknown one too."""
    unknown = tmp_path / "shopping.txt"
    unknown.write_text("eggs\nmilk\n")
    assert main(["formats", str(unknown)]) == DONE
    assert capsys.readouterr().out.splitlines()[1].split() == [str(unknown), "none", "0.000"]


def test_doctor_reports_a_missing_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run folder that is not there fails, with the command that makes it."""
    assert main(["doctor", str(tmp_path / "none"), "--json"]) == FAILED
    report = json.loads(capsys.readouterr().out)
    (finding,) = [entry for entry in report["findings"] if entry["state"] == "fail"]
    assert (report["ok"], finding["about"]) == (False, "run folder")
    assert finding["next_step"].startswith("miner run LOGS --out")


def test_doctor_says_why_nothing_is_speculated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty bundle is named as the reason, with what to change."""
    (tmp_path / "bundle.json").write_text('{"patterns": []}')
    assert main(["doctor", str(tmp_path), "--json"]) == DONE
    findings = {entry["about"]: entry for entry in json.loads(capsys.readouterr().out)["findings"]}
    assert "no pattern" in findings["speculation"]["detail"]
    assert "mining.min_sessions" in findings["speculation"]["next_step"]


@pytest.mark.parametrize(
    ("name", "text", "detail"),
    [
        ("savings.json", "{", "no JSON object: savings.json"),
        ("run.json", "[1]", "no JSON object: run.json"),
        ("run.json", '{"format": 9}', "written by another version of miner"),
    ],
)
def test_doctor_finds_what_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, detail: str
) -> None:
    """A document that is cut off or of another version is no complete run, and what to do is said."""
    (tmp_path / name).write_text(text)
    assert main(["doctor", str(tmp_path), "--json"]) == FAILED
    (found,) = (one for one in json.loads(capsys.readouterr().out)["findings"] if one["about"] == "run folder")
    assert (found["state"], found["detail"], bool(found["next_step"])) == ("fail", detail, True)


def test_doctor_survives_a_broken_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that is no database fails by name instead of by traceback."""
    (tmp_path / "events.duckdb").write_text("not a database")
    assert main(["doctor", str(tmp_path), "--json"]) == FAILED
    findings = {entry["about"]: entry for entry in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["store"]["state"] == "fail"


def test_command_files_are_found_by_name() -> None:
    """The list is the folder: files that commands share are not in it."""
    folder = Path(commands.__file__).parent
    files = {path.stem.replace("_", "-") for path in folder.glob("[a-z]*.py")}
    assert set(command_names()) == files - {"commands", "console"}


def test_printed_settings_are_a_settings_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What ``miner settings`` prints, saved, means the same settings, and says what each is for."""
    changed = tmp_path / "changed.toml"
    changed.write_text("[mining]\nmin_sessions = 7\n[evaluation.ignored_arguments]\n'Run it' = ['description']\n")
    assert main(["settings", "--settings", str(changed)]) == DONE
    printed = tmp_path / "printed.toml"
    printed.write_text(capsys.readouterr().out)
    assert load_settings(printed) == load_settings(changed)
    assert "# Distinct sessions that must support a pattern.\nmin_sessions = 7\n" in printed.read_text()
