"""Files of no known format: what is said of them, and what to do next."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from miner.readers.sqlite_copy import database
from miner.readers.unrecognised import look_at

GZIP = gzip.compress(b"hello")


@pytest.mark.parametrize(
    ("name", "content", "what", "next_step"),
    [
        ("a.json", b"", "it is empty", "another file"),
        ("a.json.gz", GZIP[:6], "cannot be decompressed", "copied as a whole"),
        ("a.db", database({"notes": ("id", [(1,)])}), "an SQLite database", "miner formats"),
        ("a.duckdb", b"12345678DUCK" + bytes(99), "a DuckDB database", "--map auto"),
        ("a.zip", b"PK\x03\x04" + bytes(30), "a zip archive", "miner formats"),
        ("a.json", GZIP, "compressed, and its name does not say so", "end in .gz"),
        ("a.json.GZ", b'{"a": 1}', "no .gz file, whatever its name says", "end without .gz"),
        ("a.json", '{"a": 1}'.encode("utf-16"), "text in UTF-16", "as UTF-8"),
        ("a.csv", b"when,tool,args,session\n1,get,{},s\n", "a table with the columns args, session", "--map auto"),
        ("a.csv", b"when;tool;args;session\n1;get;{};s\n", "a table with the columns args, session", "--map auto"),
        ("a.jsonl", b'{"a": 1}\n{"b": 2}\n', "JSON with the members a, b", "--map auto"),
        ("a.json", json.dumps({f"k{n}": n for n in range(30)}).encode(), "and 18 more", "--map auto"),
        ("a.json", b'{"a": ', "JSON that cannot be read", "miner formats"),
        ("a.json", b'{"a": "' + b"x" * (1 << 19), "a large JSON document", "miner formats"),
        ("a.bin", b"\0\1\2", "no text", "miner formats"),
        ("a.txt", b"hello\n", "text of no known layout", "miner formats"),
    ],
)
def test_what_a_file_looks_like_is_said(tmp_path: Path, name: str, content: bytes, what: str, next_step: str) -> None:
    """By its first bytes, its columns or its members; never by a value in it."""
    path = tmp_path / name
    path.write_bytes(content)
    look = look_at(path)
    assert what in look.what
    assert next_step in look.next_step
