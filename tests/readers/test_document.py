"""Logs that are one JSON document: held, or read in parts where they are too large."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner.readers.opening import CHUNK_BYTES
from miner.readers.record import Limits
from miner.readers.source import Source

RUN = {"model": "m", "runs": [{"n": number} for number in range(3)]}
SMALL = Limits(document_bytes=16)
EACH = pytest.mark.parametrize("limits", [Limits(), SMALL], ids=["held", "in parts"])


def written(path: Path, value: Any, before: bytes = b"") -> Path:
    """A document on disk, with these bytes before it."""
    path.write_bytes(before + json.dumps(value).encode())
    return path


def elements(source: Source) -> list[Any]:
    """What is in the list of runs."""
    return [record.value["n"] for record in source.elements("cases", "runs")]


@EACH
def test_a_byte_order_mark_is_no_part_of_a_document(tmp_path: Path, limits: Limits) -> None:
    """It is counted with the rest, and stands in the way of nothing."""
    path = written(tmp_path / "a.json", RUN, b"\xef\xbb\xbf")
    source = Source((path,), limits)
    assert source.members("model", "task") == {"model": "m"}
    assert elements(source) == [0, 1, 2]
    assert (source.problems, source.account.accepted) == ([], path.stat().st_size)


@EACH
def test_a_document_beside_a_damaged_one_is_read(tmp_path: Path, limits: Limits) -> None:
    """What was told of one file is no reason to give up the next."""
    (tmp_path / "a.json").write_bytes(b'{"runs": [')
    source = Source((tmp_path / "a.json", written(tmp_path / "b.json", RUN)), limits)
    assert elements(source) == [0, 1, 2]
    assert [(Path(problem.path).name, problem.reason) for problem in source.problems] == [("a.json", "not_json")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"runs": [}', "column 11"),
        ('{\n  "runs": [\n    }\n', "line 3, column 5"),
        ("9" * 5000, "a number of too many digits"),
    ],
)
def test_a_damaged_document_is_told_with_the_place_of_the_damage(tmp_path: Path, text: str, place: str) -> None:
    """In the words of an editor: line and column, where there are several lines."""
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    source = Source((path,))
    assert list(source.elements()) == []
    assert [(problem.reason, problem.detail, problem.line) for problem in source.problems] == [
        ("not_json", place, None)
    ]


@pytest.mark.parametrize("rest", [b'{"n": 2', b"Killed\n", b"2"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
def test_documents_before_a_damaged_one_are_read(tmp_path: Path, rest: bytes, before: bytes) -> None:
    """Exporters that append document after document are stopped in the middle of one: only that is lost, and told."""
    whole = before + b'{\n "n": 0\n}\n{\n "n": 1\n}\n'
    path = tmp_path / "a.json"
    path.write_bytes(whole + rest)
    source = Source((path,))
    assert elements(source) == [0, 1]
    [problem] = source.problems
    assert (problem.reason, problem.offset, problem.length, problem.fatal) == ("not_json", len(whole), len(rest), True)
    assert (source.account.accepted, source.account.broken) == (len(whole), len(rest))


def test_one_document_with_something_behind_it_is_that_document(tmp_path: Path) -> None:
    """It keeps its list, as if nothing stood there."""
    path = written(tmp_path / "a.json", RUN)
    path.write_bytes(path.read_bytes() + b"\nKilled")
    source = Source((path,))
    assert elements(source) == [0, 1, 2]
    assert [(problem.reason, problem.detail) for problem in source.problems] == [("not_json", "line 2, column 1")]


def test_a_large_document_that_is_damaged_gives_what_stands_before(tmp_path: Path) -> None:
    """Read in parts, it loses the part that is damaged and what comes after, and that is told as broken."""
    path = written(tmp_path / "a.json", {"runs": [{"n": number, "said": "x" * CHUNK_BYTES} for number in range(3)]})
    path.write_bytes(path.read_bytes()[:-4])
    source = Source((path,), SMALL)
    assert elements(source) == [0, 1]
    assert [(problem.reason, problem.line) for problem in source.problems] == [("not_json", 3)]
    assert source.account.broken > 0
    assert source.account.total == path.stat().st_size


def test_a_large_document_that_is_no_list_is_refused(tmp_path: Path) -> None:
    """Whether its reader names a list that is not there, or none."""
    path = written(tmp_path / "a.json", {"steps": "x" * 99})
    size = path.stat().st_size
    for prefixes in ((), ("cases", "runs")):
        source = Source((path,), SMALL)
        assert list(source.elements(*prefixes)) == []
        [problem] = source.problems
        assert (problem.reason, problem.length, problem.fatal) == ("too_long", size, True)
        assert problem.detail == f"{size} bytes without an array that could be read in parts; the limit is 16"
        assert source.account.broken == size
