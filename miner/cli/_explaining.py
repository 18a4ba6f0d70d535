"""How a file is understood: which readers know it and by what, what is in it, and what was passed over."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from miner.cli import console

_MOST_PROBLEMS = 50


def explain(path: Path, *, as_json: bool) -> None:
    """Say it; nothing is stored."""
    from miner.readers import scores

    sure = scores(path)
    about = _read(path, sure) if sure else _seen(path)
    found = {"file": str(path), "format": next(iter(sure), None), "how_sure": sure, **about}
    if as_json:
        console.say_json(found)
        return
    if not sure:
        console.say(f"{path}: no known format\n{found['looks_like']}\n{found['next_step']}")
        return
    _say(found)


def _read(path: Path, sure: dict[str, float]) -> dict[str, Any]:
    """What the surest reader makes of the file."""
    from miner.events import Session
    from miner.readers import load_reader
    from miner.readers.source import Source

    source, kinds = Source((path,)), Counter[str]()
    sessions: set[str] = set()
    for item in load_reader(next(iter(sure))).read(source):
        if isinstance(item, Session):
            # A reader tells a session again once it knows more of it.
            sessions.add(item.key)
        else:
            kinds[f"{item.kind.value}s"] += 1
    return {
        "known_by": {name: _sign(name) for name in sure},
        "holds": {"sessions": len(sessions), **dict(sorted(kinds.items()))},
        "records": source.account.records,
        "records_of_unknown_kind": source.account.unknown,
        "problems": [dataclasses.asdict(problem) for problem in source.problems[:_MOST_PROBLEMS]],
        "problems_in_all": len(source.problems),
    }


def _seen(path: Path) -> dict[str, Any]:
    from miner.readers.unrecognised import look_at

    look = look_at(path)
    return {"holds": {}, "problems": [], "looks_like": look.what, "next_step": look.next_step}


def _sign(name: str) -> str:
    """By what a reader knows its format: it says so itself."""
    from miner.readers import load_reader

    return (load_reader(name).recognises.__doc__ or "").strip().splitlines()[0]


def _say(found: dict[str, Any]) -> None:
    from miner.readers import load_reader

    console.say(f"{found['file']}: {load_reader(found['format']).TITLE}\n")
    rows = [(name, share, found["known_by"][name]) for name, share in found["how_sure"].items()]
    console.table(("format", "how sure", "known by"), rows, right=(1,))
    console.say("")
    counts = [(kind.replace("_", " "), count) for kind, count in found["holds"].items()]
    passed = [("records of unknown kind", found["records_of_unknown_kind"]), ("problems", found["problems_in_all"])]
    console.table(("holds", "count"), [*counts, ("records read", found["records"]), *passed], right=(1,))
    for problem in found["problems"]:
        where = f"line {problem['line']}" if problem["line"] else "the file"
        console.say(f"  {where}: {problem['reason'].replace('_', ' ')} {problem['detail']}".rstrip())
    more = found["problems_in_all"] - len(found["problems"])
    if more:
        console.say(f"  and {more} more")
