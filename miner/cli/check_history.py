"""Check a recorded ledger of the runtime against the promises of speculation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import click

from miner.cli.console import json_option, say, say_json
from miner.errors import LogError, MinerError
from miner.runtime.history import check_history

_MOST_SHOWN = 20


@click.command()
@click.argument("ledger", type=click.Path(path_type=Path))
@json_option
def command(ledger: Path, as_json: bool) -> None:
    """Check LEDGER, one JSON entry a line as the speculator writes it, and fail if a promise was broken."""
    count = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal count
        for entry in _entries(ledger):
            count += 1
            yield entry

    violations = check_history(counted())
    if as_json:
        say_json({"entries": count, "violations": [violation._asdict() for violation in violations]})
    else:
        say(f"{count} entries, {len(violations)} violations")
        for violation in violations[:_MOST_SHOWN]:
            say(f"  entry {violation.entry}: {violation.invariant} {violation.what}")
    if violations:
        raise MinerError(
            f"the ledger breaks {len({violation.invariant for violation in violations})} promise(s) of speculation",
            where=f"{ledger}, entry {violations[0].entry}",
            next_step="turn speculation off, and report this with the entries around it: they hold no content",
        )


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        advice = "give the file that the ledger's sink wrote, such as that of `miner proxy --ledger`"
        raise LogError(f"cannot read the ledger: {error.strerror}", where=str(path), next_step=advice) from error


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a file, one a line."""
    empty = True
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            if not isinstance(entry, dict) or not isinstance(entry.get("n"), int):
                raise LogError(
                    "this is no ledger of the runtime",
                    where=f"{path}, line {number}",
                    next_step="give the file that the ledger's sink wrote",
                )
            empty = False
            yield entry
    if empty:
        raise LogError("the ledger is empty", where=str(path), next_step="check where the runtime writes its ledger")
