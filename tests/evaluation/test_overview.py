"""What the agents do: sessions, calls, tools, habits and what was not read, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

from miner.evaluation.overview import overview, overview_section
from miner.evaluation.page import markdown
from miner.evaluation.sections import of_all
from miner.store.database import Store


def _write(folder: Path, number: int, *calls: tuple[str, int]) -> None:
    messages: list[dict[str, object]] = [{"role": "user", "content": "go on"}]
    for place, (name, value) in enumerate(calls):
        function = {"name": name, "arguments": json.dumps({"n": value})}
        call = {"id": f"c{number}-{place}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": "fine"})
    (folder / f"{number}.json").write_text(json.dumps({"id": f"conversation-{number}", "messages": messages}))


def test_counts_are_those_of_the_logs(tmp_path: Path) -> None:
    """Calls by tool, exact repetitions, what follows what, and files that are no logs."""
    logs = tmp_path / "logs"
    logs.mkdir()
    _write(logs, 1, ("look", 1), ("open", 1), ("look", 1))
    _write(logs, 2, ("look", 1), ("open", 2))
    with Store.open(tmp_path / "e.duckdb") as store:
        store.ingest([logs])
        found = overview(store, {"hidden": 3})
    assert (found["sessions"], found["calls"], found["repeated_calls"], found["parallel_calls"]) == (2, 5, 1, 0)
    assert [(tool["tool"], tool["calls"], tool["sessions"]) for tool in found["tools"]] == [
        ("look", 3, 2),
        ("open", 2, 2),
    ]
    assert {(habit["tool"], habit["next"]): habit["times"] for habit in found["habits"]} == {
        ("look", "open"): 2,
        ("open", "look"): 1,
    }
    assert found["habits"][0]["share"] == 1.0
    text = markdown("Report", [overview_section(found)])
    assert "2 sessions (2 messages)" in text
    assert "20.0 % are exactly a call that the session has made before" in text
    assert "3 hidden" in text
    assert "5 calls of 2 tools, no times of tools." in text


def test_what_a_table_leaves_out_is_told() -> None:
    """A table of some of the rows says of how many, a whole one does not."""
    assert of_all(12, 1018, "tool") == "tool, 12 of 1,018"
    assert of_all(12, 12, "tool") == "tool"


def test_empty_store_has_an_overview(tmp_path: Path) -> None:
    """No session is no division by nothing."""
    with Store.open(tmp_path / "e.duckdb") as store:
        found = overview(store)
    assert (found["sessions"], found["calls"], found["tools"], found["tool_s"]) == (0, 0, [], 0)
    assert "0 sessions" in markdown("Report", [overview_section(found)])
