"""Lists of tools -> the fingerprints that a bundle carries, so that a runtime knows a tool that has changed since.

A list is what a server or a host gives: an answer to ``tools/list``, the ``tools`` of a model's request in any common
form, or a capture of the protocol with such an answer in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from miner.errors import UsageError
from miner.runtime.fingerprint import fingerprint_of

FILE = "tools.json"
_FORMAT = 1
_SCHEMAS = ("inputSchema", "input_schema", "parameters")
_INSIDE = ("tools", "result", "message", "function")
_DEPTH = 6


def read_fingerprints(run: Path) -> dict[str, str]:
    """Tool -> fingerprint, as a run folder keeps them; none where nobody gave a list."""
    try:
        kept = json.loads((run / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(kept["fingerprints"]) if isinstance(kept, dict) and kept.get("format") == _FORMAT else {}


def keep_fingerprints(run: Path, found: Mapping[str, str]) -> None:
    """Puts fingerprints beside those that the run folder has."""
    every = {**read_fingerprints(run), **found}
    text = json.dumps({"format": _FORMAT, "fingerprints": every}, indent=1, sort_keys=True)
    (run / FILE).write_text(text + "\n", encoding="utf-8")


def placed(given: str) -> tuple[Path, str]:
    """The file, and the prefix of its tools' names in the logs, of a list given as ``[PREFIX=]FILE``."""
    prefix, equals, file = given.partition("=")
    return (Path(given), "") if not equals or Path(given).exists() else (Path(file), prefix)


def fingerprints_in(path: Path, prefix: str = "") -> dict[str, str]:
    """Tool -> fingerprint, of the lists in a file; ``prefix`` is what the logs have before these tools' names.

    Raises:
        UsageError: the file cannot be read, or lists no tool with a schema.
    """
    return {prefix + name: tool.fingerprint for name, tool in _listed_in(path).items()}


def annotations_in(path: Path, prefix: str = "") -> dict[str, Mapping[str, Any]]:
    """Tool -> what its server says of it (``readOnlyHint`` and so on), of the lists in a file.

    Raises:
        UsageError: the file cannot be read, or lists no tool with a schema.
    """
    return {prefix + name: tool.annotations for name, tool in _listed_in(path).items()}


class _Listed(NamedTuple):
    """A tool as a list has it."""

    fingerprint: str
    annotations: Mapping[str, Any]


def _listed_in(path: Path) -> dict[str, _Listed]:
    """The tools of every list in a file; the latest list counts."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the list of tools cannot be read", where=str(path), next_step="check the path") from error
    found = {name: tool for value in _values(text) for name, tool in _tools(value, _DEPTH)}
    if not found:
        raise UsageError(
            "no tool with an input schema is listed", where=str(path), next_step="give an answer to tools/list, as JSON"
        )
    return found


def _values(text: str) -> Iterator[Any]:
    """The JSON of a whole file, else of each of its lines."""
    try:
        yield json.loads(text)
    except (ValueError, RecursionError):
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue


def _tools(value: Any, depth: int) -> Iterator[tuple[str, _Listed]]:
    """Every tool in a value by its name, in any of the forms."""
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            yield from _tools(item, depth - 1)
    elif isinstance(value, dict):
        schema = next((value[name] for name in _SCHEMAS if isinstance(value.get(name), dict)), None)
        if isinstance(value.get("name"), str) and schema is not None:
            said = value.get("annotations")
            fingerprint = fingerprint_of(schema)
            if fingerprint is not None:
                yield value["name"], _Listed(fingerprint, said if isinstance(said, dict) else {})
            return
        for name in _INSIDE:
            yield from _tools(value.get(name), depth - 1)
