"""List the log formats that can be read, or say how sure each reader is of a file."""

from __future__ import annotations

from pathlib import Path

import click

from miner.cli import console

_WHOLE = 1000
"""Lines are broken at the width of a terminal alone, so that what is piped on has a fact a line."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@console.json_option
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """List the log formats that can be read; with FILES, how sure each reader is of each file."""
    if files:
        _say_how_sure(files, as_json)
    else:
        _say_formats(as_json)


def _say_formats(as_json: bool) -> None:
    from miner.readers import load_reader, reader_names

    readers = {name: load_reader(name) for name in reader_names()}
    if as_json:
        about = {n: {"title": r.TITLE, "where": r.WHERE, "rests_on": r.RESTS_ON} for n, r in readers.items()}
        console.say_json({"formats": about})
    else:
        for name, reader in readers.items():
            for words, hanging in (
                (f"{name}: {reader.TITLE}", 4),
                (f"    where    {reader.WHERE}", 13),
                (f"    rests on {reader.RESTS_ON}", 13),
            ):
                console.paragraph(words, most=_WHOLE, hanging=" " * hanging)
            console.say()
        console.say("A table of your own is read with a map: miner ingest TABLE --map auto")


def _say_how_sure(files: tuple[Path, ...], as_json: bool) -> None:
    from miner.readers import scores

    sure = {str(path): scores(path) for path in files}
    if as_json:
        console.say_json({"files": sure})
        return
    unknown = {"none": 0.0}
    rows = [(path, name, score) for path, found in sure.items() for name, score in (found or unknown).items()]
    console.table(("file", "format", "how sure"), rows, right=(2,))
