"""A store in any state: sound, interrupted, damaged, of another kind or version, in use, on a full disk."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from miner.errors import StoreError
from miner.store import Store
from miner.store.recovery import block_checksum
from tests.store.conftest import READERS
from tests.store.plain_logs import content, ingested, write

BLOCK = slice(12288, 12288 + 262144)

INGEST = """
import sys
import miner.readers
import miner.store.ingest, miner.store.workers
from miner.store import Store
if __name__ == "__main__":
    readers, database, logs, commit_bytes = sys.argv[1:5]
    miner.readers.__path__[:] = [readers]
    miner.store.ingest.COMMIT_BYTES = int(commit_bytes)
    miner.store.workers.TASK_BYTES = 1
    with Store.open(database) as store:
        print("open", flush=True)
        print(store.ingest([logs]).sessions, flush=True)
        if len(sys.argv) > 5:
            sys.stdin.read()
"""


def start(script: Path, database: Path, logs: Path, *more: str) -> subprocess.Popen[str]:
    """An ingest in a process of its own that commits after every source."""
    script.write_text(INGEST)
    return subprocess.Popen(
        [sys.executable, str(script), str(READERS), str(database), str(logs), "1", *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def interrupted_copy(database: Path, logs: Path, tmp_path: Path) -> Path:
    """A store as a kill leaves it: everything committed, the log of changes not yet written into the file."""
    process = start(tmp_path / "ingest.py", database, logs, "wait")
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    assert process.stdout.readline().strip().isdigit()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return database


def damage(path: Path, at: int, data: bytes) -> None:
    """Overwrite some bytes."""
    with path.open("r+b") as stream:
        stream.seek(at)
        stream.write(data)


@pytest.fixture
def three(logs: Path) -> Path:
    """Logs of three sessions."""
    for number in range(3):
        write(logs / f"{number}.jsonl", f"s{number}", 40, size=500, start=number)
    return logs


def test_a_run_killed_at_any_instant_is_completed_by_the_next(tmp_path: Path, three: Path) -> None:
    """Wherever SIGKILL falls, the next run gives what an undisturbed run gives."""
    whole = ingested(tmp_path / "whole.duckdb", [three])
    choose = random.Random(7)
    for number in range(6):
        database = tmp_path / str(number) / "events.duckdb"
        process = start(tmp_path / "ingest.py", database, three)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(choose.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert ingested(database, [three]) == whole
        assert sorted(path.name for path in database.parent.iterdir()) == ["events.duckdb", "events.duckdb.lock"]


def test_a_run_that_fails_between_rows_and_ledger_leaves_neither(
    database: Path, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are only ever there together with their ledger entry."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("miner.store.writing.Writing._write_files", fail)
    with Store.open(database) as store:
        with pytest.raises(StoreError, match="No space left on device"):
            store.ingest([three])
        assert store.query("select (select count(*) from all_events), (select count(*) from sources)") == [(0, 0)]


def test_two_writers_are_refused_and_the_first_is_named(database: Path, three: Path, tmp_path: Path) -> None:
    """Two runs on one run folder: the second is told which process holds it."""
    process = start(tmp_path / "ingest.py", database, three, "wait")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=f"in use by process {process.pid}"):
            Store.open(database)
    finally:
        process.communicate("")
    with Store.open(database) as store:
        assert len(store.sessions()) == 3


def test_a_database_held_by_another_program_is_said_to_be(database: Path, three: Path) -> None:
    """DuckDB's own lock is reported in the same words."""
    ingested(database, [three])
    context = multiprocessing.get_context("spawn")
    opened, done = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(str(database), opened, done))
    holder.start()
    try:
        assert opened.wait(30)
        with pytest.raises(StoreError, match=f"in use by process {holder.pid}"):
            Store.open(database)
    finally:
        done.set()
        holder.join()


def hold(database: str, opened: object, done: object) -> None:
    """Keep a database open as a foreign program would."""
    with duckdb.connect(database):
        opened.set()  # type: ignore[attr-defined]
        done.wait(30)  # type: ignore[attr-defined]


def test_readers_share_and_a_writer_is_refused_meanwhile(database: Path, three: Path) -> None:
    """Reading does not change the store and two may read at once."""
    ingested(database, [three])
    with Store.open(database, read_only=True) as one, Store.open(database, read_only=True) as other:
        assert one.sessions() == other.sessions()
        with pytest.raises(StoreError, match="in use"):
            Store.open(database)
        with pytest.raises(StoreError, match="for reading only"):
            one.ingest([three])


