"""``dev.py``: which installer it takes, what it skips the second time, what it refuses."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in a project folder of its own, where nothing is ever installed."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "installed.json")
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    return module


def stamp(dev: ModuleType, extras: list[str]) -> None:
    """Pretend that an earlier run installed those extras."""
    fingerprint = hashlib.sha256((dev.ROOT / "pyproject.toml").read_bytes()).hexdigest()
    dev.VENV.mkdir()
    dev.STAMP.write_text(json.dumps({"pyproject": fingerprint, "extras": extras, "venv": str(dev.VENV)}))


def test_old_pythons_can_parse_it() -> None:
    """An old Python must get as far as the sentence that refuses it."""
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 6))


def test_old_python_is_refused(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python 3.10 is told what is needed, and nothing is made."""
    monkeypatch.setattr(dev.sys, "version_info", (3, 10, 4))
    assert dev.main(["demo"]) == 2
    assert "Python 3.11 or later is needed" in capsys.readouterr().err
    assert not dev.VENV.exists()


def test_uv_comes_first(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where uv is on PATH, it installs."""
    monkeypatch.setattr(dev.shutil, "which", lambda name: "/bin/uv")
    assert dev.installer()[0] == "uv"


def test_recent_pip_installs_from_outside(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip 22.3 can install into another environment, so .venv needs no pip of its own."""
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    monkeypatch.setattr(dev, "pip_version", lambda python: (22, 3))
    name, command = dev.installer()
    assert (name, command[:5]) == ("pip 22.3", [sys.executable, "-m", "pip", "--python", dev.PYTHON])


def test_old_pip_gives_way_to_ensurepip(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an older pip outside, the one that Python carries is put into .venv and used there."""
    inside = Path("inside/python")
    versions = {sys.executable: (9, 0), inside: ()}
    commands = []

    def run(*command: object, **options: object) -> int:
        commands.append(command)
        versions[inside] = (24, 0)
        return 0

    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    monkeypatch.setattr(dev, "PYTHON", inside)
    monkeypatch.setattr(dev, "pip_version", lambda python: versions[python])
    monkeypatch.setattr(dev, "run", run)
    name, command = dev.installer()
    assert commands[0][:3] == (inside, "-m", "ensurepip")
    assert (name, command[:4]) == ("pip 24.0 of .venv", [inside, "-m", "pip", "install"])


def test_no_installer_is_said(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without uv, pip and ensurepip the error says what to install."""
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    monkeypatch.setattr(dev, "pip_version", lambda python: ())
    monkeypatch.setattr(dev, "run", lambda *command, **options: 0)
    dev.VENV.mkdir()
    assert dev.main(["check"]) == 1
    assert "apt install python3-pip" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("installed", "wanted", "commands"),
    [(["test"], "mining", 0), (["mining"], "mining", 0), (["mining"], "test", 1), ([], "mining", 1)],
)
def test_second_run_installs_nothing(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, installed: list[str], wanted: str, commands: int
) -> None:
    """An extra that is there, or part of one that is, is not installed again."""
    stamp(dev, installed)
    ran = []
    monkeypatch.setattr(dev, "works", lambda python: True)
    monkeypatch.setattr(dev, "installer", lambda: ("pip", ["pip"]))
    monkeypatch.setattr(dev, "run", lambda *command, **options: ran.append(command) or 0)
    dev.prepare(wanted)
    assert len(ran) == commands


def test_changed_project_is_installed_again(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of pyproject.toml makes the stamp worthless, and the new stamp is believed."""
    stamp(dev, ["test"])
    (dev.ROOT / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    ran = []
    monkeypatch.setattr(dev, "works", lambda python: True)
    monkeypatch.setattr(dev, "installer", lambda: ("pip", ["pip"]))
    monkeypatch.setattr(dev, "run", lambda *command, **options: ran.append(command) or 0)
    dev.prepare("test")
    dev.prepare("test")
    assert ran == [("pip", "-e", ".[test]")]


def test_every_check_runs_even_after_a_failure(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One failed check does not hide the others, and the sum fails; pytest without a test fails by its name."""
    codes = {"a": 1, "b": 0, "c": 5}
    monkeypatch.setattr(dev, "run", lambda name: codes[name])
    assert dev.run_all([("lint", ["a"]), ("types", ["b"]), ("pytest", ["c"])]) == 1
    said = capsys.readouterr().err
    assert [word in said for word in ("FAILED", "passed", "found no test to run")] == [True] * 3
    assert dev.run_all([("types", ["b"])]) == 0


@pytest.mark.parametrize(("cores", "spread"), [(1, "1"), (2, "2"), (64, "4"), (None, "1")])
def test_the_whole_suite_takes_the_cores_and_a_part_of_it_one(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, cores: int | None, spread: str
) -> None:
    """Without arguments tests run on up to four cores; a person's arguments are all that pytest is told."""
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(dev, "prepare", lambda extra: None)
    monkeypatch.setattr(dev.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(dev, "run", lambda *command: ran.append(tuple(map(str, command))) or 0)
    dev.test([])
    dev.test(["tests/readers", "-x"])
    whole, part = (command for command in ran if command[0].endswith("pytest"))
    assert whole[whole.index("-n") :] == ("-n", spread, "--dist", "loadfile")
    assert part[3:] == ("tests/readers", "-x")


def test_unknown_command_is_wrong_usage(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that does not exist ends with 2 and the list of those that do."""
    assert dev.main(["dmeo"]) == 2
    assert "dashboard" in capsys.readouterr().out


def test_benchmarks_are_listed_by_their_first_line(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """``bench`` alone lists every measurement with its docstring's first line, and runs none."""
    (dev.ROOT / "benchmarks").mkdir()
    (dev.ROOT / "benchmarks" / "reading.py").write_text(
        '#!/usr/bin/env python3\n"""Reading against parsing.\n\nMore."""'
    )
    assert dev.main(["bench"]) == 0
    assert capsys.readouterr().out.split("\n")[2].split(maxsplit=1) == ["reading", "Reading against parsing."]
