"""Paths as users give them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from miner.errors import LogError
from miner.store.discovery import discover


def test_folders_are_searched_and_files_come_once_in_order(tmp_path: Path) -> None:
    """A file named twice, by itself, by its folder and through a link, is one file."""
    for name in ("b/2", "b/c/3", "a/1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "link").symlink_to(tmp_path / "b" / "2")
    found = discover([tmp_path, tmp_path / "b" / "2"])
    assert found.files == [tmp_path / "a/1", tmp_path / "b/2", tmp_path / "b/c/3"]


def test_hidden_and_special_files_are_passed_over_and_counted(tmp_path: Path) -> None:
    """A pipe would never end and a hidden folder is nobody's log, unless it is named itself."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "log").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").touch()
    found = discover([tmp_path])
    assert (found.files, dict(found.passed_over)) == ([tmp_path / "a"], {"hidden": 1, "special": 1})
    assert discover([tmp_path / ".git"]).files == [tmp_path / ".git" / "log"]


def test_globs_are_expanded_where_no_shell_did(tmp_path: Path) -> None:
    """Also across folders; a pattern that matches nothing is an error."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "1.jsonl").touch()
    (tmp_path / "x" / "1.txt").touch()
    assert discover([tmp_path / "**" / "*.jsonl"]).files == [tmp_path / "x" / "1.jsonl"]
    with pytest.raises(LogError, match="no file matches"):
        discover([tmp_path / "*.zip"])


def test_a_missing_path_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    """A typing error is answered by what was probably meant."""
    (tmp_path / "sessions").mkdir()
    with pytest.raises(LogError, match="no such file or folder") as caught:
        discover([tmp_path / "sesions" / "a.jsonl"])
    assert caught.value.next_step == f"did you mean {tmp_path / 'sessions'}?"


@pytest.mark.parametrize("kind", ["empty", "dangling", "pipe"])
def test_what_cannot_hold_logs_is_refused_when_named(tmp_path: Path, kind: str) -> None:
    """An empty folder, a link to nothing and a pipe each get an error with a place and a next step."""
    path = tmp_path / kind
    if kind == "empty":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nothing")
    else:
        os.mkfifo(path)
    with pytest.raises(LogError) as caught:
        discover([path])
    assert caught.value.where == str(path)
    assert caught.value.next_step
