"""Signatures of calls and the classes of their arguments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.runtime.argument_class import CLASS_FUNCTIONS, extension, first_word, host, shell, value
from miner.runtime.signature import Refinement, coarse_status, signature, signature_of_call

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", CLASS_FUNCTIONS)
@given(argument=JSON)
def test_a_class_function_takes_any_value(name: str, argument: Any) -> None:
    """Every class function answers any JSON value with a tuple of non-empty texts, the same each time."""
    names = CLASS_FUNCTIONS[name](argument)
    assert isinstance(names, tuple)
    assert all(isinstance(found, str) and found for found in names)
    assert CLASS_FUNCTIONS[name](argument) == names


@pytest.mark.parametrize(
    ("function", "argument", "expected"),
    [
        (shell, "git stash pop", ("git stash pop", "git stash", "git")),
        (shell, ["bash", "-lc", "cd a && ls 'b c'"], ("ls",)),
        (shell, ["git", "commit", "-m", "it's done"], ("git commit", "git")),
        (shell, ["ls", 3], ()),
        (extension, "/a/b.test.PY", (".py",)),
        (extension, "/a/.bashrc", ()),
        (extension, "v1.25", ()),
        (host, "https://me@en.wikipedia.org:443/wiki/X", ("en.wikipedia.org", "wikipedia.org")),
        (host, "not a url", ()),
        (first_word, "  SELECT * from t", ("select",)),
        (value, True, ("true",)),
        (value, "x" * 41, ()),
    ],
)
def test_classes_run_from_fine_to_coarse(function: Any, argument: Any, expected: tuple[str, ...]) -> None:
    """A value's class names come finest first, and none come where the function does not apply."""
    assert function(argument) == expected


def test_the_finest_known_class_is_seen() -> None:
    """A call is refined to the finest name that mining kept, and to none when no name is known."""
    refinements = {"Bash": Refinement("command", "shell", frozenset({"git", "git diff", "pytest"}))}

    def seen(command: str, status: str = "ok", text: str = "out") -> str:
        return signature_of_call("Bash", {"command": command}, status, text, refinements)

    assert seen("git diff --stat") == "Bash:git diff"
    assert seen("git log") == "Bash:git"
    assert seen("ls -la") == "Bash"
    assert seen("cd a && pytest", status="error") == "Bash:pytest (error)"
    assert seen("pytest", text="[]\n") == "Bash:pytest (empty)"
    assert signature_of_call("Bash", {}, "ok", "x", refinements) == "Bash"
    assert signature_of_call("Read", {"command": "git"}, "ok", "x", refinements) == "Read"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        ("ok", "x", "ok"),
        ("ok", " [] ", "empty"),
        ("ok", None, "ok"),
        ("denied", "", "error"),
        ("missing", "", "ok"),
        ("running", "started", "ok"),
    ],
)
def test_coarse_status(status: str, text: str | None, expected: str) -> None:
    """Any failure is an error, an empty answer is seen as such, and an unknown end counts as neither."""
    assert coarse_status(status, text) == expected


def test_a_plain_signature_is_the_tool() -> None:
    """A successful call of an unrefined tool is seen as the tool's name alone."""
    assert signature("Read") == "Read"
