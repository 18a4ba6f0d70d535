"""Every reader keeps the contract of ``miner.readers``: a new file there is found, and checked here, by itself."""

from __future__ import annotations

import copy
import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from miner.errors import LogError
from miner.events import Event, EventKind, Session
from miner.readers import Reader, load_reader, reader_names, recognise, scores
from miner.readers.head import head_of
from miner.readers.record import Limits
from miner.readers.source import Source
from tests.readers.carriers import Path as Place
from tests.readers.carriers import at, places
from tests.readers.contract import check

DOCS = Path(__file__).resolve().parents[2] / "docs" / "formats"
ODD_VALUES: tuple[Any, ...] = (None, True, -1, 1.5, "", "x", [], [None], {}, {"type": "x"})
UNKNOWN = {"type": "record_of_tomorrow", "payload": {"list": [1, None], "text": "x"}}
ODD_LINES = ("null", "3", '"text"', "[]", "{}", "[[]]", '{"a":1,"a":2}', '{"a":NaN}', '{"a":1e999}', '{"a":"\\ud83d"}')
BROKEN_LINES = (b"{", b'{"a":', b'{"a":"\xff"}', b"[" * 10_000 + b"]" * 10_000, b"\x00\x01\x02", b"not json at all")

NO_LOGS = (b"", b"\n\n", b"\0" * 64, b"\xef\xbb\xbf", b"hello", b"a,b\n1,2\n", b"\xff\xfe\x00", b"{}\n")


@pytest.fixture(params=reader_names())
def name(request: pytest.FixtureRequest) -> str:
    """The name of a reader."""
    return str(request.param)


@pytest.fixture
def reader(name: str) -> Reader:
    """A reader."""
    return load_reader(name)


@pytest.fixture
def log(reader: Reader, tmp_path: Path) -> Path:
    """The reader's example, on disk."""
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(reader.EXAMPLE)
    return path


def read(reader: Reader, path: Path, limits: Limits | None = None) -> tuple[list[Session], list[Event], Source]:
    """Everything a reader says about a file, after checking what holds for any log however damaged."""
    source = Source((path,), limits or Limits())
    found = list(reader.read(source))
    sessions = [item for item in found if isinstance(item, Session)]
    events = [item for item in found if isinstance(item, Event)]
    check(sessions, events)
    return sessions, events, source


def calls_of(events: list[Event]) -> list[str]:
    """The calls as (tool, arguments, status), in an order that does not depend on how sessions interleave."""
    calls = [event for event in events if event.kind is EventKind.TOOL_CALL]
    return stated([(str(c.tool), json.loads(c.arguments or "{}"), str(c.status)) for c in calls])


def stated(calls: list[tuple[str, dict[str, object], str]]) -> list[str]:
    """Calls in a form that can be sorted and compared."""
    return sorted(json.dumps(call, sort_keys=True) for call in calls)


def lines_of(example: bytes) -> list[Any] | None:
    """The records of a JSON Lines example; None for any other shape."""
    lines = example.splitlines()
    try:
        return [json.loads(line) for line in lines] if len(lines) > 1 else None
    except ValueError:
        return None


def document_of(example: bytes) -> Any:
    """The value of an example that is one JSON document; the test is skipped for a format that is not JSON."""
    try:
        return json.loads(example)
    except ValueError:
        pytest.skip("the format is not JSON")


