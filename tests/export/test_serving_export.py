"""Serving rules on their way out: held back by name, told in words, compared between bundles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from miner.cli import main
from miner.export.bundle import export_bundle
from miner.export.pattern_file import pattern_bytes, read_patterns
from miner.export.twin import twin_of
from miner.mining.withhold import withhold
from miner.runtime.bundle import bundle_bytes, load_bundle
from miner.settings import ExportSettings
from tests.evaluation.sessions import session_of
from tests.runtime.small_patterns import small_patterns


@pytest.mark.parametrize("name", ["open", "offset", "limit"])
def test_a_rule_that_names_what_may_not_be_shown_stays(name: str) -> None:
    """A tool or an argument that is refused takes the rule with it; other refusals do not."""
    assert withhold(small_patterns(), lambda _, text: "no" if text == name else None)[0].serving == []
    assert len(withhold(small_patterns(), lambda _, text: "no" if text == "other" else None)[0].serving) == 1


def test_others_get_rules_of_many_sessions_only() -> None:
    """A rule that held in fewer than twenty sessions stays with its owner."""
    logs = [
        session_of(f"s{n}", "look", [("open", {"path": "a", "offset": 1, "limit": 2})], [], application=f"p{n % 6}")
        for n in range(30)
    ]
    for sessions, kept in ((19, 0), (20, 1)):
        patterns = small_patterns()
        patterns.serving = [replace(patterns.serving[0], sessions=sessions)]
        found = export_bundle(patterns, ExportSettings(audience="shared"), created_from={}, logs=lambda: iter(logs))
        assert len(load_bundle(found.data).patterns.serving) == kept


def test_patterns_on_disk_keep_them(tmp_path: Path) -> None:
    """The file of a run folder holds every part of a rule."""
    path = tmp_path / "patterns.json"
    path.write_bytes(pattern_bytes(small_patterns()))
    assert read_patterns(path).serving == small_patterns().serving


def test_the_twin_and_the_commands_tell_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People read which call is answered from which; a rule that came is a difference between two bundles."""
    data, bare = bundle_bytes(small_patterns()), bundle_bytes(replace(small_patterns(), serving=[]))
    words = "open with limit or offset from the same call without: line_range"
    assert f"SERVING {words}" in twin_of(load_bundle(data))
    assert "right 30 of 31 times in 9 sessions" in twin_of(load_bundle(data))
    assert "SERVING" not in twin_of(load_bundle(bare))
    for name, content in (("with", data), ("without", bare)):
        (tmp_path / name).write_bytes(content)
    assert main(["inspect", str(tmp_path / "with")]) == 0
    assert f"serves {words}" in capsys.readouterr().out
    assert main(["diff", str(tmp_path / "without"), str(tmp_path / "with")]) == 0
    assert f"+ serving {words}" in capsys.readouterr().out
