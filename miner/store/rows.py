"""Canonical records as rows: their order, their digests, and their Arrow form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson

from miner.events import Event, Problem, Session
from miner.store.schema import EVENT_FIELDS, PROBLEM_FIELDS, SESSION_FIELDS, TABLES

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Any, ...]

event_row: Callable[[Event], Row] = attrgetter(*EVENT_FIELDS)
session_row: Callable[[Session], Row] = attrgetter(*SESSION_FIELDS)
problem_row: Callable[[Problem], Row] = attrgetter(*PROBLEM_FIELDS)

_SURROGATES = re.compile("[\ud800-\udfff]")
_INT64 = 1 << 63


def digest(row: Row) -> int:
    """64 bits of BLAKE2 over the row's values: the same before it is stored and after it is read back.

    Raises:
        TypeError: a value that JSON cannot hold; see ``storable``.
    """
    return int.from_bytes(hashlib.blake2b(orjson.dumps(row), digest_size=8).digest(), "little")


def storable(row: Row, kinds: Sequence[str]) -> Row:
    """The row with what its columns cannot hold replaced: a reader's slip must not lose the other rows."""
    return tuple(_storable(value, kind) for value, kind in zip(row, kinds, strict=True))


def _storable(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "varchar":
        return _SURROGATES.sub("\ufffd", str(value))
    if kind == "boolean":
        return bool(value)
    if kind == "double":
        return float(value) if isinstance(value, (int, float)) else None
    if kind == "bigint[]":
        return [item for item in value if isinstance(item, int)]
    return value if isinstance(value, int) and -_INT64 <= value < _INT64 else None


def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of a table of the store."""
    import pyarrow as pa

    kinds = {
        "varchar": pa.string(),
        "bigint": pa.int64(),
        "integer": pa.int32(),
        "ubigint": pa.uint64(),
        "boolean": pa.bool_(),
        "double": pa.float64(),
        "bigint[]": pa.list_(pa.int64()),
        # Arrow has no 128-bit integer; DuckDB casts the text.
        "hugeint": pa.string(),
    }
    return pa.schema([(column.name, kinds[column.sql_type]) for column in TABLES[table]])


def record_batch(table: str, rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows of a table as one Arrow batch."""
    import pyarrow as pa

    schema = arrow_schema(table)
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.RecordBatch.from_arrays(
        [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)], schema=schema
    )


def digested_batch(table: str, rows: Sequence[Row]) -> tuple[pa.RecordBatch, list[int]]:
    """Rows without their last column, the digest, as one Arrow batch with it; and the digests.

    The digest leaves out the first column, the number of the source, which is the store's own.
    """
    import pyarrow as pa

    try:
        digests = [digest(row[1:]) for row in rows]
        return record_batch(table, [(*row, number) for row, number in zip(rows, digests, strict=True)]), digests
    except (TypeError, OverflowError, pa.ArrowException):
        kinds = [column.sql_type for column in TABLES[table][:-1]]
        rows = [storable(row, kinds) for row in rows]
        digests = [digest(row[1:]) for row in rows]
        return record_batch(table, [(*row, number) for row, number in zip(rows, digests, strict=True)]), digests
