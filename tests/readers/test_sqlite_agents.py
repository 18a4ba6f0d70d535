"""opencode and Goose: stores read from a copy, logs not yet written back, times, sub-agents, and no credentials."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from miner.events import EventKind, Status, TimeSource
from miner.readers import load_reader, recognise, session_key, sqlite_copy
from tests.readers.reading import arguments, document, read

MS = 1_777_629_600_000


def tool(identity: str, status: str = "completed", start: int = 1000, end: int = 1200, **state: Any) -> dict[str, Any]:
    """A tool part of opencode."""
    about = {"status": status, "input": {"n": identity}, "time": {"start": MS + start, "end": MS + end}, **state}
    return {"type": "tool", "tool": "bash", "callID": identity, "state": about}


def opencode(folder: Path, *messages: tuple[str, list[dict[str, Any]]], **info: Any) -> Path:
    """An export of opencode."""
    times = {"created": MS, "completed": MS + 5000}
    told = [{"info": {"id": f"m{n}", "role": r, "time": times}, "parts": p} for n, (r, p) in enumerate(messages)]
    return document(folder, {"info": {"id": "s", **info}, "messages": told})


def test_a_parts_own_times_and_words_count(tmp_path: Path) -> None:
    """Start and end are the tool's; an exit code beside a completed call changes nothing; errors say why."""
    parts = [
        tool("1", output="x", metadata={"exit": 2, "truncated": True}),
        tool("2", "error", error="boom"),
        tool("3", "error", error="The user rejected permission to use this tool."),
        tool("4", "error", error="Tool execution aborted"),
        tool("5", "pending"),
    ]
    calls = read("opencode", opencode(tmp_path, ("assistant", parts))).calls
    assert [c.status for c in calls] == [
        Status.OK,
        Status.ERROR,
        Status.DENIED,
        Status.CANCELLED,
        Status.MISSING,
    ]
    assert (calls[0].exit_code, calls[0].truncated, calls[1].text) == (2, True, "boom")
    assert (calls[0].start_us, calls[0].end_us) == ((MS + 1000) * 1000, (MS + 1200) * 1000)
    assert calls[0].time_source is TimeSource.NATIVE


def test_a_message_may_hold_several_steps(tmp_path: Path) -> None:
    """Each step start begins a model step; the first one ends when its first call begins."""
    start, finish = {"type": "step-start"}, {"type": "step-finish", "tokens": {"input": 5, "cache": {"read": 7}}}
    parts = [start, tool("1"), finish, start, {"type": "text", "text": "done"}]
    found = read("opencode", opencode(tmp_path, ("user", [{"type": "text", "text": "hi"}]), ("assistant", parts)))
    first, second = found.of(EventKind.MODEL_STEP)
    assert (first.tokens_in, first.end_us, second.text) == (12, (MS + 1000) * 1000, "done")
    assert second.end_us == (MS + 5000) * 1000


def test_ids_that_begin_anew_are_told_apart(tmp_path: Path) -> None:
    """Two calls of one id keep their own times and results."""
    first, second = tool("call_0", output="one"), tool("call_0", start=2000, end=2900, output="two")
    calls = read("opencode", opencode(tmp_path, ("assistant", [first]), ("assistant", [second]))).calls
    told = [(c.text, (c.end_us or 0) - (c.start_us or 0)) for c in calls]
    assert told == [("one", 200_000), ("two", 900_000)]


def test_what_the_host_adds_is_no_human_turn(tmp_path: Path) -> None:
    """Synthetic text is the host's; a compaction part is a compaction."""
    parts = [{"type": "text", "text": "a", "synthetic": True}, {"type": "compaction"}, {"type": "text", "text": "b"}]
    assert read("opencode", opencode(tmp_path, ("user", parts))).kinds == [
        "harness_message",
        "compaction",
        "user_message",
    ]


