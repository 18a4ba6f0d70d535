"""Rows of a table, in whichever container people keep it: JSON, JSON Lines, CSV, Parquet, DuckDB."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from miner.errors import MissingExtraError
from miner.readers import duckdb_rows
from miner.readers.head import Head, head_of
from miner.readers.source import Source
from miner.readers.whole import refuse, text_lines

_PARQUET = b"PAR1"
_DUCKDB = b"DUCK"
"""Stands in a DuckDB file behind a checksum of eight bytes."""
_LISTS = ("", "data", "spans", "runs", "observations", "calls", "rows", "events", "logs", "objects")
_FIELD_BYTES = 16 << 20
_DELIMITERS = ",;\t"
"""Spreadsheets write semicolons wherever the comma stands in numbers."""


def columns_of(head: Head) -> set[str]:
    """The columns that the first rows have; empty for what is no table."""
    if is_parquet(head):
        return set(parquet_columns(head.path))
    if head.start.lstrip()[:1] in (b"{", b"["):
        return _json_columns(head)
    return _csv_columns(head.start.split(b"\n", 1)[0])


def is_parquet(head: Head) -> bool:
    """Whether a file is a Parquet table."""
    return head.start.startswith(_PARQUET)


def is_duckdb(head: Head) -> bool:
    """Whether a file is a DuckDB database."""
    return head.start[8:12] == _DUCKDB


def is_table(head: Head) -> bool:
    """Whether a file holds rows with columns."""
    return is_duckdb(head) or bool(columns_of(head))


def _csv_columns(first: bytes) -> set[str]:
    """The names in the first line of a text; most files are no table, and some are no text."""
    try:
        line = first.rstrip(b"\r").decode()
        names = next(csv.reader([line], delimiter=_delimiter(line)), [])
    except (UnicodeDecodeError, csv.Error):
        return set()
    return {name.strip() for name in names} if len(names) > 3 else set()


def _delimiter(first: str) -> str:
    """What stands most often between the names of the columns."""
    return max(_DELIMITERS, key=first.count)


def _json_columns(head: Head) -> set[str]:
    document = head.document()
    values = [document] if document is not None else head.records(5)
    rows = [row for value in values for row in _rows(value)]
    return {key for row in rows[:50] for key in row}


def _rows(value: Any) -> list[dict[str, Any]]:
    for name in _LISTS:
        found = value.get(name) if name and isinstance(value, dict) else value
        if isinstance(found, list):
            return [row for row in found[:50] if isinstance(row, dict)]
    return [value] if isinstance(value, dict) else []


def rows(source: Source, path: Path, name: str = "") -> Iterator[dict[str, Any]]:
    """The rows of a table; what is no row is told as a problem.

    Args:
        source: where problems and bytes are accounted.
        path: the file.
        name: the table in a database that holds several.
    """
    head = head_of(path, 64)
    one = replace(source, paths=(path,))
    if is_parquet(head):
        yield from parquet_rows(one, path)
    elif is_duckdb(head):
        yield from _duckdb(one, path, name)
    elif head.start.lstrip()[:1] not in (b"{", b"["):
        yield from _csv(one, path)
    else:
        for record in one.values(*_LISTS):
            if isinstance(record.value, dict):
                yield record.value
            else:
                source.problem("unknown_record", "no row", path=path, line=record.line)


def _csv(source: Source, path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(_FIELD_BYTES)
    texts = (line + "\n" for _, line in text_lines(source, path))
    first = next(texts, "")
    reader = csv.reader(chain((first,), texts), delimiter=_delimiter(first))
    names: list[str] = []
    try:
        for cells in reader:
            if not names:
                names = [name.strip() for name in cells]
            elif cells and len(cells) != len(names):
                # A comma or a quote too few or too many: which cell belongs to which column is anybody's guess.
                detail = f"{len(cells)} cells, and {len(names)} columns"
                source.problem("not_csv", detail, path=path, line=reader.line_num)
            elif cells:
                yield {name: cell or None for name, cell in zip(names, cells, strict=True) if name}
    except csv.Error as error:
        source.problem("not_csv", type(error).__name__, path=path, line=reader.line_num, fatal=True)


def _duckdb(source: Source, path: Path, name: str) -> Iterator[dict[str, Any]]:
    if find_spec("duckdb") is None:
        raise MissingExtraError("mining", "duckdb")
    size = path.stat().st_size
    source.account.accepted += size
    end: list[Any] = [duckdb_rows.DAMAGED, "the library does not bear it"]
    for told in duckdb_rows.lines(path, name):
        if isinstance(told, dict):
            source.account.records += 1
            yield told
        else:
            end = told
    how, *about = end
    if how == duckdb_rows.DAMAGED:
        refuse(source, path, "not_duckdb", size, detail=about[0], fatal=True)
    elif how == duckdb_rows.WHICH:
        source.problem("which_table", f"there are {about[0]}: let the map say `table`", path=path, fatal=True)
    elif how == duckdb_rows.ABSENT:
        source.problem("which_table", "the map names a table that is not there", path=path, fatal=True)


def _jsonable(row: dict[str, Any]) -> dict[str, Any]:
    value = orjson.loads(duckdb_rows.json_line(row))
    return value if isinstance(value, dict) else {}


def parquet_columns(path: Path) -> list[str]:
    """The columns of a Parquet file; empty for one that is damaged."""
    pa, parquet = _pyarrow()
    try:
        return list(parquet.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError):
        return []


def parquet_rows(source: Source, path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file as far as they can be had; where they end early, that is told."""
    pa, parquet = _pyarrow()
    size = path.stat().st_size
    source.account.accepted += size
    number = 0
    try:
        file = parquet.ParquetFile(path, page_checksum_verification=True)
        for batch in file.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                number += 1
                source.account.records += 1
                yield _jsonable(row)
        stated = file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        # Texts and dates are made from the bytes last of all: they too may turn out to be damaged.
        refuse(source, path, "not_parquet", size, line=number + 1, detail=type(error).__name__, fatal=True)
        return
    if number != stated:
        refuse(source, path, "not_parquet", size, detail=f"{number} rows, and {stated} are stated", fatal=True)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtraError("mining", "pyarrow") from None
    return pa, parquet
