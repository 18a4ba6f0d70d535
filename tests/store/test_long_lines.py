"""Lines longer than any record should be."""

from __future__ import annotations

from pathlib import Path

from miner.store import Store
from tests.store.plain_logs import line, write


def test_a_line_of_100_mb_is_one_problem_and_its_neighbours_are_stored(database: Path, logs: Path) -> None:
    """The line is passed over with its place and length, every byte of it on the account; what follows is read."""
    path = write(logs / "a.jsonl", "s", 2)
    start = path.stat().st_size
    with path.open("ab") as stream:
        stream.write(b'{"plain": "s", "text": "')
        for _ in range(100):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n' + line("s", tool="after", text="kept").encode())
    with Store.open(database) as store:
        report = store.ingest([path], max_problem_share=1)
        assert report.by_reason == {"too_long": 1}
        assert report.bytes == path.stat().st_size
        assert store.query('select line, "offset", length >= 100000000 from problems') == [(4, start, True)]
        assert store.query("select tool from calls order by seq desc limit 1") == [("after",)]
