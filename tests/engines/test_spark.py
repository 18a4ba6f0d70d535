"""The Spark engine mines what the embedded engine mines, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miner.engines import _rows as rows
from miner.engines import spark as engine
from miner.engines.spark import Engine, SparkLogs
from miner.events import SessionLog
from miner.export.pattern_file import pattern_bytes
from miner.mining.mine import Recipe, mine
from miner.store import Store
from miner.store.stored import StoredLogs
from tests.engines.spark_here import partitions, spark
from tests.real_logs import SHARED, needs_real_logs

__all__ = ["spark"]
SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample" / "messages"
RECIPE = Recipe(hole_priors=(1.0,), tool_priors=(2.0,), call_priors=(0.7,), workers=1)
"""One prior each: a fit less is a test sooner."""
DATASETS = ("tau", "tau2", "livemcpbench", "react_text", "deer_flow", "swe_agent", "claude_code")


def counted(logs: Iterable[SessionLog]) -> list[tuple[str, int]]:
    """A kernel: key and events of each session."""
    return [(log.session.key, len(log.events)) for log in logs]


def framed(spark: Any, logs: list[SessionLog], folder: Path, seed: int) -> SparkLogs:
    """Sessions as a data frame whose rows lie about in any order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_batches(rows.batches(logs), rows.schema())
    order = list(range(len(table)))
    random.Random(seed).shuffle(order)
    pq.write_table(table.take(order), folder / f"{seed}.parquet", row_group_size=97)
    return SparkLogs(spark.read.parquet((folder / f"{seed}.parquet").as_uri()))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[SessionLog]:
    """The sample's service desk."""
    with Store.open(tmp_path_factory.mktemp("logs") / "events.duckdb") as store:
        store.ingest([SAMPLE])
        return list(store.session_logs())


@pytest.mark.spark
def test_any_partitioning_gives_the_same_patterns(spark: Any, logs: list[SessionLog], tmp_path: Path) -> None:
    """Rows in any order, in one partition or several, or staged by the engine itself: the embedded engine's bytes."""
    expected = pattern_bytes(mine(lambda: iter(logs), RECIPE))
    for seed, count in enumerate((1, random.Random(5).randrange(3, 9))):
        with partitions(spark, count):
            found = mine(framed(spark, logs, tmp_path, seed), RECIPE, engine=Engine(spark=spark))
        assert pattern_bytes(found) == expected
    assert pattern_bytes(mine(lambda: iter(logs), RECIPE, engine=Engine(spark=spark))) == expected


@pytest.mark.spark
def test_a_sample_is_the_same_sample(spark: Any, logs: list[SessionLog], tmp_path: Path) -> None:
    """Beyond the limit both engines weigh the same sessions."""
    recipe = replace(RECIPE, sample_calls=60)
    expected = pattern_bytes(mine(lambda: iter(logs), recipe))
    assert pattern_bytes(mine(framed(spark, logs, tmp_path, 9), recipe, engine=Engine(spark=spark))) == expected


@pytest.mark.spark
def test_parts_are_runs_of_sessions_in_their_order(spark: Any, logs: list[SessionLog], tmp_path: Path) -> None:
    """Each session whole and once, in more than one part, also when some are chosen; the driver sees the same."""
    frame = framed(spark, logs, tmp_path, 7)
    with partitions(spark, 5), Engine(spark=spark) as place:
        parts = list(place.parts(counted, frame))
        assert list(frame()) == logs
        few = frozenset(log.session.key for log in logs[3:30:4])
        some = frame.only(few)
        assert list(frame.contents()) == [log.session.key for log in logs]
        assert list(some.contents().items()) == [(key, one) for key, one in frame.contents().items() if key in few]
        assert [session for part in place.parts(counted, some) for session in part] == counted(logs[3:30:4])
    assert len([part for part in parts if part]) > 1
    assert [session for part in parts for session in part] == counted(logs)


def test_a_large_part_travels_in_pieces(logs: list[SessionLog], monkeypatch: pytest.MonkeyPatch) -> None:
    """What an executor sends is a kernel's part, cut to a size that Spark takes; joined, it is the part."""
    pytest.importorskip("pyspark")
    monkeypatch.setattr(engine, "PIECE_BYTES", 100)
    sent = [row for batch in engine.applied(counted)(rows.batches(logs)) for row in batch.to_pylist()]
    assert len(sent) > 2
    assert {row["partition"] for row in sent} == {0}
    assert engine.received(row["data"] for row in sent) == counted(logs)


@pytest.mark.soak
@pytest.mark.spark
@pytest.mark.parametrize("name", DATASETS)
@needs_real_logs("tau")
def test_real_logs_give_the_same_patterns(name: str, spark: Any, tmp_path: Path) -> None:
    """On every set of real logs."""
    with Store.open(tmp_path / "events.duckdb") as store:
        store.ingest([SHARED / name], max_problem_share=1)
    with Store.open(tmp_path / "events.duckdb", read_only=True) as store:
        stored = StoredLogs(store)
        expected = pattern_bytes(mine(stored, RECIPE))
        assert pattern_bytes(mine(stored, RECIPE, engine=Engine(spark=spark))) == expected
