"""A log as a tree that can be changed, and back to bytes: JSON Lines, a document, tagged text, a database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

Path = tuple[Any, ...]
"""The keys and places that lead to a value inside a tree."""
Writer = Callable[[Any], str]
"""Gives a value's JSON."""
_SQLITE = b"SQLite format 3\0"


class DamagedError(Exception):
    """A container does not hold what it says: a reader has to tell."""


class UnsureError(Exception):
    """It cannot be said whether these values could be had."""


class Carrier(Protocol):
    """What a format keeps its values in."""

    def tree(self, data: bytes) -> Any:
        """The values of a log."""
        ...

    def data(self, tree: Any, written: Writer = json.dumps) -> bytes:
        """A log with these values."""
        ...


def carrier_of(example: bytes) -> Carrier:
    """The carrier of a log, told by its content."""
    if example.startswith(_SQLITE):
        return Database(_schema(example))
    lines = example.decode().splitlines()
    if len(lines) > 1 and all(_is_json(line) for line in lines):
        return Lines()
    return Document() if _is_json(example) else Text()


def _is_json(text: str | bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class Lines:
    """JSON Lines."""

    def tree(self, data: bytes) -> Any:
        """A list of records."""
        return [json.loads(line) for line in data.splitlines()]

    def data(self, tree: Any, written: Writer = json.dumps) -> bytes:
        """One value a line."""
        return "".join([written(record) + "\n" for record in (tree if isinstance(tree, list) else [tree])]).encode()


class Document:
    """One JSON document."""

    def tree(self, data: bytes) -> Any:
        """Its value."""
        return json.loads(data)

    def data(self, tree: Any, written: Writer = json.dumps) -> bytes:
        """The value, written."""
        return written(tree).encode()


class Text:
    """Lines of text, some of which are a tag and a JSON value: ``data: {…}``."""

    def tree(self, data: bytes) -> Any:
        """A list of lines, a tagged one as ``{tag: value}``."""
        return [self._line(line) for line in data.decode().splitlines()]

    def _line(self, line: str) -> Any:
        tag, brace, rest = line.partition("{")
        return {tag: json.loads(brace + rest)} if brace and _is_json(brace + rest) else line

    def data(self, tree: Any, written: Writer = json.dumps) -> bytes:
        """The lines, written; what is no line any more is written as JSON."""
        return "".join([self._text(line, written) + "\n" for line in tree]).encode("utf-8", "surrogatepass")

    def _text(self, line: Any, written: Writer) -> str:
        if isinstance(line, str):
            return line
        if isinstance(line, dict) and len(line) == 1:
            [(tag, value)] = line.items()
            return f"{tag}{written(value)}"
        return written(line)


@dataclass(frozen=True)
class Database:
    """The tables of an SQLite database, with JSON cells as what they hold."""

    schema: dict[str, tuple[str, list[str]]]
    """Table -> (its statement, its columns)."""

    def tree(self, data: bytes) -> Any:
        """Table -> rows, each column -> cell; ``DamagedError`` when not all of it can be had."""
        try:
            return self._tree(data)
        except (sqlite3.Error, OverflowError, MemoryError) as error:
            raise DamagedError from error
        except UnicodeDecodeError as error:
            # The name of a column: a reader may do without it.
            raise UnsureError from error

    def _tree(self, data: bytes) -> Any:
        with closing(sqlite3.connect(":memory:")) as connection:
            # A journal has no place in memory: the marks of a database that had one are taken off.
            connection.deserialize(data[:18] + b"\1\1" + data[20:])
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            return {
                table: [
                    dict(zip(columns, map(_decoded, row), strict=False))
                    for row in connection.execute(f'SELECT * FROM "{table}"')
                ]
                for table, (_, columns) in self.schema.items()
            }

    def data(self, tree: Any, written: Writer = json.dumps) -> bytes:
        """A database with these rows; what a table cannot hold is left out, as no log could hold it either."""
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("PRAGMA page_size = 512")
            for table, (statement, columns) in self.schema.items():
                connection.execute(statement)
                found = tree.get(table) if isinstance(tree, dict) else None
                rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
                marks = ", ".join("?" * len(columns))
                cells = [[_encoded(row.get(column), written) for column in columns] for row in rows]
                connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', cells)
            connection.commit()
            return connection.serialize()


def _schema(data: bytes) -> dict[str, tuple[str, list[str]]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: (sql, [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]) for name, sql in tables
        }


def _decoded(cell: Any) -> Any:
    return json.loads(cell) if isinstance(cell, str) and cell[:1] in ("{", "[") and _is_json(cell) else cell


def _encoded(value: Any, written: Writer) -> Any:
    if isinstance(value, dict | list) or (isinstance(value, int) and abs(value) >= 1 << 63):
        return written(value)
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) and not _storable(value) else value


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def meant(text: str) -> Any:
    """What a text holds when it is JSON, else the text."""
    return json.loads(text) if text[:1] in ("{", "[") and _is_json(text) else text


def places(value: Any) -> list[Path]:
    """The path of every value inside a JSON value, an outer one before what it holds."""
    return list(_places(value, ()))


def _places(value: Any, path: Path) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield (*path, key)
        yield from _places(child, (*path, key))


def at(tree: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        tree = tree[key]
    return tree


def texts(value: Any) -> Iterator[str]:
    """Every text inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from texts(child)