def test_a_sub_session_knows_the_call_that_started_it(tmp_path: Path) -> None:
    """The task tool's metadata names the child, the child its parent."""
    spawn = tool("t", metadata={"sessionId": "kid"})
    parent = opencode(tmp_path, ("assistant", [spawn]))
    child = tmp_path / "child"
    child.mkdir()
    kid = opencode(child, ("user", [{"type": "text", "text": "look"}]), id="kid", parentID="s")
    found = read("opencode", parent, kid).sessions[session_key("opencode", "kid")]
    assert (found.relation, found.parent, found.spawned_by) == ("subagent", session_key("opencode", "s"), "t")


def stored(folder: Path, place: str, value: Any) -> None:
    """A file of opencode's older storage."""
    path = folder / "storage" / f"{place}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def test_the_older_folder_of_files_is_read_by_session(tmp_path: Path) -> None:
    """A file each for session, messages and parts: together they are what the database holds for it later."""
    for name, said in (("s1", "one"), ("s2", "two")):
        about = {"id": name, "version": "0.5", "directory": "/srv/shop", "time": {"created": MS}}
        stored(tmp_path, f"session/p/{name}", about)
        user = {"id": f"a{name}", "sessionID": name, "role": "user", "time": {"created": MS}}
        stored(tmp_path, f"message/{name}/a{name}", user)
        answer = {**user, "id": f"b{name}", "role": "assistant", "time": {"created": MS + 1, "completed": MS + 9000}}
        stored(tmp_path, f"message/{name}/b{name}", answer)
        stored(tmp_path, f"part/a{name}/p1", {"id": "p1", "messageID": f"a{name}", "type": "text", "text": said})
        called = {"id": "p2", "messageID": f"b{name}", **tool(name, output="x")}
        stored(tmp_path, f"part/b{name}/p2", called)
    reader = load_reader("opencode")
    paths = [path for path in tmp_path.rglob("*.json") if recognise(path) == "opencode"]
    assert len(paths) == 10
    groups = reader.groups(paths)  # type: ignore[attr-defined]
    assert sorted(len(group) for group in groups) == [5, 5]
    found = [read("opencode", *group) for group in groups]
    assert sorted(f.events[0].text or "" for f in found) == ["one", "two"]
    assert all(f.kinds == ["user_message", "model_step", "tool_call"] for f in found)
    assert {f.session.application for f in found} == {"shop"}
    assert [f.source.problems for f in found] == [[], []]


def test_parts_that_hang_on_no_message_are_told(tmp_path: Path) -> None:
    """In a database and in the older files: nothing is dropped in silence."""
    with closing(store(tmp_path, "opencode")) as connection:
        connection.execute("DELETE FROM message WHERE id = 'msg_2'")
        connection.commit()
    assert read("opencode", tmp_path / "opencode.db").reasons == ["unknown_record"]
    stored(tmp_path, "message/s/m", {"id": "m", "sessionID": "s", "role": "user", "time": {"created": MS}})
    stored(tmp_path, "part/gone/p", {"id": "p", "messageID": "gone", "type": "text", "text": "x"})
    paths = sorted((tmp_path / "storage").rglob("*.json"))
    assert read("opencode", *paths).reasons == ["unknown_record"]


def store(folder: Path, name: str, journal: str = "DELETE") -> sqlite3.Connection:
    """A reader's example as a file, open as its agent would have it."""
    reader = load_reader(name)
    path = folder / reader.EXAMPLE_NAME
    path.write_bytes(reader.EXAMPLE)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    return connection


def test_what_is_only_in_the_write_ahead_log_is_read(tmp_path: Path) -> None:
    """A running agent's newest messages are not in the database file yet."""
    with closing(store(tmp_path, "goose", "WAL")) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        content = json.dumps([{"type": "text", "text": "late"}])
        connection.execute("INSERT INTO messages VALUES (9, '20260501_1', 'user', ?, 1777629700, '{}')", [content])
        connection.commit()
        path = tmp_path / "sessions.db"
        before = path.read_bytes()
        assert read("goose", path).events[-1].text == "late"
        assert path.read_bytes() == before
        assert sorted(p.name for p in tmp_path.iterdir()) == ["sessions.db", "sessions.db-shm", "sessions.db-wal"]


