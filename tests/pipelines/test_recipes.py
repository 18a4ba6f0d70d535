"""The recipes of docs/scheduling.md: every block parses, and every command in them exists."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.nightly import EXIT_CODES
from pipelines.settings import DEFAULT_FILE, load

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"-m (pipelines\.\w+)((?: --[\w-]+ \S+)*)")


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_every_command_is_one_that_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Each pipeline that a recipe starts has a ``main`` that takes the options it is given."""
    found = COMMAND.findall(TEXT)
    named = ("backfill", "drift", "forget", "nightly")
    assert {name for name, _ in found} == {f"pipelines.{name}" for name in named}
    for name, options in found:
        with pytest.raises(SystemExit) as left:
            importlib.import_module(name).main(["--help"])
        assert left.value.code == 0
        said = capsys.readouterr().out
        assert all(word in said for word in re.findall(r"--[\w-]+", options))


def test_spark_is_given_a_script_and_options_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    """What ``spark-submit`` is to run is a file, and takes the options it is given."""
    found = re.findall(r"spark-submit (\S+)(.*)", TEXT)
    assert len(found) == 2
    for script, options in found:
        assert (ROOT / script).is_file()
        with pytest.raises(SystemExit):
            importlib.import_module(script.removesuffix(".py").replace("/", ".")).main(["--help"])
        said = capsys.readouterr().out
        assert all(word in said for word in re.findall(r"--[\w-]+", options))


def test_cron_lines_are_five_fields_and_a_command_that_the_shell_can_read() -> None:
    """Every line parses, as cron and as shell; a per cent sign would be a line break to cron."""
    (table,) = blocks("cron")
    lines = [line for line in table.splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    for line in lines:
        *fields, command = line.split(maxsplit=5)
        assert all(re.fullmatch(r"[\d*/,-]+", field) for field in fields)
        assert "%" not in command
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0


def test_systemd_units_parse(tmp_path: Path) -> None:
    """Both units hold what a unit needs, and systemd's own check finds nothing wrong where it is installed."""
    service, timer = blocks("ini")
    units = []
    for text in (service, timer):
        unit = configparser.ConfigParser(interpolation=None)
        unit.read_string(text)
        units.append(unit)
    assert units[0]["Service"]["Type"] == "oneshot"
    assert units[0]["Service"]["SuccessExitStatus"] == str(EXIT_CODES["busy"])
    assert units[1]["Install"]["WantedBy"] == "timers.target"
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed; the units were parsed only")
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "miner-nightly.service").write_text(
        service.replace("/opt/miner/.venv/bin/python", str(program)).replace("User=miner\n", "")
    )
    (tmp_path / "miner-nightly.timer").write_text(timer)
    words = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "miner-nightly.timer")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "miner-nightly" in line] == []


def test_workflow_is_yaml_with_steps_that_the_shell_can_read() -> None:
    """The workflow runs nightly on a schedule, one at a time, and each of its scripts parses."""
    yaml = pytest.importorskip("yaml")
    (text,) = blocks("yaml")
    workflow = yaml.safe_load(text)
    assert workflow["concurrency"] == "nightly"
    assert workflow[True]["schedule"] == [{"cron": "30 2 * * *"}]  # YAML 1.1 reads the key `on` as true
    steps = workflow["jobs"]["nightly"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    for step in steps:
        if "run" in step:
            assert subprocess.run(["bash", "-n", "-c", step["run"]], check=False).returncode == 0
    cached = next(step["with"]["path"] for step in steps if "cache" in step.get("uses", ""))
    assert Path(load(DEFAULT_FILE).nightly.home) == ROOT / cached


def test_airflow_file_is_python_that_names_both_pipelines() -> None:
    """The file parses; both tasks skip on the code that means busy."""
    (text,) = blocks("python")
    calls = [
        {word.arg: ast.literal_eval(word.value) for word in node.keywords}
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BashOperator"
    ]
    assert [call["task_id"] for call in calls] == ["nightly", "drift"]
    assert {call["skip_on_exit_code"] for call in calls} == {EXIT_CODES["busy"]}


def test_exit_codes_are_those_of_the_page() -> None:
    """The table of the page names every status under its code."""
    rows = dict(re.findall(r"^\| (\d+) \| ([^|]*)\|", TEXT, re.MULTILINE))
    assert {name: int(code) for code, names in rows.items() for name in re.findall(r"`(\w+)`", names)} == EXIT_CODES


def test_the_example_settings_hold_and_state_the_defaults() -> None:
    """The commented settings file is read whole, and shows the values that a file without them would mean."""
    found = load(DEFAULT_FILE)
    usual = type(found)()
    assert (found.gates, found.drift, found.ingest, found.mining) == (
        usual.gates,
        usual.drift,
        usual.ingest,
        usual.mining,
    )
    assert (found.evaluation, found.export, found.nightly.keep) == (usual.evaluation, usual.export, usual.nightly.keep)
    assert all(Path(source).is_dir() for source in found.nightly.sources)
