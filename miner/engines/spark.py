"""The engine for logs that outgrow one machine: kernels run on Spark's executors over Arrow batches of whole sessions.

Rows are range-partitioned by the sessions' order, so that each partition is a run of consecutive sessions and the
parts that kernels make of them, put together in order, are those of the embedded engine: the same bytes, however
many partitions there are. Selection, fits and export stay on the driver.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from miner.engines import Kernel, Logs
from miner.engines import _rows as rows
from miner.engines._processes import Processes, collected_seldom
from miner.errors import MiningError, MissingExtraError
from miner.events import SessionLog
from miner.store.workers import available_cores

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

Part = TypeVar("Part")
Item = TypeVar("Item")
Result = TypeVar("Result")

PIECE_BYTES = 64 << 20
"""A part comes back in pieces of this size: a value of Spark's may not pass two gigabytes."""
PARTITIONS_PER_CORE = 2
_PARTS = "partition int, data binary"


class SparkLogs:
    """Sessions in a data frame with the columns of ``miner.engines._rows``; also readable one by one on the driver."""

    def __init__(self, frame: DataFrame) -> None:
        self.frame = frame

    def __call__(self) -> Iterator[SessionLog]:
        """All of them, in order; a partition is in the driver's memory at a time."""
        import pyarrow as pa

        ordered = in_order(self.frame)
        row_schema = rows.schema()
        for _, found in groupby(ordered.toLocalIterator(), key=lambda row: row[rows.PLACE]):
            table = pa.Table.from_pylist([row.asDict() for row in found], schema=row_schema)
            yield from rows.logs_of(table.to_batches())

    def contents(self) -> dict[str, str]:
        """Session key -> digest over its rows, in the order of the sessions."""
        return {key: content for key, (_, content) in self._summed.items()}

    def present(self) -> set[str]:
        """Keys of the sessions."""
        return set(self._summed)

    def only(self, keys: frozenset[str]) -> SparkLogs:
        """Those of them that have one of these keys."""
        summed = self._summed
        if keys >= summed.keys():
            return self
        places = [(summed[key][0],) for key in sorted(keys & summed.keys())]
        kept = self.frame.sparkSession.createDataFrame(places, f"{rows.PLACE} bigint")
        return SparkLogs(self.frame.join(kept, rows.PLACE, "left_semi").select(*rows.COLUMNS))

    @cached_property
    def _summed(self) -> dict[str, tuple[int, str]]:
        """Session key -> its place and a digest that does not depend on the order of the rows."""
        from pyspark.sql import functions as sql

        digest = sql.sum(sql.xxhash64(*rows.COLUMNS[1:]).cast("decimal(38)")).cast("string")
        told = self.frame.groupBy(rows.PLACE).agg(sql.max("session_key").alias("key"), digest.alias("content"))
        return {row.key: (row[rows.PLACE], row.content) for row in told.orderBy(rows.PLACE).collect()}


class Engine:
    """Applies kernels on a Spark cluster, or on this machine when no other is configured.

    The session is the active one, as ``spark-submit`` makes it, or the one that ``SPARK_REMOTE`` names (Spark Connect).

    Args:
        workers: cores of this machine to use when no cluster is configured; 0 for all.
        spark: a session to use instead.

    Raises:
        MissingExtraError: pyspark is not installed.
        MiningError: there is no Java.
    """

    def __init__(self, workers: int = 0, spark: SparkSession | None = None) -> None:
        refuse_missing()
        self._workers = workers or available_cores()
        self._given = spark
        self._fits = Processes(self._workers)
        self._spark: SparkSession | None = None
        self._own = False
        self._frames: dict[int, tuple[Logs, DataFrame]] = {}
        """Rows in order, by the id of the logs; the logs are held too, so that no others get their id."""
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        self._fits.__enter__()
        self._spark, self._own = (self._given, False) if self._given else started(self._workers)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._fits.__exit__(kind, error, at)
        for _, frame in self._frames.values():
            frame.unpersist()
        if self._own and self._spark is not None:
            self._spark.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def parts(self, kernel: Kernel[Part], logs: Logs) -> Iterator[Part]:
        """What a kernel makes of consecutive runs of the sessions, in their order."""
        from pyspark.errors import PySparkException
        from pyspark.storagelevel import StorageLevel

        made = self._frame(logs).mapInArrow(applied(kernel), _PARTS).persist(StorageLevel.DISK_ONLY)
        try:
            made.count()  # all partitions side by side; then the driver takes one after another
            for _, pieces in groupby(made.toLocalIterator(), key=lambda row: row.partition):
                yield received(row.data for row in pieces)
        except PySparkException as error:
            raise MiningError(
                "Spark could not carry a step of mining through",
                where=str(error).splitlines()[0][:200],
                next_step="see the executors' logs; a machine out of memory needs smaller partitions: "
                "raise spark.sql.shuffle.partitions",
            ) from error
        finally:
            made.unpersist()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of a function, in the order of the items, on the driver's cores."""
        return self._fits.map(function, items)

    def _frame(self, logs: Logs) -> DataFrame:
        """The rows of sessions, in order: shuffled once, and kept on the executors' disks for every kernel."""
        from pyspark.storagelevel import StorageLevel

        if id(logs) not in self._frames:
            frame = in_order(logs.frame if isinstance(logs, SparkLogs) else self._stage(logs))
            self._frames[id(logs)] = logs, frame.persist(StorageLevel.DISK_ONLY)
        return self._frames[id(logs)][1]

    def _stage(self, logs: Logs) -> DataFrame:
        """Sessions that only the driver can read, as a Parquet file that every executor of this machine can."""
        import pyarrow.parquet as pq

        if self._spark is None:
            raise MiningError("the engine is used outside its block", next_step="use it in a `with` block")
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="miner-spark-"))
        path = self._folder / f"{len(self._frames)}.parquet"
        with pq.ParquetWriter(path, rows.schema()) as writer:
            for batch in rows.batches(logs()):
                writer.write_batch(batch)
        return self._spark.read.parquet(path.as_uri())


