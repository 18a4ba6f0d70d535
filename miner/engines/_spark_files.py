"""Log files from anywhere Spark reads -> rows of sessions: the readers run on the executors, the views in Spark SQL.

What comes out is what the store of the same files would give, row by row: the same readers and digests, and the same
rules for sessions told twice, abandoned branches and copied histories.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from miner.engines import _rows as rows
from miner.errors import LogError
from miner.readers import load_reader
from miner.store.ledger import group_content
from miner.store.reading import Task, read_sources, recognise_files, spill_path
from miner.store.rows import arrow_schema
from miner.store.schema import EVENT_FIELDS, SESSION_FIELDS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

Batches = Iterator["pa.RecordBatch"]
ALL_EVENTS, ALL_SESSIONS, PROBLEMS = "all_events", "all_sessions", "problems"
_DERIVED = {
    # Of a session told by several sources the fullest counts.
    "duplicates": """
        select source, session_key from (
            select source, session_key, first_value(source) over (
                partition by session_key order by told_events desc, digest, source) as kept
            from all_sessions)
        where source <> kept
    """,
    "kept_sessions": "select * from all_sessions left anti join duplicates using (source, session_key)",
    "off_path": "select source, session_key as session, explode(session_off_path) as seq from all_sessions",
    # Of a record told by several sessions the earliest counts; a session that was started as a copy gives way.
    "replays": """
        select source, session, seq from (
            select e.source, e.session, e.seq, first_value(e.session) over (
                partition by e.uid
                order by s.session_started_us nulls last, s.session_relation in ('fork', 'resume'), e.session
            ) as original
            from all_events e
            left semi join (
                select uid from all_events where uid is not null group by uid having min(session) <> max(session)
            ) shared on shared.uid = e.uid
            join kept_sessions s on s.source = e.source and s.session_key = e.session)
        where session <> original
    """,
    "places": """
        select source, session_key,
               row_number() over (order by session_started_us nulls last, session_key) as place
        from kept_sessions
    """,
    "kept_events": """
        select p.place, e.*
        from all_events e
        join places p on p.source = e.source and p.session_key = e.session
        left anti join off_path o on o.source = e.source and o.session = e.session and o.seq = e.seq
        left anti join replays r on r.source = e.source and r.session = e.session and r.seq = e.seq
    """,
}


class Read(NamedTuple):
    """What was read."""

    frame: DataFrame
    """Rows of ``miner.engines._rows``."""
    contents: list[str]
    """Digest of each source."""
    problems: int


def read(spark: SparkSession, paths: Sequence[str], work: str) -> Read:
    """Read log files.

    Args:
        spark: the session.
        paths: files, folders and globs of any file system that Spark has.
        work: a folder, of any such file system, for what was read: mining goes over it several times.

    Raises:
        LogError: there is no log of a known format.
    """
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(list(paths))
    files = files.select("path", "content")
    known = files.mapInArrow(_recognising(), "path string, reader string, content string").collect()
    sources = sources_of([(row.path, row.reader, row.content) for row in known])
    if not sources:
        raise LogError(
            f"no logs found: {len(known)} files are in no known format",
            where=", ".join(paths),
            next_step="`miner formats FILE` says how a file is understood",
        )
    listed = [(number, reader, path, place) for number, (reader, paths, _) in enumerate(sources, 1) for place, path in enumerate(paths)]  # fmt: skip  # noqa: E501
    count = max(1, int(spark.conf.get("spark.sql.shuffle.partitions") or 1))
    told = (
        spark.createDataFrame(listed, "source int, reader string, path string, place int")
        .join(files, "path")
        .repartition(count, "source")
        .sortWithinPartitions("source", "place")
        .mapInArrow(_reading(), _schema_text(_told_schema()))
    )
    told.write.mode("overwrite").partitionBy("table").parquet(f"{work}/rows")
    contents = [(content,) for _, _, content in sources]
    spark.createDataFrame(contents, "content string").write.mode("overwrite").parquet(f"{work}/sources")
    return again(spark, work)


def again(spark: SparkSession, work: str) -> Read:
    """What an earlier job has read into its folder."""
    told = spark.read.parquet(f"{work}/rows")
    contents = [row.content for row in spark.read.parquet(f"{work}/sources").collect()]
    return Read(ordered(spark, told), sorted(contents), told.filter(f"table = '{PROBLEMS}'").count())


def ordered(spark: SparkSession, told: DataFrame) -> DataFrame:
    """What sources told, without what the views of the store leave out, each session with its place in the order."""
    told.filter(f"table = '{ALL_EVENTS}'").select("source", *EVENT_FIELDS).createOrReplaceTempView(ALL_EVENTS)
    sessions = told.filter(f"table = '{ALL_SESSIONS}'")
    sessions = sessions.select("source", *rows.SESSION_COLUMNS, "told_events", "digest")
    sessions.createOrReplaceTempView(ALL_SESSIONS)
    for name, sql in _DERIVED.items():
        spark.sql(sql).createOrReplaceTempView(name)
    events = spark.table("kept_events").select(rows.PLACE, *EVENT_FIELDS)
    heads = spark.table("kept_sessions").join(spark.table("places"), ["source", "session_key"])
    heads = heads.select(rows.PLACE, *rows.SESSION_COLUMNS)
    return events.unionByName(heads, allowMissingColumns=True).select(*rows.COLUMNS)


def sources_of(files: Sequence[tuple[str, str | None, str]]) -> list[tuple[str, tuple[str, ...], str]]:
    """Reader, files and digest of each source, in the order in which a store would number them."""
    digests = {path: content for path, _, content in files}
    by_reader: dict[str, list[Path]] = {}
    names: dict[Path, str] = {}
    for path, reader, _ in sorted(files):
        if reader:
            names[_plain(path)] = path
            by_reader.setdefault(reader, []).append(_plain(path))
    found: dict[tuple[str, str], tuple[str, tuple[str, ...], str]] = {}
    for reader, paths in by_reader.items():
        grouping = getattr(load_reader(reader), "groups", None)
        for group in sorted(tuple(map(str, group)) for group in (grouping(paths) if grouping else [(path,) for path in paths])):  # fmt: skip  # noqa: E501
            together = tuple(names[Path(name)] for name in group)
            content = group_content([digests[path] for path in together])
            found.setdefault((reader, content), (reader, together, content))  # a copy is read once
    return sorted(found.values(), key=lambda source: source[1])


def _plain(address: str) -> Path:
    """The path of a file's address, without the file system it lies in."""
    parts = urlsplit(address)
    return Path("/", parts.netloc, unquote(parts.path).lstrip("/"))


