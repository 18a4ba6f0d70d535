"""What an ingest adds, replaces, keeps and leaves out."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

import miner.readers
from miner.errors import LogError
from miner.readers import load_reader
from miner.store import Progress, Store, TooManyProblemsError
from tests.store.plain_logs import append, content, ingested, line, write


def test_the_same_logs_again_add_nothing(database: Path, logs: Path) -> None:
    """A second ingest reads no file, changes no row and reports the same totals."""
    for number in range(3):
        write(logs / f"{number}.jsonl", f"s{number}", 4)
    with Store.open(database) as store:
        first = store.ingest([logs])
        before = content(store)
        second = store.ingest([logs])
        assert (first.files_read, first.sessions, first.events, first.calls) == (3, 3, 15, 12)
        assert (second.files_read, second.files_unchanged, second.events_added) == (0, 3, 0)
        assert (second.sessions, second.events, second.calls) == (3, 15, 12)
        assert content(store) == before


def test_an_appended_file_adds_only_its_tail(database: Path, logs: Path) -> None:
    """Rows that were there stay as they are; the result is that of one ingest of the whole."""
    path = write(logs / "a.jsonl", "s", 3)
    with Store.open(database) as store:
        store.ingest([path])
        append(path, line("s", tool="late") + line("other", tool="first"))
        report = store.ingest([path])
        assert (report.files_read, report.events_added, report.events_removed) == (1, 2, 0)
        grown = content(store)
    assert grown == ingested(database.with_name("fresh.duckdb"), [path])


def test_an_unfinished_line_is_a_problem_until_it_is_complete(database: Path, logs: Path) -> None:
    """A log that grows while it is read gives its whole lines now and the last one next time."""
    path = write(logs / "a.jsonl", "s", 2)
    whole = line("s", tool="late")
    append(path, whole[:9])
    with Store.open(database) as store:
        assert store.ingest([path], max_problem_share=1).by_reason == {"truncated_tail": 1}
        append(path, whole[9:])
        report = store.ingest([path])
        assert (report.by_reason, report.events_added, report.calls) == ({}, 1, 3)


def test_a_changed_file_replaces_its_rows_and_no_others(database: Path, logs: Path) -> None:
    """What the file no longer holds goes, what it still holds stays, other files are untouched."""
    changed, other = write(logs / "a.jsonl", "s", 5), write(logs / "b.jsonl", "t", 2)
    with Store.open(database) as store:
        store.ingest([logs])
        write(changed, "s", 2)
        report = store.ingest([logs])
        assert (report.files_read, report.files_unchanged, report.events_removed) == (1, 1, 3)
        assert content(store) == ingested(database.with_name("fresh.duckdb"), [changed, other])


def test_a_change_that_hides_its_size_and_time_is_seen(database: Path, logs: Path) -> None:
    """The same size and time of modification do not make a file the same."""
    path = write(logs / "a.jsonl", "s", 900)
    with Store.open(database) as store:
        store.ingest([path])
        facts = path.stat()
        path.write_text(path.read_text().replace("450xxx", "450yyy"))
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert path.stat().st_size == facts.st_size
        assert store.ingest([path]).events_added == 1


def test_a_copy_under_another_name_adds_nothing(database: Path, logs: Path) -> None:
    """Identical content is recognised; a touched file is, too."""
    path = write(logs / "a.jsonl", "s", 3)
    with Store.open(database) as store:
        store.ingest([path])
        shutil.copy(path, logs / "b.jsonl")
        path.touch()
        report = store.ingest([logs])
        assert (report.files_read, report.files_unchanged, report.events) == (0, 2, 4)
        assert store.query("select count(*) from all_events") == [(4,)]


def test_a_renamed_file_keeps_its_rows_under_the_new_name(database: Path, logs: Path) -> None:
    """The ledger follows the file."""
    path = write(logs / "a.jsonl", "s", 3)
    with Store.open(database) as store:
        store.ingest([path])
        path.rename(logs / "b.jsonl")
        report = store.ingest([logs])
        assert (report.files_read, report.files_unchanged, report.files_gone) == (0, 1, 0)
        assert store.query("select path from sources") == [(str(logs / "b.jsonl"),)]
        assert store.ingest([logs]).files_unchanged == 1


def test_a_removed_file_keeps_its_rows_and_is_counted(database: Path, logs: Path) -> None:
    """Logs are often rotated away; what was learnt from them stays."""
    path, _ = write(logs / "a.jsonl", "s", 3), write(logs / "b.jsonl", "t", 1)
    with Store.open(database) as store:
        store.ingest([logs])
        path.unlink()
        assert store.ingest([logs]).files_gone == 1
        assert len(store.sessions()) == 2


def test_a_raised_reader_version_reads_again(database: Path, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A better reader gets its chance at old files."""
    path = write(logs / "a.jsonl", "s", 3)
    with Store.open(database) as store:
        store.ingest([path])
        monkeypatch.setattr(load_reader("plain"), "VERSION", 2)
        report = store.ingest([path])
        assert (report.files_read, report.events_added) == (1, 0)
        assert store.query("select version from sources") == [(2,)]


