"""Lists of tools: every form in which one comes gives the same fingerprints, and a run folder keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.errors import UsageError
from miner.export.tools import annotations_in, fingerprints_in, keep_fingerprints, placed, read_fingerprints
from miner.runtime.fingerprint import fingerprint_of

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
LISTED = {"name": "open", "inputSchema": SCHEMA}
FORMS: list[Any] = [
    [LISTED],
    {"tools": [LISTED]},
    {"jsonrpc": "2.0", "id": 1, "result": {"tools": [LISTED]}},
    {"timestamp": "2026-05-01T10:00:00Z", "message": {"jsonrpc": "2.0", "id": 1, "result": {"tools": [LISTED]}}},
    [{"name": "open", "input_schema": SCHEMA}],
    [{"type": "function", "function": {"name": "open", "parameters": SCHEMA}}],
    {"model": "m", "tools": [{"type": "function", "name": "open", "parameters": SCHEMA}]},
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_understood(form: Any, tmp_path: Path) -> None:
    """A protocol's answer, a capture of it, and what model interfaces are given."""
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(form))
    assert fingerprints_in(path, "mcp__files__") == {"mcp__files__open": fingerprint_of(SCHEMA)}


@pytest.mark.parametrize("said", [{"readOnlyHint": False}, None, "nonsense"])
def test_what_a_server_says_of_a_tool_is_read_beside_its_schema(said: Any, tmp_path: Path) -> None:
    """Annotations are an object or nothing."""
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"tools": [{**LISTED, "annotations": said}]}))
    assert annotations_in(path, "files__") == {"files__open": said if isinstance(said, dict) else {}}


def test_lines_are_read_one_by_one(tmp_path: Path) -> None:
    """A capture may hold what is no message; the latest list counts."""
    path = tmp_path / "capture.jsonl"
    old = {"result": {"tools": [{"name": "open", "inputSchema": {"type": "object"}}]}}
    path.write_text("\n".join(["no json", json.dumps(old), json.dumps({"result": {"tools": [LISTED]}}), ""]))
    assert fingerprints_in(path) == {"open": fingerprint_of(SCHEMA)}


@pytest.mark.parametrize("text", [None, "", "no json", "{}", '{"tools": [{"name": "open"}]}'])
def test_a_file_without_tools_is_named(text: str | None, tmp_path: Path) -> None:
    """Nothing is exported as if it had been checked."""
    path = tmp_path / "tools.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"tools\.json"):
        fingerprints_in(path)


def test_a_run_folder_keeps_them(tmp_path: Path) -> None:
    """Lists add up, and a later one of the same tool replaces the earlier."""
    assert read_fingerprints(tmp_path) == {}
    keep_fingerprints(tmp_path, {"open": "sha256:1", "find": "sha256:2"})
    keep_fingerprints(tmp_path, {"open": "sha256:3"})
    assert read_fingerprints(tmp_path) == {"find": "sha256:2", "open": "sha256:3"}


def test_a_prefix_stands_before_its_file(tmp_path: Path) -> None:
    """A file whose own name has an equals sign is still a file."""
    odd = tmp_path / "a=b.json"
    assert placed(str(odd)) == (Path("b.json"), f"{tmp_path}/a")
    odd.touch()
    assert placed(str(odd)) == (odd, "")
    assert placed("tools.json") == (Path("tools.json"), "")
    assert placed("mcp__files__=tools.json") == (Path("tools.json"), "mcp__files__")
