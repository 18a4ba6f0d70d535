"""What an ingest says of records that were read and are worth knowing, and of wrappers that were taken off."""

from __future__ import annotations

from pathlib import Path

import pytest

import miner.readers
from miner.readers.unwrap import NAME_SPACE, WITH_SERVER, WITHOUT_SERVER, rule_of
from miner.store import Store
from miner.store.report import IngestReport

CHAT = """\
{"messages": [{"role": "user", "content": "Go."}, {"role": "assistant", "content": null, "tool_calls": [\
{"id":"a","function":{"name":"run","arguments":"{\\"server\\": \\"crm\\", \\"tool\\": \\"find\\", \\"params\\": {}}"}},\
{"id": "b", "function": {"name": "functions.look", "arguments": "{}"}}, {"id": "c", "function": {"arguments": "{}"}}]}]}
"""


@pytest.fixture
def _real_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The readers that there are, which the other tests of the store do without."""
    folder = Path(str(miner.readers.__file__)).parent
    monkeypatch.setattr(miner.readers, "__path__", [str(folder)])


def test_copies_and_new_kinds_are_no_unreadable_records() -> None:
    """They are told, and do not fail an ingest: the share is that of records which could not be read."""
    report = IngestReport(records=8, problems=6, by_reason={"not_json": 2, "repeated_session": 3, "unknown_kind": 1})
    assert report.unreadable == 2
    assert report.problem_share == 0.2


@pytest.mark.usefixtures("_real_readers")
def test_what_was_taken_apart_and_what_was_passed_over_is_said(database: Path, logs: Path) -> None:
    """A router's call is one of its tool, a call without a name is none; both can be seen."""
    (logs / "chat.jsonl").write_text(CHAT, encoding="utf-8")
    with Store.open(database) as store:
        report = store.ingest([logs])
        assert report.unwrapped == [
            {"rule": NAME_SPACE, "logged": "any", "calls": 1, "tools": 1},
            {"rule": WITH_SERVER, "logged": "run", "calls": 1, "tools": 1},
        ]
        assert report.by_reason == {"unknown_kind": 1}
        assert store.query("select detail from problems") == [("1 records, or parts of one",)]
        assert store.ingest([logs]).unwrapped == report.unwrapped


@pytest.mark.parametrize(
    ("logged", "tool", "server", "rule"),
    [
        ("execute-tool", "maps/route", "maps", WITH_SERVER),
        ("functions.find", "find", None, NAME_SPACE),
        ("multi_tool_use.parallel", "find", None, WITHOUT_SERVER),
        ("mcp__crm__find", "crm/find", "crm", None),
        ("find", "crm/find", "crm", None),
    ],
)
def test_the_rule_is_told_from_the_names(logged: str, tool: str, server: str | None, rule: str | None) -> None:
    """A name that is only spelt in full was not taken apart."""
    assert rule_of(logged, tool, server) == rule
