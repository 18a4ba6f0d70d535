"""Tables of one's own: read with a map that a user wrote, or that is proposed from the data."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from miner.cli import main
from miner.errors import LogError, UsageError
from miner.events import Status
from miner.readers import recognise
from miner.readers.map_placing import proposed
from miner.readers.map_proposal import as_toml, propose
from miner.readers.span_maps import load_map
from tests.readers.reading import arguments, document, lines, read

MAP = """\
id = "step"
title = "what"
kind = "sort"
start = "from"
end = "to"
input = "given"
output = "got"
session = "run"
failed = "problem"
tools = ["action"]
"""


def own(folder: Path, delimiter: str = ",") -> Path:
    """A table of a home-grown agent as CSV, with a quoted line break."""
    path = folder / "steps.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["step", "run", "what", "sort", "from", "to", "given", "got", "problem"])
        writer.writerow(["1", "r", "get", "action", "1777629601.2", "1777629601.9", '{"id": "o1"}', "paid\nyes", ""])
        writer.writerow(["2", "r", "get", "action", "1777629602", "1777629603", '{"id": "o2"}', "", "gone"])
        writer.writerow(["3", "r", "note", "log", "1777629604", "1777629605", "", "", ""])
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_ones_own_needs_ten_lines_and_no_code(tmp_path: Path, delimiter: str) -> None:
    """A map beside the table says which column is what, whatever stands between the columns."""
    path = own(tmp_path, delimiter)
    assert recognise(path) is None
    (tmp_path / "steps.map.toml").write_text(MAP, encoding="utf-8")
    assert recognise(path) == "platforms"
    found = read("platforms", path)
    assert [(c.tool, arguments(c), c.text, c.status) for c in found.calls] == [
        ("get", {"id": "o1"}, "paid\nyes", Status.OK),
        ("get", {"id": "o2"}, "gone", Status.ERROR),
    ]
    assert found.session.native_id == "r"
    assert found.source.account.total == path.stat().st_size


def test_a_table_from_a_spreadsheet_has_a_mark_before_its_first_name(tmp_path: Path) -> None:
    """Quoted or not, the name of the first column is what a map says."""
    path = own(tmp_path)
    (tmp_path / "steps.map.toml").write_text(MAP, encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    path.write_text(f'\ufeff"step"{text.removeprefix("step")}', encoding="utf-8")
    assert len(read("platforms", path).calls) == 2


def test_a_row_with_other_cells_than_columns_is_told(tmp_path: Path) -> None:
    """A comma that nobody quoted moves every value behind it into the wrong column; a cut row lacks some."""
    path = own(tmp_path)
    (tmp_path / "steps.map.toml").write_text(MAP, encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write('4,r,get,action,1777629606,1777629607,{"id": "o3", "all": 1},paid,\n\n5,r,get,act')
    found = read("platforms", path)
    assert [arguments(call) for call in found.calls] == [{"id": "o1"}, {"id": "o2"}]
    told = [(problem.reason, problem.detail, problem.line) for problem in found.source.problems]
    assert told == [("not_csv", "10 cells, and 9 columns", 6), ("not_csv", "4 cells, and 9 columns", 8)]


def test_the_same_table_as_parquet(tmp_path: Path) -> None:
    """The container does not matter."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    with own(tmp_path).open(newline="", encoding="utf-8") as file:
        rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "steps.parquet")
    (tmp_path / "steps.map.toml").write_text(MAP, encoding="utf-8")
    assert recognise(tmp_path / "steps.parquet") == "platforms"
    assert len(read("platforms", tmp_path / "steps.parquet").calls) == 2
    (tmp_path / "steps.parquet").write_bytes(b"PAR1" + b"x" * 40 + b"PAR1")
    assert read("platforms", tmp_path / "steps.parquet").reasons == ["not_parquet"]


