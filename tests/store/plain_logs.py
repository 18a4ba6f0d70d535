"""Writing logs of the test format, and looking at what a store holds apart from its numbering."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from miner.store import Store


def line(session: str, **facts: Any) -> str:
    """One record."""
    return json.dumps({"plain": session, **facts}) + "\n"


def write(path: Path, session: str, calls: int, *, size: int = 10, start: int = 0) -> Path:
    """A session that begins with a message and makes some calls."""
    lines = [line(session, start=start, text="do it", uid=f"{session}-0")]
    lines += [
        line(
            session, start=start, tool=f"tool{number % 3}", text=f"{number}".ljust(size, "x"), uid=f"{session}-{number}"
        )
        for number in range(1, calls + 1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def append(path: Path, text: str) -> None:
    """Add to the end of a log."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def content(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything a store says, without the numbers it gives to sources and batches."""
    return {
        "sources": store.query(
            "select path, reader, content, part, events, problems, rows_digest from sources order by all"
        ),
        "files": store.query("select path, size, content, is_copy from files order by all"),
        "sessions": store.query(
            "select key, native_id, part, all_sessions_count from (select s.*, (select count(*) "
            "from all_sessions a where a.key = s.key) as all_sessions_count from sessions s) order by all"
        ),
        "events": store.query("select session, seq, kind, tool, text, uid, line, digest from events order by all"),
        "problems": store.query('select path, reason, line, "offset", length from problems order by all'),
        "replays": store.query("select session, seq, original from replays order by all"),
    }


def ingested(database: Path, paths: Sequence[Path], **options: Any) -> dict[str, list[tuple[Any, ...]]]:
    """The content of a store after an ingest."""
    with Store.open(database) as store:
        store.ingest(paths, max_problem_share=1, **options)
        return content(store)