def test_sessions_carry_the_part_given_last(database: Path, logs: Path) -> None:
    """A part belongs to a source and can be moved without reading."""
    train, test = write(logs / "a.jsonl", "s", 3), write(logs / "b.jsonl", "t", 1)
    with Store.open(database) as store:
        store.ingest([train, test], part="train")
        report = store.ingest([test], part="test")
        assert (report.files_read, report.parts) == (0, {"test": 1})
        assert [session.native_id for session in store.sessions("train")] == ["s"]
        assert [log.session.native_id for log in store.session_logs("test")] == ["t"]
        assert len(list(store.session_logs())) == 2


def test_a_session_told_twice_counts_once_by_its_fullest_telling(database: Path, logs: Path) -> None:
    """An older copy of a growing log does not double its calls, whichever is read first."""
    write(logs / "a.jsonl", "s", 2)
    write(logs / "b.jsonl", "s", 5)
    with Store.open(database) as store:
        report = store.ingest([logs])
        assert (report.sessions, report.calls) == (1, 5)
        assert len(next(iter(store.session_logs())).events) == 6


def test_copied_history_counts_in_the_earliest_session_only(database: Path, logs: Path) -> None:
    """A fork holds its parent's records; only what it adds is its own."""
    write(logs / "a.jsonl", "old", 3, start=1)
    copied = "".join(line("new", start=2, tool="tool1", uid=f"old-{number}") for number in (1, 2))
    (logs / "b.jsonl").write_text(copied + line("new", start=2, tool="own", uid="new-1"))
    with Store.open(database) as store:
        store.ingest([logs])
        assert [len(log.events) for log in store.session_logs()] == [4, 1]
        assert store.query("select seq from replays order by seq") == [(0,), (1,)]


def test_abandoned_branches_are_left_out(database: Path, logs: Path) -> None:
    """Events that a rewind made void are kept as rows and seen by nobody."""
    first = line("s", tool="a", facts={"off_path": [1]})
    (logs / "a.jsonl").write_text(first + line("s", tool="void") + line("s", tool="b"))
    with Store.open(database) as store:
        store.ingest([logs])
        log = next(iter(store.session_logs()))
        assert [event.tool for event in log.events] == ["a", "b"]
        assert log.session.off_path == (1,)
        assert store.query("select tool from calls order by seq") == [("a",), ("b",)]


def test_sessions_come_by_start_and_key_and_events_by_number(database: Path, logs: Path) -> None:
    """The order depends on neither file names nor the order of reading."""
    for name, start in (("a", 30), ("b", 10), ("c", 20)):
        write(logs / f"{name}.jsonl", name, 2, start=start)
    with Store.open(database) as store:
        store.ingest([logs])
        assert [log.session.native_id for log in store.session_logs()] == ["b", "c", "a"]
        assert all([event.seq for event in log.events] == [0, 1, 2] for log in store.session_logs())


def test_calls_of_one_step_are_parallel(database: Path, logs: Path) -> None:
    """The view says which calls were asked for together."""
    (logs / "a.jsonl").write_text(
        line("s", tool="a", step=0) + line("s", tool="b", step=0) + line("s", tool="c", step=1)
    )
    with Store.open(database) as store:
        store.ingest([logs])
        assert store.query("select tool, parallel, calls_in_step from calls order by seq") == [
            ("a", True, 2),
            ("b", True, 2),
            ("c", False, 1),
        ]
        assert store.query("select calls from steps order by step") == [(2,), (1,)]


