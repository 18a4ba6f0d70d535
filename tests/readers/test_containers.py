"""Archives, databases and tables that do not hold what they say: what is missing is told, and the rest is read."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from miner.readers import duckdb_rows, inspect, load_reader, recognise, unpacked
from miner.readers.sqlite_copy import database
from tests.readers.archives import zipped
from tests.readers.reading import Read, read

SAMPLE = json.loads(inspect.EXAMPLE)["samples"][0]
OTHER = {**SAMPLE, "uuid": "u2"}
HEADER = {"eval": {"run_id": "r1", "task": "shop", "model": "p/m"}, "status": "success"}
MEMBERS = {"header.json": HEADER, "samples/1_epoch_1.json": SAMPLE, "samples/2_epoch_1.json": OTHER}


def archive(folder: Path, members: dict[str, Any], *changes: tuple[bytes, bytes]) -> Read:
    """An archive of an evaluation with bytes replaced at the last place where they stand, read."""
    pytest.importorskip("zstandard")
    data = zipped({name: json.dumps(value).encode() for name, value in members.items()})
    for old, new in changes:
        before, _, after = data.rpartition(old)
        data = before + new + after
    path = folder / "log.eval"
    path.write_bytes(data)
    return read("inspect", path)


def test_a_sample_under_another_name_is_told(tmp_path: Path) -> None:
    """A member that is neither a sample nor one of the known others may have been one."""
    assert len(archive(tmp_path, MEMBERS).sessions) == 2
    members = {**MEMBERS, "summaries.json": [], "_journal/start.json": HEADER, "sampled/3_epoch_1.json": OTHER}
    found = archive(tmp_path, members)
    assert (len(found.sessions), found.source.account.unknown) == (2, 1)


def test_an_entry_that_points_at_another_member_is_told(tmp_path: Path) -> None:
    """The name in the directory is to be the name at the member."""
    found = archive(tmp_path, MEMBERS, (b"samples/2_epoch_1.json", b"samples/9_epoch_1.json"))
    assert (len(found.sessions), found.reasons) == (1, ["not_zip"])


def test_two_members_of_one_name_are_told(tmp_path: Path) -> None:
    """The last one counts, as for every archive."""
    twice = (b"samples/2_epoch_1.json", b"samples/1_epoch_1.json")
    found = archive(tmp_path, MEMBERS, twice)
    assert "repeated_member" in found.reasons


def test_a_directory_that_lost_an_entry_is_told(tmp_path: Path) -> None:
    """The end of an archive states how many there are."""
    found = archive(tmp_path, MEMBERS, (b"\x03\x00\x03\x00", b"\x03\x00\x04\x00"))
    assert (len(found.sessions), found.reasons) == (2, ["missing_member"])


def test_a_member_that_is_not_what_its_checksum_says_is_refused(tmp_path: Path) -> None:
    """Zstandard by itself would not notice that a letter inside is another."""
    checksum = zlib.crc32(json.dumps(OTHER).encode()).to_bytes(4, "little")
    members = {"header.json": HEADER, "summaries.json": [], "samples/2_epoch_1.json": OTHER}
    found = archive(tmp_path, members, (checksum, b"\0\0\0\0"))
    assert (len(found.sessions), found.reasons) == (0, ["not_zip"])


def test_a_lost_header_or_part_is_told(tmp_path: Path) -> None:
    """What is said of all samples, and the folders that a large sample lies in, are as much a part as samples are."""
    bare = {name: value for name, value in MEMBERS.items() if name != "header.json"}
    assert archive(tmp_path, bare).source.account.unknown == 1
    assert archive(tmp_path, {**MEMBERS, "header.json": []}).reasons == ["unknown_record"]
    parts = {"samples/1_epoch_1/sample.json": {**SAMPLE, "events": []}, "samples/1_epoch_1/events/1.json": 7}
    assert archive(tmp_path, {"header.json": HEADER, **parts}).reasons == ["unknown_record"]


def test_an_archive_that_unpacks_to_far_more_than_any_log_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All members together, whatever each of them may be alone."""
    monkeypatch.setattr(unpacked, "_FREELY_BYTES", 1 << 20)
    monkeypatch.setattr(unpacked, "_MOST_TIMES", 1)
    large = {f"samples/{n}_epoch_1.json": {**SAMPLE, "uuid": f"u{n}", "input": "x" * 400_000} for n in range(4)}
    found = archive(tmp_path, {"header.json": HEADER, **large})
    assert (len(found.sessions), found.reasons) == (2, ["too_long", "too_long"])


def goose(folder: Path) -> tuple[Path, bytes]:
    """A store of forty messages, and its bytes."""
    content = json.dumps([{"type": "text", "text": "x" * 100}])
    rows = [(n, "s", "user", content, 1777629600, "{}") for n in range(40)]
    columns = "id INTEGER, session_id TEXT, role TEXT, content_json TEXT, created_timestamp INTEGER, metadata_json TEXT"
    data = database({"sessions": ("id TEXT", [("s",)]), "messages": (columns, rows)})
    path = folder / "sessions.db"
    path.write_bytes(data)
    return path, data


