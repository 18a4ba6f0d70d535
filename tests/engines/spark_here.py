"""Spark for tests: one session on two cores, where pyspark and Java are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from miner.engines import spark as engine
from miner.errors import MinerError


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A session of Spark's; without it the test is skipped, and counted."""
    try:
        engine.refuse_missing()
    except MinerError as error:
        pytest.skip(error.what)
    session, own = engine.started(2)
    yield session
    if own:
        session.stop()


@contextlib.contextmanager
def partitions(spark: Any, count: int) -> Iterator[None]:
    """So many partitions for a while."""
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", str(count))
    yield
    spark.conf.set("spark.sql.shuffle.partitions", before)