def test_broken_records_are_kept_with_their_place_and_fail_above_the_share(database: Path, logs: Path) -> None:
    """What could be read is stored before the failure is said."""
    path = write(logs / "a.jsonl", "s", 3)
    append(path, "{broken\n" + line("s", tool="after"))
    with Store.open(database) as store:
        with pytest.raises(TooManyProblemsError, match="1 of 6 records") as caught:
            store.ingest([path])
        assert caught.value.report.by_reason == {"not_json": 1}
        assert store.query('select path, line, "offset" > 0, reason from problems') == [
            (str(path), 5, True, "not_json")
        ]
        assert store.ingest([path], max_problem_share=0.5).calls == 4


def test_a_reader_that_fails_loses_one_source_and_quotes_nothing(database: Path, logs: Path) -> None:
    """The others are read; the problem names the place in the reader, not the content of the log."""
    (logs / "a.jsonl").write_text(line("s", tool="a") + line("s", crash=1) + line("s", tool="b"))
    write(logs / "b.jsonl", "t", 2)
    with Store.open(database) as store:
        report = store.ingest([logs], max_problem_share=1)
        assert (report.sessions, report.calls, report.by_reason) == (2, 3, {"reader_failed": 1})
        ((detail,),) = store.query("select detail from problems")
        assert detail.startswith("KeyError at plain.py:")


def test_values_no_column_can_hold_do_not_lose_the_rest(database: Path, logs: Path) -> None:
    """Huge integers become unknown, lone surrogates are replaced, NUL characters stay, duplicate numbers are told."""
    text = '{"plain": "s", "tool": "a", "exit": 99999999999999999999, "text": "\\ud800 \\u0000"}\n'
    (logs / "a.jsonl").write_text(text + line("s", tool="b", seq=0))
    with Store.open(database) as store:
        report = store.ingest([logs], max_problem_share=1)
        assert report.by_reason == {"duplicate_seq": 1}
        assert store.query("select exit_code, text from calls") == [(None, "\ufffd \0")]


def test_empty_unknown_and_binary_files_are_each_counted(database: Path, logs: Path) -> None:
    """Nothing is passed over in silence."""
    write(logs / "a.jsonl", "s", 1)
    (logs / "empty.jsonl").touch()
    (logs / "notes.txt").write_text("hello\n")
    (logs / "image").write_bytes(b"\x89PNG\0\0\0")
    (logs / ".hidden").write_text(line("h", tool="a"))
    with Store.open(database) as store:
        report = store.ingest([logs])
        assert (report.files_read, report.files_empty) == (1, 1)
        assert report.unrecognised == [logs / "notes.txt"]
        assert report.passed_over == {"binary": 1, "hidden": 1}


def test_logs_that_cannot_be_read_as_they_are_are_named(database: Path, logs: Path) -> None:
    """In UTF-16, or compressed without saying so, they are not among the pictures: somebody can do something."""
    write(logs / "a.jsonl", "s", 1)
    (logs / "wide.jsonl").write_text(line("s", tool="b"), encoding="utf-16")
    (logs / "packed.jsonl").write_bytes(gzip.compress(line("s", tool="c").encode(), mtime=0))
    with Store.open(database) as store:
        report = store.ingest([logs])
        assert report.unrecognised == [logs / "packed.jsonl", logs / "wide.jsonl"]
        assert report.passed_over == {}


def test_nothing_but_unknown_files_is_an_error_that_says_where_to_look(database: Path, logs: Path) -> None:
    """The message counts what was found, names the file, and the commands that say what it is and what is read."""
    (logs / "notes.txt").write_text("hello\n")
    with Store.open(database) as store, pytest.raises(LogError, match="1 of no known format") as caught:
        store.ingest([logs])
    for part in ("notes.txt", "`miner ingest --explain FILE`", "`miner formats`"):
        assert part in str(caught.value)


