"""The recipe for PASTE's public traces, on hand-made files of that shape: no real trace was read here."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
START = 1_777_629_600.0


@pytest.fixture(scope="module")
def recipe() -> Iterator[ModuleType]:
    """``data/paste.py``, which is a script."""
    sys.path.insert(0, str(ROOT / "data"))
    import paste

    yield paste
    sys.path.remove(str(ROOT / "data"))


def trace(name: str, rounds: int) -> str:
    """A session that searches and visits the first two of three pages found, some rounds long."""
    said = [{"role": "user", "content": f"About {name}?"}]
    lines, now = [], START
    for turn in range(rounds):
        pages = [f"https://{name}.example/{turn}/{page}" for page in "abc"]
        listed = "\n".join(f"{n}. [Page {n}]({url})" for n, url in enumerate(pages, 1))
        for tool, given, came in (
            ("search", {"query": [f"{name} {turn}"]}, listed),
            ("visit", {"url": pages[:2], "goal": "read"}, "Words about it."),
        ):
            lines.append(
                {"event_type": "llm_call", "timestamp": now, "messages": list(said), "total_time_ms": 900.0}
                | {"response": f"<tool_call>{tool}</tool_call>"}
            )
            lines.append({"event_type": "tool_call", "timestamp": now + 0.1, "tool_name": tool, "tool_args": given})
            said += [
                {"role": "assistant", "content": f"<tool_call>{tool} {turn}</tool_call>"},
                {"role": "user", "content": f"<tool_response>\n{came}\n</tool_response>"},
            ]
            now += 5
    lines.append(
        {"event_type": "llm_call", "timestamp": now, "messages": said, "response": "Done.", "total_time_ms": 9}
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty sessions of four rounds."""
    folder = tmp_path_factory.mktemp("traces")
    for number in range(20):
        (folder / f"task{number}.jsonl").write_text(trace(f"t{number}", 4), encoding="utf-8")
    return folder


def test_the_split_is_the_authors(recipe: ModuleType) -> None:
    """By the hash of the file's name alone: seventy of a hundred train, and no order of listing matters."""
    files = [Path(f"{number}.jsonl") for number in range(100)]
    train, test = recipe.split(files)
    assert (len(train), len(test)) == (70, 30)
    assert recipe.split(reversed(files)) == (train, test)
    first = min(files, key=lambda path: hashlib.sha256(f"paste-repro-v1\0{path}".encode()).hexdigest())
    assert train[0] == first


def test_each_url_of_a_visit_is_a_target(recipe: ModuleType) -> None:
    """Of two pages visited, one stands second among those foreseen and one nowhere."""
    found = recipe.Found()
    recipe._count(found, ["u1", "u2", "u3"], ["u2", "u9"])
    assert (found.decisions, found.targets, found.hits) == (1, 2, {1: 0, 3: 1, 5: 1})
    assert list(recipe.urls_of({"url": ["https://a", "b"], "goal": "see https://c"})) == ["https://a"]


def test_one_command_learns_scores_and_compares(
    recipe: ModuleType, traces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six held-out sessions of four windows with two URLs each: sessions as regular as these are foreseen."""
    assert recipe.main([str(traces), "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith("24 decisions, 48 URLs: not the 34 and 88")
    first, third, fifth = (int(line.split("/48")[0].split()[-1]) for line in printed[-4:-1])
    assert printed[-4].endswith("17/88 = 19.3%")
    assert printed[-2].endswith("49/88 = 55.7%")
    assert first <= 24
    assert 40 <= third <= fifth


def test_a_folder_without_traces_is_refused(recipe: ModuleType, tmp_path: Path) -> None:
    """In words, with the way to fetch them."""
    assert recipe.main([str(tmp_path)]) == 1
