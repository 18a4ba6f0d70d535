"""patterns.json: everything that mining learned, with its evidence, as the tables of a bundle and one more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from miner.errors import RunFolderError
from miner.runtime.bundle_tables import patterns_of
from miner.runtime.bundle_writing import tables_of
from miner.runtime.canonical import canonical
from miner.runtime.errors import BundleError
from miner.runtime.patterns import Evidence, PatternSet

FORMAT = "miner-patterns"
VERSION = 1


def pattern_bytes(patterns: PatternSet) -> bytes:
    """The content of patterns.json."""
    evidence = [[one.fired, one.right, one.sessions, one.counter_examples] for one in patterns.evidence]
    document = {"format": FORMAT, "version": VERSION, **tables_of(patterns), "evidence": evidence}
    return canonical(document).encode()


def read_patterns(path: Path) -> PatternSet:
    """The pattern set of a patterns.json.

    Raises:
        RunFolderError: it is not there, or is no pattern set of this version.
    """
    advice = f"miner mine {path.parent}"
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise RunFolderError("nothing has been mined yet", where=str(path), next_step=advice) from error
    except ValueError as error:
        raise RunFolderError("the patterns are no JSON", where=str(path), next_step=advice) from error
    if not isinstance(document, dict) or (document.get("format"), document.get("version")) != (FORMAT, VERSION):
        raise RunFolderError("these patterns are of another version", where=str(path), next_step=advice)
    try:
        patterns = patterns_of(document)
        patterns.evidence = [_evidence(row) for row in document["evidence"]]
    except (BundleError, KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"the patterns are damaged: {error}", where=str(path), next_step=advice) from error
    return patterns


def _evidence(row: list[Any]) -> Evidence:
    fired, right, sessions, examples = row
    return Evidence(fired, right, sessions, list(examples))
