"""The rows of a DuckDB file as JSON Lines, read by a process of their own: on damage the library may end its process.

Run as a program, it is given a file and the name of a table, which may be empty, and writes an object for each row and
a list at the end, which says how it ended. Whoever finds no list knows that it died.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

DONE, WHICH, ABSENT, DAMAGED = "done", "which", "absent", "damaged"
"""How it ends: all rows told; so many tables and none was named; no table of that name; an error of this kind."""
_CLOSED: dict[str, str | bool | int | float | list[str]] = {"enable_external_access": "false"}
"""A view in a foreign database may name any file: nothing outside the database is read."""


def json_line(row: dict[str, Any]) -> bytes:
    """A row with times as text and maps as objects, as a JSON export would have written them."""
    try:
        return orjson.dumps(row, default=_written, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        return orjson.dumps(_with_digits(row), default=_written, option=orjson.OPT_NON_STR_KEYS)


def _with_digits(value: Any) -> Any:
    """Numbers of 128 bits, which may be ids, as text: JSON readers would round them."""
    if isinstance(value, dict):
        return {name: _with_digits(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_digits(inner) for inner in value]
    return str(value) if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64 else value


def _written(value: object) -> str:
    """Older writers do not say that their bytes are text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def lines(path: Path, table: str) -> Iterator[Any]:
    """What the program says of a file, read as it comes."""
    # Without the program's folder on its path: the readers there bear the names of what Python itself imports.
    command = [sys.executable, "-P", __file__, str(path.absolute()), table]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as said:
        try:
            for line in said.stdout or ():
                if line.endswith(b"\n"):
                    yield orjson.loads(line)
        finally:
            said.kill()


def _told(path: str, table: str) -> Iterator[bytes]:
    import duckdb

    try:
        with duckdb.connect(path, read_only=True, config=_CLOSED) as database:
            tables = [
                row[0] for row in database.execute("select table_name from duckdb_tables() order by 1").fetchall()
            ]
            if not table and len(tables) != 1:
                yield orjson.dumps([WHICH, len(tables)])
                return
            wanted = table or tables[0]
            if wanted not in tables:
                yield orjson.dumps([ABSENT])
                return
            quoted = '"' + wanted.replace('"', '""') + '"'
            answer = database.execute(f"select * from {quoted}")
            columns = [column[0] for column in answer.description or ()]
            while batch := answer.fetchmany(256):
                for row in batch:
                    yield json_line(dict(zip(columns, row, strict=True)))
            yield orjson.dumps([DONE])
    except (duckdb.Error, UnicodeDecodeError, orjson.JSONEncodeError) as error:
        yield orjson.dumps([DAMAGED, type(error).__name__])


if __name__ == "__main__":
    for _line in _told(*sys.argv[1:3]):
        sys.stdout.buffer.write(_line + b"\n")