def dump(records: list[Any]) -> bytes:
    """JSON Lines."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def changed(value: Any, path: Place, new: Any) -> Any:
    """A copy with another value at a path."""
    value = copy.deepcopy(value)
    at(value, path[:-1])[path[-1]] = new
    return value


def test_there_are_readers() -> None:
    """The checks below run for at least one reader."""
    assert reader_names()


def test_an_unknown_reader_is_refused_with_the_known_ones() -> None:
    """A name that is no file in the folder is an error that lists what there is."""
    with pytest.raises(LogError, match="known readers"):
        load_reader("os")


def test_a_reader_says_what_it_reads_and_where_it_lies(reader: Reader) -> None:
    """A reader carries a version, and one line each for people on what and where."""
    assert isinstance(reader.VERSION, int)
    assert reader.VERSION >= 1
    for line in (reader.TITLE, reader.WHERE, reader.RESTS_ON):
        assert line.strip() == line
        assert line
        assert "\n" not in line


def test_a_reader_says_what_its_tests_rest_on(name: str, reader: Reader) -> None:
    """Real files, a schema, a source or hand-made files: its page says the same, so that trust is not misplaced."""
    page = " ".join((DOCS / f"{name}.md").read_text(encoding="utf-8").split())
    assert f"Rests on: {reader.RESTS_ON}." in page
    assert re.search(r"real|schema|specification|source|description|documentation|loader", reader.RESTS_ON)


def test_the_example_gives_its_calls(reader: Reader, log: Path) -> None:
    """The example holds exactly the stated calls, without problems, and every byte is accepted."""
    _, events, source = read(reader, log)
    assert calls_of(events) == stated(reader.EXAMPLE_CALLS)
    assert source.problems == []
    assert source.account.accepted + source.account.blank == len(reader.EXAMPLE)


def test_reading_twice_gives_the_same_rows(reader: Reader, log: Path) -> None:
    """A reader is pure: the same bytes give the same sessions and events."""
    assert list(reader.read(Source((log,)))) == list(reader.read(Source((log,))))


def test_a_log_that_stands_twice_in_its_file_is_told_once(reader: Reader, tmp_path: Path) -> None:
    """Written again behind itself, whatever the format makes of that, no place is told twice."""
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(reader.EXAMPLE + b"\n" + reader.EXAMPLE)
    read(reader, path)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_example_is_recognised_by_content(name: str, reader: Reader, tmp_path: Path, ending: str) -> None:
    """Under its usual name or a name that says nothing, plain or compressed, this reader claims its example most."""
    suffix = Path(reader.EXAMPLE_NAME).suffix
    for file_name in (reader.EXAMPLE_NAME, f"unnamed{suffix}"):
        path = tmp_path / (file_name + ending)
        path.write_bytes(gzip.compress(reader.EXAMPLE) if ending else reader.EXAMPLE)
        sure = scores(path)
        assert recognise(path) == name, sure
        assert list(sure.values()).count(sure[name]) == 1, f"two readers are equally sure: {sure}"
        assert 0 < sure[name] <= 1


@pytest.mark.parametrize("content", NO_LOGS)
def test_what_is_no_log_is_not_claimed_and_gives_no_events(reader: Reader, tmp_path: Path, content: bytes) -> None:
    """An empty file, blanks, plain text or a bare object is nobody's log, and reading it anyway ends quietly."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert recognise(path) is None
    _, events, source = read(reader, path)
    assert events == []
    assert source.account.total == len(content)


