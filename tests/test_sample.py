"""The sample logs and the generator that made them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from miner.store import Store

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
MACHINE = re.compile(rb"/tmp/|/home/|/root/|/Users/|/var/folders/|127\.0\.0\.1|site-packages")
STATED = re.compile(r"^\| `sample/(\w+)` .*\| (\d+) \| (\d+) \|$", re.MULTILINE)


def test_sample_names_no_machine() -> None:
    """No path, address or user of the machine that made the logs is in them."""
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [path.name for path in files if MACHINE.search(path.read_bytes())] == []


def test_sample_holds_what_its_readme_states(tmp_path: Path) -> None:
    """Each set is read without a problem, and its sessions and calls are those of the table."""
    stated = {name: (int(sessions), int(calls)) for name, sessions, calls in STATED.findall(readme())}
    found = {}
    for name in stated:
        with Store.open(tmp_path / f"{name}.duckdb") as store:
            assert store.ingest([SAMPLE / name]).problems == 0
            # Abandoned branches are calls that were made, so they count here, and nowhere else.
            query = """
                select count(distinct s.key), count(e.seq) filter (where e.kind = 'tool_call')
                from all_sessions s join all_events e on e.session = s.key where s.relation = 'root'
            """
            found[name] = store.query(query)[0]
    assert found == stated
    assert set(found) == {"claude_code", "messages", "otlp"}


def readme() -> str:
    """The text that states what is in the sample."""
    return (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def test_same_seed_asks_for_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's calls follow from the seed, and another seed gives others."""
    monkeypatch.syspath_prepend(str(ROOT / "data"))
    from scripted import service
    from scripted.desk import Desk
    from scripted.transcript import Step

    def calls(name: str, seed: str) -> list[tuple[str, object]]:
        (tmp_path / name).mkdir()
        desk = Desk(tmp_path / name, "shop")
        entries = [entry for number in range(3) for entry in service.session(f"{seed}/{number}", 0, desk).entries]
        return [(call.tool, call.arguments) for entry in entries if isinstance(entry, Step) for call in entry.calls]

    first = calls("first", "1")
    assert first == calls("second", "1")
    assert first != calls("third", "2")


def test_tools_really_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call changes what a later call sees, a refused one says why, and each took time."""
    monkeypatch.syspath_prepend(str(ROOT / "data"))
    from scripted.transcript import Step, Transcript
    from scripted.workspace import SHOWN, Workspace

    workspace = Workspace(tmp_path)
    transcript = Transcript("1", workspace.tools(), 0)
    path = f"{SHOWN}/shop/prices.py"
    change = {"file_path": path, "old_string": "VAT_PERCENT = 19", "new_string": "VAT_PERCENT = 20"}
    assert transcript.call("Edit", **change).failed
    assert "VAT_PERCENT = 19" in transcript.call("Read", file_path=path).text
    assert not transcript.call("Edit", **change).failed
    assert "VAT_PERCENT = 20" in transcript.call("Bash", command="grep VAT_PERCENT shop/prices.py").text
    calls = [call for entry in transcript.entries if isinstance(entry, Step) for call in entry.calls]
    assert all(call.end_us > call.start_us for call in calls)