def test_compressed_and_plain_logs_give_the_same_sessions(database: Path, logs: Path) -> None:
    """A log and its compressed twin are one session."""
    path = write(logs / "a.jsonl", "s", 3)
    (logs / "b.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    with Store.open(database) as store:
        report = store.ingest([logs])
        assert (report.files_read, report.sessions, report.calls) == (2, 1, 3)


@pytest.mark.parametrize("many_cores", [2, 4])
@pytest.mark.parametrize("few_files", [0, 512])
def test_many_files_are_read_by_several_processes_with_the_same_outcome(
    database: Path, logs: Path, monkeypatch: pytest.MonkeyPatch, many_cores: int, few_files: int
) -> None:
    """Rows and progress do not depend on who recognised and who read the files."""
    monkeypatch.setattr("miner.store.workers.MANY_CORES", many_cores)
    monkeypatch.setattr("miner.store.workers.FEW_FILES", few_files)
    for number in range(6):
        write(logs / f"{number}.jsonl", f"s{number}", 20)
    alone = ingested(database.with_name("alone.duckdb"), [logs])
    monkeypatch.setattr("miner.store.workers.SMALL_BYTES", 0)
    monkeypatch.setattr("miner.store.workers.TASK_BYTES", 1)
    monkeypatch.setattr("miner.store.ingest.COMMIT_BYTES", 1)
    monkeypatch.setattr("miner.store.workers.available_cores", lambda: 2)
    seen: list[Progress] = []
    assert ingested(database, [logs], progress=seen.append) == alone
    assert (seen[-1].files_done, seen[-1].events) == (6, 126)
    assert seen[-1].bytes_done == seen[-1].bytes > 0
    assert list(miner.readers.__path__)


def test_every_byte_of_hostile_input_is_accounted_for(database: Path, logs: Path) -> None:
    """Deep nesting, bad UTF-8, NaN, a NUL tail and a cut end: good lines are kept, bad ones told, no byte is lost."""
    path = write(logs / "a.jsonl", "s", 2)
    hostile = [b'{"plain":' + b"[" * 10_000 + b"]" * 10_000 + b"}", b'{"plain": "\xff"}', b'{"plain": NaN', b"\0" * 50]
    with path.open("ab") as stream:
        stream.write(
            b"\n".join([*hostile, b'{"plain": "s", "tool": "a", "tool": "last", "text": "x"}', b'{"plain": "s"'])
        )
    with Store.open(database) as store:
        report = store.ingest([path], max_problem_share=1)
        assert report.by_reason == {"not_json": 1, "not_utf8": 1, "too_deep": 1, "truncated_tail": 1}
        assert report.bytes == path.stat().st_size
        assert store.query("select tool from calls order by seq desc limit 1") == [("last",)]
        lines = store.query('select line, "offset", length from problems order by line')
        data = path.read_bytes().split(b"\n")
        assert [(number, length) for number, _, length in lines] == [(n, len(data[n - 1])) for n in (4, 5, 6, 9)]


def test_files_that_belong_together_are_one_source_that_can_grow(
    database: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that groups files gets them together; a new member replaces what the group was before."""
    monkeypatch.setattr(load_reader("plain"), "groups", lambda paths: [tuple(paths)], raising=False)
    write(logs / "b.jsonl", "s", 2)
    with Store.open(database) as store:
        store.ingest([logs])
        write(logs / "a.jsonl", "t", 1)
        report = store.ingest([logs])
        assert (report.files_read, report.sessions, report.by_reader) == (2, 2, {"plain": 1})
        assert store.query("select count(*) from sources") == [(1,)]
        assert store.ingest([logs]).files_unchanged == 2


def test_rows_of_a_reader_that_was_taken_away_stay(database: Path, logs: Path) -> None:
    """Without its reader an old file is of unknown format, and what was read from it is still there."""
    old, new = write(logs / "a.jsonl", "s", 2), write(logs / "b.jsonl", "t", 1)
    with Store.open(database) as store:
        store.ingest([old])
        store.connection.execute("update sources set reader = 'gone'")
        report = store.ingest([new])
        assert (report.files_read, len(store.sessions())) == (1, 2)


def test_rows_come_as_an_arrow_table_too(database: Path, logs: Path) -> None:
    """Reports and charts take whole columns."""
    write(logs / "a.jsonl", "s", 4)
    with Store.open(database) as store:
        store.ingest([logs])
        table = store.rows("select tool, count(*) as calls from calls where seq > ? group by tool order by tool", [1])
        assert table.to_pydict() == {"tool": ["tool0", "tool1", "tool2"], "calls": [1, 1, 1]}