def test_no_table_but_the_stated_ones_is_selected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials lie in the same database: no statement names their table, and no row holds them."""
    with closing(store(tmp_path, "opencode")) as connection:
        connection.execute("CREATE TABLE credential (token TEXT)")
        connection.execute("ALTER TABLE session ADD COLUMN share_secret TEXT DEFAULT 'hunter2'")
        connection.commit()
    said: list[str] = []
    connect = sqlite3.connect

    def traced(*given: Any) -> sqlite3.Connection:
        made = connect(*given)
        made.set_trace_callback(said.append)
        return made

    monkeypatch.setattr(sqlite_copy.sqlite3, "connect", traced)
    assert len(read("opencode", tmp_path / "opencode.db").calls) == 1
    chosen = [statement for statement in said if statement.startswith("SELECT")]
    tables = {name for statement in chosen for name in re.findall(r'FROM "?(\w+)', statement)}
    assert tables == {"sqlite_master", "pragma_index_list", "session", "message", "part"}
    assert not any("credential" in s or "secret" in s or "*" in s.replace("count(*)", "") for s in chosen)


def goose(folder: Path, *items: tuple[str, list[Any], int, str]) -> Path:
    """A store of Goose."""
    values = [
        (n, "s", role, json.dumps(content), second, meta) for n, (role, content, second, meta) in enumerate(items)
    ]
    path = folder / "sessions.db"
    columns = "id INTEGER, session_id TEXT, role TEXT, content_json TEXT, created_timestamp INTEGER, metadata_json TEXT"
    path.write_bytes(sqlite_copy.database({"sessions": ("id TEXT", [("s",)]), "messages": (columns, values)}))
    assert recognise(path) == "goose"
    return path


def request(identity: str) -> dict[str, Any]:
    """A call of Goose."""
    asked = {"status": "success", "value": {"name": "dev__go", "arguments": {}}}
    return {"type": "toolRequest", "id": identity, "toolCall": asked}


def response(identity: str, result: dict[str, Any]) -> dict[str, Any]:
    """A result of Goose."""
    return {"type": "toolResponse", "id": identity, "toolResult": result}


def test_gooses_results_say_how_they_ended(tmp_path: Path) -> None:
    """A result may be an error of the tool or of the host; calls within one second have no length."""
    good = {"status": "success", "value": {"content": [{"type": "text", "text": "x"}], "structuredContent": {"n": 1}}}
    bad = {"status": "error", "error": "no such tool"}
    items = [
        ("assistant", [request("1"), request("2")], 1777629600, "{}"),
        ("user", [response("1", good)], 1777629600, "{}"),
        ("user", [response("2", bad)], 1777629603, "{}"),
    ]
    first, second = read("goose", goose(tmp_path, *items)).calls
    assert (first.status, first.text, first.result, first.time_source) == (Status.OK, "x", '{"n":1}', TimeSource.NONE)
    assert (second.status, second.text, second.time_source) == (Status.ERROR, "no such tool", TimeSource.LOG_DELTA)
    assert arguments(first) == {}


def test_what_goose_hides_from_the_model_was_compacted(tmp_path: Path) -> None:
    """Messages kept for the person only stand before a summary."""
    said = [{"type": "text", "text": "x"}]
    items = [
        ("user", said, 1777629600, '{"agentVisible": false}'),
        ("user", said, 1777629601, '{"agentVisible": true}'),
    ]
    assert read("goose", goose(tmp_path, *items)).kinds == ["user_message", "compaction", "user_message"]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A cut or foreign file is one problem with all its bytes."""
    path = tmp_path / "sessions.db"
    path.write_bytes(sqlite_copy.MAGIC + b"x" * 500)
    found = read("goose", path)
    assert found.reasons == ["not_sqlite"]
    assert found.source.account.broken == path.stat().st_size