def test_the_same_table_in_duckdb(tmp_path: Path) -> None:
    """A database with one table needs no more; with several, the map names it."""
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "steps.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute(f"create table steps as select * from read_csv('{own(tmp_path)}', all_varchar = true)")
    (tmp_path / "steps.map.toml").write_text(MAP, encoding="utf-8")
    assert recognise(path) == "platforms"
    found = read("platforms", path)
    assert [arguments(c) for c in found.calls] == [{"id": "o1"}, {"id": "o2"}]
    assert found.source.account.total == path.stat().st_size
    with duckdb.connect(str(path)) as database:
        database.execute("create table other as select 1 as one")
    assert read("platforms", path).reasons == ["which_table"]
    (tmp_path / "steps.map.toml").write_text(MAP + 'table = "steps"\n', encoding="utf-8")
    assert len(read("platforms", path).calls) == 2
    (tmp_path / "steps.map.toml").write_text(MAP + 'table = "gone"\n', encoding="utf-8")
    assert read("platforms", path).reasons == ["which_table"]
    path.write_bytes(path.read_bytes()[:64] + b"x" * 5000)
    assert read("platforms", path).reasons == ["not_duckdb"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("id = ", "the map is no TOML"),
        ('id = "a"', "the map lacks title, start"),
        ('title = "tool"\nstart = "when"\n', "the map lacks session"),
        (MAP.replace('tools = ["action"]', 'models = ["action"]'), "the map lacks tools"),
        (MAP + 'colour = "x"\n', "the map names colour"),
        ('id = "\udcff"', "the map is not UTF-8"),
        (None, "cannot open the map"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused(tmp_path: Path, text: str | None, what: str) -> None:
    """With what is wrong, and what to do: no such error leaves people to guess."""
    path = tmp_path / "x.map.toml"
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=what) as told:
        load_map(path)
    assert told.value.where == str(path)
    assert told.value.next_step


def test_a_map_is_proposed_from_names_and_values(tmp_path: Path) -> None:
    """Known names are found at any depth, times must be times, and kinds are sorted by what they say."""
    rows = [
        {
            "spanId": str(n),
            "parentId": "0",
            "meta": {"thread_id": "t"},
            "type": kind,
            "name": f"n{n}",
            "startTime": "2026-05-01T10:00:00Z",
            "end": "soon",
            "input": {"x": 1},
        }
        for n, kind in enumerate(("TOOL", "LLM", "AGENT", "OTHER"))
    ]
    proposal = propose(rows)
    assert proposal == {
        "id": ["spanId"],
        "parent": ["parentId"],
        "title": ["name"],
        "kind": ["type"],
        "start": ["startTime"],
        "input": ["input"],
        "session": ["meta.thread_id"],
        "tools": ["TOOL"],
        "models": ["LLM"],
        "agents": ["AGENT"],
    }
    path = tmp_path / "p.map.toml"
    path.write_text(as_toml(proposal), encoding="utf-8")
    assert load_map(path).session == ("meta.thread_id",)


def test_what_an_argument_holds_is_no_part_of_its_call() -> None:
    """An id that is an argument may come again: two calls with it would be one."""
    row = {"tool": "get", "when": 1777629600, "user": {"thread_id": 1}}
    rows = [{**row, "args": f'{{"id": {number}, "session": "s"}}'} for number in (1, 2)]
    assert propose(rows) == {"title": ["tool"], "start": ["when"], "input": ["args"], "session": ["user.thread_id"]}


@pytest.mark.parametrize(("kinds", "calls"), [(("event", "event"), 2), (("event", "tool_call"), 1)])
def test_a_kind_that_tells_nothing_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kinds: tuple[str, str], calls: int
) -> None:
    """Where none of its values is a call of a tool, a model or an agent, each row is a call, and not none."""
    rows = [{"tool": "get", "type": kind, "when": 1777629600 + n, "session": "s"} for n, kind in enumerate(kinds)]
    found = ingest(capsys, lines(tmp_path, rows, "steps.jsonl"), "--map", "auto", "--db", tmp_path / "events.duckdb")
    assert found["calls"] == calls