def test_a_full_disk_ends_in_words_and_what_was_committed_is_safe(tmp_path: Path, three: Path) -> None:
    """A write that the system refuses is an error that says what to do; with space again the run completes."""
    database = tmp_path / "small" / "events.duckdb"
    whole = ingested(tmp_path / "whole.duckdb", [three])
    script = tmp_path / "ingest.py"
    script.write_text(INGEST)
    ended = subprocess.run(
        [sys.executable, str(script), str(READERS), str(database), str(three), "1"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ended.returncode == 1
    assert "miner.errors.StoreError: the store could not be written" in ended.stderr
    assert "everything committed before is safe" in ended.stderr
    assert ingested(database, [three]) == whole


def test_a_nearly_full_disk_is_seen_before_the_write(
    database: Path, three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run stops while there is still room to end cleanly."""
    usage = shutil.disk_usage(three)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=5 << 20))
    with Store.open(database) as store, pytest.raises(StoreError, match="nearly full: 5 MB are left"):
        store.ingest([three])


def test_a_folder_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    """Also where permissions mean nothing: a file stands where the folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot make the folder of the store") as caught:
        Store.open(tmp_path / "file" / "events.duckdb")
    assert caught.value.next_step


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_said_to_be(tmp_path: Path) -> None:
    """The error names the folder."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        Store.open(folder / "events.duckdb")


def test_files_that_are_no_store_are_left_as_they_are(tmp_path: Path) -> None:
    """Neither a text file nor somebody else's database is touched."""
    text, other = tmp_path / "notes.txt", tmp_path / "other.duckdb"
    text.write_text("x" * 5000)
    with duckdb.connect(str(other)) as connection:
        connection.execute("create table mine (a integer)")
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(StoreError, match="not a store of events"):
            Store.open(path)
        assert path.read_bytes() == before


def test_a_missing_store_and_one_of_another_version_are_refused(database: Path, three: Path) -> None:
    """Both errors say what to do."""
    with pytest.raises(StoreError, match="there is no store"):
        Store.open(database, read_only=True)
    ingested(database, [three])
    with duckdb.connect(str(database)) as connection:
        connection.execute("update store_facts set value = 1 where name = 'fingerprint'")
    with pytest.raises(StoreError, match="another version"):
        Store.open(database)


def test_a_damaged_log_of_changes_is_cut_and_the_rest_read_again(database: Path, three: Path, tmp_path: Path) -> None:
    """Flipped bytes in the log cost at most the batches behind them, and those are read again."""
    whole = ingested(tmp_path / "whole.duckdb", [three])
    interrupted_copy(database, three, tmp_path)
    wal = database.with_name("events.duckdb.wal")
    if not wal.exists() or not wal.stat().st_size:
        pytest.fail("the interrupted run left no log of changes to damage")
    damage(wal, wal.stat().st_size // 2, b"\xff" * 64)
    with Store.open(database) as store:
        assert store.recovery
        store.ingest([three])
        assert content(store) == whole


def test_a_lost_log_of_changes_is_noticed(database: Path, three: Path, tmp_path: Path) -> None:
    """DuckDB opens without it and says nothing; the side file knows better."""
    whole = ingested(tmp_path / "whole.duckdb", [three])
    ingested(database, [three])
    lock = database.with_name("events.duckdb.lock")
    lock.write_text('{"process": null, "batch": 9}')
    with Store.open(database) as store:
        assert "batches that had been stored are gone" in store.recovery[0]
        store.ingest([three])
        assert content(store) == whole
    with Store.open(database) as store:
        assert store.recovery == []


def test_a_block_torn_in_a_checkpoint_is_restored(database: Path, three: Path) -> None:
    """A wrong checksum over sound data is cured on the file; the damaged original is kept."""
    whole = ingested(database, [three])
    data = database.read_bytes()[BLOCK]
    assert block_checksum(data[8:]) == int.from_bytes(data[:8], "little")
    damage(database, BLOCK.start, b"\0" * 8)
    with pytest.raises(StoreError, match="damaged"):
        Store.open(database, read_only=True)
    with Store.open(database) as store:
        assert "half written was restored" in store.recovery[1]
        assert content(store) == whole
    assert database.with_name("events.duckdb.damaged-1").exists()


def test_a_store_beyond_repair_is_set_aside_and_begun_anew(database: Path, three: Path) -> None:
    """The logs are the truth; nothing is thrown away."""
    whole = ingested(database, [three])
    damage(database, 4096, b"\0" * 8192)
    with Store.open(database) as store:
        assert "a new store was begun" in store.recovery[1]
        store.ingest([three])
        assert content(store) == whole
    assert database.with_name("events.duckdb.damaged-1").exists()


def test_rows_that_are_not_what_was_read_are_read_again_after_an_unclean_end(
    database: Path, three: Path, tmp_path: Path
) -> None:
    """A row changed behind the store's back is found by its digest."""
    whole = ingested(database, [three])
    script = (
        "import duckdb, os\n"
        f"c = duckdb.connect({str(database)!r})\n"
        "c.execute(\"update all_events set text = 'forged' where source = 2 and seq = 3\")\n"
        "c.execute(\"update store_facts set value = 0 where name = 'checked_batch'\")\n"
        "os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    with Store.open(database) as store:
        assert store.recovery == ["1 sources held rows that are not what was read; they will be read again"]
        store.ingest([three])
        assert content(store) == whole
