"""Messages in HTTP bodies: events and JSON, however the network cuts them."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.integrations import _mcp_stream
from miner.integrations._mcp_stream import Body, Events, event_of, line_of

ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def cut(text: bytes, places: list[int]) -> list[bytes]:
    """A text in pieces."""
    marks = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(marks)]


@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20), max_size=5
    ),
    end=ENDS,
    places=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_events_are_found_wherever_the_stream_is_cut(texts: list[str], end: bytes, places: list[int]) -> None:
    """Each with its data, with any of the three line ends."""
    stream = b"".join(
        b"event: message" + end + b": a comment" + end + b"id: 7" + end + b"data: " + text.encode() + end + end
        for text in texts
    )
    events = Events()
    found = [event for piece in cut(stream, places) for event in events.feed(piece)]
    assert [event.data.decode() for event in found if event.id == b"7"] == texts


@given(message=st.dictionaries(st.text(max_size=5), st.integers()), places=st.lists(st.integers(0, 999), max_size=4))
def test_a_json_body_is_one_message(message: dict[str, int], places: list[int]) -> None:
    """Complete when the body ends, and the same as one line, however it was laid out."""
    body = Body("application/json; charset=utf-8")
    text = json.dumps(message, indent=2).replace("\n", "\r\n").encode()
    assert [one for piece in cut(text, places) for one in body.feed(piece)] == []
    (found,) = body.end()
    assert found == text
    assert line_of(found).count(b"\n") == 1
    assert json.loads(line_of(found)) == message


@pytest.mark.parametrize(("kind", "encoding"), [("text/html", ""), ("", ""), ("application/json", "gzip")])
def test_other_bodies_hold_no_messages(kind: str, encoding: str) -> None:
    """Nor do those that are compressed: they pass, and nobody looks."""
    body = Body(kind, encoding)
    assert [*body.feed(b'{"id":1}'), *body.end()] == []


def test_several_data_lines_are_one_message_and_a_retry_is_noted() -> None:
    """As the specification of event streams has it."""
    body = Body("text/event-stream")
    assert list(body.feed(b"retry: 2500\nid: a\ndata: {\ndata: }\n\nid:\n\n")) == [b"{\n}"]
    assert (body.retry_s, body.last_id) == (2.5, b"a")


def test_a_line_as_an_event_is_read_back() -> None:
    """What is written is what the reader finds."""
    (event,) = Events().feed(event_of(b'{"id":1}\r\n'))
    assert event.data == b'{"id":1}'


def test_a_message_without_end_is_no_longer_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes all the same; memory is bounded."""
    monkeypatch.setattr(_mcp_stream, "MOST_BYTES", 1_000)
    for kind in ("text/event-stream", "application/json"):
        body = Body(kind)
        found = [one for _ in range(30) for one in body.feed(b"x" * 100)]
        assert [*found, *body.end()] == []
