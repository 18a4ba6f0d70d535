"""Every example runs as a person runs it, and its agent sees the same with speculation as without."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from miner.readers import recognise
from miner.runtime.bundle import bundle_bytes
from miner.runtime.forms import Form, Slot
from miner.runtime.patterns import Hole, PatternSet
from miner.runtime.rules import Rule
from tests.readers.reading import read

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS = {
    "fastmcp_server": "fastmcp",
    "langchain_agent": "langchain",
    "langgraph_agent": "langgraph",
    "mcp_proxy": "fastmcp",
    "openai_agents_agent": "agents",
    "pydantic_ai_agent": "pydantic_ai",
}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle that predicts what the examples' own logs show; mining them is tested elsewhere."""
    patterns = PatternSet(
        forms=[Form("search", None), Form("open_page", (Slot(("page",), None),))],
        rules=[Rule("open_page.page", "res:search.hits[].page", "next 0")],
        holes={"open_page.page": Hole([0], [3000])},
        contexts={"": {0: 5, 1: 5}, "1 search": {1: 50}, "1 open_page": {1: 40, -1: 10}},
        candidate_weights={"Topen_page": 3000},
        calibration=[(0, 0), (1_000_000, 1_000_000)],
    )
    folder = tmp_path_factory.mktemp("run")
    (folder / "bundle.json").write_bytes(bundle_bytes(patterns))
    return folder


def test_every_example_is_tested() -> None:
    """A new one says here what it needs."""
    assert {path.stem for path in EXAMPLES.glob("*.py")} - {"library"} == set(NEEDS)


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_an_example_runs(name: str, run_folder: Path) -> None:
    """It ends well, says that the answers are the same, and at least one call was answered early."""
    if find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), str(run_folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the same answers" in done.stdout
    assert re.search(r"speculation on .*(served|joined)", done.stdout), done.stdout


def test_the_logs_of_the_examples_are_read(tmp_path: Path) -> None:
    """They are a format that miner recognises, and each conversation has its calls."""
    program = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); import library; from pathlib import Path; "
    program += f"library.write_logs(Path({str(tmp_path / 'logs.jsonl')!r}))"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    found = read("messages", tmp_path / "logs.jsonl")
    calls = [event.tool for event in found.calls]
    assert recognise(tmp_path / "logs.jsonl") == "messages"
    assert (len(found.sessions), calls.count("search"), calls.count("open_page")) == (42, 42, 70)