def _recognising() -> Callable[[Batches], Batches]:
    def recognise(batches: Batches) -> Batches:
        import pyarrow as pa

        for batch in batches:
            found: list[dict[str, Any]] = []
            for row in batch.to_pylist():
                with tempfile.TemporaryDirectory(prefix="miner-") as folder:
                    (told,) = recognise_files([(str(_put(Path(folder), row)), len(row["content"]))])
                found.append({"path": row["path"], "reader": told.reader, "content": told.content})
            kinds = pa.schema([("path", pa.string()), ("reader", pa.string()), ("content", pa.string())])
            yield pa.RecordBatch.from_pylist(found, schema=kinds)

    return recognise


def _reading() -> Callable[[Batches], Batches]:
    """Files of whole sources in, rows of all tables out."""

    def reading(batches: Batches) -> Batches:
        files = (row for batch in batches for row in batch.to_pylist())
        for source, together in groupby(files, key=lambda row: row["source"]):
            with tempfile.TemporaryDirectory(prefix="miner-") as name:
                folder = Path(name)
                group = list(together)
                paths = tuple(str(_put(folder / "logs", row)) for row in group)
                size = sum(len(row["content"]) for row in group)
                read_sources([Task(source, group[0]["reader"], paths, size)], name, "told")
                for table in (ALL_EVENTS, ALL_SESSIONS, PROBLEMS):
                    yield from _spilled(spill_path(folder, "told", table), table)

    return reading


def _put(folder: Path, row: dict[str, Any]) -> Path:
    """A file's content where readers can open it, under its own path: its folders' names may tell something."""
    path = folder / _plain(row["path"]).relative_to("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(row["content"])
    return path


def _spilled(path: Path, table: str) -> Batches:
    """The rows of a spilled table in the columns that all tables share."""
    import pyarrow as pa

    schema = _told_schema()
    with pa.ipc.open_stream(path.read_bytes()) as stream:
        for batch in stream:
            names = {"digest": "digest", "source": "source", **_renamed(table)}
            given = {new: batch.column(old) for old, new in names.items() if old in batch.schema.names}
            if "digest" in given:
                # Spark has no unsigned numbers; digits of one length sort as the numbers do.
                given["digest"] = pa.array([f"{number:020}" for number in given["digest"].to_pylist()])
            given["table"] = pa.array([table] * len(batch))
            columns = [given.get(field.name, pa.nulls(len(batch), field.type)) for field in schema]
            yield pa.RecordBatch.from_arrays([pa.array(column, field.type) if not isinstance(column, pa.Array) else column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)  # fmt: skip  # noqa: E501


def _renamed(table: str) -> dict[str, str]:
    """Columns of a table by the names that they have beside those of the others."""
    if table == ALL_EVENTS:
        return {name: name for name in EVENT_FIELDS}
    if table == ALL_SESSIONS:
        return {**{name: f"session_{name}" for name in SESSION_FIELDS}, "events": "told_events"}
    return {"reason": "reason"}


def _told_schema() -> pa.Schema:
    import pyarrow as pa

    own = [field for field in rows.schema() if field.name != rows.PLACE]
    beside = [("told_events", pa.int64()), ("digest", pa.string()), ("reason", pa.string()), ("table", pa.string())]
    return pa.schema([pa.field("source", arrow_schema(ALL_EVENTS).field("source").type), *own, *(pa.field(*one) for one in beside)])  # fmt: skip  # noqa: E501


def _schema_text(schema: pa.Schema) -> str:
    """An Arrow schema in Spark's words."""
    words = {"int32": "int", "int64": "bigint", "string": "string", "bool": "boolean", "double": "double"}
    return ", ".join(f"{field.name} {words.get(str(field.type), 'array<bigint>')}" for field in schema)
