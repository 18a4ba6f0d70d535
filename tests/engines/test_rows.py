"""Sessions as rows: what goes to another machine comes back as it was, wherever the rows are cut."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.engines import _rows as rows
from miner.events import SessionLog
from miner.store import Store

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[SessionLog]:
    """The sample's coding sessions: sub-agents, failures, abandoned branches."""
    with Store.open(tmp_path_factory.mktemp("rows") / "events.duckdb") as store:
        store.ingest([SAMPLE / "claude_code"])
        return list(store.session_logs())


def cut(batch: Any, places: list[int]) -> Iterator[Any]:
    """A batch in pieces."""
    ends = [0, *sorted({place % (len(batch) + 1) for place in places}), len(batch)]
    for start, end in pairwise(ends):
        yield batch.slice(start, end - start)


def test_sessions_come_back_as_they_were(sample: list[SessionLog]) -> None:
    """Every field of every session and event, in order; batches stay small."""
    batches = list(rows.batches(sample))
    assert list(rows.logs_of(batches)) == sample
    assert max(map(len, batches)) <= rows.BATCH_ROWS
    assert sum(map(len, batches)) == len(sample) + sum(len(log.events) for log in sample)


@given(places=st.lists(st.integers(0, 5000), max_size=8))
@settings(deadline=None, max_examples=20)
def test_rows_may_be_cut_anywhere(sample: list[SessionLog], places: list[int]) -> None:
    """Also between a session and its events, and with empty batches."""
    few = sample[:5]
    (whole,) = rows.batches(few)
    assert list(rows.logs_of(cut(whole, places))) == few


def test_no_sessions_are_no_rows() -> None:
    """Nothing in, nothing out."""
    assert list(rows.batches([])) == []
    assert list(rows.logs_of([])) == []