def test_a_proposal_that_lacks_something_is_printed_and_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kinds without a tool among them want a person; nothing is left beside the table to stumble over."""
    rows = [{"name": "m", "type": "LLM", "when": 1777629600 + n, "session": "s"} for n in range(2)]
    table = lines(tmp_path, rows, "steps.jsonl")
    assert main(["ingest", str(table), "--map", "auto"]) == 0
    assert "# tools = ?" in capsys.readouterr().out
    assert main(["ingest", str(table), "--map", "auto", "--db", str(tmp_path / "events.duckdb")]) != 0
    assert "the map lacks tools" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["steps.jsonl"]


def steps(folder: Path) -> Path:
    """A table whose columns have usual names."""
    row = {"span_id": "1", "kind": "tool", "name": "get", "start_time": "2026-05-01T10:00:00Z", "input": {"a": 1}}
    return lines(folder, [row, {**row, "span_id": "2"}], "steps.jsonl")


def ingest(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """What `miner ingest --json` says; it ends well."""
    assert main(["ingest", *map(str, arguments), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_a_map_is_proposed_looked_through_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed first, for people to correct; the corrected file is put beside the table, where later runs find it."""
    table, database = steps(tmp_path), tmp_path / "events.duckdb"
    assert main(["ingest", str(table), "--map", "auto"]) == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["steps.jsonl"]
    corrected = tmp_path / "mine.toml"
    corrected.write_text(printed, encoding="utf-8")
    assert ingest(capsys, table, "--map", corrected, "--db", database)["calls"] == 2
    assert ingest(capsys, table, "--db", database)["calls"] == 2
    other = tmp_path / "other.toml"
    other.write_text(printed + "# mine\n", encoding="utf-8")
    assert main(["ingest", str(table), "--map", str(other), "--db", str(database)]) == 1
    assert "another map" in capsys.readouterr().err


def test_a_proposed_map_is_used_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a database to read into, a proposal is written beside each table that has no map, and read with it."""
    steps(tmp_path)
    assert ingest(capsys, tmp_path, "--map", "auto", "--db", tmp_path / "out" / "events.duckdb")["calls"] == 2
    assert load_map(tmp_path / "steps.map.toml").title == ("name",)


def test_a_changed_map_is_read_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The map is a part of the log: nothing else has changed, and the calls are others."""
    logs, database = tmp_path / "logs", tmp_path / "events.duckdb"
    logs.mkdir()
    steps(logs)
    assert ingest(capsys, logs, "--map", "auto", "--db", database)["calls"] == 2
    beside = logs / "steps.map.toml"
    beside.write_text(beside.read_text(encoding="utf-8").replace('tools = "tool"', 'tools = "other"'), encoding="utf-8")
    again = ingest(capsys, logs, "--db", database)
    assert (again["calls"], again["unrecognised"]) == (0, [])
    assert again["by_reason"] == {"no_calls": 1}, "a map that finds nothing is no silence"


def test_what_no_map_fits_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table without ids and times has no map to propose, and a text is no table."""
    table = document(tmp_path, [{"a": 1}], "other.json")
    assert main(["ingest", str(table), "--map", "auto"]) == 1
    assert (
        "no column looks like the title or the start or the session of a call: there are a" in capsys.readouterr().err
    )
    notes = tmp_path / "notes.txt"
    notes.write_text("hello", encoding="utf-8")
    (tmp_path / "m.toml").write_text(MAP, encoding="utf-8")
    assert main(["ingest", str(notes), "--map", str(tmp_path / "m.toml"), "--db", str(tmp_path / "x.duckdb")]) == 1
    assert "none of these is a table" in capsys.readouterr().err
    assert main(["ingest", str(notes), "--map", "auto"]) == 1
    assert "none of these is a table" in capsys.readouterr().err
    damaged = tmp_path / "steps.parquet"
    damaged.write_bytes(b"PAR1" + b"x" * 40 + b"PAR1")
    with pytest.raises(LogError, match="no row can be read: not_parquet"):
        proposed(damaged)
    empty = tmp_path / "steps.csv"
    empty.write_text("when,tool,args,session\n", encoding="utf-8")
    with pytest.raises(LogError, match="the table has no rows"):
        proposed(empty)


def test_a_plain_list_of_calls_needs_neither_ids_nor_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each row is a call then, and the session says which belong together."""
    table = tmp_path / "calls.csv"
    rows = ["when,tool,args,out,session"]
    rows += [f'2026-05-01T10:00:0{n}Z,get,"{{""id"":{n}}}",paid,s{n % 2}' for n in range(4)]
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = ingest(capsys, table, "--map", "auto", "--db", tmp_path / "events.duckdb")
    assert (found["sessions"], found["calls"], found["problems"]) == (2, 4, 0)
    read_again = read("platforms", table)
    assert sorted(arguments(call)["id"] for call in read_again.calls) == [0, 1, 2, 3]


@pytest.mark.parametrize("content", [b"a,b\rc,d,e,f\n", b"\xff,\xfe,,,,\n", b'"a,b,c,d,e\n', b",,,,,,\0\n"])
def test_files_that_are_no_table_are_left_to_others(tmp_path: Path, content: bytes) -> None:
    """Recognition looks at every file that there is, and raises for none."""
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    assert recognise(path) is None
    assert read("platforms", path).calls == []