def test_every_prefix_is_read_with_an_exact_account(reader: Reader, tmp_path: Path) -> None:
    """A log cut after any byte never raises, and every byte is accounted for."""
    example = reader.EXAMPLE
    path = tmp_path / reader.EXAMPLE_NAME
    stride = max(1, len(example) // 600)
    for size in {*range(0, len(example), stride), *range(max(0, len(example) - 40), len(example) + 1)}:
        path.write_bytes(example[:size])
        _, _, source = read(reader, path)
        assert source.account.total == size


def test_a_cut_last_line_is_left_for_the_next_run(reader: Reader, tmp_path: Path) -> None:
    """The last line of a log that is still being written is a problem called truncated_tail, and the rest is read."""
    if lines_of(reader.EXAMPLE) is None:
        pytest.skip("the format is not JSON Lines")
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(reader.EXAMPLE + b'{"type":"user","mess')
    _, events, source = read(reader, path)
    assert [problem.reason for problem in source.problems] == ["truncated_tail"]
    assert source.account.tail == 20
    assert calls_of(events) == stated(reader.EXAMPLE_CALLS)


def test_damaged_bytes_never_raise(name: str, reader: Reader, tmp_path: Path) -> None:
    """Bytes overwritten, inserted, removed or repeated at random places end in problems, never in an exception."""
    chance = random.Random(name)
    path = tmp_path / reader.EXAMPLE_NAME
    for _ in range(100):
        data = bytearray(reader.EXAMPLE)
        for _ in range(chance.randint(1, 6)):
            at, length = chance.randrange(len(data)), chance.randint(1, 8)
            new = (chance.randbytes(length), b"", bytes(data[at : at + length]) * 2, b'"', b"\n", b"\0")
            data[at : at + chance.choice((0, length))] = chance.choice(new)
        path.write_bytes(data)
        _, _, source = read(reader, path)
        assert source.account.total == len(data)


def test_values_of_an_unexpected_type_never_raise(name: str, reader: Reader, tmp_path: Path) -> None:
    """Any value inside the example may be of another type, or null, without an exception."""
    records = lines_of(reader.EXAMPLE)
    value = document_of(reader.EXAMPLE) if records is None else records
    path = tmp_path / reader.EXAMPLE_NAME
    chance = random.Random(name)
    everywhere = [(place, odd) for place in places(value) for odd in ODD_VALUES]
    for place, odd in chance.sample(everywhere, min(800, len(everywhere))):
        other = changed(value, place, odd)
        path.write_bytes(json.dumps(other).encode() if records is None else dump(other))
        assert 0 <= reader.recognises(head_of(path)) <= 1
        read(reader, path)


def test_a_missing_record_never_raises(reader: Reader, tmp_path: Path) -> None:
    """A log that lost any one of its lines or list elements (a call without result, a result without call) is read."""
    records = lines_of(reader.EXAMPLE)
    value = document_of(reader.EXAMPLE) if records is None else records
    path = tmp_path / reader.EXAMPLE_NAME
    for place in places(value):
        if isinstance(place[-1], int):
            other = copy.deepcopy(value)
            del at(other, place[:-1])[place[-1]]
            path.write_bytes(json.dumps(other).encode() if records is None else dump(other))
            read(reader, path)


def test_unknown_record_types_change_nothing(reader: Reader, tmp_path: Path) -> None:
    """A record or key of a kind that does not exist yet is passed over: the calls stay the same."""
    records = lines_of(reader.EXAMPLE)
    if records is None:
        value = document_of(reader.EXAMPLE)
        other = {**value, "key_of_tomorrow": UNKNOWN} if isinstance(value, dict) else [*value, UNKNOWN]
        data = json.dumps(other).encode()
    else:
        data = b"".join(line + b"\n" + json.dumps(UNKNOWN).encode() + b"\n" for line in reader.EXAMPLE.splitlines())
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(data)
    _, events, _ = read(reader, path)
    assert calls_of(events) == stated(reader.EXAMPLE_CALLS)


def test_odd_and_broken_lines_are_accounted_for(reader: Reader, tmp_path: Path) -> None:
    """Lines that are scalars, hold NaN, lone surrogates or bad UTF-8, or are nested without end harm no other line."""
    if lines_of(reader.EXAMPLE) is None:
        pytest.skip("the format is not JSON Lines")
    odd = [line.encode() for line in ODD_LINES]
    lines = reader.EXAMPLE.splitlines()
    data = b"\n".join([*lines, *odd, *BROKEN_LINES]) + b"\n"
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(data)
    _, events, source = read(reader, path)
    assert calls_of(events) == stated(reader.EXAMPLE_CALLS)
    assert len(source.problems) >= len(BROKEN_LINES)
    assert source.account.broken == sum(len(line) + 1 for line in BROKEN_LINES)
    assert source.account.total == len(data)


def test_carriage_returns_and_a_byte_order_mark_change_nothing(name: str, reader: Reader, tmp_path: Path) -> None:
    """A log that went through a Windows editor is known as before, and gives the same calls."""
    if b"\0" in reader.EXAMPLE:
        pytest.skip("the format is not text")
    data = b"\xef\xbb\xbf" + reader.EXAMPLE.replace(b"\n", b"\r\n")
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(data)
    assert recognise(path) == name
    _, events, source = read(reader, path)
    assert calls_of(events) == stated(reader.EXAMPLE_CALLS)
    assert source.account.total == len(data)


def test_a_line_over_the_limit_is_refused_alone(reader: Reader, tmp_path: Path) -> None:
    """A line larger than the limit becomes a problem called too_long; the others are read."""
    if lines_of(reader.EXAMPLE) is None:
        pytest.skip("the format is not JSON Lines")
    limits = Limits(line_bytes=max(map(len, reader.EXAMPLE.splitlines())))
    data = b'{"type":"' + b"x" * (3 << 20) + b'"}\n' + reader.EXAMPLE
    path = tmp_path / reader.EXAMPLE_NAME
    path.write_bytes(data)
    _, events, source = read(reader, path, limits)
    assert [problem.reason for problem in source.problems] == ["too_long"]
    assert calls_of(events) == stated(reader.EXAMPLE_CALLS)
    assert source.account.total == len(data)


def test_a_document_over_the_limit_is_read_in_parts_or_refused(reader: Reader, log: Path) -> None:
    """One that is too large to hold gives the same calls, or, where it is no list of anything, a problem."""
    _, events, source = read(reader, log, Limits(document_bytes=64))
    if source.problems:
        assert [(problem.reason, problem.fatal) for problem in source.problems] == [("too_long", True)]
        assert (events, source.account.broken) == ([], len(reader.EXAMPLE))
    else:
        assert calls_of(events) == stated(reader.EXAMPLE_CALLS)
    assert source.account.total == len(reader.EXAMPLE)


def test_what_is_appended_while_reading_waits_for_the_next_run(reader: Reader, log: Path) -> None:
    """A file that grows while it is read is read up to the size it had, with an exact account."""
    if lines_of(reader.EXAMPLE) is None:
        pytest.skip("the format is not JSON Lines")
    source = Source((log,))
    stream = reader.read(source)
    found = [next(stream)]
    with log.open("ab") as file:
        file.write(reader.EXAMPLE)
    found.extend(stream)
    assert calls_of([item for item in found if isinstance(item, Event)]) == stated(reader.EXAMPLE_CALLS)
    assert source.account.total == len(reader.EXAMPLE)


def test_groups_keep_every_file_once(reader: Reader, log: Path) -> None:
    """A reader that reads several files together forgets none and repeats none."""
    groups = getattr(reader, "groups", None)
    if groups is None:
        pytest.skip("the reader reads each file alone")
    other = log.with_name("other-" + log.name)
    other.write_bytes(log.read_bytes())
    assert sorted(path for group in groups([log, other]) for path in group) == sorted([log, other])