def test_a_page_that_hides_rows_is_told(tmp_path: Path) -> None:
    """A database believes what a page says of itself: only a look at the whole of it shows that rows are gone."""
    path, data = goose(tmp_path)
    assert len(read("goose", path).events) == 40
    leaf = next(at for at in range(512, len(data), 512) if data[at] == 13 and data[at + 4] > 1)
    path.write_bytes(data[: leaf + 4] + b"\x01" + data[leaf + 5 :])
    found = read("goose", path)
    assert len(found.events) < 40
    assert found.reasons == ["damaged_database"]


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A store whose messages are gone, or lie under another name, is not an empty one."""
    path, _ = goose(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE messages RENAME TO letters")
    assert read("goose", path).reasons == ["missing_table"]


def test_messages_of_a_session_that_cannot_be_named_are_told(tmp_path: Path) -> None:
    """An id that is no text cannot be asked for."""
    path, _ = goose(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE messages SET session_id = CAST(x'73ff' AS TEXT) WHERE id = 3")
        connection.commit()
    found = read("goose", path)
    assert (len(found.events), found.reasons) == (39, ["unknown_record"])


def test_a_compressed_export_is_no_database(tmp_path: Path) -> None:
    """A reader may have both: which it is shows inside."""
    value = {"info": {"id": "s"}, "messages": [{"info": {"role": "user"}, "parts": [{"type": "text", "text": "hi"}]}]}
    path = tmp_path / "export.json.gz"
    path.write_bytes(gzip.compress(json.dumps(value).encode()))
    found = read("opencode", path)
    assert (found.kinds, found.reasons) == (["user_message"], [])
    packed = tmp_path / "opencode.db.gz"
    packed.write_bytes(gzip.compress(load_reader("opencode").EXAMPLE))
    assert len(read("opencode", packed).calls) == 1


def test_bytes_in_a_table_are_text(tmp_path: Path) -> None:
    """Older writers of Parquet do not say which of their bytes are."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    example = [json.loads(line) for line in load_reader("platforms").EXAMPLE.splitlines()]
    rows = [{k: (v if isinstance(v, str) else json.dumps(v)).encode() for k, v in row.items()} for row in example]
    path = tmp_path / "runs.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    assert recognise(path) == "platforms"
    assert {call.tool for call in read("platforms", path).calls} == {"get_order", "get_shop"}


def test_a_table_with_fewer_rows_than_it_states_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The footer states the number; the row groups hold what they hold."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "runs.parquet"
    rows = [{"id": str(n), "trace_id": "t", "run_type": "tool", "start_time": "2026-05-01"} for n in range(9)]
    parquet.write_table(pa.Table.from_pylist(rows), path)
    before = parquet.ParquetFile.iter_batches
    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", lambda *a, **k: list(before(*a, **k))[:0])
    assert read("platforms", path).reasons == ["not_parquet"]


def duckdb_table(path: Path, column: str, values: list[Any]) -> None:
    """A DuckDB file with the example of a platform in it, and one more column."""
    duckdb = pytest.importorskip("duckdb")
    example = [json.loads(line) for line in load_reader("platforms").EXAMPLE.splitlines()]
    cells = [[v if isinstance(v, str) else json.dumps(v) for v in row.values() if v is not None] for row in example]
    names = [[name for name, value in row.items() if value is not None] for row in example]
    with duckdb.connect(str(path)) as database:
        columns = ", ".join(f"{name} VARCHAR" for name in dict.fromkeys(name for row in names for name in row))
        database.execute(f"CREATE TABLE runs ({columns}, {column})")
        for row_names, row, value in zip(names, cells, values, strict=True):
            marks = ", ".join("?" * (len(row) + 1))
            database.execute(
                f"INSERT INTO runs ({', '.join(row_names)}, {column.split()[0]}) VALUES ({marks})", [*row, value]
            )


def test_a_number_of_128_bits_in_a_table_keeps_its_digits(tmp_path: Path) -> None:
    """JSON readers do not hold it, and it may be an id."""
    duckdb_table(tmp_path / "runs.duckdb", "number HUGEINT", [1, 2, 1 << 100, 4])
    found = read("platforms", tmp_path / "runs.duckdb")
    assert {call.tool for call in found.calls} == {"get_order", "get_shop"}
    assert found.reasons == []


def test_what_stands_beside_a_number_of_128_bits_stays_what_it_is() -> None:
    """Wherever the number stands: a false that became a text would be a failure, and a count no count any more."""
    row = {"id": 1 << 100, "failed": False, "tokens": 7, "input": {"ids": [1, -(1 << 70)]}}
    digits = {"id": str(1 << 100), "input": {"ids": [1, str(-(1 << 70))]}}
    assert json.loads(duckdb_rows.json_line(row)) == {**row, **digits}


def test_a_database_on_which_its_library_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB's checksum is the same when words change places; what it then reads has ended whole processes."""
    path = tmp_path / "runs.duckdb"
    duckdb_table(path, "number INTEGER", [1, 2, 3, 4])
    monkeypatch.setattr(duckdb_rows, "__file__", str(tmp_path / "dies.py"))
    first = load_reader("platforms").EXAMPLE.splitlines(keepends=True)[0].decode()
    program = f"import os, sys\nsys.stdout.write({first!r})\nsys.stdout.flush()\nos.abort()\n"
    (tmp_path / "dies.py").write_text(program, encoding="utf-8")
    found = read("platforms", path)
    assert [call.tool for call in found.calls] == ["get_order"]
    assert found.reasons == ["not_duckdb"]
    assert found.source.problems[0].fatal