def in_order(frame: DataFrame) -> DataFrame:
    """Rows in partitions of consecutive sessions, sorted: ``spark.sql.shuffle.partitions`` says how many."""
    count = int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions") or PARTITIONS_PER_CORE)
    return frame.repartitionByRange(count, rows.PLACE).sortWithinPartitions(rows.PLACE, "seq")


def applied(kernel: Kernel[Any]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A kernel as Spark calls it: batches of rows in, the pieces of one part out."""

    def apply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyspark import TaskContext

        from miner.engines import _rows

        context = TaskContext.get()
        partition = context.partitionId() if context else 0
        # Counts repeat names of tools and paths: they travel at a fifth of their size.
        with collected_seldom():
            part = kernel(_rows.logs_of(batches))
        data = zlib.compress(pickle.dumps(part, pickle.HIGHEST_PROTOCOL), 1)
        for start in range(0, len(data), PIECE_BYTES):
            piece = pa.array([data[start : start + PIECE_BYTES]], pa.binary())
            number = pa.array([partition], pa.int32())
            yield pa.RecordBatch.from_arrays([number, piece], ["partition", "data"])

    return apply


def received(pieces: Iterable[bytes]) -> Any:
    """The part that an executor sent."""
    return pickle.loads(zlib.decompress(b"".join(map(bytes, pieces))))  # noqa: S301 - our own executors wrote it


def refuse_missing() -> None:
    """Say what Spark lacks here, if anything.

    Raises:
        MissingExtraError: pyspark is not installed.
        MiningError: there is no Java, and no other machine is named that would have one.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise MissingExtraError("spark", "pyspark")
    if not os.environ.get("SPARK_REMOTE") and not _java():
        raise MiningError(
            "Spark needs Java 17 or later, and there is none",
            next_step="install it (Debian and Ubuntu: apt install openjdk-17-jre-headless), set JAVA_HOME to it, "
            "or leave --engine out",
        )


def started(workers: int) -> tuple[SparkSession, bool]:
    """The session to use, and whether it was started here.

    Raises:
        MiningError: Spark does not start.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        return active, False
    # Executors must run this Python: another one on the path may lack what kernels need.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return _configured() or _local(workers), True
    except (PySparkException, OSError, RuntimeError) as error:
        raise MiningError(
            "Spark does not start",
            where=str(error).splitlines()[0][:200],
            next_step="`miner doctor` says what is there",
        ) from error


def _configured() -> SparkSession | None:
    """The session of the cluster that the surroundings name: ``SPARK_REMOTE``, or ``spark-submit``'s own."""
    from pyspark.sql import SparkSession

    named = os.environ.get("SPARK_REMOTE") or "PYSPARK_GATEWAY_PORT" in os.environ
    return SparkSession.builder.appName("miner").getOrCreate() if named else None


def _local(workers: int) -> SparkSession:
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.maxResultSize": "0",
        "spark.driver.memory": os.environ.get("MINER_SPARK_MEMORY", "1g"),
        "spark.log.level": "ERROR",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(rows.BATCH_ROWS),
        "spark.sql.shuffle.partitions": str(PARTITIONS_PER_CORE * workers),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.appName("miner").master(f"local[{workers}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
