"""``miner run --engine``: an engine that is not there, or lacks something, is refused before anything is read."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from miner.cli import main


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    """The exit code and the error of a run that must not begin."""
    code = main(["run", str(tmp_path), "--out", str(tmp_path / "run"), *more])
    assert not (tmp_path / "run").exists()
    return code, capsys.readouterr().err


def without_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if pyspark were not installed."""
    find = importlib.util.find_spec

    def found(name: str, package: str | None = None) -> Any:
        return None if name == "pyspark" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", found)


def test_an_unknown_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The known ones are named; the exit code is that of wrong usage."""
    code, said = refused(tmp_path, capsys, "--engine", "sparc")
    assert code == 2
    assert "there is no engine called 'sparc'" in said
    assert "duckdb, spark" in said


def test_spark_without_its_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that installs it is printed."""
    without_spark(monkeypatch)
    code, said = refused(tmp_path, capsys, "--engine", "spark")
    assert code == 1
    assert "pip install 'toolcall-miner[spark]'" in said


def test_spark_of_the_settings_without_java(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Java is missing, what to install is said; the setting asks for the engine as the option does."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: object())
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    settings = tmp_path / "settings.toml"
    settings.write_text('[mining]\nengine = "spark"\n')
    code, said = refused(tmp_path, capsys, "--settings", str(settings))
    assert code == 1
    assert "openjdk-17" in said
