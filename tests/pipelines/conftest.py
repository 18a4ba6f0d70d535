"""A schedule over the sample's service desk: thirty sessions were there on the first night, ten come later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly

pytest.register_assert_rewrite("tests.pipelines.killing")

ROOT = Path(__file__).parent.parent.parent
SESSIONS = (ROOT / "data" / "sample" / "messages" / "service-desk.jsonl").read_text(encoding="utf-8").splitlines()
FIRST = 30

Night = Callable[..., tuple[int, dict[str, Any], str]]


@dataclass(frozen=True, slots=True)
class Site:
    """Where logs arrive and runs live."""

    base: Path

    @property
    def logs(self) -> Path:
        """The source folder."""
        return self.base / "logs"

    @property
    def home(self) -> Path:
        """The home of the runs."""
        return self.base / "home"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.base / "settings.toml"

    def configure(self, more: str = "", gates: str = "min_precision = 0.0", compared_from: int = 1) -> None:
        """Write the settings: without intervals, with gates that a sample of this size can pass, and compared."""
        gates = f"min_held_out_sessions = {compared_from}\n{gates}"
        text = f'[nightly]\nsources = ["logs"]\nhome = "home"\nkeep = 3\n[gates]\n{gates}\n'
        self.settings.write_text(f"{text}[evaluation]\nresamples = 0\n{more}")

    def arrive(self, name: str = "second.jsonl") -> Path:
        """The ten later sessions come."""
        path = self.logs / name
        path.write_text("\n".join(SESSIONS[FIRST:]) + "\n", encoding="utf-8")
        return path

    def current(self) -> str:
        """What the pointer says."""
        return (self.home / "current").read_text(encoding="utf-8")


PINNED = """
from miner.journey import steps
from pipelines import reading
steps.code_version = reading.code_version = lambda: "pinned"
"""
"""For nights in a process of their own: what ``pinned`` is for the others."""


@pytest.fixture(scope="session", autouse=True)
def pinned() -> Iterator[None]:
    """The checkout may be edited while tests run, and changed code would do every step again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("miner.journey.steps.code_version", lambda: "pinned")
        patch.setattr("pipelines.reading.code_version", lambda: "pinned")
        yield


@pytest.fixture
def run_pipeline(capsys: pytest.CaptureFixture[str]) -> Night:
    """Runs a pipeline's ``main`` and gives its exit code, its summary and what it said."""

    def run(main: Callable[[list[str]], int], *words: object) -> tuple[int, dict[str, Any], str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else {}, said.err

    return run


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory, pinned: None) -> Site:
    """A schedule whose first night has been."""
    site = Site(tmp_path_factory.mktemp("schedule"))
    site.logs.mkdir()
    (site.logs / "first.jsonl").write_text("\n".join(SESSIONS[:FIRST]) + "\n", encoding="utf-8")
    site.configure()
    assert nightly.main(["--settings", str(site.settings)]) == 0
    shutil.copytree(site.base, site.base.with_name("kept"))
    return site


@pytest.fixture
def site(first_night: Site) -> Iterator[Site]:
    """The schedule after its first night; whatever a test does to it is undone."""
    yield first_night
    shutil.rmtree(first_night.base)
    shutil.copytree(first_night.base.with_name("kept"), first_night.base)
